package sim

import (
	"testing/synctest"
	"time"
)

// Trouble is something that can be wrong with an endpoint for a while.
type Trouble string

// The troubles.
const (
	Frozen    Trouble = "frozen"    // its process is stopped: it hears and does nothing
	Unplugged Trouble = "unplugged" // it can't reach the server, and both know at once
	Silent    Trouble = "silent"    // it can't reach the server, and nobody says so
	Isolated  Trouble = "isolated"  // it has no direct way to any other
	Slow      Trouble = "slow"      // it takes from the origin at a twentieth of the rate
	Stalled   Trouble = "stalled"   // the origin sends it nothing
	Full      Trouble = "full"      // its disk is
	Lying     Trouble = "lying"     // it says that it holds what it does not, and sends rubbish
)

// Troubles lists them all.
var Troubles = []Trouble{Frozen, Unplugged, Silent, Isolated, Slow, Stalled, Full, Lying}

// In reports whether the endpoint is in a trouble.
func (e *Endpoint) In(t Trouble) bool {
	switch t {
	case Frozen:
		return e.frozen
	case Unplugged, Silent:
		return !e.plugged
	case Isolated:
		for _, other := range e.site.Endpoints {
			if other != e && !e.w.pair(e, other).blocked {
				return false
			}
		}
		return true
	case Slow:
		return e.slow
	case Stalled:
		return e.stalled
	case Full:
		return e.store.full
	default:
		return e.lied
	}
}

// Get brings the endpoint, which runs, into a trouble or out of it.
func (e *Endpoint) Get(t Trouble, in bool) {
	e.w.Tell("%s: %s %v", e.Name, t, in)
	switch t {
	case Frozen:
		e.freeze(in)
	case Unplugged, Silent:
		e.unplug(in, t == Silent)
	case Isolated:
		for _, other := range e.site.Endpoints {
			if other != e {
				e.w.block(e, other, in)
			}
		}
	case Full:
		e.store.fill(in)
	case Slow, Stalled:
		e.hamper(t, in)
	case Lying:
		e.corrupt(in)
	}
}

// freeze stops the process, or lets it go on.
func (e *Endpoint) freeze(frozen bool) {
	e.w.mu.Lock()
	a, waiting := e.agent, e.waiting
	e.frozen, e.waiting = frozen, nil
	e.w.mu.Unlock()
	if frozen {
		e.deaf()
		e.checkLinks()
		return
	}
	e.w.mu.Lock()
	a.thawedAt = time.Now()
	e.w.mu.Unlock()
	for _, do := range waiting {
		a.input(do)
		synctest.Wait()
	}
	e.w.mu.Lock()
	if a.sock != nil {
		a.sock.pumpUp()
	}
	e.w.mu.Unlock()
	e.checkLinks()
	e.site.wan.kick()
}

// unplug cuts the endpoint's way to the server, not its links, or mends it.
func (e *Endpoint) unplug(cut, silent bool) {
	e.w.mu.Lock()
	e.plugged = !cut
	e.w.mu.Unlock()
	if cut {
		e.deaf()
		e.cutOff(silent)
	} else {
		e.mended()
	}
}

// hamper makes the endpoint's way to the origin worse or better.
func (e *Endpoint) hamper(t Trouble, in bool) {
	e.w.mu.Lock()
	if t == Slow {
		e.slow = in
	} else {
		e.stalled = in
	}
	e.w.mu.Unlock()
	e.site.wan.kick()
}

// corrupt makes the endpoint a liar. A liar that is healed is set up anew, so that
// what it says is true again.
func (e *Endpoint) corrupt(liar bool) {
	e.w.mu.Lock()
	e.liar = liar
	e.lied = e.lied || liar
	e.w.mu.Unlock()
	if !liar && e.Running() {
		e.Stop()
		e.Start()
	}
}

// Damage spoils a chunk on the endpoint's disk.
func (e *Endpoint) Damage(v *Version, n uint32) {
	if i, ok := e.store.damage(v.spec.ID, n); ok {
		e.w.Tell("%s: chunk %d of %s is damaged on disk", e.Name, i, v.Name)
	}
}
