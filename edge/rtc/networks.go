package rtc

import (
	"net/netip"

	"github.com/sitecast/sitecast/signaling/wire"
)

// outside is why a link ends when its networks change.
const outside = "not in a network that links may go over"

// SetNetworks says which networks links may go over: the peer is told no other address of
// this host, and no other of the peer's is used. Links that are elsewhere end. A relay
// is no such network.
func (t *Transport) SetNetworks(on wire.Networks) {
	t.networks.Store(&on)
	for _, s := range t.links() {
		if !s.within(on) {
			s.stop(outside)
		}
	}
}

// on are the networks that links may go over.
func (t *Transport) on() wire.Networks {
	if on := t.networks.Load(); on != nil {
		return *on
	}
	return nil
}

// within reports whether a link that is up goes to a peer in such a network, or through a
// relay. That it leaves from one is for the peer to see: of all that share a socket
// nobody here knows.
func (s *session) within(on wire.Networks) bool { return !s.to.IsValid() || on.Allow(s.to) }

// meets reports whether a peer may be at an address: in a network of the site's links, or
// at a relay.
func (t *Transport) meets(ip netip.Addr) bool {
	if t.on().Allow(ip) {
		return true
	}
	relays, named := relaysAt(t.cfg.ICE())
	return named || relays[ip]
}
