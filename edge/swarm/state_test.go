package swarm

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/content"
)

// naive is the same state, kept the obvious way.
type naive struct {
	have, leased map[uint32]bool
	has          map[PeerID]map[uint32]bool
	owes         map[PeerID]map[uint32]bool
	relayed      map[PeerID]bool
}

// machine makes any sequence of calls on a swarm and the naive model beside it.
type machine struct {
	t     *rapid.T
	s     *Swarm
	m     naive
	now   time.Time
	loads map[PeerID]*Load
}

const modelChunks = 30

func newMachine(t *rapid.T) *machine {
	lengths := make([]uint32, modelChunks)
	for i := range lengths {
		lengths[i] = uint32(rapid.SampledFrom([]int{1, 1000, 64 << 10, 256 << 10}).Draw(t, "length"))
	}
	return &machine{t: t, now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), loads: map[PeerID]*Load{},
		s: New(lengths, content.NewBitmap(modelChunks), rand.New(rand.NewPCG(1, 2))),
		m: naive{have: map[uint32]bool{}, leased: map[uint32]bool{}, has: map[PeerID]map[uint32]bool{},
			owes: map[PeerID]map[uint32]bool{}, relayed: map[PeerID]bool{}}}
}

func (k *machine) peer() PeerID {
	return PeerID(rapid.SampledFrom([]string{"a", "b", "c", "d", "r", "q"}).Draw(k.t, "peer"))
}

// chunk is sometimes one that does not exist.
func (k *machine) chunk() uint32 {
	return uint32(rapid.IntRange(0, modelChunks+1).Draw(k.t, "chunk"))
}

func (k *machine) step() {
	id, i := k.peer(), k.chunk()
	known, exists := k.m.has[id] != nil, i < modelChunks
	switch rapid.IntRange(0, 15).Draw(k.t, "call") {
	case 0:
		if k.s.AddPeer(id, id >= "q") == known {
			k.t.Fatalf("AddPeer of a peer known before (%v) succeeded", known)
		}
		if !known {
			k.m.has[id], k.m.owes[id], k.m.relayed[id] = map[uint32]bool{}, map[uint32]bool{}, id >= "q"
		}
	case 1:
		if rapid.Bool().Draw(k.t, "really") {
			k.s.RemovePeer(id)
			delete(k.m.has, id)
			delete(k.m.owes, id)
			delete(k.m.relayed, id)
		}
	case 2, 3, 4:
		k.s.PeerHas(id, i)
		if known && exists {
			k.m.has[id][i] = true
		}
	case 5:
		busy := rapid.Bool().Draw(k.t, "busy")
		k.s.Refused(k.now, id, busy, i)
		if known && exists {
			delete(k.m.owes[id], i)
			if !busy {
				delete(k.m.has[id], i)
			}
		}
	case 6, 7:
		if rapid.Bool().Draw(k.t, "origin") {
			id = ""
		}
		k.s.Got(k.now, i, id)
		if exists {
			k.m.have[i] = true
			delete(k.m.leased, i)
			for _, owes := range k.m.owes {
				delete(owes, i)
			}
		}
	case 8:
		k.s.Lost(i)
		delete(k.m.have, i)
	case 9:
		k.s.Lease(i)
		if exists {
			k.m.leased[i] = true
		}
	case 10:
		k.s.Unlease(i)
		delete(k.m.leased, i)
	case 11:
		k.s.SetClass(Class(rapid.IntRange(0, 3).Draw(k.t, "class")))
	case 12:
		if k.loads[id] == nil {
			k.loads[id] = &Load{}
		}
		k.s.Share(id, k.loads[id])
	case 13:
		k.s.Begin()
	default:
		k.now = k.now.Add(time.Duration(rapid.IntRange(0, 15_000).Draw(k.t, "ms")) * time.Millisecond)
		k.plan()
	}
}

func (k *machine) plan() {
	k.s.Tell(k.now)
	for _, a := range k.s.Plan(k.now) {
		for _, i := range a.Cancel {
			if !k.m.owes[a.Peer][i] {
				k.t.Fatalf("cancelled chunk %d at %q, which did not owe it", i, a.Peer)
			}
			delete(k.m.owes[a.Peer], i)
		}
		for _, i := range a.Want {
			k.wanted(a.Peer, i)
		}
	}
	if next := k.s.Next(k.now); !next.IsZero() && !next.After(k.now) {
		k.t.Fatalf("after a plan the next decision is at %v, which is now: the loop would spin", next.Sub(k.now))
	}
}

// wanted checks one want against the rules.
func (k *machine) wanted(id PeerID, i uint32) {
	others, relayOwes := 0, false
	for other, owes := range k.m.owes {
		if owes[i] {
			others++
			relayOwes = relayOwes || k.m.relayed[other]
		}
	}
	switch {
	case !k.m.has[id][i]:
		k.t.Fatalf("asked %q for chunk %d, which it does not hold", id, i)
	case k.m.have[i]:
		k.t.Fatalf("asked for chunk %d, which is held", i)
	case k.m.owes[id][i] || others > 1:
		k.t.Fatalf("asked %q for chunk %d, which is owed %d times", id, i, others)
	case others == 1 && (k.m.relayed[id] || k.s.candidates.len() > 0):
		k.t.Fatalf("asked %q (relayed %v) for chunk %d a second time outside the endgame", id, k.m.relayed[id], i)
	case others == 0 && k.m.leased[i]:
		k.t.Fatalf("asked for chunk %d, which is leased here", i)
	}
	k.m.owes[id][i] = true
}

// check compares the swarm's state with the model's.
func (k *machine) check() {
	s := k.s
	if int(s.Missing()) != modelChunks-len(k.m.have) || len(s.peers) != len(k.m.has) || len(s.order) != len(k.m.has) {
		k.t.Fatalf("%d missing and %d peers, want %d and %d", s.Missing(), len(s.peers), modelChunks-len(k.m.have), len(k.m.has))
	}
	for i := range uint32(modelChunks) {
		holders, asked := 0, 0
		for id := range k.m.has {
			if k.m.has[id][i] {
				holders++
			}
			if k.m.owes[id][i] {
				asked++
			}
		}
		candidate := holders > 0 && asked == 0 && !k.m.have[i] && !k.m.leased[i]
		if s.Has(i) != k.m.have[i] || int(s.holders[i]) != holders || int(s.asked[i]) != asked ||
			s.leased.Has(i) != k.m.leased[i] || (s.candidates.at[i] != 0) != candidate {
			k.t.Fatalf("chunk %d: held %v, %d holders, asked %d times, candidate %v; want %v, %d, %d, %v", i, s.Has(i),
				s.holders[i], s.asked[i], s.candidates.at[i] != 0, k.m.have[i], holders, asked, candidate)
		}
	}
	counted := map[*Load]int{}
	for id, p := range s.peers {
		owed := int64(0)
		for i := range k.m.owes[id] {
			owed += int64(s.lengths[i])
		}
		if p.owed != owed || len(p.wants) != len(k.m.owes[id]) {
			k.t.Fatalf("%q owes %d chunks and %d bytes, want %d and %d", id, len(p.wants), p.owed, len(k.m.owes[id]), owed)
		}
		if p.owed > MaxWindowBytes+256<<10 || p.owed < 0 {
			k.t.Fatalf("%q owes %d bytes, beyond any window", id, p.owed)
		}
		if owed > 0 {
			counted[p.load]++
		} else if counted[p.load] == 0 {
			counted[p.load] = 0
		}
	}
	for _, l := range k.loads {
		if _, in := counted[l]; !in {
			counted[l] = 0
		}
	}
	for l, want := range counted {
		total := 0
		for c, n := range l.owing {
			if total += n; n != 0 && Class(c) != s.class {
				k.t.Fatalf("a load counts %d versions in class %d, want them in %d", n, c, s.class)
			}
		}
		if total != want {
			k.t.Fatalf("a load counts %d versions, want %d", total, want)
		}
	}
}

func TestAnySequenceOfCallsKeepsTheStateConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := newMachine(t)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k.step()
			k.check()
		}
	})
}

func FuzzAnySequenceOfCalls(f *testing.F) {
	f.Add([]byte("calls"))
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		k := newMachine(t)
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			k.step()
			k.check()
		}
	}))
}

func TestPeersThatComeAndGoLeaveNothing(t *testing.T) {
	const chunks = 500
	lengths := make([]uint32, chunks)
	all := content.NewBitmap(chunks)
	for i := range lengths {
		lengths[i] = 64 << 10
		all.Set(uint32(i))
	}
	s := New(lengths, content.NewBitmap(chunks), rand.New(rand.NewPCG(1, 2)))
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var load Load
	for n := range 1000 {
		id := PeerID(fmt.Sprint(n))
		s.AddPeer(id, n%5 == 0)
		s.Share(id, &load)
		s.PeerHasBits(id, 0, all)
		for _, a := range s.Plan(now) {
			if n%10 == 0 && len(a.Want) > 0 {
				s.Got(now, a.Want[0], id)
			}
		}
		s.Got(now, uint32(n%chunks), "")
		s.Lost(uint32(n % chunks))
		s.Tell(now)
		now = now.Add(time.Duration(n%7) * time.Second)
		s.Plan(now)
		s.RemovePeer(id)
	}
	if len(s.peers)+len(s.order)+s.candidates.len() != 0 || load.owing != [classes]int{} {
		t.Errorf("%d peers, %d in order, %d candidates and a load of %v are left", len(s.peers), len(s.order), s.candidates.len(), load.owing)
	}
	for i := range lengths {
		if s.holders[i] != 0 || s.asked[i] != 0 {
			t.Fatalf("chunk %d has %d holders and is asked %d times with no peer left", i, s.holders[i], s.asked[i])
		}
	}
	s.Tell(now.Add(time.Hour))
	if len(s.news) != 0 || cap(s.turns) > 16 || cap(s.found) > 4*chunks {
		t.Errorf("%d news are left, and scratch for %d turns and %d chunks", len(s.news), cap(s.turns), cap(s.found))
	}
}
