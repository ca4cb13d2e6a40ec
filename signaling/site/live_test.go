package site_test

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// TestASiteShowsTheSameWhileItsCountStandsStill: who looks asks only sites whose count
// moved. All that the time alone changes is put right by At.
func TestASiteShowsTheSameWhileItsCountStandsStill(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 3), version("b", 2)
		members := []*fake{}
		for _, step := range []struct {
			name string
			do   func()
		}{
			{"nothing", func() { s.order() }},
			{"a flow that nobody takes", func() { s.order(a) }},
			{"two who take it", func() { members = joinMany(s, 2) }},
			{"one has a part", func() { members[0].report(a, chunks(0, 1)) }},
			{"a pause", func() { s.order(paused(a)) }},
			{"one can't go on", func() {
				s.order(a)
				p := progress(a, nil)
				p.Code, p.Error = wire.CodeDiskFull, "no room"
				members[1].say(p)
			}},
			{"both have it", func() { members[0].report(a, chunks(0, 3)); members[1].report(a, chunks(0, 3)) }},
			{"another flow", func() { s.order(a, b) }},
			{"both leave", func() { members[0].leave(); members[1].leave() }},
		} {
			step.do()
			quiet, still := 0, 0
			var stirs uint64
			var was site.View
			for range 150 {
				s.pass(time.Second)
				now := s.site.Stirs()
				v := normal(s.view())
				if quiet++; now != stirs {
					quiet = 0
				}
				if quiet >= 2 { // its loop looked at the time since it was stirred
					still++
					if !reflect.DeepEqual(v, was) {
						t.Errorf("%s: at count %d it shows\n%+v\nand then\n%+v", step.name, now, was, v)
						break
					}
				}
				stirs, was = now, v
			}
			if still == 0 {
				t.Logf("%s: it never stood still", step.name)
			}
		}
	})
}

// normal takes out of a view what follows from the time.
func normal(v site.View) site.View {
	for i := range v.Flows {
		v.Flows[i] = v.Flows[i].At(time.Time{})
	}
	for i := range v.Endpoints {
		v.Endpoints[i] = v.Endpoints[i].At(time.Time{})
	}
	return v
}

func TestWhatRunsIsFoundAndNothingIsStarted(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		if h.Live("shop-1") != nil || len(h.Running()) != 0 || !h.Runs() || h.Epoch() != epoch {
			t.Error("a site runs that nobody asked for")
		}
		started := h.Site("shop-1")
		if h.Live("shop-1") != started {
			t.Error("the site that runs is not found")
		}
		if _, err := started.View(context.Background()); err != nil {
			t.Fatal(err)
		}
		before := started.Stirs()
		if _, err := started.View(context.Background()); err != nil || started.Stirs() != before {
			t.Errorf("a look counts as a change (%v)", err)
		}
		h.Changed("shop-1")
		synctest.Wait()
		if started.Stirs() == before {
			t.Error("that something else may be wanted does not count as a change")
		}
	})
}
