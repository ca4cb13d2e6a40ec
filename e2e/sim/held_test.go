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
