package lab

import (
	"net"
	"sync/atomic"

	"github.com/pion/transport/v5/vnet"
)

// walls part a LAN: by address, the group that an endpoint is in. Nil for none.
type walls struct {
	groups atomic.Pointer[map[string]int]
}

// let reports whether a packet passes.
func (w *walls) let(c vnet.Chunk) bool {
	groups := w.groups.Load()
	if groups == nil {
		return true
	}
	host := func(a net.Addr) string {
		h, _, _ := net.SplitHostPort(a.String()) // not an address of ours: in no group
		return h
	}
	return (*groups)[host(c.SourceAddr())] == (*groups)[host(c.DestinationAddr())]
}

// Part puts walls into the site's LAN: from now on packets pass only within each of
// the groups, and among those that are in none. Without groups all walls fall.
func (s *Site) Part(groups ...[]*Endpoint) {
	if len(groups) == 0 {
		s.walls.groups.Store(nil)
		return
	}
	in := map[string]int{}
	for i, g := range groups {
		for _, e := range g {
			in[e.Host] = i + 1
		}
	}
	s.walls.groups.Store(&in)
}
