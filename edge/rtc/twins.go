package rtc

import (
	"net/netip"
	"slices"

	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

// A relay with an address of IPv4 and one of IPv6 has each relayed port at both, and the
// ends of a link use the same relay. So where a peer that speaks one kind of address only
// names a relayed one of that kind, an endpoint that has an allocation of the other kind
// finds the peer at the address of its own allocation, at the peer's port. ICE pairs
// addresses of one kind, so without that the two would never try each other.

// twin is a relayed candidate of a peer as it is known at the address of an own
// allocation; there is none where both are of one kind.
func twin(theirs wire.Candidate, own netip.Addr) (wire.Candidate, bool) {
	if theirs.Type != wire.CandidateRelay || !theirs.Addr.IsValid() || theirs.Addr.Addr().Is4() == own.Is4() {
		return wire.Candidate{}, false
	}
	theirs.Addr = netip.AddrPortFrom(own, theirs.Addr.Port())
	return theirs, true
}

// addTwins lets ICE try a candidate of the peer at the addresses of own allocations, now
// and when more of them come.
func (s *session) addTwins(theirs wire.Candidate) {
	if theirs.Type != wire.CandidateRelay || len(s.theirs) == wire.MaxCandidates || slices.Contains(s.theirs, theirs) {
		return
	}
	s.theirs = append(s.theirs, theirs)
	for own := range s.answered {
		s.addTwin(theirs, own)
	}
}

// addTwin lets ICE try a candidate of the peer at the address of an own allocation,
// unless there is an allocation of the peer's kind.
func (s *session) addTwin(theirs wire.Candidate, own netip.Addr) {
	c, ok := twin(theirs, own)
	for other := range s.answered {
		ok = ok && other.Is4() == own.Is4()
	}
	if !ok {
		return
	}
	c, err := s.policy.admit(c.String())
	if err == nil {
		err = s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.String()})
	}
	if err != nil {
		s.t.log.Debug("not trying a relayed port at the other address", "peer", s.peer.Short(), "err", err)
	}
}
