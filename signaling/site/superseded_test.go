package site_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// superseded makes a flow one of which the site keeps so many copies.
func superseded(spec site.FlowSpec, copies int) site.FlowSpec {
	return with(ahead(spec, copies), func(f *site.FlowSpec) { f.Superseded = true })
}

// outdated is a shop whose first tills hold a version that a newer one superseded,
// of which it keeps two copies; nobody fetches the newer one, which is paused.
func outdated(s *stand, holders int, tills []*fake) (old, next site.FlowSpec) {
	old, next = version("app", 4), paused(version("app-2", 4))
	s.order(old)
	for i, till := range tills {
		if i < holders {
			till.report(old, chunks(0, 4))
			till.say(&wire.Stock{Room: 1 << 30, Free: 1 << 30, Holds: []content.VersionID{old.ID}})
		}
	}
	s.order(next, superseded(old, 2))
	s.pass(2 * time.Second)
	return superseded(old, 2), next
}

// freeShop is a site of endpoints with free room.
func (s *stand) freeShop(n int) (tills []*fake) {
	for i := range n {
		till := s.join(tillName(i))
		till.say(&wire.Stock{Room: 1 << 30, Free: 1 << 30})
		tills = append(tills, till)
	}
	return tills
}

func TestSupersededVersionIsKeptInAsManyCopiesAsTheSiteShallHave(t *testing.T) {
	onStand(t, func(s *stand) {
		tills := s.freeShop(4)
		outdated(s, 4, tills)
		keepers := 0
		for i, till := range tills {
			got := last[wire.Flows](till)
			if len(got.IDs) != 1 || len(got.Copies) != 1 {
				t.Fatalf("till %d is told %+v, want the newer version and the copies of the old one", i, got)
			}
			c := got.Copies[0]
			if !c.Superseded || c.Target != 2 {
				t.Errorf("till %d is told %+v", i, c)
			}
			if c.Others < 2 {
				keepers++
			}
		}
		if keepers != 2 {
			t.Errorf("%d tills are told that they are needed, want two", keepers)
		}
		if v := s.view(); len(v.Flows) != 1 {
			t.Errorf("%d flows are shown, want only what is wanted: nothing is copied", len(v.Flows))
		}
		none[wire.Lease](tills[0])
	})
}

func TestSupersededCopyIsMadeAgainOverTheLAN(t *testing.T) {
	onStand(t, func(s *stand) {
		tills := s.freeShop(3)
		old, _ := outdated(s, 2, tills)
		if got := told(old, tills); len(got) > 0 {
			t.Fatalf("told to %v, though there are two copies", got)
		}
		tills[1].leave()
		s.pass(schedule.ReturnPatience + time.Second)
		if got := told(old, tills); !slices.Equal(got, []int{0, 2}) {
			t.Fatalf("told to %v, want the holder and who shall be one", got)
		}
		tills[0].report(old, chunks(0, 4))
		tills[2].report(old, nil)
		s.pass(30 * time.Second)
		for _, till := range tills {
			none[wire.Lease](till)
		}
		if v := s.flow(old); !v.Superseded || v.State != site.StateRunning || v.Complete != 1 || !strings.Contains(v.Reason, "keeps 2 copies") {
			t.Errorf("the flow is %+v, want the copy shown", v)
		}
		tills[2].report(old, chunks(0, 4))
		s.pass(2 * time.Second)
		if got := last[wire.Flows](tills[2]); len(got.IDs) != 1 || len(got.Copies) != 1 || got.Copies[0].Others != 1 {
			t.Errorf("told %+v, want that the flow ended and one other has it", got)
		}
		if v := s.view(); len(v.Flows) != 1 {
			t.Errorf("%d flows are shown, want the copy gone", len(v.Flows))
		}
	})
}

func TestSupersededVersionThatNobodyHoldsIsNotFetched(t *testing.T) {
	onStand(t, func(s *stand) {
		tills := s.freeShop(2)
		old, next := outdated(s, 1, tills[:1])
		tills[0].leave()
		s.pass(time.Hour)
		s.order(next, old)
		s.pass(time.Minute)
		if got := last[wire.Flows](tills[1]); slices.Contains(got.IDs, old.ID) {
			t.Errorf("told %+v, though nobody can serve it", got)
		}
		none[wire.Lease](tills[1])
	})
}

func TestSupersededCopyGoesOnlyWhereNothingGoesForIt(t *testing.T) {
	onStand(t, func(s *stand) {
		tills := s.freeShop(3)
		tills[2].say(&wire.Stock{Room: 1 << 30, Free: 100}) // by evicting others
		old, _ := outdated(s, 2, tills)
		told(old, tills)
		// A keeper evicts it: it had no room, so it does not get it again at once.
		tills[1].say(&wire.Stock{Room: 1 << 30, Free: 100})
		s.pass(time.Minute)
		if got := last[wire.Flows](tills[0]).Copies; len(got) != 1 || got[0].Others != 0 || got[0].Elsewhere {
			t.Errorf("told %+v, want that nobody else has it, or room", got)
		}
		if got := told(old, tills); len(got) > 0 {
			t.Errorf("told to %v, want nobody to make room for it", got)
		}
	})
}
