package engine

import (
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// retire ends a flow that is suspended. What is left of it is what a restart would
// find in the store, and nothing of it stays open: an agent lives for years, and a
// version until the next. How long its bytes stay is for the cache.
func (e *Engine) retire(f *flow) {
	kept := &flow{id: f.id, head: f.head, envelope: f.envelope, body: f.body, paused: true, stored: f.stored, whole: f.whole, when: f.when}
	if f.when.Held || !f.when.At.IsZero() {
		kept.when = f.when.Hold() // what was never used is not used without a server either
	}
	e.flows[f.id] = kept
	if e.cache != nil {
		e.cache.stale = true // it was needed until now
	}
	// Whoever opens or completes it closes it, and until it is closed it can't be
	// opened again.
	kept.opening = f.opening || f.completing || f.ver != nil
	if f.ver != nil && !f.completing {
		e.shut(f.id, f.ver)
	}
	for _, l := range e.leases {
		if l.Flow == f.id {
			l.said = true // nobody asks any more how it ended
		}
	}
}

// stale reports whether f was retired since something was begun for it.
func (e *Engine) stale(f *flow) bool { return e.flows[f.id] != f }

// shut closes a version of a flow that was retired.
func (e *Engine) shut(id content.VersionID, ver chunk.Version) {
	e.wg.Go(func() { e.post(shut{id, ver.Close()}) })
}

// shut tells that a version is closed. It may be wanted again by now.
type shut struct {
	version content.VersionID
	err     error
}

func (ev shut) apply(e *Engine, _ time.Time) {
	if ev.err != nil { // what was put since the last commit may be lost
		e.log.Warn("closing a version", "flow", ev.version, "err", ev.err)
	}
	e.flows[ev.version].opening = false
	e.cache.changed() // now it may go
}
