package sim_test

import (
	"fmt"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/sim"
)

// plan is the world that stories are told in: the WAN is slow enough for a version to
// take a while, the LAN ten times as fast.
func plan(seed uint64) sim.Plan {
	return sim.Plan{Sites: []int{5, 2}, WAN: 50_000, LAN: 500_000, Relay: true, Seed: seed}
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
		if !w.Finish(3 * time.Minute) {
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

// An hour without anything to do is an hour of silence: two kept links to a peer and
// a socket need no word of the engine or the site.
func TestASiteThatHasEverythingIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(plan(1))
		defer w.Close()
		start(w)
		w.Sites[0].Order(sim.Versions()[0])
		if !w.Finish(3 * time.Minute) {
			t.Fatalf("not complete in time: %v", w.Incomplete())
		}
		w.Pass(2 * time.Minute) // links that were for the work are closed
		events, ran := w.Events(), scheduled()
		w.Pass(time.Hour)
		if n := w.Events() - events; n != 0 {
			t.Errorf("%d messages and frames in an idle hour", n)
		}
		t.Logf("goroutines ran %d times", scheduled()-ran)
		if n := scheduled() - ran; n > 3600 {
			t.Errorf("goroutines ran %d times in an idle hour", n)
		}
		sound(t, w)
	})
}

// scheduled is about how often a goroutine began to run in this process; the runtime
// counts one in eight.
func scheduled() (n uint64) {
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(sample)
	for _, count := range sample[0].Value.Float64Histogram().Counts {
		n += 8 * count
	}
	return n
}

// eventful is a story that always is the same.
func eventful(w *sim.World) {
	s := w.Sites[0]
	start(w)
	s.Order(sim.Versions()[0])
	w.Sites[1].Order(sim.Versions()[2])
	w.Pass(7 * time.Second)
	s.Endpoints[0].Kill()
	w.Pass(5 * time.Second)
	s.Endpoints[2].Get(sim.Frozen, true)
	s.Endpoints[0].Start()
	w.Block(s.Endpoints[1], s.Endpoints[3], true)
	w.Pass(30 * time.Second)
	w.KillServer()
	w.Pass(5 * time.Second)
	w.StartServer()
	s.Order(sim.Versions()[1])
	w.HealAll()
	w.Finish(5 * time.Minute)
}

func TestASeedTellsTheSameStoryAgain(t *testing.T) {
	var told []string
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			w := sim.New(plan(7))
			defer w.Close()
			eventful(w)
			sound(t, w)
			told = append(told, fmt.Sprintf("%+v\n%s", w.Sites[0].Traffic(), w.History()))
		})
	}
	for _, again := range told[1:] {
		if again != told[0] {
			t.Errorf("the same seed told another story:\n%s\n\n%s", told[0], again)
		}
	}
}
