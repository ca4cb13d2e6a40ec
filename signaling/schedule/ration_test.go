package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
)

// Whoever fetches takes at once what is leased, as fast as the line is. At no time has a flow
// been leased more than its cap allows, and over a long time it gets what the cap allows.
func TestAFlowIsLeasedWhatItsCapAllowsAndNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1000, 10_000_000).Draw(t, "cap")
		chunk := rapid.Int64Range(1, 256<<10).Draw(t, "chunk")
		var r schedule.Ration
		begin := time.Unix(1000, 0)
		now, leased, most := begin, int64(0), int64(0)
		for range 2000 {
			for r.Open(now, limit) {
				bytes := max(schedule.RationBytes(limit), chunk)
				r.Take(now, bytes, limit)
				leased, most = leased+bytes, max(most, bytes)
				if back := rapid.Int64Range(0, 9).Draw(t, "back"); back == 0 { // it came to nothing
					r.Take(now, -bytes, limit)
					leased -= bytes
					break
				}
			}
			ran := now.Sub(begin).Seconds()
			if allowed := float64(limit)*(ran+4) + float64(most) + 1; float64(leased) > allowed {
				t.Fatalf("leased %d bytes in %v s at %d bytes/s", leased, ran, limit)
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 500).Draw(t, "ms")) * time.Millisecond)
		}
		if ran := now.Sub(begin).Seconds(); float64(leased) < 0.9*float64(limit)*ran-float64(most) {
			t.Fatalf("leased %d bytes in %v s at %d bytes/s, want what the cap allows", leased, ran, limit)
		}
	})
}

func TestWhatRunsIsBoundedByTheSumOfItsCapsWhereAllHaveOne(t *testing.T) {
	for _, c := range []struct {
		caps    []int64
		sum     int64
		bounded bool
	}{{nil, 0, false}, {[]int64{5}, 5, true}, {[]int64{5, 0, 7}, 12, true}, {[]int64{5, -1}, 0, false}} {
		if sum, bounded := schedule.SumOfCaps(c.caps); sum != c.sum || bounded != c.bounded {
			t.Errorf("caps %v: got %d (%v), want %d (%v)", c.caps, sum, bounded, c.sum, c.bounded)
		}
	}
}

func TestACapOfNothingLeasesNothing(t *testing.T) {
	var r schedule.Ration
	if r.Open(time.Unix(1, 0), 0) {
		t.Error("something may be leased")
	}
}
