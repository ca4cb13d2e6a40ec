package fleet

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// lease is a right to fetch, and how far it got.
type lease struct {
	wire.Lease
	verified uint32
	ended    bool
	failed   string
	announce bool // the session at hand does not know it
}

// granted takes a lease in.
func (e *endpoint) granted(w *wire.Lease) {
	i := slices.IndexFunc(e.wanted, func(h *holding) bool { return h.id == w.Flow })
	if i < 0 {
		e.send(wire.KindProgress, wire.Progress{Flow: w.Flow, Leases: []wire.LeaseState{{Epoch: w.Epoch, Lease: w.Lease, Failed: "flow is not known here"}}})
		return
	}
	h, l := e.wanted[i], &lease{Lease: *w}
	e.leases = append(e.leases, l)
	h.dirty = true
	switch {
	case h.paused:
		e.giveBack(l, "flow is paused here")
	case w.Body && h.body:
		e.giveBack(l, "body is held already")
	}
	e.stay.place.stirred = true
}

// giveBack ends a lease before it is done.
func (e *endpoint) giveBack(l *lease, why string) {
	if l.ended {
		return
	}
	l.ended, l.failed = true, why
	if h := e.copies[l.Flow]; h != nil {
		h.dirty = true
	}
}

// leaseStates reports the leases of a flow; those that ended are reported once, and
// forgotten.
func (e *endpoint) leaseStates(h *holding) (states []wire.LeaseState) {
	e.leases = slices.DeleteFunc(e.leases, func(l *lease) bool {
		if l.Flow != h.id {
			return false
		}
		s := wire.LeaseState{Epoch: l.Epoch, Lease: l.Lease.Lease, Verified: l.verified, Done: l.ended && l.failed == "", Failed: wire.Clip(l.failed)}
		if l.announce && !l.ended {
			s.Range, l.announce = &wire.LeaseRange{Body: l.Body, Pack: l.Pack, From: l.From, To: l.To}, false
		}
		states = append(states, s)
		return l.ended
	})
	return states
}

// atWork returns the lease of the highest class that an endpoint can work on, the oldest
// first, and its class.
func (e *endpoint) atWork() (at *lease, h *holding, class int) {
	for _, l := range e.leases {
		i := slices.IndexFunc(e.wanted, func(h *holding) bool { return h.id == l.Flow })
		if l.ended || i < 0 || !l.Body && !e.wanted[i].body { // without the body it has to wait
			continue
		}
		if c := e.wanted[i].priority.Class(); at == nil || c < class {
			at, h, class = l, e.wanted[i], c
		}
	}
	return at, h, class
}

// fetch takes bytes of the line, of one lease after the other.
func (e *endpoint) fetch(now time.Time, class int, bytes float64) {
	e.credit += bytes
	for {
		l, h, at := e.atWork()
		if l == nil || at != class {
			return
		}
		if !l.Body && int(l.verified) == len(l.Parts) {
			l.ended = true
			continue
		}
		need := l.next(h)
		if e.credit < float64(need) {
			return
		}
		e.credit -= float64(need)
		e.govern.taken += uint64(need)
		h.wan += need
		h.dirty, e.moved = true, now
		if l.Body {
			h.body, l.ended = true, true
			continue
		}
		part := l.Parts[l.verified]
		if h.put(part.Chunk) {
			h.bytes.Origin += h.plain(part.Chunk)
		}
		l.verified++
	}
}

// next is how many bytes the next part takes, or the body; none where a peer brought it.
func (l *lease) next(h *holding) int64 {
	switch {
	case l.Body:
		return l.To - l.From
	case h.has(l.Parts[l.verified].Chunk):
		return 0
	}
	return l.Parts[l.verified].Span()
}
