package swarm

import "time"

// RelayPatience is how long chunks on offer wait for another way before they are
// asked of relayed peers.
const RelayPatience = 10 * time.Second

// A relayed chunk crosses the WAN twice, one from the origin once. The server, which
// knows what becomes of fetches, says whether relayed peers are asked. While it says
// nothing the relay comes last: it is asked only while nothing of the version comes
// from the origin or from a direct peer.

// RelayUse says when relayed peers are asked.
type RelayUse int

// The uses of relays.
const (
	RelayByPatience RelayUse = iota // when nothing came another way for RelayPatience
	RelayNever
	RelayAtOnce
)

// UseRelay says when relayed peers are asked from now on.
func (s *Swarm) UseRelay(use RelayUse) {
	if use == RelayByPatience && s.use != use {
		s.Begin()
	}
	s.use = use
}

// Begin restarts the patience with the relay, when the exchange begins anew.
func (s *Swarm) Begin() { s.waiting = time.Time{} }

// wait keeps the clock of the patience: it runs while chunks are on offer, and
// begins anew with each chunk that comes another way. Time in which nobody had
// anything to give does not count.
func (s *Swarm) wait(now time.Time) {
	if s.candidates.len() == 0 {
		for _, p := range s.peers {
			if p.owed > 0 {
				return // what is on its way is on offer, too
			}
		}
		if now.Sub(s.relayedAt) >= RelayPatience {
			s.waiting = time.Time{}
		}
		return
	}
	if s.waiting.IsZero() {
		s.waiting = now
	}
}

// relaying reports whether relayed peers may be asked.
func (s *Swarm) relaying(now time.Time) bool {
	if s.use != RelayByPatience {
		return s.use == RelayAtOnce
	}
	return !s.waiting.IsZero() && !now.Before(s.waiting.Add(RelayPatience))
}

// came restarts the clock for a chunk that was missing and did not come by relay.
func (s *Swarm) came(now time.Time, from PeerID) {
	p := s.peers[from]
	switch {
	case p != nil && p.relayed:
		s.relayedAt = now
	case p != nil || from == "":
		s.waiting = now
	}
}

// nearby reports whether a direct peer in good standing holds chunk i.
func (s *Swarm) nearby(i uint32) bool {
	for _, p := range s.peers {
		if !p.relayed && p.strikes == 0 && p.has.Has(i) {
			return true
		}
	}
	return false
}
