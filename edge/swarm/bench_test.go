package swarm_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/storage/content"
)

// full10GiB is how many chunks a version of 10 GiB has.
const full10GiB = 134_000

// BenchmarkPlanAfterEachChunk is what deciding costs a chunk that arrives while 10
// peers hold all of 10 GiB: the chunk itself, and what to ask for in its place.
func BenchmarkPlanAfterEachChunk(b *testing.B) {
	var s *swarm.Swarm
	var owed []struct {
		peer  swarm.PeerID
		chunk uint32
	}
	now := start
	plan := func() {
		for _, ask := range s.Plan(now) {
			for _, i := range ask.Want {
				owed = append(owed, struct {
					peer  swarm.PeerID
					chunk uint32
				}{ask.Peer, i})
			}
		}
	}
	begin := func() {
		all := content.NewBitmap(full10GiB)
		for i := range uint32(full10GiB) {
			all.Set(i)
		}
		s = swarm.New(lengths(full10GiB), content.NewBitmap(full10GiB), rand.New(rand.NewPCG(1, 1)))
		for p := range 10 {
			id := swarm.PeerID(fmt.Sprint(p))
			s.AddPeer(id, false)
			s.PeerHasBits(id, 0, all)
		}
		owed = nil
		plan()
	}
	begin()
	b.ReportAllocs()
	for b.Loop() {
		if s.Missing() < 1000 {
			b.StopTimer()
			begin()
			b.StartTimer()
		}
		now = now.Add(time.Millisecond)
		d := owed[0]
		owed = owed[1:]
		s.Got(now, d.chunk, d.peer)
		s.Tell(now)
		plan()
		s.Next(now)
	}
}

// BenchmarkPeerComesAndGoes is what a peer with all of 10 GiB costs.
func BenchmarkPeerComesAndGoes(b *testing.B) {
	s := fresh(full10GiB)
	all := content.NewBitmap(full10GiB)
	for i := range uint32(full10GiB) {
		all.Set(i)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.AddPeer("a", false)
		s.PeerHasBits("a", 0, all)
		s.Plan(start)
		s.RemovePeer("a")
	}
}
