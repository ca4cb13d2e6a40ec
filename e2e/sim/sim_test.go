package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/sim"
)

// plan is the world that stories are told in: the WAN is slow enough for a version to
// take a while, the LAN ten times as fast.
func plan(seed uint64) sim.Plan {
	return sim.Plan{Sites: []int{5, 2}, WAN: 100_000, LAN: 1_000_000, Relay: true, Seed: seed}
}

// start switches everybody on.
func start(w *sim.World) {
	for _, s := range w.Sites {
		for _, e := range s.Endpoints {
			if !e.Running() {
				e.Start()
			}
		}
	}
}

// sound fails the test when a promise was broken.
func sound(t *testing.T, w *sim.World) {
	t.Helper()
	for _, s := range w.Sites {
		s.Audit()
	}
	if faults := w.Faults(); len(faults) > 0 {
		t.Fatalf("%d promises broken:\n%s\n\nlog:\n%s", len(faults), w.History(), w.Log())
	}
}

func TestASiteWithoutTroubleFetchesEverythingOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(plan(1))
		defer w.Close()
		start(w)
		s, v := w.Sites[0], sim.Versions()[0]
		s.Order(v)
		if !w.Finish(time.Minute) {
			t.Fatalf("not complete in time: %v\n%s\n%s", w.Incomplete(), w.History(), w.Log())
		}
		sound(t, w)
		got := s.Traffic()
		t.Logf("%+v, %d events", got, w.Events())
		if got.WAN != got.Needed {
			t.Errorf("%d bytes crossed the WAN, %d had to", got.WAN, got.Needed)
		}
	})
}
