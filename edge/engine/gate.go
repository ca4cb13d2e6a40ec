package engine

import (
	"context"
	"sync"
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

// reclass tells that the class of a lease changed.
func (g *gate) reclass() {
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
	if overtaken && g.running[l] < n {
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
