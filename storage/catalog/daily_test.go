package catalog_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/catalog"
)

var began = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// after is what an endpoint says so many seconds later.
func after(seconds int, r catalog.Received, complete bool) catalog.Tally {
	return catalog.Tally{At: began.Add(time.Duration(seconds) * time.Second), Received: r, Complete: complete, WirePPM: 500_000}
}

func TestWhatIsCounted(t *testing.T) {
	type step struct {
		catalog.Tally
		adds catalog.Sums
	}
	for name, steps := range map[string][]step{
		"only what is new counts": {
			{after(0, catalog.Received{Origin: 100, WAN: 60}, false), catalog.Sums{Origin: 100, WAN: 60, Alone: 60}},
			{after(1, catalog.Received{Origin: 150, Peer: 20, WAN: 80}, false), catalog.Sums{Origin: 50, Peer: 20, WAN: 20, Alone: 30}},
		},
		"who fetches alone saves nothing": {
			{after(0, catalog.Received{Origin: 1000, WAN: 500}, true), catalog.Sums{Endpoints: 1, Origin: 1000, WAN: 500, Alone: 500, Needed: 500}},
		},
		"what is relayed leaves the site and comes back": {
			{after(0, catalog.Received{Relay: 100}, false), catalog.Sums{Relay: 100, WAN: 200, Alone: 50}},
		},
		"what was held before crosses nothing": {
			{after(0, catalog.Received{Reused: 70, Peer: 30}, true), catalog.Sums{Endpoints: 1, Reused: 70, Peer: 30, Alone: 15, Needed: 15}},
		},
		"told again nothing counts": {
			{after(0, catalog.Received{Peer: 100}, true), catalog.Sums{Endpoints: 1, Peer: 100, Alone: 50, Needed: 50}},
			{after(0, catalog.Received{Peer: 100}, true), catalog.Sums{}},
			{after(9, catalog.Received{Peer: 100}, true), catalog.Sums{}},
		},
		"what is older than the last counts nothing": {
			{after(5, catalog.Received{Peer: 100}, true), catalog.Sums{Endpoints: 1, Peer: 100, Alone: 50, Needed: 50}},
			{after(4, catalog.Received{Peer: 90}, false), catalog.Sums{}},
			{after(6, catalog.Received{Peer: 110}, true), catalog.Sums{Peer: 10, Alone: 5}},
		},
		"an opening store says nothing": {
			{after(0, catalog.Received{Peer: 100}, true), catalog.Sums{Endpoints: 1, Peer: 100, Alone: 50, Needed: 50}},
			{after(1, catalog.Received{}, false), catalog.Sums{}},
			{after(2, catalog.Received{Peer: 100}, true), catalog.Sums{}},
		},
		"an agent that was killed forgets a little, and that counts once": {
			{after(0, catalog.Received{Peer: 100}, false), catalog.Sums{Peer: 100, Alone: 50}},
			{after(1, catalog.Received{Peer: 90}, false), catalog.Sums{}},
			{after(2, catalog.Received{Peer: 120}, false), catalog.Sums{Peer: 20, Alone: 10}},
		},
		"what was deleted and is fetched again counts again": {
			{after(0, catalog.Received{Origin: 100, WAN: 50}, true), catalog.Sums{Endpoints: 1, Origin: 100, WAN: 50, Alone: 50, Needed: 50}},
			{after(1, catalog.Received{Origin: 40, WAN: 20}, false), catalog.Sums{Origin: 40, WAN: 20, Alone: 20}},
			{after(2, catalog.Received{Origin: 100, WAN: 50}, true), catalog.Sums{Endpoints: 1, Origin: 60, WAN: 30, Alone: 30, Needed: 50}},
		},
		"damage that is mended is no second copy": {
			{after(0, catalog.Received{Peer: 100}, true), catalog.Sums{Endpoints: 1, Peer: 100, Alone: 50, Needed: 50}},
			{after(1, catalog.Received{Peer: 100}, false), catalog.Sums{}},
			{after(2, catalog.Received{Peer: 101}, true), catalog.Sums{Peer: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c catalog.Counted
			for i, s := range steps {
				var adds catalog.Sums
				if adds, c = c.Count(s.Tally); adds != s.adds {
					t.Errorf("step %d: got %+v, want %+v", i, adds, s.adds)
				}
			}
		})
	}
}

func TestSharesOfWhatIsSaved(t *testing.T) {
	ten := catalog.Sums{Endpoints: 10, WAN: 100, Alone: 1000, Needed: 1000, Once: 100}
	if got, want := ten.MaxShare(), 0.9; got != want || ten.SavedShare() != want || ten.Saved() != 900 {
		t.Errorf("ten endpoints, fetched once: got %v of at most %v (%d bytes), want %v of as much", ten.SavedShare(), got, ten.Saved(), want)
	}
	var none catalog.Sums
	if none.MaxShare() != 0 || none.SavedShare() != 0 {
		t.Errorf("nothing: got shares of %v, %v", none.SavedShare(), none.MaxShare())
	}
	if one := (catalog.Sums{Endpoints: 1, WAN: 100, Alone: 100, Needed: 100, Once: 100}); one.MaxShare() != 0 || one.Saved() != 0 {
		t.Errorf("one endpoint: got %v saved, at most %v", one.Saved(), one.MaxShare())
	}
}

// TestNothingCountsTwice: whatever part of what an endpoint says arrives, however often and in
// whatever order, no more is counted than it received, and all of it once the last has arrived.
func TestNothingCountsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var said []catalog.Tally
		var r catalog.Received
		grow := rapid.Int64Range(0, 1<<20)
		for i := range rapid.IntRange(1, 20).Draw(t, "reports") {
			r.Origin, r.Peer, r.Relay, r.Reused, r.WAN = r.Origin+grow.Draw(t, "origin"), r.Peer+grow.Draw(t, "peer"), r.Relay+grow.Draw(t, "relay"), r.Reused+grow.Draw(t, "reused"), r.WAN+grow.Draw(t, "wan")
			said = append(said, after(i, r, false))
		}
		said[len(said)-1].Complete = r.Total() > 0
		var c catalog.Counted
		var sum catalog.Sums
		for range rapid.IntRange(0, 40).Draw(t, "deliveries") {
			var add catalog.Sums
			add, c = c.Count(said[rapid.IntRange(0, len(said)-1).Draw(t, "which")])
			sum.Add(add)
			if got := sum.Origin + sum.Peer + sum.Relay + sum.Reused; got > r.Total() || sum.Endpoints > 1 {
				t.Fatalf("counted %d bytes of %d, and %d endpoints", got, r.Total(), sum.Endpoints)
			}
		}
		add, _ := c.Count(said[len(said)-1])
		sum.Add(add)
		got := catalog.Received{Origin: sum.Origin, Peer: sum.Peer, Relay: sum.Relay, Reused: sum.Reused, WAN: sum.WAN - 2*sum.Relay}
		if want := r; got != want && r.Total() > 0 {
			t.Fatalf("counted %+v in the end, want %+v", got, want)
		}
	})
}

func TestDays(t *testing.T) {
	if got := catalog.DayOf(began); got != "2026-11-27" || catalog.CheckDay(got) != nil {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"", "2026-11", "2026-13-01", "27.11.2026", "2026-11-27T00:00:00Z"} {
		if catalog.CheckDay(bad) == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}
