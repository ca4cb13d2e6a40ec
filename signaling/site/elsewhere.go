package site

import "github.com/sitecast/sitecast/signaling/wire"

// part ends the links of a member that is elsewhere by now. One that only lost its socket
// keeps them: it may be the server that can't be reached. What it did not fetch of its
// leases is leased to another as soon as it has left.
func (s *Site) part(m *member) {
	for e, state := range s.links.edges {
		if !state.up && state.dialed.IsZero() {
			continue
		}
		other := e.A
		if other == m.ID {
			other = e.B
		}
		if peer := s.members[other]; peer != nil && (e.A == m.ID || e.B == m.ID) {
			peer.conn.Send(wire.KindHangUp, wire.HangUp{Peer: m.ID})
		}
	}
}
