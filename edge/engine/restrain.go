package engine

import (
	"time"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Restrain has the endpoint do without what these say, and with all the rest, until it is
// called again.
func (e *Engine) Restrain(all []polite.Restraint) { e.post(restrain{all}) }

type restrain struct{ all []polite.Restraint }

func (ev restrain) apply(e *Engine, _ time.Time) {
	e.restraints = ev.all
	for _, id := range e.order {
		e.restrain(e.flows[id])
	}
}

// restrain has a flow go by what holds now. Peers learn of it without a word for it: who
// takes nothing leaves, and who serves nobody joins as one who holds nothing.
func (e *Engine) restrain(f *flow) {
	is := polite.For(e.restraints, f.priority.Class() == 0)
	was, took := f.held, f.active()
	if is == was {
		return
	}
	f.held, f.dirty = is, true
	if is.Scope != was.Scope {
		f.reportedAt = time.Time{} // the server leases to others, or to us again
	}
	takes := f.active()
	switch {
	case took && !takes:
		e.suspend(f, is.Reason)
	case takes && (!took || is.Scope.Serve() != was.Scope.Serve()):
		if took {
			e.leaveAll(f)
		}
		e.activate(f)
	}
	if is.Scope.Fetch() {
		for _, l := range e.leases {
			if l.Flow == f.id {
				e.giveBack(l, is.Reason)
			}
		}
	}
}

// restraint is what the server hears of it.
func (f *flow) restraint() *wire.Restraint {
	if f.held.Code == "" {
		return nil
	}
	said := f.held
	return &said
}
