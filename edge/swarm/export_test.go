package swarm

// Owes reports whether the peer owes chunk i.
func (s *Swarm) Owes(id PeerID, i uint32) bool {
	p := s.peers[id]
	if p == nil {
		return false
	}
	_, owes := p.wants[i]
	return owes
}
