package swarm_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/storage/content"
)

func TestFetcherIsAheadByWhatNobodyElseHolds(t *testing.T) {
	lengths := []uint32{10, 20, 30, 40}
	s := swarm.New(lengths, content.NewBitmap(4), rand.New(rand.NewPCG(1, 1)))
	now := time.Unix(1, 0)
	want := func(what string, bytes int64) {
		t.Helper()
		if got := s.Ahead(now); got != bytes {
			t.Errorf("%s: %d bytes ahead, want %d", what, got, bytes)
		}
	}
	s.Got(now, 0, "")
	want("alone", 0)
	s.AddPeer("a", false)
	s.AddPeer("b", false)
	s.Got(now, 1, "")
	want("before anybody took anything", 0)
	s.PeerHas("a", 0)
	want("once chunk 0 is taken", 20)
	s.Got(now, 2, "")
	s.Got(now, 3, "a") // of a peer: it is in two hands already
	want("with chunk 2", 50)
	s.PeerHas("b", 0, 1)
	want("once chunk 1 is taken", 30)
	s.RemovePeer("b")
	want("when its only other holder left", 50)
	s.Lost(1)
	want("when it is not even here", 30)
	now = now.Add(swarm.AheadPatience)
	want("when nobody takes anything", 0)
	s.PeerHas("a", 2)
	s.Got(now, 1, "")
	want("when they take again", 20)
	s.RemovePeer("a")
	s.AddPeer("r", true)
	want("with nobody but by relay", 0)
}
