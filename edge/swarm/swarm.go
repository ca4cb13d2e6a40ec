// Package swarm decides, for one version at one endpoint, which chunk to ask of
// which peer and whom to tell of a chunk that has arrived. It is pure: time and
// randomness are handed in, and what to do comes back as values.
//
// Asking follows local rarest first (Legout et al., "Rarest First and Choke
// Algorithms Are Enough", IMC 2006) with a bounded number of bytes outstanding at
// each peer. Telling follows the shape of one WAN feeding a LAN: a chunk fresh
// from the origin is offered to two links first, in rotation, and to the rest a
// moment later, so that the fetcher uploads it about twice and the others pass
// it on (cut-through), instead of everybody asking the fetcher.
package swarm

import (
	"math/rand/v2"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Limits and delays.
const (
	// MinWindowBytes and MaxWindowBytes bound what is outstanding at one peer.
	MinWindowBytes = 512 << 10
	MaxWindowBytes = 2 << 20
	// windowTime, and two round trips, is how much of a peer's rate its window holds.
	windowTime = 250 * time.Millisecond
	// FirstTold is how many links hear of a chunk from the origin at once.
	FirstTold = 2
	// TellRestAfter is when the other links hear of it.
	TellRestAfter = 100 * time.Millisecond
	// endgameAge is the age at which the last outstanding chunks are asked of a
	// second peer. It duplicates bytes on the LAN only.
	endgameAge = 500 * time.Millisecond
	// scanLimit bounds the candidates looked at for one peer in one plan.
	scanLimit = 2048
)

// PeerID names a peer within this package's state.
type PeerID string

// Swarm is the state of one version. One goroutine owns it.
type Swarm struct {
	lengths []uint32
	have    content.Bitmap
	missing uint32
	rng     *rand.Rand

	peers map[PeerID]*peer
	order []PeerID // of peers, so that plans do not depend on map order

	ahead      ahead
	holders    []uint16 // how many peers hold each chunk
	asked      []uint8  // how many peers owe it
	leased     content.Bitmap
	candidates candidates // missing, held by a peer, owed by nobody, not leased
	turn       int        // rotates the links that hear of fresh chunks first
	news       []news     // fresh from the origin, to be told to the rest

	class     Class
	longest   uint32    // length of the longest chunk
	waiting   time.Time // since when chunks on offer came only by relay; zero when none are
	relayedAt time.Time // last chunk asked or got by relay
	use       RelayUse

	turns []turn   // scratch of Plan
	found []uint32 // scratch of choose
}

type news struct {
	chunk uint32
	due   time.Time
}

// New returns the state for chunks of the given lengths, of which have are held.
func New(lengths []uint32, have content.Bitmap, rng *rand.Rand) *Swarm {
	n := uint32(len(lengths))
	s := &Swarm{
		lengths:    lengths,
		have:       have.Clone(),
		rng:        rng,
		peers:      map[PeerID]*peer{},
		holders:    make([]uint16, n),
		asked:      make([]uint8, n),
		leased:     content.NewBitmap(n),
		ahead:      ahead{fresh: content.NewBitmap(n)},
		candidates: newCandidates(n),
		class:      Normal,
	}
	for _, l := range lengths {
		s.longest = max(s.longest, l)
	}
	s.have.Trim(n)
	s.missing = n - s.have.Count()
	return s
}

// Missing is how many chunks are not held.
func (s *Swarm) Missing() uint32 { return s.missing }

// Has reports whether chunk i is held.
func (s *Swarm) Has(i uint32) bool { return s.have.Has(i) }

// Have returns a copy of the bitmap of chunks held.
func (s *Swarm) Have() content.Bitmap { return s.have.Clone() }

// reconsider puts chunk i among the candidates or takes it out.
func (s *Swarm) reconsider(i uint32) {
	if s.holders[i] > 0 && s.asked[i] == 0 && !s.have.Has(i) && !s.leased.Has(i) {
		s.candidates.add(i)
	} else {
		s.candidates.remove(i)
	}
}

// Lease marks chunks as being fetched from the origin by this endpoint, so that
// they are not asked of peers as well; Unlease takes that back.
func (s *Swarm) Lease(chunks ...uint32) {
	for _, i := range chunks {
		if s.valid(i) {
			s.leased.Set(i)
			s.reconsider(i)
		}
	}
}

// Unlease ends what Lease began.
func (s *Swarm) Unlease(chunks ...uint32) {
	for _, i := range chunks {
		if s.valid(i) {
			s.leased.Clear(i)
			s.reconsider(i)
		}
	}
}

func (s *Swarm) valid(i uint32) bool { return uint64(i) < uint64(len(s.lengths)) }

// Got records that chunk i is now held, from a peer, or from the origin when
// from is empty. It returns the peers that also owe it, to be told to cancel.
func (s *Swarm) Got(now time.Time, i uint32, from PeerID) (cancel []PeerID) {
	if !s.valid(i) {
		return nil
	}
	if p := s.peers[from]; p != nil {
		p.delivered(now, s.lengths[i])
	}
	cancel = s.others(i, from)
	if !s.have.Has(i) {
		s.have.Set(i)
		s.missing--
		s.came(now, from)
		if from == "" {
			s.ahead.came(i, s.lengths[i], s.holders[i])
		}
		s.spread(now, i, from)
	}
	s.leased.Clear(i)
	s.reconsider(i)
	return cancel
}

// Found records that chunk i was on this endpoint, in another version. Everybody is
// told at once: there may be many who can get it from nobody else. It returns the
// peers that owe it, to be told to cancel.
func (s *Swarm) Found(i uint32) (cancel []PeerID) {
	if !s.valid(i) {
		return nil
	}
	cancel = s.others(i, "")
	if !s.have.Has(i) {
		s.have.Set(i)
		s.missing--
		s.announce(i)
	}
	s.leased.Clear(i)
	s.reconsider(i)
	return cancel
}

// others settles what peers owe of chunk i, and returns those but from that owed it.
func (s *Swarm) others(i uint32, from PeerID) (owed []PeerID) {
	for _, id := range s.order {
		if s.settle(s.peers[id], i) && id != from {
			owed = append(owed, id)
		}
	}
	return owed
}

// Lost records that chunk i is held no more, because the disk lied.
func (s *Swarm) Lost(i uint32) {
	if s.valid(i) && s.have.Has(i) {
		if s.missing == 0 {
			s.Begin()
		}
		s.have.Clear(i)
		s.ahead.went(i, s.lengths[i], s.holders[i])
		s.missing++
		for _, id := range s.order {
			s.peers[id].told.Clear(i) // it is news when it comes back
		}
		s.reconsider(i)
	}
}

// spread decides who is told of chunk i: everybody when it came from a peer, a
// rotating pair first when it came from the origin.
func (s *Swarm) spread(now time.Time, i uint32, from PeerID) {
	if from == "" && len(s.order) > FirstTold {
		told := 0
		for range s.order {
			p := s.peers[s.order[s.turn%len(s.order)]]
			s.turn++
			if p.has.Has(i) {
				continue
			}
			p.tell = append(p.tell, i)
			if told++; told == FirstTold {
				break
			}
		}
		s.news = append(s.news, news{i, now.Add(TellRestAfter)})
		return
	}
	s.announce(i)
}

// announce has every peer told of chunk i that is not known to hold it.
func (s *Swarm) announce(i uint32) {
	for _, id := range s.order {
		if p := s.peers[id]; !p.has.Has(i) {
			p.tell = append(p.tell, i)
		}
	}
}

// A Tell is a list of chunks to announce to a peer.
type Tell struct {
	Peer   PeerID
	Chunks []uint32
}

// Tell returns the announcements that are due at now.
func (s *Swarm) Tell(now time.Time) []Tell {
	due := 0
	for ; due < len(s.news) && !s.news[due].due.After(now); due++ {
		i := s.news[due].chunk
		for _, id := range s.order {
			if p := s.peers[id]; s.have.Has(i) && !p.has.Has(i) && !p.told.Has(i) {
				p.tell = append(p.tell, i)
			}
		}
	}
	s.news = s.news[due:]
	var out []Tell
	for _, id := range s.order {
		p := s.peers[id]
		fresh := p.tell[:0]
		for _, i := range p.tell {
			if !p.told.Has(i) {
				p.told.Set(i)
				fresh = append(fresh, i)
			}
		}
		if len(fresh) > 0 {
			out = append(out, Tell{id, fresh})
		}
		p.tell = nil
	}
	return out
}

// Next returns when time alone will change a decision, or the zero time when
// only events will.
func (s *Swarm) Next(now time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if len(s.news) > 0 {
		sooner(s.news[0].due)
	}
	if s.Ahead(now) > 0 {
		sooner(s.ahead.since.Add(AheadPatience))
	}
	if s.missing == 0 {
		return next
	}
	for _, id := range s.order {
		p := s.peers[id]
		if p.owed > 0 {
			sooner(s.stallsAt(now, p))
			if s.candidates.len() == 0 {
				sooner(now.Add(endgameAge))
			}
		}
		if p.holdOff.After(now) {
			sooner(p.holdOff)
		}
		if p.relayed && s.use == RelayByPatience && s.candidates.len() > 0 && !s.relaying(now) {
			sooner(s.waiting.Add(RelayPatience))
		}
	}
	return next
}
