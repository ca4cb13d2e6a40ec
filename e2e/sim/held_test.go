package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/sim"
)

func TestVersionThatOneHoldsFromBeforeCrossesNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(plan(1))
		defer w.Close()
		s, v := w.Sites[0], sim.Versions()[0]
		s.Endpoints[1].Start()
		s.Order(v)
		w.Pass(2 * time.Minute)
		s.Withdraw(v)
		w.Pass(2 * time.Minute)
		start(w)
		w.Pass(10 * time.Second)
		before := s.Traffic().WAN
		s.Order(v)
		if !w.Finish(time.Minute) {
			t.Fatalf("not complete in time: %v\n%s\n%s", w.Incomplete(), w.History(), w.Log())
		}
		if wan := s.Traffic().WAN; wan != before {
			t.Errorf("%d bytes crossed the WAN again, none had to\n%s", wan-before, w.History())
		}
	})
}

// An update comes as patches to who has the version before, in place of what it has
// changed; where they make something else all of that comes whole.
func TestUpdateComesAsPatchesOrWhole(t *testing.T) {
	took := map[bool]int64{}
	for _, spoilt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := sim.New(plan(1))
			defer w.Close()
			start(w)
			s, older, newer := w.Sites[0], sim.Versions()[0], sim.Versions()[1]
			s.Order(older)
			if !w.Finish(3 * time.Minute) {
				t.Fatalf("not complete in time: %v", w.Incomplete())
			}
			if spoilt {
				s.SpoilPatches()
			}
			before := s.Traffic().WAN
			s.Order(newer)
			s.Patch(newer)
			if !w.Finish(3 * time.Minute) {
				t.Fatalf("not complete in time: %v\n%s\n%s", w.Incomplete(), w.History(), w.Log())
			}
			sound(t, w)
			took[spoilt] = s.Traffic().WAN - before
		})
	}
	if took[false] > took[true]/2 || took[true] < 75*9<<10 {
		t.Errorf("%d bytes came as patches, and %d whole", took[false], took[true])
	}
}
