package swarm_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
)

// holdsAll has the peer hold chunks 0 to n-1.
func holdsAll(s *swarm.Swarm, id swarm.PeerID, n int) {
	for i := range uint32(n) {
		s.PeerHas(id, i)
	}
}

// asked returns what was wanted of the peer, and what was cancelled.
func asked(asks []swarm.Ask, id swarm.PeerID) (want, cancel []uint32) {
	for _, a := range asks {
		if a.Peer == id {
			want, cancel = append(want, a.Want...), append(cancel, a.Cancel...)
		}
	}
	return want, cancel
}

// paced has peer a deliver chunks of 64 KiB one every `each`, until n have come,
// and returns the time then.
func paced(s *swarm.Swarm, now time.Time, each time.Duration, n int) time.Time {
	var owed []uint32
	for range n {
		want, _ := asked(s.Plan(now), "a")
		owed = append(owed, want...)
		now = now.Add(each)
		s.Got(now, owed[0], "a")
		owed = owed[1:]
	}
	return now
}

func TestSilenceIsJudgedByThePeersOwnBest(t *testing.T) {
	for _, c := range []struct {
		name string
		each time.Duration // between chunks of 64 KiB before it falls silent
		want time.Duration // until it is stalled
	}{
		{"a fast peer", 10 * time.Millisecond, swarm.StallAfter},
		{"a chunk a second", time.Second, 8 * time.Second},    // 8 round trips, as far as is known
		{"a chunk in 4 s", 4 * time.Second, 32 * time.Second}, // which never was silent, at its rate
		{"a chunk in 20 s", 20 * time.Second, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fresh(400)
			s.AddPeer("a", false)
			holdsAll(s, "a", 400)
			now := paced(s, start, c.each, 100)
			s.Plan(now)
			if _, cancel := asked(s.Plan(now.Add(c.want-time.Millisecond)), "a"); len(cancel) > 0 {
				t.Fatalf("stalled before %v", c.want)
			}
			if _, cancel := asked(s.Plan(now.Add(c.want)), "a"); len(cancel) == 0 {
				t.Fatalf("not stalled after %v", c.want)
			}
		})
	}
}

func TestStalledPeerIsTriedAgainLaterEachTime(t *testing.T) {
	s := fresh(100)
	s.AddPeer("a", false)
	holdsAll(s, "a", 100)
	want, _ := asked(s.Plan(start), "a")
	if len(want) != swarm.MinWindowBytes/(64<<10) {
		t.Fatalf("asked for %d chunks at first, want a window of %d bytes", len(want), swarm.MinWindowBytes)
	}
	now, last := start, start
	var gaps []time.Duration
	for now.Before(start.Add(time.Hour)) {
		now = s.Next(now)
		if want, _ := asked(s.Plan(now), "a"); len(want) > 0 {
			if len(want) != 1 {
				t.Fatalf("tried again with %d chunks, want 1", len(want))
			}
			gaps = append(gaps, now.Sub(last))
			last = now
		}
	}
	for i := 1; i < len(gaps); i++ {
		if gaps[i] < gaps[i-1] || gaps[i] > 3*time.Minute {
			t.Errorf("tried again after %v and then %v, want growing up to 3 minutes", gaps[i-1], gaps[i])
		}
	}
	if len(gaps) < 15 || len(gaps) > 30 {
		t.Errorf("tried %d times in an hour, want about 20", len(gaps))
	}
}

func TestPeerThatComesBackGetsItsWindowBack(t *testing.T) {
	s := fresh(200)
	s.AddPeer("a", false)
	holdsAll(s, "a", 200)
	s.Plan(start)
	now := start
	var owed []uint32
	for range 4 { // stall, trial, stall, trial
		now = s.Next(now)
		owed, _ = asked(s.Plan(now), "a")
	}
	for len(owed) > 0 && s.Missing() > 150 {
		now = now.Add(5 * time.Millisecond)
		s.Got(now, owed[0], "a")
		want, _ := asked(s.Plan(now), "a")
		owed = append(owed[1:], want...)
	}
	if len(owed) < swarm.MinWindowBytes/(64<<10) {
		t.Errorf("%d chunks outstanding at a peer that delivered 50 again, want a whole window", len(owed))
	}
}

func TestSlowPeerIsRelievedByAnother(t *testing.T) {
	const chunks = 4000 // enough that the endgame never begins
	s := fresh(chunks)
	s.AddPeer("a", false)
	holdsAll(s, "a", chunks)
	now := paced(s, start, 5*time.Millisecond, 200) // 13 MB/s
	s.Plan(now)
	before := now
	// From here on it brings a chunk a second. Another does 10 MB/s.
	s.AddPeer("b", false)
	holdsAll(s, "b", chunks)
	var cancelled []uint32
	ofA := 0
	for now.Sub(before) < 10*time.Second {
		now = now.Add(50 * time.Millisecond)
		if now.Sub(before)%time.Second == 0 {
			s.Got(now, first(s, "a"), "a")
		}
		for range 8 {
			s.Got(now, first(s, "b"), "b")
		}
		w, c := asked(s.Plan(now), "a")
		ofA += len(w)
		cancelled = append(cancelled, c...)
	}
	owes := 0
	for i := range uint32(chunks) {
		if s.Owes("a", i) {
			owes++
		}
	}
	if len(cancelled) == 0 || owes == 0 || owes > 8 {
		t.Errorf("%d late chunks were taken back and %d are still owed, want all but a few taken back", len(cancelled), owes)
	}
	if ofA > 20 {
		t.Errorf("asked the slow peer for %d chunks in 10 s in which it brought 10", ofA)
	}
}

// first returns the first chunk the peer owes.
func first(s *swarm.Swarm, id swarm.PeerID) uint32 {
	for i := range uint32(1 << 16) {
		if s.Owes(id, i) {
			return i
		}
	}
	return 1 << 31
}

func TestPeerThatRefusesWhatItAnnouncesCostsFewFrames(t *testing.T) {
	for _, busy := range []bool{false, true} {
		s := fresh(100)
		s.AddPeer("a", false)
		holdsAll(s, "a", 100)
		wants, now := 0, start
		for now.Before(start.Add(time.Hour)) {
			for _, a := range s.Plan(now) {
				if len(a.Want) == 0 {
					continue
				}
				wants++
				for _, i := range a.Want { // each in a frame, and claimed again at once
					s.Refused(now, "a", busy, i)
					s.PeerHas("a", i)
				}
			}
			if wants > 100 {
				t.Fatalf("busy %v: 100 wants in %v to a peer that refuses everything", busy, now.Sub(start))
			}
			next := s.Next(now)
			if next.IsZero() {
				t.Fatal("a peer that refused is never asked again")
			}
			if !next.After(now) {
				t.Fatalf("busy %v: the next decision is at once, again and again", busy)
			}
			now = next
		}
		if wants < 20 {
			t.Errorf("busy %v: asked %d times in an hour, want it tried now and then", busy, wants)
		}
	}
}

func TestOneRefusalIsSoonForgiven(t *testing.T) {
	s := fresh(100)
	s.AddPeer("a", false)
	holdsAll(s, "a", 100)
	want, _ := asked(s.Plan(start), "a")
	for _, i := range want {
		s.Refused(start, "a", false, i)
	}
	now := s.Next(start)
	if now.Sub(start) > 500*time.Millisecond {
		t.Errorf("left alone for %v after one window of refusals, want at most 500 ms", now.Sub(start))
	}
	now = paced(s, now, 5*time.Millisecond, 2)
	s.Plan(now)
	n := 0
	for i := range uint32(100) {
		if s.Owes("a", i) {
			n++
		}
	}
	if n < swarm.MinWindowBytes/(64<<10) {
		t.Errorf("%d chunks outstanding after it delivered, want a whole window", n)
	}
}

func TestPeerBusyWithOtherVersionsIsNotStalled(t *testing.T) {
	var load swarm.Load
	urgent, low := fresh(1000), fresh(100)
	for _, s := range []*swarm.Swarm{urgent, low} {
		s.AddPeer("a", false)
		s.Share("a", &load)
	}
	holdsAll(urgent, "a", 1000)
	holdsAll(low, "a", 100)
	low.SetClass(swarm.Low)
	now := start
	low.Plan(now)
	for range 29 {
		now = paced(urgent, now, time.Second, 1)
		if _, cancel := asked(low.Plan(now), "a"); len(cancel) > 0 {
			t.Fatalf("stalled after %v while the peer delivers another version", now.Sub(start))
		}
	}
	now = paced(urgent, now, time.Second, 2)
	if _, cancel := asked(low.Plan(now), "a"); len(cancel) == 0 {
		t.Errorf("not stalled after %v without a byte: the floor is one in twenty", now.Sub(start))
	}
}

func TestManyVersionsShareWhatIsOutstandingAtAPeer(t *testing.T) {
	outstanding := func(flows int, c swarm.Class, load *swarm.Load) (bytes []int) {
		for range flows {
			s := fresh(1000)
			s.AddPeer("a", false)
			s.Share("a", load)
			s.SetClass(c)
			holdsAll(s, "a", 1000)
			n := 0
			for range 3 {
				want, _ := asked(s.Plan(start), "a")
				n += len(want) * 64 << 10
			}
			bytes = append(bytes, n)
		}
		return bytes
	}
	var load swarm.Load
	low, total := outstanding(40, swarm.Low, &load), 0
	for i, n := range low {
		total += n
		if i > 31 && n > swarm.MinShareBytes {
			t.Errorf("version %d has %d bytes outstanding, want at most %d", i, n, swarm.MinShareBytes)
		}
	}
	if total > 3*swarm.MaxLoadBytes {
		t.Errorf("40 versions have %d bytes outstanding at one peer", total)
	}
	for i, n := range outstanding(3, swarm.High, &load) {
		if n < swarm.MinWindowBytes {
			t.Errorf("urgent version %d has %d bytes outstanding beside 40 that are not, want %d", i, n, swarm.MinWindowBytes)
		}
	}
}
