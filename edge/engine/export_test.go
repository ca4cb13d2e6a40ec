package engine

import "time"

// Sizes counts what the engine keeps because of peers.
type Sizes struct {
	Links, Peers, Swarm, Leases, Served int
}

type sizing struct{ reply chan Sizes }

func (ev sizing) apply(e *Engine, _ time.Time) {
	e.mu.Lock()
	n := Sizes{Links: len(e.links)}
	e.mu.Unlock()
	n.Peers, n.Leases = len(e.peers), len(e.leases)
	for _, f := range e.flows {
		if f.swarm != nil {
			n.Swarm += f.swarm.Peers()
		}
	}
	e.open.mu.Lock()
	n.Served = len(e.open.versions)
	e.open.mu.Unlock()
	ev.reply <- n
}

// Sizes asks the loop.
func (e *Engine) Sizes() Sizes {
	ev := sizing{make(chan Sizes, 1)}
	e.post(ev)
	return <-ev.reply
}
