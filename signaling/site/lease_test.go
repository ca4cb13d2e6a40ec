package site_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// begin brings a flow to where its body is held by the first of the members, who
// all hold none of its chunks, and has two leases of chunks. It returns those.
func begin(s *stand, spec site.FlowSpec, members ...*fake) (current, next wire.Lease) {
	s.t.Helper()
	for _, m := range members {
		m.report(spec, nil)
	}
	leases := take[wire.Lease](members[0])
	if len(leases) != 2 || !leases[0].Body || leases[1].Body {
		s.t.Fatalf("got leases %+v, want the body's and one of chunks", leases)
	}
	p := progress(spec, nil, done(leases[0]))
	p.Body = true
	members[0].say(p)
	return leases[1], one[wire.Lease](members[0])
}

// checkRun fails unless a lease of chunks is one range, of all chunks from first
// to past.
func checkRun(s *stand, spec site.FlowSpec, l wire.Lease, first, past uint32) {
	s.t.Helper()
	if l.Body || l.Flow != spec.ID || l.Pack != spec.Places[0].Pack || l.Epoch != epoch {
		s.t.Errorf("lease %+v is not of chunks of %s", l, spec.Head.Name)
	}
	if l.From != int64(first)*chunkBytes || l.To != int64(past)*chunkBytes || len(l.Parts) != int(past-first) {
		s.t.Errorf("lease of bytes %d to %d in %d parts, want chunks %d to %d", l.From, l.To, len(l.Parts), first, past)
	}
	for i, p := range l.Parts {
		if p.Chunk != first+uint32(i) || p.Length != chunkBytes {
			s.t.Errorf("part %d is %+v, want chunk %d", i, p, first+uint32(i))
		}
	}
}

func TestWhoReportsFirstGetsTheBodyAndWhatFollows(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		early, late := s.join("early"), s.join("late")
		none[wire.Lease](early) // nobody said yet that it knows the flow
		late.report(a, nil)
		none[wire.Lease](late) // the other may be about to say that it holds all
		s.pass(2 * time.Second)
		leases := take[wire.Lease](late)
		early.report(a, nil)
		if len(leases) != 2 {
			t.Fatalf("got %d leases, want the current and the next", len(leases))
		}
		body := leases[0]
		if !body.Body || body.Next || body.Pack != a.Head.Body || body.From != 0 || body.To != a.Head.BodyBytes || body.TTLMs != 20_000 ||
			body.URL != "/bodies/"+a.Head.Body.String()+"?ttl=20s" {
			t.Errorf("first lease %+v, want the whole body", body)
		}
		checkRun(s, a, leases[1], 0, 10) // 1 MiB
		if !leases[1].Next {
			t.Errorf("second lease %+v, want one to begin after the first", leases[1])
		}
		none[wire.Lease](early) // one fetches at a time
	})
}

func TestRestartedServerWaitsForWhatMembersHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config("shop-1")
		cfg.Grace = 5 * time.Second
		s := newStandOf(t, cfg)
		defer s.close()
		a := version("a", 10)
		s.order(a)
		first := s.join("first")
		first.report(a, nil)
		s.pass(4 * time.Second)
		none[wire.Lease](first)
		second := s.join("second")
		second.report(a, []uint32{0, 1, 2, 3, 4, 5, 6, 7})
		s.pass(2 * time.Second)
		none[wire.Lease](first) // it lacks the body, and would have to wait for it
		leases := take[wire.Lease](second)
		if len(leases) == 0 {
			t.Fatal("no lease after the grace")
		}
		checkRun(s, a, leases[len(leases)-1], 8, 10)
	})
}

func TestFetcherKeepsItsLinks(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		var all []*fake
		for i := range 16 {
			all = append(all, s.join("m"+string(rune('a'+i))))
		}
		all[3].report(a, nil)
		s.pass(5 * time.Second)
		links := map[wire.EndpointID]int{}
		for _, m := range all {
			for _, d := range take[wire.Dial](m) {
				links[m.id]++
				links[d.Peer]++
			}
			for _, h := range take[wire.HangUp](m) { // of when there were fewer
				links[m.id]--
				links[h.Peer]--
			}
		}
		if got, other := links[all[3].id], links[all[4].id]; got < 9 || other > 8+2 {
			t.Errorf("the fetcher was given %d links, want about 10; another one %d, want about 8", got, other)
		}
	})
}

func TestARunFollowsARunUntilAllIsLeased(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 25)
		s.order(a)
		till := s.join("till")
		first, second := begin(s, a, till)
		checkRun(s, a, first, 0, 10)
		checkRun(s, a, second, 10, 25)
		till.report(a, chunks(0, 10), done(first))
		none[wire.Lease](till)
		till.report(a, chunks(0, 25), done(second))
		none[wire.Lease](till)
		if got := s.flow(a); got.State != site.StateComplete || len(got.Fetchers) != 0 {
			t.Errorf("state %s, fetchers %v, want complete and nobody", got.State, got.Fetchers)
		}
	})
}

func TestChunksThatSomebodyHoldsAreNotLeased(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 12)
		s.order(a)
		holder, till := s.join("holder"), s.join("till")
		till.report(a, nil)
		holder.report(a, append(chunks(0, 3), 5, 6))
		leases := take[wire.Lease](holder)
		if len(leases) != 2 {
			t.Fatalf("got %d leases, want 2: the body is held, too", len(leases))
		}
		checkRun(s, a, leases[0], 3, 5)
		checkRun(s, a, leases[1], 7, 12)
		till.report(a, []uint32{4})
		none[wire.Lease](till)
	})
}

// Its store takes a moment to open; the one that has nothing speaks first.
func TestWhatOneHoldsFromBeforeDoesNotCrossAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		empty, full := s.join("empty"), s.join("full")
		empty.report(a, nil)
		s.pass(time.Second)
		full.report(a, chunks(0, 30))
		s.pass(10 * time.Second)
		none[wire.Lease](empty)
		none[wire.Lease](full)
	})
}

func TestALeaseOfWhatTurnsOutToBeHereEnds(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		till := s.join("till")
		current, next := begin(s, a, till)
		st := state(current)
		st.Verified = 2
		till.report(a, chunks(0, 2), st)
		full := s.join("full")
		full.report(a, chunks(0, 30))
		revoked := take[wire.Revoke](till)
		if len(revoked) != 2 || revoked[0].Lease+revoked[1].Lease != current.Lease+next.Lease {
			t.Errorf("revoked %+v, want both: the newcomer holds all", revoked)
		}
	})
}

func TestALeaseWithoutProgressPassesOnAfter20Seconds(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		stuck, other := s.join("stuck"), s.join("other")
		first, second := begin(s, a, stuck, other)
		s.pass(19 * time.Second)
		st := state(first)
		st.Verified = 1
		stuck.report(a, []uint32{0}, st)
		s.pass(19 * time.Second)
		none[wire.Revoke](stuck)
		none[wire.Lease](other)
		stuck.report(a, []uint32{0}, st) // speaks, but gets nowhere
		s.pass(2 * time.Second)
		revoked := map[uint64]bool{}
		for _, r := range take[wire.Revoke](stuck) {
			revoked[r.Lease] = r.Epoch == epoch
		}
		if len(revoked) != 2 || !revoked[first.Lease] || !revoked[second.Lease] {
			t.Errorf("revoked %v, want %d and %d", revoked, first.Lease, second.Lease)
		}
		leases := take[wire.Lease](other)
		if len(leases) != 2 {
			t.Fatalf("got %d leases, want 2", len(leases))
		}
		if got := leases[0].Parts[0].Chunk; got != 1 {
			t.Errorf("the other fetches from chunk %d, want 1: 0 is held", got)
		}
		none[wire.Lease](stuck)
	})
}

// Where everybody fails again and again the line is to blame: leases live longer, and
// nobody is held off for long.
func TestALineThatFailsEverybodyGetsMoreTime(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		var lives, waits []int // seconds
		for range 6 {
			wait, life := 0, 0
			for ; len(take[wire.Lease](till)) == 0 && wait < 600; wait++ {
				s.pass(time.Second)
			}
			for ; len(take[wire.Revoke](till)) == 0 && life < 600; life++ {
				s.pass(time.Second)
			}
			waits, lives = append(waits, wait), append(lives, life)
		}
		for i, want := range []int{20, 20, 40, 80, 80, 80} {
			if lives[i] < want-2 || lives[i] > want+2 {
				t.Errorf("lease %d lived %d s without progress, want %d", i+1, lives[i], want)
			}
		}
		if longest := slices.Max(waits); longest > 10 {
			t.Errorf("waited %v s for leases, want 8 at most", waits)
		}
	})
}

// Who fails alone is given up as soon as ever.
func TestAMemberThatFailsAloneGetsNoMoreTime(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		stuck, other := s.join("stuck"), s.join("other")
		first, _ := begin(s, a, stuck, other)
		s.pass(21 * time.Second)
		if len(take[wire.Revoke](stuck)) == 0 {
			t.Fatalf("lease %d lives on without progress", first.Lease)
		}
		if len(take[wire.Lease](other)) == 0 {
			t.Fatal("the other got no lease")
		}
		s.pass(21 * time.Second)
		if len(take[wire.Revoke](other)) == 0 {
			t.Error("the lease of one that failed for the first time lives on after 20 s")
		}
	})
}

// The next lease begins when the current one ends; until then it can't progress.
func TestTheNextLeaseOutlivesASlowCurrentOne(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 10), version("b", 10)
		s.order(a, b)
		till := s.join("till")
		till.report(a, chunks(0, 3))
		till.report(b, chunks(0, 3))
		leases := take[wire.Lease](till)
		if len(leases) != 2 {
			t.Fatalf("got %d leases, want one of each flow", len(leases))
		}
		current, next := leases[0], leases[1]
		st := state(current)
		for i := range uint32(5) {
			s.pass(15 * time.Second)
			st.Verified = i + 1
			till.report(a, chunks(0, 4+i), st)
		}
		s.pass(15 * time.Second)
		none[wire.Revoke](till)
		till.report(a, chunks(0, 10), done(current))
		s.pass(15 * time.Second)
		none[wire.Revoke](till)
		s.pass(6 * time.Second)
		if got := one[wire.Revoke](till); got.Lease != next.Lease {
			t.Errorf("revoked %d, want %d, which had its 20 s", got.Lease, next.Lease)
		}
	})
}

// A body is one piece: its fetcher can't say how far it is.
func TestABodyHasTheTimeItTakesOnASlowLine(t *testing.T) {
	onStand(t, func(s *stand) {
		a := with(version("a", 10), func(f *site.FlowSpec) { f.Head.BodyBytes = 6 << 20 })
		s.want.Cap = 125_000 // 50 s
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		body := take[wire.Lease](till)[0]
		s.pass(55 * time.Second)
		none[wire.Revoke](till)
		if got := time.Duration(body.TTLMs) * time.Millisecond; got < 55*time.Second {
			t.Errorf("lease says it lives %v, want what it takes", got)
		}
		s.pass(200 * time.Second)
		if len(take[wire.Revoke](till)) == 0 {
			t.Error("a body that never comes is not revoked")
		}
	})
}

func TestALeaseThatFailedPassesOnAndItsHolderWaitsLongerEachTime(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		till := s.join("till")
		current, next := begin(s, a, till)
		for _, wait := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
			till.report(a, nil, failed(current), failed(next))
			p := progress(a, nil)
			p.Body = true
			till.say(p)
			s.pass(wait - 10*time.Millisecond)
			none[wire.Lease](till)
			s.pass(600 * time.Millisecond)
			leases := take[wire.Lease](till)
			if len(leases) != 2 {
				t.Fatalf("got %d leases %v after it failed, want 2", len(leases), wait)
			}
			current, next = leases[0], leases[1]
		}
		till.report(a, chunks(0, 41), done(current)) // it works again
		till.report(a, chunks(0, 41), failed(next))
		take[wire.Lease](till)
		s.pass(2600 * time.Millisecond)
		checkRun(s, a, one[wire.Lease](till), 41, 82)
	})
}

func TestAnotherMemberFetchesWhileOneIsHeldOff(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		bad, good := s.join("bad"), s.join("good")
		bad.report(a, nil)
		good.report(a, nil)
		leases := take[wire.Lease](bad)
		bad.report(a, nil, failed(leases[0]))
		if got := one[wire.Lease](good); !got.Body {
			t.Errorf("got %+v, want the body", got)
		}
		bad.report(a, nil, failed(leases[1]))
		checkRun(s, a, one[wire.Lease](good), 0, 10)
		none[wire.Lease](bad)
	})
}

// Otherwise it would get the same chunks again and again as fast as it can say so.
func TestWhoSaysDoneWithoutTheChunksIsHeldOff(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		liar := s.join("liar")
		liar.report(a, nil)
		leases := take[wire.Lease](liar)
		liar.report(a, nil, done(leases[0])) // says that it does not hold the body
		none[wire.Lease](liar)
		s.pass(2600 * time.Millisecond)
		body := one[wire.Lease](liar)
		if !body.Body {
			t.Fatalf("got %+v, want the body again", body)
		}
		p := progress(a, chunks(0, 9), done(body), done(leases[1]))
		liar.say(p)
		none[wire.Lease](liar)
		s.pass(8600 * time.Millisecond)
		checkRun(s, a, one[wire.Lease](liar), 9, 10)
	})
}

func TestStatesOfLeasesThatAreNotTheMembersAreVoid(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 40), version("b", 1)
		s.order(a, paused(b))
		till, other := s.join("till"), s.join("other")
		current, _ := begin(s, a, till, other)
		old := failed(current)
		old.Epoch--
		unknown := failed(current)
		unknown.Lease += 1000
		till.report(a, nil, old, unknown)
		other.report(a, nil, failed(current))
		till.report(b, nil, failed(current)) // of another flow
		none[wire.Lease](other)
		none[wire.Revoke](till)
		if got := s.flow(a).Fetchers; len(got) != 1 || got[0] != "till" {
			t.Errorf("fetchers %v, want till", got)
		}
	})
}

func TestWhatOnlyALeaverHeldIsLeasedAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 20)
		s.order(a)
		fetcher, other := s.join("fetcher"), s.join("other")
		current, next := begin(s, a, fetcher, other)
		fetcher.report(a, chunks(0, 10), done(current))
		checkRun(s, a, next, 10, 20)
		other.report(a, chunks(0, 4))
		none[wire.Lease](other)
		fetcher.leave()
		none[wire.Lease](other) // it may not have said yet what else it got
		s.pass(2 * time.Second)
		leases := take[wire.Lease](other)
		if len(leases) != 1 {
			t.Fatalf("got %d leases, want one", len(leases))
		}
		checkRun(s, a, leases[0], 4, 20)
	})
}

func TestANewSessionHasNoneOfTheOldOnesLeases(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 20)
		s.order(a)
		old := s.join("till")
		current, _ := begin(s, a, old)
		fresh := s.join("till")
		none[wire.Lease](fresh)
		old.report(a, chunks(0, 10), done(current)) // came late
		if got := s.flow(a); len(got.Fetchers) != 0 || got.BytesOrigin != 0 {
			t.Errorf("fetchers %v, want nobody: the old session is over", got.Fetchers)
		}
		fresh.report(a, chunks(0, 2))
		checkRun(s, a, one[wire.Lease](fresh), 2, 20)
	})
}
