package swarm

import (
	"slices"
	"time"
)

// An Ask is what to send to one peer: chunks to want, most wanted first, and
// chunks not wanted of it any more.
type Ask struct {
	Peer   PeerID
	Want   []uint32
	Cancel []uint32
}

// Plan returns what to ask of whom now, and counts it as asked.
func (s *Swarm) Plan(now time.Time) []Ask {
	var asks []Ask
	for _, id := range s.order {
		if cancel := s.stalled(now, s.peers[id]); len(cancel) > 0 {
			asks = append(asks, Ask{Peer: id, Cancel: cancel})
		}
	}
	if s.missing == 0 {
		return asks
	}
	// The peer with the most room chooses first, which spreads load; a random
	// start breaks ties between equals.
	ids := slices.Clone(s.order)
	s.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	slices.SortStableFunc(ids, func(a, b PeerID) int {
		return int(s.peers[b].room(now)>>16) - int(s.peers[a].room(now)>>16)
	})
	for _, id := range ids {
		if want := s.choose(now, s.peers[id]); len(want) > 0 {
			asks = append(asks, Ask{Peer: id, Want: want})
		}
	}
	return asks
}

// choose picks the rarest candidates that p holds, as many as its window takes.
func (s *Swarm) choose(now time.Time, p *peer) []uint32 {
	room := p.room(now)
	if room <= 0 {
		return nil
	}
	var found []uint32
	n := s.candidates.len()
	if n > 0 {
		start := s.rng.IntN(n)
		for k := range min(n, scanLimit) {
			if i := s.candidates.list[(start+k)%n]; p.has.Has(i) {
				found = append(found, i)
			}
		}
	} else if !p.relayed {
		found = s.endgame(now, p)
	}
	slices.SortStableFunc(found, func(a, b uint32) int { return int(s.holders[a]) - int(s.holders[b]) })
	for k, i := range found {
		if room <= 0 {
			return found[:k]
		}
		room -= int64(s.lengths[i])
		s.ask(now, p, i)
	}
	return found
}

func (s *Swarm) ask(now time.Time, p *peer, i uint32) {
	if p.owed == 0 {
		p.heard, p.periodStart, p.periodBytes = now, now, 0
	}
	p.wants[i] = now
	p.owed += int64(s.lengths[i])
	s.asked[i]++
	s.reconsider(i)
}

// endgame returns chunks that another peer has owed for long and p holds too.
func (s *Swarm) endgame(now time.Time, p *peer) []uint32 {
	var found []uint32
	for _, id := range s.order {
		other := s.peers[id]
		if other == p {
			continue
		}
		for i, since := range other.wants {
			if _, owes := p.wants[i]; !owes && s.asked[i] == 1 && p.has.Has(i) && now.Sub(since) >= endgameAge {
				found = append(found, i)
			}
		}
	}
	slices.Sort(found)
	return found
}

// stalled frees what a silent peer owes, and leaves it alone for a while.
func (s *Swarm) stalled(now time.Time, p *peer) []uint32 {
	if p.owed == 0 || now.Sub(p.heard) < StallAfter {
		return nil
	}
	cancel := make([]uint32, 0, len(p.wants))
	for i := range p.wants {
		cancel = append(cancel, i)
	}
	slices.Sort(cancel)
	for _, i := range cancel {
		p.settle(i, s.lengths[i])
		s.asked[i]--
		s.reconsider(i)
	}
	p.rate /= 4
	p.holdOff = now.Add(stallHoldOff)
	return cancel
}

// CancelAll forgets everything asked and returns it, for a flow that pauses.
func (s *Swarm) CancelAll() []Ask {
	var asks []Ask
	for _, id := range s.order {
		p := s.peers[id]
		var cancel []uint32
		for i := range p.wants {
			cancel = append(cancel, i)
		}
		slices.Sort(cancel)
		for _, i := range cancel {
			p.settle(i, s.lengths[i])
			s.asked[i]--
			s.reconsider(i)
		}
		if len(cancel) > 0 {
			asks = append(asks, Ask{Peer: id, Cancel: cancel})
		}
	}
	return asks
}
