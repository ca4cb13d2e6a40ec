package engine

import (
	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/signaling/wire"
)

// relayUse is when relayed peers are asked for a flow: as the server said, while there
// is a socket. Without one nobody knows better than the endpoint itself.
func (e *Engine) relayUse(f *flow) swarm.RelayUse {
	switch {
	case !e.connected:
	case f.relay == wire.RelayNever:
		return swarm.RelayNever
	case f.relay == wire.RelayCheaper, f.relay == wire.RelayUnreachable:
		return swarm.RelayAtOnce
	}
	return swarm.RelayByPatience
}

// useRelays has all flows go by what holds now.
func (e *Engine) useRelays() {
	for _, f := range e.flows {
		e.useRelay(f)
	}
}

func (e *Engine) useRelay(f *flow) {
	if f.swarm != nil {
		f.swarm.UseRelay(e.relayUse(f))
	}
}
