package swarm_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
)

// relayOnly is a swarm of 100 chunks with one relayed peer that holds them all.
func relayOnly() *swarm.Swarm {
	s := fresh(100)
	s.AddPeer("far", true)
	holdsAll(s, "far", 100)
	return s
}

func TestRelayIsAskedWhenNothingElseBringsChunks(t *testing.T) {
	s := relayOnly()
	if asks := s.Plan(start); len(asks) > 0 {
		t.Fatalf("asked over the relay at once: %v", asks)
	}
	open := start.Add(swarm.RelayPatience)
	if next := s.Next(start); !next.Equal(open) {
		t.Fatalf("next decision at %v, want when the patience ends, %v", next, open)
	}
	if want, _ := asked(s.Plan(open.Add(-1)), "far"); len(want) > 0 {
		t.Error("asked before the patience ended")
	}
	// Once it is open it goes on: what comes by relay restarts no clock.
	now := open
	for s.Missing() > 0 {
		s.Plan(now)
		i := first(s, "far")
		if i > 100 {
			t.Fatalf("nothing is asked over the relay with %d chunks missing", s.Missing())
		}
		s.Got(now, i, "far")
		now = now.Add(time.Second)
	}
}

func TestFirstChunkFromElsewhereClosesTheRelay(t *testing.T) {
	for _, from := range []swarm.PeerID{"", "near"} {
		s := relayOnly()
		s.AddPeer("near", false)
		s.Plan(start)
		now := start.Add(swarm.RelayPatience)
		if want, _ := asked(s.Plan(now), "far"); len(want) == 0 {
			t.Fatal("nothing asked over the relay")
		}
		var free uint32 = 100 // a chunk that nobody owes
		for i := range uint32(100) {
			if !s.Owes("far", i) {
				free = i
			}
		}
		s.Got(now, free, from)
		s.Got(now, first(s, "far"), "far") // makes room
		if want, _ := asked(s.Plan(now), "far"); len(want) > 0 {
			t.Errorf("after a chunk from %q, %v was asked over the relay", from, want)
		}
		now = now.Add(swarm.RelayPatience - time.Millisecond)
		s.Got(now, first(s, "far"), "far") // still comes, and restarts nothing
		if want, _ := asked(s.Plan(now), "far"); len(want) > 0 {
			t.Errorf("asked over the relay %v after a chunk from %q", swarm.RelayPatience-time.Millisecond, from)
		}
		if next := s.Next(now); next.After(now.Add(time.Millisecond)) {
			t.Errorf("wakes at %v, want when the patience ends", next)
		}
		if want, _ := asked(s.Plan(now.Add(time.Millisecond)), "far"); len(want) == 0 {
			t.Error("the relay did not open again")
		}
	}
}

func TestRelayIsNotAskedForWhatIsLeased(t *testing.T) {
	s := relayOnly()
	for i := range uint32(99) {
		s.Lease(i)
	}
	s.Plan(start)
	want, _ := asked(s.Plan(start.Add(swarm.RelayPatience)), "far")
	if len(want) != 1 || want[0] != 99 {
		t.Errorf("asked %v over the relay, want only chunk 99, which is not leased here", want)
	}
}

func TestRelayIsNotAskedForWhatADirectPeerWillBring(t *testing.T) {
	var load swarm.Load
	s, urgent := relayOnly(), fresh(100)
	for _, s := range []*swarm.Swarm{s, urgent} {
		s.AddPeer("near", false)
		s.Share("near", &load)
	}
	holdsAll(s, "near", 99)
	holdsAll(urgent, "near", 100)
	// The direct peer is busy with a more urgent version for longer than the
	// patience with the relay.
	for now := start; now.Before(start.Add(20 * time.Second)); now = now.Add(time.Second) {
		urgent.Plan(now)
		urgent.Got(now, first(urgent, "near"), "near")
		want, _ := asked(s.Plan(now), "far")
		if len(want) > 1 || len(want) == 1 && want[0] != 99 {
			t.Fatalf("%v was asked over the relay, want only chunk 99, which no direct peer holds", want)
		}
	}
	if !s.Owes("far", 99) {
		t.Error("chunk 99, which no direct peer holds, was not asked over the relay")
	}
}

// A direct peer that claims everything and brings nothing must not keep the relay shut.
func TestDirectPeerThatBringsNothingDoesNotShutTheRelay(t *testing.T) {
	s := relayOnly()
	s.AddPeer("liar", false)
	holdsAll(s, "liar", 100)
	now := start
	for s.Missing() > 0 {
		s.Plan(now)
		for i := first(s, "far"); i < 100; i = first(s, "far") {
			s.Got(now, i, "far")
		}
		if now = s.Next(now); s.Missing() > 0 && (now.IsZero() || now.After(start.Add(20*time.Minute))) {
			t.Fatalf("%d chunks are missing and the next decision is at %v", s.Missing(), now)
		}
	}
}

func TestPatienceBeginsWhenThereIsSomethingToWaitFor(t *testing.T) {
	s := fresh(100)
	s.AddPeer("far", true)
	now := start.Add(time.Hour) // nobody had anything
	s.Plan(start)
	s.Plan(now)
	s.PeerHas("far", 1, 2, 3)
	if asks := s.Plan(now); len(asks) > 0 {
		t.Errorf("asked %v over the relay the moment it was announced", asks)
	}
	now = now.Add(swarm.RelayPatience)
	if want, _ := asked(s.Plan(now), "far"); len(want) != 3 {
		t.Errorf("asked for %v, want all three", want)
	}
	for _, i := range []uint32{1, 2, 3} {
		s.Got(now, i, "far")
	}
	// While it brings chunks, the next are asked the moment they are announced.
	now = now.Add(time.Second)
	s.Plan(now)
	s.PeerHas("far", 4)
	if want, _ := asked(s.Plan(now), "far"); len(want) != 1 {
		t.Errorf("asked for %v, want chunk 4 at once", want)
	}
	// A new beginning, and a chunk lost after all were there, wait again.
	s.PeerHas("far", 5)
	s.Begin()
	if want, _ := asked(s.Plan(now), "far"); len(want) > 0 {
		t.Errorf("asked for %v right after the exchange began anew", want)
	}
}

func TestTheServersWordOnRelaysCounts(t *testing.T) {
	s := relayOnly()
	s.UseRelay(swarm.RelayNever)
	s.Plan(start)
	now := start.Add(time.Hour)
	if asks := s.Plan(now); len(asks) > 0 {
		t.Errorf("asked over the relay, though the origin is cheaper: %v", asks)
	}
	if next := s.Next(now); !next.IsZero() {
		t.Errorf("wakes at %v for a relay that is not asked", next)
	}
	s.UseRelay(swarm.RelayByPatience) // the socket is lost
	if asks := s.Plan(now); len(asks) > 0 {
		t.Errorf("asked over the relay at once: %v", asks)
	}
	now = now.Add(swarm.RelayPatience)
	if want, _ := asked(s.Plan(now), "far"); len(want) == 0 {
		t.Error("asked nothing over the relay, though nothing comes another way")
	}
	s = relayOnly()
	s.UseRelay(swarm.RelayAtOnce)
	if want, _ := asked(s.Plan(start), "far"); len(want) == 0 {
		t.Error("asked nothing over the relay, though the server said that there is no other way")
	}
}
