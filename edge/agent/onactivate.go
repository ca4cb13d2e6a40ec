package agent

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
)

// A command runs when a version is complete and to be used: for one that is held when that
// is over, and for one with a signed instant then, also without a server and after a
// restart.

// staged is a version that waits for its instant.
type staged struct {
	completed
	at time.Time // by the clock of this process
}

// delivered takes in what there is. It does not block.
func (h *hooks) delivered(d engine.Delivered, now time.Time) {
	h.mu.Lock()
	h.staged = h.staged[:0]
	h.mu.Unlock()
	for _, v := range d.Versions {
		switch {
		case !v.Complete, v.Held:
		case !v.At.IsZero() && (v.Wanted || !d.Known): // what is kept of it is of a flow that was wanted last
			if !d.Now.IsZero() {
				h.stage(staged{completed{v.ID, v.Head}, now.Add(v.At.Sub(d.Now))})
			}
		case v.Wanted:
			h.complete(v.ID, v.Head)
		}
	}
	h.poke()
}

func (h *hooks) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hooks) stage(s staged) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.staged = append(h.staged, s)
}

// ripen takes up those whose instant has come, and returns how long it is until the next.
func (h *hooks) ripen(now time.Time) time.Duration {
	h.mu.Lock()
	var due []completed
	next := time.Hour
	h.staged = slices.DeleteFunc(h.staged, func(s staged) bool {
		if wait := s.at.Sub(now); wait > 0 {
			next = min(next, wait)
			return false
		}
		due = append(due, s.completed)
		return true
	})
	h.mu.Unlock()
	for _, c := range due {
		h.complete(c.id, c.head)
	}
	return next
}
