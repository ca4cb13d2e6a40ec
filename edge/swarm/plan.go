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
		if cancel := s.replace(now, s.peers[id]); len(cancel) > 0 {
			asks = append(asks, Ask{Peer: id, Cancel: cancel})
		}
	}
	if s.missing == 0 {
		return asks
	}
	s.wait(now)
	// The peer with the most room chooses first, which spreads load; a random
	// start breaks ties between equals.
	s.turns = s.turns[:0]
	for _, id := range s.order {
		p := s.peers[id]
		if room := s.room(now, p); room > 0 && (!p.relayed || s.relaying(now)) {
			s.turns = append(s.turns, turn{p, room})
		}
	}
	s.rng.Shuffle(len(s.turns), func(i, j int) { s.turns[i], s.turns[j] = s.turns[j], s.turns[i] })
	slices.SortStableFunc(s.turns, func(a, b turn) int { return int(b.room>>16) - int(a.room>>16) })
	for _, t := range s.turns {
		if want := s.choose(now, t); len(want) > 0 {
			asks = append(asks, Ask{Peer: t.peer.id, Want: want})
		}
	}
	return asks
}

// turn is a peer's turn to be asked, and for how many bytes.
type turn struct {
	peer *peer
	room int64
}

// choose picks the rarest candidates that the peer holds, as many as its room takes.
func (s *Swarm) choose(now time.Time, t turn) (want []uint32) {
	p, found := t.peer, s.found[:0]
	n := s.candidates.len()
	if n > 0 {
		start := s.rng.IntN(n)
		for k := range min(n, scanLimit) {
			if i := s.candidates.list[(start+k)%n]; p.has.Has(i) && !(p.relayed && s.nearby(i)) {
				found = append(found, i)
			}
		}
	} else if !p.relayed {
		found = s.endgame(now, p, found)
	}
	s.found = found
	for t.room > 0 && len(found) > 0 {
		rarest := s.holders[found[0]]
		for _, i := range found {
			rarest = min(rarest, s.holders[i])
		}
		rest := found[:0]
		for _, i := range found {
			if t.room <= 0 || s.holders[i] > rarest {
				rest = append(rest, i)
				continue
			}
			t.room -= int64(s.lengths[i])
			s.ask(now, p, i)
			want = append(want, i)
		}
		found = rest
	}
	return want
}

func (s *Swarm) ask(now time.Time, p *peer, i uint32) {
	if p.owed == 0 {
		p.heard, p.askedAt, p.periodStart, p.periodBytes = now, now, now, 0
		p.load.owing[s.class]++
	}
	if p.relayed {
		s.relayedAt = now
	}
	p.wants[i] = now
	p.owed += int64(s.lengths[i])
	s.asked[i]++
	s.reconsider(i)
}

// endgame adds to found the chunks that another peer has owed for long and p
// holds, too.
func (s *Swarm) endgame(now time.Time, p *peer, found []uint32) []uint32 {
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
