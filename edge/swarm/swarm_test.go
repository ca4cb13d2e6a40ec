package swarm_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/storage/content"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func lengths(n int) []uint32 {
	l := make([]uint32, n)
	for i := range l {
		l[i] = 64 << 10
	}
	return l
}

func fresh(n int) *swarm.Swarm {
	return swarm.New(lengths(n), content.NewBitmap(uint32(n)), rand.New(rand.NewPCG(1, 1)))
}

func TestRarestChunkIsAskedFirst(t *testing.T) {
	s := fresh(3)
	s.AddPeer("a", false)
	s.AddPeer("b", false)
	s.PeerHas("a", 0, 1, 2)
	s.PeerHas("b", 0, 1)
	for _, ask := range s.Plan(start) {
		if ask.Peer == "a" && ask.Want[0] != 2 {
			t.Errorf("a was asked for %v, want chunk 2 first, which only a holds", ask.Want)
		}
	}
}

func TestNothingIsAskedTwice(t *testing.T) {
	s := fresh(8)
	s.AddPeer("a", false)
	s.AddPeer("b", false)
	s.PeerHasBits("a", 0, []byte{0xff})
	s.PeerHasBits("b", 0, []byte{0xff})
	seen := map[uint32]int{}
	for range 3 {
		for _, ask := range s.Plan(start) {
			for _, i := range ask.Want {
				seen[i]++
			}
		}
	}
	for i, n := range seen {
		if n != 1 {
			t.Errorf("chunk %d was asked %d times", i, n)
		}
	}
	if len(seen) != 8 {
		t.Errorf("%d chunks were asked, want 8", len(seen))
	}
}

func TestWindowBoundsWhatIsOutstanding(t *testing.T) {
	s := fresh(1000)
	s.AddPeer("a", false)
	bits := make([]byte, 125)
	for i := range bits {
		bits[i] = 0xff
	}
	s.PeerHasBits("a", 0, bits)
	asked := 0
	for range 10 {
		for _, ask := range s.Plan(start) {
			asked += len(ask.Want)
		}
	}
	if got := asked * 64 << 10; got > swarm.MinWindowBytes+64<<10 {
		t.Errorf("%d bytes outstanding, want at most %d and a chunk", got, swarm.MinWindowBytes)
	}
}

func TestFreshChunkIsToldToTwoAndThenToAll(t *testing.T) {
	s := fresh(4)
	for _, id := range []swarm.PeerID{"a", "b", "c", "d", "e"} {
		s.AddPeer(id, false)
	}
	s.Got(start, 0, "")
	if tells := s.Tell(start); len(tells) != swarm.FirstTold {
		t.Fatalf("told %d peers at once, want %d", len(tells), swarm.FirstTold)
	}
	s.Got(start, 1, "")
	second := s.Tell(start)
	if second[0].Peer == "a" || second[1].Peer == "b" {
		t.Errorf("the pair did not rotate: %v", second)
	}
	if next := s.Next(start); !next.Equal(start.Add(swarm.TellRestAfter)) {
		t.Errorf("next decision at %v, want %v", next, start.Add(swarm.TellRestAfter))
	}
	rest := s.Tell(start.Add(swarm.TellRestAfter))
	total := 0
	for _, tell := range rest {
		total += len(tell.Chunks)
	}
	if want := 2 * (5 - swarm.FirstTold); total != want {
		t.Errorf("told the rest %d chunks, want %d", total, want)
	}
	if again := s.Tell(start.Add(time.Second)); len(again) != 0 {
		t.Errorf("told again: %v", again)
	}
}

func TestStalledPeerIsReplaced(t *testing.T) {
	s := fresh(2)
	s.AddPeer("a", false)
	s.PeerHas("a", 0)
	s.Plan(start)
	s.AddPeer("b", false)
	s.PeerHas("b", 0)
	s.PeerHas("b", 1) // another candidate, so that this is no endgame
	late := start.Add(swarm.StallAfter)
	var cancelled, wanted bool
	for _, ask := range s.Plan(late) {
		cancelled = cancelled || ask.Peer == "a" && len(ask.Cancel) == 1
		for _, i := range ask.Want {
			wanted = wanted || ask.Peer == "b" && i == 0
		}
	}
	if !cancelled || !wanted {
		t.Errorf("cancelled at a: %v, wanted of b: %v; want both", cancelled, wanted)
	}
}

func TestLeasedChunkIsNotAskedOfPeers(t *testing.T) {
	s := fresh(2)
	s.AddPeer("a", false)
	s.PeerHas("a", 0, 1)
	s.Lease(0)
	for _, ask := range s.Plan(start) {
		if len(ask.Want) != 1 || ask.Want[0] != 1 {
			t.Errorf("asked for %v, want only chunk 1", ask.Want)
		}
	}
	s.Unlease(0)
	if asks := s.Plan(start); len(asks) != 1 || asks[0].Want[0] != 0 {
		t.Errorf("after the lease ended asked %v, want chunk 0", asks)
	}
}

// site is a whole site of swarms with an in-memory network whose messages arrive
// in any order; only one endpoint gets chunks from the origin.
type site struct {
	t        *rapid.T
	now      time.Time
	swarms   []*swarm.Swarm
	inflight []message
	received [][]int // by endpoint and chunk, how often a peer delivered it
}

type message struct {
	from, to int
	have     []uint32
	want     []uint32
	cancel   []uint32
	data     []uint32
}

func (s *site) id(i int) swarm.PeerID { return swarm.PeerID(fmt.Sprint(i)) }

func (s *site) act(i int) {
	for _, tell := range s.swarms[i].Tell(s.now) {
		s.send(message{from: i, to: s.index(tell.Peer), have: tell.Chunks})
	}
	for _, ask := range s.swarms[i].Plan(s.now) {
		s.send(message{from: i, to: s.index(ask.Peer), want: ask.Want, cancel: ask.Cancel})
	}
}

func (s *site) index(id swarm.PeerID) (i int) {
	_, err := fmt.Sscan(string(id), &i)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

func (s *site) send(m message) { s.inflight = append(s.inflight, m) }

func (s *site) deliver(k int) {
	m := s.inflight[k]
	s.inflight = append(s.inflight[:k], s.inflight[k+1:]...)
	to := s.swarms[m.to]
	to.PeerHas(s.id(m.from), m.have...)
	for _, i := range m.want {
		if !to.Has(i) {
			s.t.Fatalf("endpoint %d asked %d for chunk %d, which it does not hold", m.from, m.to, i)
		}
		s.send(message{from: m.to, to: m.from, data: []uint32{i}})
	}
	for _, i := range m.data {
		s.received[m.to][i]++
		to.Got(s.now, i, s.id(m.from))
	}
	s.act(m.to)
}

func TestEveryEndpointGetsEveryChunkOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const chunks = 40
		n := rapid.IntRange(2, 7).Draw(t, "endpoints")
		s := &site{t: t, now: start}
		for i := range n {
			sw := swarm.New(lengths(chunks), content.NewBitmap(chunks), rand.New(rand.NewPCG(uint64(i), 7)))
			for j := range n {
				if j != i {
					sw.AddPeer(s.id(j), false)
				}
			}
			s.swarms = append(s.swarms, sw)
			s.received = append(s.received, make([]int, chunks))
		}
		origin := uint32(0)
		for steps := 0; s.swarms[n-1].Missing() > 0 || len(s.inflight) > 0 || origin < chunks; steps++ {
			if steps > 50_000 {
				t.Fatalf("not complete after %d steps", steps)
			}
			s.now = s.now.Add(time.Millisecond)
			if origin < chunks && (len(s.inflight) == 0 || rapid.IntRange(0, 3).Draw(t, "turn") == 0) {
				s.swarms[0].Got(s.now, origin, "")
				origin++
				s.act(0)
			} else if len(s.inflight) > 0 {
				s.deliver(rapid.IntRange(0, min(len(s.inflight)-1, 9)).Draw(t, "message"))
			} else {
				s.now = s.now.Add(swarm.TellRestAfter)
				for i := range n {
					s.act(i)
				}
			}
		}
		for i, sw := range s.swarms {
			if sw.Missing() != 0 {
				t.Fatalf("endpoint %d misses %d chunks", i, sw.Missing())
			}
			for c, times := range s.received[i] {
				if i > 0 && times == 0 || times > 2 {
					t.Errorf("endpoint %d got chunk %d %d times", i, c, times)
				}
			}
		}
	})
}

func TestWhatWasFoundIsToldToAllAndAskedOfNobody(t *testing.T) {
	s := fresh(8)
	for _, id := range []swarm.PeerID{"a", "b", "c", "d"} {
		s.AddPeer(id, false)
	}
	s.PeerHas("a", 3, 4)
	s.Plan(start)
	if cancel := s.Found(3); len(cancel) != 1 || cancel[0] != "a" {
		t.Errorf("cancelled at %v, want at a, which was asked for it", cancel)
	}
	s.Found(5)
	s.Found(8) // there is none
	if s.Missing() != 6 || !s.Has(3) || !s.Has(5) || s.Ahead(start) != 0 {
		t.Errorf("%d are missing, %d bytes ahead, want 6 and none", s.Missing(), s.Ahead(start))
	}
	for _, told := range s.Tell(start) {
		want := []uint32{3, 5}
		if told.Peer == "a" {
			want = want[1:] // it holds the other
		}
		if !slices.Equal(told.Chunks, want) {
			t.Errorf("%s was told of %v, want %v", told.Peer, told.Chunks, want)
		}
	}
}
