package engine

import (
	"context"
	"sync"
	"time"
)

const (
	// floorShare of what higher classes take is what a lower one gets beside them:
	// one byte in twenty.
	floorShare = 20
	// maxCredit bounds what a class saves up while it waits.
	maxCredit = 512 << 10
)

// gate lets a fetch of a higher class overtake those of lower ones. They share the
// line to the origin, so the lower one stops reading between chunks: what is on its
// way waits in its socket and is not lost. A twentieth goes to it all the same, so
// that nothing starves and its connection lives.
//
// It also holds back a fetch that is far ahead of its peers, whatever its class.
type gate struct {
	// mu guards the rest.
	mu      sync.Mutex
	running map[*lease]int64 // and what each may take beside higher ones
	changed chan struct{}    // closed, and made anew, at each change
}

func newGate() *gate {
	return &gate{running: map[*lease]int64{}, changed: make(chan struct{})}
}

func (g *gate) notify() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// enter and leave frame a lease's fetch.
func (g *gate) enter(l *lease) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[l] = 0
	g.notify()
}

func (g *gate) leave(l *lease) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, l)
	g.notify()
}

// look tells that what the gate goes by changed in a lease.
func (g *gate) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notify()
}

// take waits until l may read n more bytes, and counts them.
func (g *gate) take(ctx context.Context, l *lease, n int64) error {
	n = min(n, maxCredit)
	for {
		changed, ok := g.try(l, n)
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (g *gate) try(l *lease, n int64) (changed <-chan struct{}, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	class, overtaken := l.class.Load(), false
	for other := range g.running {
		overtaken = overtaken || other.class.Load() < class
	}
	if l.held.Load() || overtaken && g.running[l] < n {
		return g.changed, false
	}
	if overtaken {
		g.running[l] -= n
	}
	waits := false
	for other, credit := range g.running {
		if other.class.Load() > class {
			g.running[other] = min(credit+max(n/floorShare, 1), maxCredit)
			waits = true
		}
	}
	if waits {
		g.notify()
	}
	return nil, true
}

const (
	// maxAhead and aheadTime bound what a fetcher has that nobody else holds: it is
	// what the WAN has to bring again when this endpoint dies now.
	maxAhead  = 1 << 20
	aheadTime = 250 * time.Millisecond
)

// holdBack stops what is fetched of f while peers have yet to take what came before.
func (e *Engine) holdBack(now time.Time, f *flow) {
	ahead := f.swarm.Ahead(now)
	changed := false
	for _, l := range e.leases {
		if l.Flow != f.id || l.started.IsZero() || l.ended {
			continue
		}
		limit := int64(maxAhead)
		if ran := now.Sub(l.started); ran > 2*aheadTime {
			limit = max(limit, int64(float64(l.fetched.Load())*aheadTime.Seconds()/ran.Seconds()))
		}
		hold := ahead > limit
		changed = l.held.Swap(hold) != hold || changed
	}
	if changed {
		e.gate.look()
	}
}
