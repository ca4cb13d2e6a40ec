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
	running map[*lease]bool
	credit  [classes]int64 // what each class may take beside higher ones
	changed chan struct{}  // closed, and made anew, at each change
}

func newGate() *gate {
	return &gate{running: map[*lease]bool{}, changed: make(chan struct{})}
}

func (g *gate) notify() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// enter and leave frame a lease's fetch. Who follows on a lease of its class enters before
// that leaves: what is between them would be a gap, and a lower class would have the line.
func (g *gate) enter(l *lease) {
	g.mu.Lock()
	defer g.mu.Unlock()
	class := l.class.Load()
	if _, runs := g.others(class); !runs[class] {
		g.credit[class] = 0
	}
	g.running[l] = true
	g.notify()
}

// others tells which classes run, and whether one of them is higher than a class.
func (g *gate) others(class int32) (higher bool, runs [classes]bool) {
	for l := range g.running {
		c := l.class.Load()
		runs[c], higher = true, higher || c < class
	}
	return higher, runs
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
	class := l.class.Load()
	overtaken, runs := g.others(class)
	if l.held.Load() || overtaken && g.credit[class] < n {
		return g.changed, false
	}
	if overtaken {
		g.credit[class] -= n
	}
	waits := false
	for lower := class + 1; lower < classes; lower++ {
		if runs[lower] {
			g.credit[lower] = min(g.credit[lower]+max(n/floorShare, 1), maxCredit)
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
