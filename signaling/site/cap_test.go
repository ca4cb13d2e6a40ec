package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// twoFetchers brings two members to fetch at once, as it is when one failed and
// came back.
func twoFetchers(s *stand) (one, two *fake) {
	s.t.Helper()
	a := version("a", 90)
	s.order(a)
	one, two = s.join("one"), s.join("two")
	current, _ := begin(s, a, one, two)
	one.report(a, nil, failed(current))
	if got := take[wire.Lease](two); len(got) == 0 {
		s.t.Fatalf("the other got no lease")
	}
	return one, two
}

func TestTheCapBoundsTheGovernor(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 1000
		a := version("a", 20)
		s.order(a)
		till, other := s.join("till"), s.join("other")
		none[wire.Govern](till)
		begin(s, a, till, other)
		first := one[wire.Govern](till)
		if first.Bound != 1000 || first.Epoch != epoch {
			t.Errorf("governs %+v, want within 1000 until the next", first)
		}
		for _, limit := range []int64{500, wire.Unlimited, 9} {
			s.want.Cap = limit
			s.again()
			got := one[wire.Govern](till)
			if got.Bound != limit || got.Term <= first.Term {
				t.Errorf("governs %+v, want within %d in a higher term than %d", got, limit, first.Term)
			}
			first = got
		}
	})
}

func TestFetchersOfOneLineShareItsCapUnderOneGovernor(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 100_001
		one, two := twoFetchers(s)
		first, second := last[wire.Govern](one), last[wire.Govern](two)
		if first.Bound != 100_001 || first.Term != second.Term || first.Holder != one.id || len(first.Fetchers) != 2 {
			t.Errorf("told %+v and %+v, want one governor of both within 100001", first, second)
		}
		s.pass(8 * time.Second)
		none[wire.Govern](one)
		none[wire.Govern](two)
	})
}

func TestLinesShareTheCapAndTheSharesStayAsTheyAre(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 100_001
		a := version("a", 90)
		s.order(a)
		one, two := s.joinFrom("one", "192.0.2.1"), s.joinFrom("two", "192.0.2.2")
		settle(s, []*fake{one, two}, false)
		one.report(a, nil)
		two.report(a, nil)
		first, second := last[wire.Govern](one), last[wire.Govern](two)
		if first.Bound != 50_001 || second.Bound != 50_000 || first.Holder != one.id || second.Holder != two.id {
			t.Errorf("told %+v and %+v, want a governor each, within equal shares of 100001", first, second)
		}
		s.pass(8 * time.Second)
		none[wire.Govern](one)
		none[wire.Govern](two)
		two.leave()
		if got := last[wire.Govern](one); got.Bound != 100_001 {
			t.Errorf("bound is %d with nobody behind the other line, want all of the cap", got.Bound)
		}
	})
}

func TestACapOfNothingLetsNobodyFetchAndHoldsNobodyOff(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 20)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		take[wire.Lease](till)
		s.want.Cap = 0
		s.again()
		if got := take[wire.Revoke](till); len(got) != 2 {
			t.Errorf("revoked %+v, want both leases", got)
		}
		s.pass(time.Hour)
		none[wire.Lease](till)
		s.want.Cap = 1000
		s.again()
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases as soon as there is a cap again, want 2", len(got))
		}
	})
}
