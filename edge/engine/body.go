package engine

import (
	"math/rand/v2"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// bodyPatience is how long a peer may take over a piece of a body.
	bodyPatience = 3 * time.Second
	// A peer that did not bring the body is left alone for a while, twice as long
	// each time.
	bodyHoldFirst = 2 * time.Second
	bodyHoldMost  = 2 * time.Minute
)

// bodySearch is how far the search for a body has come. The server leases it to
// one endpoint; the others get it from peers.
type bodySearch struct {
	from  *link     // asked for it
	left  int       // pieces missing when one came last
	at    time.Time // when that was, or when it was asked
	since time.Time // when the first peer offered it; zero while none does
}

// bodyHoldOff is how long a peer is not asked for a body.
type bodyHoldOff struct {
	until time.Time
	took  time.Duration
}

// bodyHolder is a peer that holds the body, for the decision whom to ask.
type bodyHolder struct {
	l       *link
	relayed bool
	held    bodyHoldOff
}

// pickHolder decides whom to ask for the body: a direct peer; a relayed one only
// where no direct peer in good standing has it, and `relayFrom` has come. Nil
// means nobody yet, and when to look again.
func pickHolder(now, relayFrom time.Time, holders []bodyHolder, rng *rand.Rand) (*link, time.Time) {
	var next time.Time
	var direct, relayed []*link
	nearby := false
	for _, h := range holders {
		nearby = nearby || !h.relayed && h.held.took == 0
		switch {
		case now.Before(h.held.until):
			next = earlier(next, h.held.until)
		case h.relayed:
			relayed = append(relayed, h.l)
		default:
			direct = append(direct, h.l)
		}
	}
	if len(direct) > 0 {
		return direct[rng.IntN(len(direct))], time.Time{}
	}
	if len(relayed) == 0 || nearby {
		return nil, next
	}
	if now.Before(relayFrom) {
		return nil, earlier(next, relayFrom)
	}
	return relayed[rng.IntN(len(relayed))], time.Time{}
}

// seekBody asks a peer for the body and returns when to look again.
func (e *Engine) seekBody(now time.Time, f *flow) time.Time {
	s, body := &f.search, target{version: f.id, body: true}
	if s.from != nil {
		if left := s.from.down.left(body); left < s.left {
			s.left, s.at = left, now
		}
		if due := s.at.Add(bodyPatience); now.Before(due) {
			return due
		}
		f.bodyRefused(now, s.from) // too slow: another peer may do better
	}
	var holders []bodyHolder
	use := e.relayUse(f)
	for _, l := range e.sorted() {
		if l.joined[f.id] && !(l.Relayed() && use == swarm.RelayNever) {
			holders = append(holders, bodyHolder{l, l.Relayed(), l.bodyHeld[f.id]})
		}
	}
	if len(holders) == 0 {
		s.since = time.Time{}
		return time.Time{}
	}
	if s.since.IsZero() || e.fetchesBody(f.id) {
		s.since = now
	}
	relayFrom := s.since.Add(swarm.RelayPatience)
	if use == swarm.RelayAtOnce {
		relayFrom = now
	}
	l, next := pickHolder(now, relayFrom, holders, e.rng)
	if l == nil {
		return next
	}
	size := uint32(f.head.BodyBytes)
	l.down.expect(body, size)
	e.send(l, wire.Frame{Kind: wire.FrameWantBody, Version: f.id, Offset: 0, Length: size})
	s.from, s.left, s.at = l, l.down.left(body), now
	return now.Add(bodyPatience)
}

// bodyRefused stops waiting for the body from l, and leaves l alone for a while.
func (f *flow) bodyRefused(now time.Time, l *link) {
	if f.search.from != l {
		return
	}
	l.down.forget(target{version: f.id, body: true})
	held := l.bodyHeld[f.id]
	held.took = min(max(2*held.took, bodyHoldFirst), bodyHoldMost)
	held.until = now.Add(held.took)
	l.bodyHeld[f.id] = held
	f.search.from = nil
}

// fetchesBody reports whether the body is leased to this endpoint.
func (e *Engine) fetchesBody(id content.VersionID) bool {
	for _, l := range e.leases {
		if l.Flow == id && l.Body && !l.ended {
			return true
		}
	}
	return false
}

// bodyArrived brings a whole body from a peer, or (from is nil) from the origin.
type bodyArrived struct {
	version content.VersionID
	body    []byte
	from    *link
}

func (ev bodyArrived) apply(e *Engine, now time.Time) {
	f := e.flows[ev.version]
	if f == nil || f.spec != nil {
		return
	}
	spec, err := f.head.OpenBody(ev.body)
	if err != nil {
		if ev.from != nil {
			e.drop(ev.from, wire.DoorBulk, wire.CodeBadBody, err.Error(), f.id)
		} else {
			e.cfg.Refused.Add(wire.DoorOrigin, wire.CodeBadBody)
			e.fail(now, f, wire.CodeBadBody, err)
		}
		return
	}
	if from := f.search.from; from != nil {
		from.down.forget(target{version: f.id, body: true})
	}
	f.body, f.spec, f.search, f.dirty = ev.body, spec, bodySearch{}, true
	if !f.active() {
		return
	}
	e.open.put(f.id, served{body: f.body, priority: f.priority, withheld: f.held.Scope.Serve()})
	for _, l := range e.sorted() {
		delete(l.bodyHeld, f.id)
		if _, in := l.joined[f.id]; in && !f.held.Scope.Serve() {
			e.send(l, wire.Frame{Kind: wire.FrameHaveBody, Version: f.id})
		}
	}
}
