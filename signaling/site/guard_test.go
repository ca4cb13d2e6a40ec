package site_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// took is a report of a member that also says what it took over the WAN.
func took(m *fake, spec site.FlowSpec, have []uint32, wan int64, states ...wire.LeaseState) {
	m.s.t.Helper()
	p := progress(spec, have, states...)
	p.Body, p.WAN = true, wan
	m.say(p)
}

func TestAFlowThatTakesMoreThanItNeedsIsHalted(t *testing.T) {
	accounts := new(site.Accounts)
	cfg := config("shop-1")
	cfg.Accounts = accounts
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 90) // 9 MB
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		took(till, a, chunks(0, 1), 9_001_000+180_000+4<<20) // two per cent, and a little
		if got := s.flow(a); got.State != site.StateRunning || accounts.Halted() != 0 {
			t.Fatalf("the flow is %s (%s) at what it may take", got.State, got.Reason)
		}
		took(till, a, chunks(0, 2), 9_001_000+180_000+4<<20+2000)
		got := s.flow(a)
		if got.State != site.StateHalted || accounts.Halted() != 1 || len(got.Fetchers) != 0 {
			t.Fatalf("the flow is %s (%s) with fetchers %v beyond that, want halted", got.State, got.Reason, got.Fetchers)
		}
		for _, part := range []string{"13.4 MB", "9.0 MB", "resume"} {
			if !strings.Contains(got.Reason, part) {
				t.Errorf("the reason %q does not say %s", got.Reason, part)
			}
		}
		if got := take[wire.Revoke](till); len(got) != 2 {
			t.Errorf("revoked %+v, want both leases", got)
		}
		take[wire.Lease](till)
		s.pass(time.Minute)
		none[wire.Lease](till)
		none[wire.Lease](other)
	})
}

func TestAHaltedFlowGoesOnWhenResumedAndCountsAnew(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till := s.join("till")
		begin(s, a, till)
		took(till, a, nil, 100_000_000)
		take[wire.Lease](till)
		for ref, want := range map[content.Ref]int{{Name: "b"}: 0, {Name: "a", Version: "2"}: 0} {
			if n, err := s.site.Resume(context.Background(), ref); n != want || err != nil {
				t.Errorf("resumed %d flows of %v (%v), want %d", n, ref, err, want)
			}
		}
		if n, err := s.site.Resume(context.Background(), content.Ref{Name: "a"}); n != 1 || err != nil {
			t.Errorf("resumed %d flows (%v), want one", n, err)
		}
		s.pass(3 * time.Second)
		if got := s.flow(a); got.State != site.StateRunning || len(take[wire.Lease](till)) == 0 {
			t.Fatalf("the flow is %s (%s) and nothing was leased", got.State, got.Reason)
		}
		took(till, a, chunks(0, 1), 109_000_000)
		if got := s.flow(a); got.State != site.StateRunning {
			t.Errorf("the flow is %s (%s) after 9 MB more, want running", got.State, got.Reason)
		}
		took(till, a, chunks(0, 1), 115_000_000)
		if got := s.flow(a); got.State != site.StateHalted {
			t.Errorf("the flow is %s after 15 MB more, want halted again", got.State)
		}
	})
}

// A fetcher that gives up what it has all but fetched, each time.
func TestAFetcherThatLoopsIsHalted(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 300)
		s.order(a)
		till := s.join("till")
		current, next := begin(s, a, till)
		wan := int64(1000)
		for range 40 {
			wan += current.To - current.From
			took(till, a, nil, wan, failed(current), failed(next))
			if got := s.flow(a); got.State == site.StateHalted {
				if wan < 34<<20 || wan > 80<<20 {
					t.Errorf("halted after %d bytes, want soon after 30 MB", wan)
				}
				return
			}
			var leases []wire.Lease
			for len(leases) == 0 {
				s.pass(time.Second)
				leases = take[wire.Lease](till)
			}
			current, next = leases[0], leases[1]
		}
		t.Errorf("not halted after %d bytes", wan)
	})
}

// A disk that forgets what it holds costs another copy once.
func TestADiskThatForgetsIsHaltedTheSecondTime(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till := s.join("till")
		current, next := begin(s, a, till)
		wan := int64(1000)
		for round := range 4 {
			held := uint32(0)
			for held < 90 {
				wan += current.To - current.From
				held += uint32(len(current.Parts))
				took(till, a, chunks(0, held), wan, done(current))
				current = next
				if got := take[wire.Lease](till); len(got) > 0 {
					next = got[0]
				}
				if got := s.flow(a); got.State == site.StateHalted {
					if round != 2 {
						t.Errorf("halted in round %d, want 2", round)
					}
					return
				}
			}
			took(till, a, nil, wan)
			leases := take[wire.Lease](till)
			if len(leases) != 2 {
				t.Fatalf("got leases %+v, want two", leases)
			}
			current, next = leases[0], leases[1]
		}
		t.Errorf("not halted after %d bytes", wan)
	})
}

// What only one endpoint held is needed again when it leaves.
func TestACopyThatLeftIsFetchedAgainWithoutAHalt(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		for _, name := range []string{"ann", "bob", "cyd", "dan"} {
			till := s.join(name)
			till.report(a, nil)
			s.pass(3 * time.Second)
			leases := take[wire.Lease](till)
			wan, held := int64(1000), uint32(0)
			for len(leases) > 0 {
				l := leases[0]
				if !l.Body {
					wan += l.To - l.From
					held += uint32(len(l.Parts))
				}
				took(till, a, chunks(0, held), wan, done(l))
				leases = append(leases[1:], take[wire.Lease](till)...)
			}
			if got := s.flow(a); got.State != site.StateComplete {
				t.Fatalf("the flow is %s (%s) when %s has all of it", got.State, got.Reason, name)
			}
			till.leave()
		}
	})
}

// TestAChunkForgottenUnderItsLeaseMayComeAgain, whoever else holds it: the lease brings
// it anyhow.
func TestAChunkForgottenUnderItsLeaseMayComeAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 400) // 40 MB
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		at, wan := uint32(0), int64(0)
		for tries := 0; at < 400 && tries < 100; tries++ {
			leases := take[wire.Lease](till)
			if len(leases) == 0 {
				s.pass(time.Second)
				continue
			}
			for _, l := range leases {
				if l.Body {
					continue
				}
				n := uint32(len(l.Parts))
				id := wire.LeaseState{Epoch: l.Epoch, Lease: l.Lease}
				const rounds = 2 // all chunks of a lease are forgotten once
				for round := range rounds {
					wan += int64(n) * chunkBytes
					id.Verified, id.Done = n, round == rounds-1
					took(till, a, chunks(0, at+n), wan, id)
					took(other, a, chunks(0, at+n), 0)
					if round < rounds-1 {
						id.Verified = 0
						took(till, a, chunks(0, at), wan, id)
					}
				}
				at += n
			}
		}
		if at < 400 {
			t.Errorf("%d of 400 chunks were leased: the flow is %s (%s)", at, s.flow(a).State, s.flow(a).Reason)
		}
		for _, fault := range s.site.Faults() {
			t.Error(fault)
		}
	})
}
