package schedule_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// contender is a flow that always wants more.
type contender struct {
	priority wire.Priority
	turn     schedule.Turn
	got      int64 // since the set of flows, or a priority, changed last
}

// TestClassesAreStrictAndFlowsOfOneShareEqually has random flows that come, go and change
// their class, and leases of random sizes. As the README says, a lease goes to the highest
// class that has room, and flows of a class have equal parts of what it gets, whenever they
// came and whatever the size of their leases.
func TestClassesAreStrictAndFlowsOfOneShareEqually(t *testing.T) {
	priorities := []wire.Priority{wire.High, wire.Normal, wire.Low}
	rapid.Check(t, func(t *rapid.T) {
		var flows []*contender
		turns, most := schedule.Turns{}, int64(0)
		anew := func() {
			for _, f := range flows {
				f.got = 0
			}
		}
		full := map[int]bool{} // classes whose slots are taken
		room := func(s schedule.Slot) int {
			if full[s.Class] {
				return 0
			}
			return 1
		}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			switch what := rapid.IntRange(0, 3).Draw(t, "change"); {
			case what <= 1 || len(flows) == 0:
				flows = append(flows, &contender{priority: rapid.SampledFrom(priorities).Draw(t, "priority")})
			case what == 2:
				flows[rapid.IntRange(0, len(flows)-1).Draw(t, "which")].priority = rapid.SampledFrom(priorities).Draw(t, "priority")
			default:
				i := rapid.IntRange(0, len(flows)-1).Draw(t, "which")
				flows = append(flows[:i], flows[i+1:]...)
			}
			anew()
			for range rapid.IntRange(1, 200).Draw(t, "leases") {
				for class := range priorities {
					full[class] = rapid.IntRange(0, 3).Draw(t, "full") == 0
				}
				waiting := make([]schedule.Waiting, len(flows))
				for i, f := range flows {
					waiting[i] = schedule.Waiting{Priority: f.priority, Turn: turns.Begins(f.turn, f.priority.Class()), Fetchers: []wire.EndpointID{"one"}}
				}
				i, _, ok := schedule.NextLease(waiting, room)
				highest := len(priorities)
				for _, f := range flows {
					if c := f.priority.Class(); !full[c] {
						highest = min(highest, c)
					}
				}
				if ok != (highest < len(priorities)) || ok && flows[i].priority.Class() != highest {
					t.Fatalf("leased to flow %d (%v), want one of class %d", i, ok, highest)
				}
				if !ok {
					continue
				}
				bytes := rapid.Int64Range(1, schedule.MaxLeaseBytes).Draw(t, "bytes")
				most = max(most, bytes)
				flows[i].turn = turns.Take(flows[i].turn, flows[i].priority.Class(), bytes)
				flows[i].got += bytes
			}
			for i, f := range flows {
				for j, other := range flows[:i] {
					if f.priority == other.priority && max(f.got-other.got, other.got-f.got) > 3*most {
						t.Fatalf("flow %d got %d bytes and flow %d of the same class %d, with leases of %d at most", i, f.got, j, other.got, most)
					}
				}
			}
		}
	})
}
