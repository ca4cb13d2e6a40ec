package site_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// announced is how a member tells a new session of a lease that still runs.
func announced(l wire.Lease, verified uint32) wire.LeaseState {
	return wire.LeaseState{Epoch: l.Epoch, Lease: l.Lease, Verified: verified,
		Range: &wire.LeaseRange{Body: l.Body, Pack: l.Pack, From: l.From, To: l.To}}
}

// onRestarted runs do at a site of a server that was restarted.
func onRestarted(t *testing.T, do func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := config("shop-1")
		cfg.Grace = site.ReturnGrace
		s := newStandOf(t, cfg)
		defer s.close()
		do(s)
	})
}

// leaseOf makes a lease as an earlier start of the server granted it.
func leaseOf(spec site.FlowSpec, number uint64, first, past uint32) wire.Lease {
	return wire.Lease{Flow: spec.ID, Epoch: epoch - 1, Lease: number, Pack: spec.Places[0].Pack,
		From: int64(first) * chunkBytes, To: int64(past) * chunkBytes}
}

func TestRestartedServerTakesOverLeasesThatStillRun(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		fetcher, other := s.join("fetcher"), s.join("other")
		held := leaseOf(a, 17, 10, 20)
		fetcher.report(a, chunks(0, 13), announced(held, 3))
		other.report(a, chunks(0, 10))
		none[wire.Revoke](fetcher)
		s.pass(6 * time.Second)
		checkRun(s, a, one[wire.Lease](fetcher), 20, 30) // its next, not the current one again
		none[wire.Lease](other)
		st := announced(held, 10)
		st.Done, st.Range = true, nil
		fetcher.report(a, chunks(0, 20), st)
		none[wire.Revoke](fetcher)
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
	})
}

func TestLeaseTakenOverEndsWithoutProgressLikeAnyOther(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		fetcher, other := s.join("fetcher"), s.join("other")
		fetcher.report(a, nil, announced(leaseOf(a, 17, 10, 20), 0))
		other.report(a, nil)
		s.pass(21 * time.Second)
		revoked := map[uint64]uint64{}
		for _, r := range take[wire.Revoke](fetcher) {
			revoked[r.Lease] = r.Epoch
		}
		if revoked[17] != epoch-1 {
			t.Errorf("revoked %v, want lease 17 of the epoch before", revoked)
		}
		if got := take[wire.Lease](other); len(got) != 2 {
			t.Errorf("the other got %d leases, want 2", len(got))
		}
	})
}

func TestLeaseThatPassedOnIsNotTakenOver(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		late, other := s.join("late"), s.join("other")
		other.report(a, nil)
		s.pass(6 * time.Second)
		if got := take[wire.Lease](other); len(got) != 2 {
			t.Fatalf("the other got %d leases after the grace, want 2", len(got))
		}
		for what, state := range map[string]wire.LeaseState{
			"a range that was leased meanwhile": announced(leaseOf(a, 17, 5, 8), 0),
			"a body that was leased meanwhile":  announced(wire.Lease{Epoch: epoch - 1, Lease: 18, Body: true, To: a.Head.BodyBytes}, 0),
			"a range that no chunks fill":       announced(wire.Lease{Epoch: epoch - 1, Lease: 19, Pack: a.Places[0].Pack, From: 2_900_001, To: 3_000_000}, 0),
			"a lease of a server yet to come":   announced(wire.Lease{Epoch: epoch + 1, Lease: 20, Pack: a.Places[0].Pack, From: 2_900_000, To: 3_000_000}, 0),
		} {
			late.report(a, nil, state)
			if got := one[wire.Revoke](late); got.Lease != state.Lease || got.Epoch != state.Epoch {
				t.Errorf("%s: revoked %+v, want %d of epoch %d", what, got, state.Lease, state.Epoch)
			}
		}
		late.report(a, nil, announced(leaseOf(a, 21, 28, 30), 0))
		none[wire.Revoke](late) // nobody has this one
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
	})
}

func TestLeaseOfAPausedFlowIsNotTakenOver(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		s.order(paused(a))
		fetcher := s.join("fetcher")
		fetcher.report(a, nil, announced(leaseOf(a, 17, 10, 20), 0))
		if got := one[wire.Revoke](fetcher); got.Lease != 17 {
			t.Errorf("revoked %+v, want 17", got)
		}
	})
}

func TestLeaseOfAFlowThatEndedIsNotTakenOver(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		s.order()
		fetcher := s.join("fetcher")
		fetcher.report(a, nil, announced(leaseOf(a, 17, 10, 20), 0))
		if got := one[wire.Revoke](fetcher); got.Lease != 17 || got.Epoch != epoch-1 {
			t.Errorf("revoked %+v, want 17", got)
		}
	})
}

// A rate that was granted before holds until it is known what holds now.
func TestWhoseLeaseIsTakenOverIsToldItsRate(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		fetcher := s.join("fetcher")
		fetcher.report(a, nil, announced(leaseOf(a, 17, 10, 20), 0))
		if got := one[wire.Govern](fetcher); got.Bound != wire.Unlimited {
			t.Errorf("granted %d, want no bound", got.Bound)
		}
	})
}

// The site may have been cut off from the server, its fetcher go on, and another
// come back first.
func TestSiteThatWasCutOffWhileItFetchedWaitsForItsFetcher(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		fetcher, other := s.join("fetcher"), s.join("other")
		current, next := begin(s, a, fetcher, other)
		fetcher.leave()
		take[wire.Lease](other)
		other.leave()
		other = s.join("other")
		other.report(a, nil)
		none[wire.Lease](other)
		s.pass(2 * time.Second)
		fetcher = s.join("fetcher")
		fetcher.report(a, chunks(0, 2), announced(current, 2), announced(next, 0))
		none[wire.Revoke](fetcher)
		s.pass(4 * time.Second)
		none[wire.Lease](other)
		none[wire.Revoke](fetcher)
	})
}

func TestEndpointThatComesBackAloneNeedNotWaitForItself(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 30)
		s.order(a)
		till := s.join("till")
		begin(s, a, till)
		till.leave()
		till = s.join("till")
		till.report(a, nil)
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases, want 2 at once", len(got))
		}
	})
}

func TestWhatMembersSayBeforeItIsKnownWhatIsWantedIsNotLost(t *testing.T) {
	onRestarted(t, func(s *stand) {
		a := version("a", 30)
		fetcher, other := s.join("fetcher"), s.join("other")
		fetcher.report(a, chunks(0, 20), announced(leaseOf(a, 17, 20, 30), 0))
		other.report(a, chunks(0, 20))
		s.order(a)
		s.pass(6 * time.Second)
		none[wire.Lease](other)
		none[wire.Revoke](fetcher)
		if got := s.flow(a); len(got.Fetchers) != 1 || got.Fetchers[0] != "fetcher" {
			t.Errorf("fetchers %v, want the one that announced its lease", got.Fetchers)
		}
	})
}
