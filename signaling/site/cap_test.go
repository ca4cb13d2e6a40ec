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

func TestTheCapIsGrantedToWhoFetches(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 1000
		a := version("a", 20)
		s.order(a)
		till, other := s.join("till"), s.join("other")
		none[wire.Govern](till)
		begin(s, a, till, other)
		first := one[wire.Govern](till)
		if first.Bound != 1000 || first.Epoch != epoch {
			t.Errorf("granted %+v, want 1000 until the next", first)
		}
		none[wire.Govern](other)
		for _, limit := range []int64{500, wire.Unlimited, 9} {
			s.want.Cap = limit
			s.again()
			got := one[wire.Govern](till)
			if got.Bound != limit || got.Term <= first.Term {
				t.Errorf("granted %+v, want %d under a higher number than %d", got, limit, first.Term)
			}
			first = got
		}
	})
}

func TestWithoutACapNothingIsGranted(t *testing.T) {
	onStand(t, func(s *stand) {
		one, two := twoFetchers(s)
		s.pass(10 * time.Second)
		none[wire.Govern](one)
		none[wire.Govern](two)
	})
}

func TestTheCapIsSharedAndTheSharesStayAsTheyAre(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 100_001
		one, two := twoFetchers(s)
		grants := take[wire.Govern](one)
		mine := grants[len(grants)-1].Bound
		grants = take[wire.Govern](two)
		if other := grants[len(grants)-1].Bound; mine+other != 100_001 || mine-other > 1 || other-mine > 1 {
			t.Errorf("granted %d and %d, want equal shares of 100001", mine, other)
		}
		s.pass(10 * time.Second)
		none[wire.Govern](one)
		none[wire.Govern](two)
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
