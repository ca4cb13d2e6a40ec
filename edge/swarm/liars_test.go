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

// kind is how a scripted peer answers a want.
type kind string

const (
	honest    kind = "honest"    // 64 KiB in 10 ms each, one after the other
	slow      kind = "slow"      // honest for 50 chunks, then one in 4 s
	silent    kind = "silent"    // claims everything, answers nothing
	refusing  kind = "refusing"  // claims everything, refuses, claims again
	busy      kind = "busy"      // claims everything, is always busy
	fickle    kind = "fickle"    // brings every second chunk, refuses the others and claims them again
	returning kind = "returning" // honest for 20 chunks, silent for 4 minutes, honest again
)

// bench is one swarm among scripted peers, in fake time.
type bench struct {
	t      interface{ Fatalf(string, ...any) }
	s      *swarm.Swarm
	now    time.Time
	kinds  map[swarm.PeerID]kind
	ready  map[swarm.PeerID]time.Time // when the peer is done with what it was asked before
	served map[swarm.PeerID]int
	wants  map[swarm.PeerID]int // want frames
	got    []int
	owed   []answer
}

type answer struct {
	at     time.Time
	peer   swarm.PeerID
	chunk  uint32
	refuse bool
	busy   bool
}

// asked schedules the peer's answer.
func (b *bench) asked(id swarm.PeerID, i uint32) {
	at := b.now
	if r := b.ready[id]; r.After(at) {
		at = r
	}
	b.served[id]++
	n, a := b.served[id], answer{peer: id, chunk: i}
	switch b.kinds[id] {
	case silent:
		return
	case refusing, busy:
		a.refuse, a.busy = true, b.kinds[id] == busy
	case fickle:
		a.refuse = n%2 == 0
	case returning:
		if since := b.now.Sub(start); n > 20 && since < 4*time.Minute {
			return
		}
	}
	took := 10 * time.Millisecond
	if b.kinds[id] == slow && n > 50 {
		took = 4 * time.Second
	}
	a.at = at.Add(took)
	b.ready[id] = a.at
	b.owed = append(b.owed, a)
}

// cancelled takes back what the peer has not begun.
func (b *bench) cancelled(id swarm.PeerID, i uint32) {
	b.owed = slices.DeleteFunc(b.owed, func(a answer) bool {
		return a.peer == id && a.chunk == i
	})
}

// turn lets the swarm decide, and moves on to what happens next.
func (b *bench) turn() bool {
	for _, a := range b.s.Plan(b.now) {
		for _, i := range a.Cancel {
			b.cancelled(a.Peer, i)
		}
		if len(a.Want) > 0 {
			b.wants[a.Peer]++
		}
		for _, i := range a.Want {
			b.asked(a.Peer, i)
		}
	}
	next := b.s.Next(b.now)
	slices.SortStableFunc(b.owed, func(x, y answer) int { return x.at.Compare(y.at) })
	if len(b.owed) == 0 || !next.IsZero() && next.Before(b.owed[0].at) {
		if b.s.Missing() == 0 {
			return false
		}
		if !next.After(b.now) {
			b.t.Fatalf("after %v nothing is decided, and %d chunks are missing", b.now.Sub(start), b.s.Missing())
		}
		b.now = next
		return true
	}
	a := b.owed[0]
	b.owed = b.owed[1:]
	b.now = a.at
	if a.refuse {
		b.s.Refused(b.now, a.peer, a.busy, a.chunk)
		b.s.PeerHas(a.peer, a.chunk)
		return true
	}
	b.got[a.chunk]++
	for _, other := range b.s.Got(b.now, a.chunk, a.peer) {
		b.cancelled(other, a.chunk)
	}
	return true
}

func newBench(t interface{ Fatalf(string, ...any) }, chunks int, kinds []kind, relayed func(i int) bool) *bench {
	b := &bench{t: t, now: start, kinds: map[swarm.PeerID]kind{}, ready: map[swarm.PeerID]time.Time{},
		served: map[swarm.PeerID]int{}, wants: map[swarm.PeerID]int{}, got: make([]int, chunks),
		s: swarm.New(lengths(chunks), content.NewBitmap(uint32(chunks)), rand.New(rand.NewPCG(3, 3)))}
	for i, k := range kinds {
		id := swarm.PeerID(fmt.Sprintf("%d %s", i, k))
		b.kinds[id] = k
		b.s.AddPeer(id, relayed(i))
		holdsAll(b.s, id, chunks)
	}
	return b
}

func TestOneHonestPeerIsEnoughAmongAnyOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const chunks = 300
		kinds := rapid.SliceOfN(rapid.SampledFrom([]kind{slow, silent, refusing, busy, fickle, returning}), 0, 6).Draw(t, "others")
		others := len(kinds)
		far := rapid.Bool().Draw(t, "the honest one is relayed")
		b := newBench(t, chunks, append(kinds, honest), func(i int) bool { return far && i == others })
		for b.turn() {
			if b.now.Sub(start) > time.Hour {
				t.Fatalf("%d of %d chunks are missing after an hour beside %v", b.s.Missing(), chunks, kinds)
			}
		}
		limit := 30 * time.Second
		if far {
			limit = 5 * time.Minute
		}
		if took := b.now.Sub(start); took > limit {
			t.Errorf("took %v beside %v, want at most %v", took, kinds, limit)
		}
		for i, n := range b.got {
			if n < 1 || n > 2 {
				t.Errorf("chunk %d came %d times", i, n)
			}
		}
	})
}

func TestUselessPeersCostFewFramesInAnHour(t *testing.T) {
	for _, k := range []kind{silent, refusing, busy} {
		b := newBench(t, 100, []kind{k, k, k}, func(int) bool { return false })
		for b.turn() && b.now.Sub(start) < time.Hour {
			continue
		}
		for id, n := range b.wants {
			if n > 60 || n < 10 {
				t.Errorf("%q was sent %d wants in an hour, want 10 to 60", id, n)
			}
		}
	}
}
