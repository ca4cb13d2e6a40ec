package fleet

import (
	"crypto/rand"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// place is a simulated site: who is there, the links between them, and its line. Its
// shard owns what is not constant.
type place struct {
	// Set by New, then constant.
	Place
	shard *shard
	door  door
	dial  DialFunc
	rate  float64 // bytes per second of the line

	here    []*endpoint // that are on, in the order in which they came
	byID    map[wire.EndpointID]*endpoint
	coming  []*link // that come up in a moment
	stepped time.Time
	// stirred says that somebody may have something to do, or to get from a peer.
	stirred bool
}

func newPlace(f *Fleet, s *shard, i int, dial func(Place) DialFunc) *place {
	p := &place{Place: f.cfg.Place(i), shard: s, rate: f.cfg.rate(i), byID: map[wire.EndpointID]*endpoint{}}
	if dial != nil {
		p.dial = dial(p.Place)
	}
	p.door = newDoor(f.cfg.Server, p.dial, f.cfg.TLS)
	s.places = append(s.places, p)
	return p
}

// forget takes out who leaves.
func (p *place) forget(e *endpoint) {
	delete(p.byID, e.id)
	for i, other := range p.here {
		if other == e {
			p.here = append(p.here[:i], p.here[i+1:]...)
			return
		}
	}
}

// step moves the place on, and reports whether time alone brings more.
func (p *place) step(now time.Time) bool {
	dt := min(now.Sub(p.stepped), time.Second)
	if !p.stirred && len(p.coming) == 0 {
		return false
	}
	if dt < Tick { // an event came between two steps
		return true
	}
	p.stepped, p.stirred = now, false
	pending := p.rise(now)
	p.fetch(now, dt)
	for _, e := range p.here {
		for _, h := range e.wanted {
			if !h.paused && !h.complete {
				p.exchange(now, e, h, dt)
				pending = h.finish(now) || pending
			}
			pending = e.report(now, h) || pending
		}
	}
	pending = p.lead(now) || pending
	p.stirred = p.stirred || pending
	return pending
}

// fetch shares the line among those who fetch of the highest class at which somebody
// does.
func (p *place) fetch(now time.Time, dt time.Duration) {
	best, n := -1, 0
	for _, e := range p.here {
		if l, _, class := e.atWork(); l != nil && (best < 0 || class < best) {
			best, n = class, 0
		} else if l == nil || class != best {
			continue
		}
		n++
	}
	for _, e := range p.here {
		if l, _, class := e.atWork(); l != nil && class == best {
			e.govern.fetched = now
			e.fetch(now, class, p.rate*dt.Seconds()/float64(n))
		}
	}
}

// exchange gives an endpoint what its peers hold of a version, as fast as the LAN is.
func (p *place) exchange(now time.Time, e *endpoint, h *holding, dt time.Duration) {
	rate := float64(e.fleet.cfg.LAN) * dt.Seconds() / float64(len(e.wanted))
	h.credit = min(h.credit, rate) + rate
	for peer, l := range e.links {
		from := peer.copies[h.id]
		if !l.up || from == nil || from.paused {
			continue
		}
		if from.body && !h.body {
			h.body, h.dirty = true, true
		}
		if !h.body {
			continue
		}
		h.lack(from, func(chunk uint32) bool {
			n := h.plain(chunk)
			if h.credit < float64(n) || !h.put(chunk) {
				return false
			}
			h.credit -= float64(n)
			h.bytes.Peer += n
			e.moved = now
			return true
		})
	}
}

// newName names a link.
func newName() string { return rand.Text() }
