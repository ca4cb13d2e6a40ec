package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestOfTwoAllowancesTheSmallerCounts(t *testing.T) {
	for name, c := range map[string]struct {
		own, told, shown int64
		held             bool
	}{
		"nobody says":          {0, 0, 0, false},
		"only operators":       {0, 5_000_000, 5_000_000, true},
		"operators say less":   {90_000_000, 5_000_000, 5_000_000, true},
		"operators say more":   {5_000_000, 90_000_000, 5_000_000, true},
		"neither is used up":   {90_000_000, 80_000_000, 80_000_000, false},
		"only this device has": {5_000_000, 0, 5_000_000, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := new(line)
				l.known.Store(true)
				r := l.regard(polite.Limits{Allowance: c.own})
				l.taken.Store(6_000_000)
				r.allow(c.told)
				runs(t, r, time.Minute)
				got := r.restraints()
				if held := len(got) == 1 && got[0].Code == wire.RestraintAllowance && got[0].Firm; held != c.held || len(got) > 1 {
					t.Errorf("restraints are %+v, want one of the allowance: %v", got, c.held)
				}
				if m := r.spent(); m == nil || m.Allowance != c.shown {
					t.Errorf("shows %+v, want an allowance of %d", m, c.shown)
				}
				r.allow(0)
				runs(t, r, time.Minute)
				if got, own := r.restraints(), c.own == 5_000_000; (len(got) > 0) != own {
					t.Errorf("when operators set none, restraints are %+v", got)
				}
			})
		})
	}
}
