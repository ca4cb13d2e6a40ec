package main

import "testing"

// What the table shows is promised, for few days and one trace a site.
func TestPlacementByUptimeMovesLessAndIsThereMore(t *testing.T) {
	for _, trace := range Traces {
		var random Result
		for _, how := range Placements {
			r := Run(Plan{Trace: trace, Copies: 2, Days: 14, Seed: 3, Place: how.Place})
			t.Logf("%s, %s: there %.4f, whole %.4f, moved %d GB, %d evicted", trace.Name, how.Name, r.There(), r.Whole(), r.Moved/1e9, r.Evicted)
			switch {
			case r.Lost > 0:
				t.Errorf("%s, %s: eviction took %d copies that were needed", trace.Name, how.Name, r.Lost)
			case how.Name == "random":
				random = r
			case how.Name == "sitecast" && (r.Moved >= random.Moved || r.There() < random.There() || r.Whole() < random.Whole()):
				t.Errorf("%s: moved %d bytes and there %.4f of the time, at random %d and %.4f", trace.Name, r.Moved, r.There(), random.Moved, random.There())
			}
		}
	}
}

func TestASeedTellsTheSameStoryAgain(t *testing.T) {
	for _, how := range Placements {
		p := Plan{Trace: Traces[0], Copies: 2, Days: 10, Seed: 1, Place: how.Place}
		if first, second := Run(p), Run(p); first != second {
			t.Errorf("%s: got %+v and %+v", how.Name, first, second)
		}
	}
}
