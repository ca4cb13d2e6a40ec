package swarm

import (
	"math/bits"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// peer is what is known of one other endpoint for this version.
type peer struct {
	id      PeerID
	relayed bool
	has     content.Bitmap
	told    content.Bitmap // chunks it was told of
	tell    []uint32       // chunks to tell it next

	wants map[uint32]time.Time // chunks it owes, and since when
	owed  int64                // bytes of them
	load  *Load                // what all versions have outstanding at it
	heard time.Time            // last delivery, or first want after a quiet time

	strikes int       // stalls and refusals not forgiven yet
	holdOff time.Time // not asked before
	lateAt  time.Time // not looked through for late chunks before

	// trip bounds the round trip from above; zero while unknown. askedAt is when
	// the want was sent that measures it, zero when none does.
	trip    time.Duration
	askedAt time.Time

	// rate is the averaged delivery rate, bytes per second, over periods of at
	// least rateTime while it owes something; best is the highest it has been.
	rate, best  float64
	periodBytes int64
	periodStart time.Time
}

const rateTime = 200 * time.Millisecond

// AddPeer begins exchanging the version with a peer that holds nothing yet. The
// caller tells it what is held now; Tell names what comes later. It reports false
// for a peer that is known already.
func (s *Swarm) AddPeer(id PeerID, relayed bool) bool {
	if s.peers[id] != nil || id == "" {
		return false
	}
	n := uint32(len(s.lengths))
	s.peers[id] = &peer{
		id: id, relayed: relayed,
		has: content.NewBitmap(n), told: s.have.Clone(),
		wants: map[uint32]time.Time{}, load: &Load{},
	}
	s.order = append(s.order, id)
	return true
}

// Peers is how many peers take part.
func (s *Swarm) Peers() int { return len(s.peers) }

// RemovePeer forgets a peer; what it owed is asked of others by the next Plan.
func (s *Swarm) RemovePeer(id PeerID) {
	p := s.peers[id]
	if p == nil {
		return
	}
	delete(s.peers, id)
	for k, other := range s.order {
		if other == id {
			s.order = append(s.order[:k:k], s.order[k+1:]...)
			break
		}
	}
	for i := range p.wants {
		s.settle(p, i)
		s.reconsider(i)
	}
	for at, b := range p.has {
		for ; b != 0; b &= b - 1 {
			i := uint32(at*8 + bits.TrailingZeros8(b))
			s.hold(i, -1)
			s.reconsider(i)
		}
	}
}

// PeerHas records that the peer holds the chunks. Unknown peers and chunks that
// do not exist are ignored.
func (s *Swarm) PeerHas(id PeerID, chunks ...uint32) {
	p := s.peers[id]
	if p == nil {
		return
	}
	for _, i := range chunks {
		if s.valid(i) && !p.has.Has(i) {
			p.has.Set(i)
			s.hold(i, 1)
			s.reconsider(i)
		}
	}
}

// PeerHasBits is PeerHas for bitmap bytes from chunk `from` on.
func (s *Swarm) PeerHasBits(id PeerID, from uint32, bits []byte) {
	for k, b := range bits {
		for bit := range uint32(8) {
			if b&(1<<bit) != 0 {
				s.PeerHas(id, from+uint32(k)*8+bit)
			}
		}
	}
}

// Refused records that the peer will not deliver the chunks; they count as not
// held by it. A peer that is busy keeps them. Either way it is left alone for a
// moment, longer each time: a peer that announces what it then refuses, over and
// over, costs next to nothing.
func (s *Swarm) Refused(now time.Time, id PeerID, busy bool, chunks ...uint32) {
	p := s.peers[id]
	if p == nil {
		return
	}
	for _, i := range chunks {
		if !s.valid(i) {
			continue
		}
		if s.settle(p, i) {
			first := refuseHoldOff
			if busy {
				first = busyHoldOff
			}
			p.strike(now, first)
		}
		if !busy && p.has.Has(i) {
			p.has.Clear(i)
			s.hold(i, -1)
		}
		s.reconsider(i)
	}
}

// settle ends what the peer owes for chunk i and reports whether it owed it.
func (s *Swarm) settle(p *peer, i uint32) bool {
	if _, owes := p.wants[i]; !owes {
		return false
	}
	delete(p.wants, i)
	s.asked[i]--
	if p.owed -= int64(s.lengths[i]); p.owed == 0 {
		p.load.owing[s.class]--
	}
	return true
}
