package schedule_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

var evening = time.Date(2026, 11, 26, 18, 0, 0, 0, time.UTC)

func TestCopiesGoToWhoIsUsuallyOnAndHasRoom(t *testing.T) {
	const size = 1 << 30
	on := func(id string, share float64, room int64) schedule.Replica {
		return schedule.Replica{ID: wire.EndpointID(id), On: true, Share: share, Room: room}
	}
	with := func(r schedule.Replica, do func(*schedule.Replica)) schedule.Replica { do(&r); return r }
	away := func(d time.Duration) func(*schedule.Replica) {
		return func(r *schedule.Replica) { r.On, r.Left, r.Chosen, r.Holds = false, evening.Add(-d), true, true }
	}
	chosen := func(r *schedule.Replica) { r.Chosen, r.Holds = true, true }
	for name, c := range map[string]struct {
		n    int
		all  []schedule.Replica
		want []wire.EndpointID
	}{
		"usually on before more room": {1, []schedule.Replica{on("guest", 0.2, 90*size), on("till", 0.95, 2*size)}, []wire.EndpointID{"till"}},
		"more room among equals":      {1, []schedule.Replica{on("a", 0.95, 2*size), on("b", 0.93, 9*size)}, []wire.EndpointID{"b"}},
		"who holds it costs nothing": {1, []schedule.Replica{on("a", 0.95, 9*size), with(on("b", 0.5, 0), func(r *schedule.Replica) { r.Holds = true })},
			[]wire.EndpointID{"b"}},
		"nobody without room":              {2, []schedule.Replica{on("a", 0.95, size-1), on("b", 0.1, size)}, []wire.EndpointID{"b"}},
		"room that nobody told comes last": {1, []schedule.Replica{on("a", 0.95, schedule.RoomUnknown), on("b", 0.95, size)}, []wire.EndpointID{"b"}},
		"nobody who is off":                {1, []schedule.Replica{with(on("a", 0.95, size), func(r *schedule.Replica) { r.On = false })}, []wire.EndpointID{}},
		"a restart moves nothing":          {1, []schedule.Replica{with(on("a", 0.9, size), away(schedule.ReturnPatience-1)), on("b", 0.95, size)}, []wire.EndpointID{"a"}},
		"a desktop goes home":              {1, []schedule.Replica{with(on("a", 0.4, size), away(schedule.ShortPatience)), on("b", 0.95, size)}, []wire.EndpointID{"b"}},
		"who stays away is replaced":       {1, []schedule.Replica{with(on("a", 0.9, size), away(schedule.ReturnPatience)), on("b", 0.95, size)}, []wire.EndpointID{"b"}},
		"a better one moves nothing":       {1, []schedule.Replica{with(on("a", 0.2, size), chosen), on("b", 0.95, size)}, []wire.EndpointID{"a"}},
		"who likes to leave is not waited for where another lends": {2, []schedule.Replica{with(on("a", 0.2, size), away(time.Second)),
			with(on("b", 0.9, size), chosen), on("c", 0.1, size)}, []wire.EndpointID{"b", "c"}},
		"who is usually on is for a restart": {2, []schedule.Replica{with(on("a", 0.9, size), away(schedule.ShortPatience-1)),
			with(on("b", 0.9, size), chosen), on("c", 0.1, size)}, []wire.EndpointID{"b", "a"}},
		"and no longer": {2, []schedule.Replica{with(on("a", 0.9, size), away(schedule.ShortPatience)),
			with(on("b", 0.9, size), chosen), on("c", 0.1, size)}, []wire.EndpointID{"b", "c"}},
		"it is where nobody does": {1, []schedule.Replica{with(on("a", 0.2, size), away(time.Second)), on("c", 0.1, size)}, []wire.EndpointID{"a"}},
		"what is on its way gives way to what is there": {1, []schedule.Replica{with(on("a", 0.9, size), func(r *schedule.Replica) { r.Chosen = true }),
			with(on("b", 0.1, 0), func(r *schedule.Replica) { r.Holds = true })}, []wire.EndpointID{"b"}},
		"who can't take it is replaced": {1, []schedule.Replica{with(on("a", 0.9, size), func(r *schedule.Replica) { r.Chosen, r.Unfit = true, true }), on("b", 0.5, size)},
			[]wire.EndpointID{"b"}},
		"the least good goes when fewer are wanted": {1, []schedule.Replica{with(on("a", 0.2, size), chosen), with(on("b", 0.9, size), chosen)}, []wire.EndpointID{"b"}},
		"nobody goes before the others have it": {1, []schedule.Replica{with(on("a", 0.2, size), chosen),
			with(on("b", 0.9, size), away(time.Minute))}, []wire.EndpointID{"b", "a"}},
	} {
		if got := schedule.Replicas(evening, content.VersionID{1}, c.n, size, c.all); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func anyReplicas(t *rapid.T) (all []schedule.Replica) {
	for i := range rapid.IntRange(0, 12).Draw(t, "endpoints") {
		all = append(all, schedule.Replica{ID: wire.EndpointID(fmt.Sprint(i)), On: rapid.Bool().Draw(t, "on"),
			Left:  evening.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "left")) * time.Minute),
			Share: rapid.Float64Range(0, 1).Draw(t, "share"), Room: rapid.Int64Range(-1, 100).Draw(t, "room"),
			Holds: rapid.Bool().Draw(t, "holds"), Chosen: rapid.Bool().Draw(t, "chosen"), Unfit: rapid.IntRange(0, 4).Draw(t, "unfit") == 0})
	}
	return all
}

func TestCopiesNeverFallBelowWhatCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, n := anyReplicas(t), rapid.IntRange(0, 6).Draw(t, "n")
		const size = 50
		got := schedule.Replicas(evening, content.VersionID{1}, n, size, all)
		could, wholeBefore, wholeAfter := 0, 0, 0
		for _, r := range all {
			in := slices.Contains(got, r.ID)
			stays := r.Counts(evening, all)
			fresh := r.On && (r.Holds || r.Room == schedule.RoomUnknown || r.Room >= size)
			switch {
			case in && r.Unfit:
				t.Fatalf("%s is chosen and can't take it", r.ID)
			case in && !r.Chosen && !fresh:
				t.Fatalf("%s is chosen, and is off or has no room", r.ID)
			}
			if !r.Unfit && (stays || fresh && !r.Chosen) {
				could++
			}
			if r.Chosen && r.On && r.Holds && !r.Unfit {
				wholeBefore++
				if in {
					wholeAfter++
				}
			}
		}
		if len(got) < min(n, could) {
			t.Fatalf("%d are chosen, want %d of %d that could", len(got), n, could)
		}
		if wholeAfter < min(n, wholeBefore) {
			t.Fatalf("of %d copies %d are kept, want %d", wholeBefore, wholeAfter, n)
		}
		again := schedule.Replicas(evening, content.VersionID{1}, n, size, rapid.Permutation(all).Draw(t, "order"))
		if !slices.Equal(got, again) {
			t.Fatalf("in another order %v are chosen, and not %v", again, got)
		}
	})
}

func TestCopiesSpreadOverEndpointsThatAreEquallyGood(t *testing.T) {
	var all []schedule.Replica
	for i := range 10 {
		all = append(all, schedule.Replica{ID: wire.EndpointID(fmt.Sprint(i)), On: true, Share: 0.9, Room: 1 << 40})
	}
	count := map[wire.EndpointID]int{}
	for v := range 100 {
		for _, id := range schedule.Replicas(evening, content.VersionID{byte(v)}, 2, 1, all) {
			count[id]++
		}
	}
	for _, r := range all {
		if n := count[r.ID]; n < 8 || n > 40 {
			t.Errorf("%s holds %d of 200 copies, want about 20", r.ID, n)
		}
	}
}

func TestUptimeIsADecayedShare(t *testing.T) {
	var till, guest, fresh schedule.Uptime
	now := evening
	for range 60 { // days
		till = till.Note(now, true)
		guest = guest.Note(now, true).Note(now.Add(2*time.Hour), false)
		now = now.Add(23 * time.Hour)
		till = till.Note(now, false)
		now = now.Add(time.Hour)
	}
	for name, c := range map[string]struct {
		u    schedule.Uptime
		want float64
	}{"till": {till, 23.0 / 24}, "guest": {guest, 2.0 / 24}, "fresh": {fresh, 0.5}} {
		if got := c.u.Share(now); math.Abs(got-c.want) > 0.07 {
			t.Errorf("%s is on %.2f of the time, want %.2f", name, got, c.want)
		}
	}
	if got := till.Share(now.Add(-100 * 24 * time.Hour)); got < 0 || got > 1 {
		t.Errorf("a clock set back makes it %v", got)
	}
	if got := till.Share(now.Add(30 * 24 * time.Hour)); got > 0.1 {
		t.Errorf("after a month away it is thought to be on %.2f of the time", got)
	}
}
