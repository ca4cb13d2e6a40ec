package agent

import (
	"slices"
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
)

// iceServers holds the STUN and TURN servers the server named last.
type iceServers struct {
	mu      sync.Mutex
	servers []wire.ICE
}

func (s *iceServers) set(servers []wire.ICE) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = slices.Clone(servers)
}

func (s *iceServers) get() []wire.ICE {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.servers)
}
