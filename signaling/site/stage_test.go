package site_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// ahead makes a flow one of so many copies, of a size.
func ahead(spec site.FlowSpec, copies int) site.FlowSpec {
	return with(spec, func(f *site.FlowSpec) { f.PreStage, f.Head.Bytes = copies, f.Head.UniqueBytes })
}

func tillName(i int) string { return "till" + string(rune('a'+i)) }

// shop is a site of endpoints, each with room for a number of bytes.
func (s *stand) shop(rooms ...int64) (tills []*fake) {
	for i, room := range rooms {
		till := s.join(tillName(i))
		till.say(&wire.Stock{Room: room})
		tills = append(tills, till)
	}
	return tills
}

// told lists who was told last that a flow is theirs.
func told(spec site.FlowSpec, tills []*fake) (out []int) {
	for i, till := range tills {
		lists := take[wire.Flows](till)
		if len(lists) > 0 && slices.Contains(lists[len(lists)-1].IDs, spec.ID) {
			out = append(out, i)
		}
	}
	return out
}

func TestCopiesArePlacedAheadOfNeedWhereThereIsRoom(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := ahead(version("app", 4), 2)
		tills := s.shop(1<<20, 100, 1<<30, 100)
		s.order(spec)
		s.pass(time.Second)
		if got := told(spec, tills); !slices.Equal(got, []int{0, 2}) {
			t.Fatalf("told to %v, want the two with room", got)
		}
		none[wire.Flow](tills[1])
		if v := s.flow(spec); v.Endpoints != 2 || v.State != site.StateRunning || v.PreStage != 2 {
			t.Errorf("the flow is %+v, want it to run at two endpoints", v)
		}
		for _, i := range []int{0, 2} {
			tills[i].report(spec, nil)
		}
		s.pass(3 * time.Second)
		if got := len(take[wire.Lease](tills[0])) + len(take[wire.Lease](tills[2])); got == 0 {
			t.Error("nobody fetches it")
		}
		for _, i := range []int{0, 2} {
			tills[i].report(spec, chunks(0, 4))
		}
		if v := s.flow(spec); v.Complete != 2 || v.State != site.StateComplete {
			t.Errorf("the flow is %+v, want it complete with two copies", v)
		}
		// Then it opens, and everybody gets it.
		spec.PreStage = 0
		s.order(spec)
		if got := told(spec, tills); !slices.Equal(got, []int{0, 1, 2, 3}) {
			t.Errorf("told to %v, want everybody", got)
		}
		tills[1].report(spec, nil)
		s.pass(5 * time.Second)
		for _, till := range tills {
			none[wire.Lease](till)
		}
	})
}

func TestCopyOfWhoStaysAwayIsMadeAgainElsewhere(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := ahead(version("app", 4), 1)
		tills := s.shop(1<<30, 1<<20)
		s.order(spec)
		s.pass(time.Second)
		tills[0].report(spec, chunks(0, 4))
		told(spec, tills)
		tills[0].leave()
		s.pass(schedule.ShortPatience - time.Minute)
		if got := told(spec, tills); len(got) > 0 {
			t.Fatalf("told to %v while the holder may only restart", got)
		}
		s.pass(2 * time.Minute)
		if got := told(spec, tills); !slices.Equal(got, []int{1}) {
			t.Fatalf("told to %v, want the other one", got)
		}
		tills[1].report(spec, chunks(0, 4))
		// Who comes back holds a copy that is not needed: two would be one too many.
		back := s.join(tillName(0))
		back.say(&wire.Stock{Room: 1 << 20, Holds: []content.VersionID{spec.ID}})
		s.pass(2 * time.Second)
		want := []wire.Copies{{ID: spec.ID, Target: 1, Others: 1}}
		if got := last[wire.Flows](back); len(got.IDs) > 0 || !slices.Equal(got.Copies, want) {
			t.Errorf("told %+v, want that another one has it", got)
		}
		// When the new holder fails, the copy that is there takes its place.
		tills[1].leave()
		s.pass(time.Second)
		if got := last[wire.Flows](back); got.Copies[0].Others != 0 {
			t.Errorf("told %+v, want that nobody else has it", got)
		}
		s.pass(schedule.ReturnPatience + time.Second)
		if got := last[wire.Flows](back); !slices.Equal(got.IDs, []content.VersionID{spec.ID}) {
			t.Errorf("told %+v, want the flow", got)
		}
	})
}

func TestRestartedServerFindsTheCopiesWhereTheyAre(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := ahead(version("app", 4), 1)
		s.order(spec)
		roomy, holder := s.join(tillName(0)), s.join(tillName(1))
		roomy.say(&wire.Stock{Room: 1 << 40})
		holder.say(&wire.Stock{Room: 1, Holds: []content.VersionID{spec.ID}})
		s.pass(5 * time.Second)
		if got := told(spec, []*fake{roomy, holder}); !slices.Equal(got, []int{1}) {
			t.Errorf("told to %v, want who holds it already", got)
		}
	})
}

func TestWhoCannotTakeACopyIsReplaced(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := ahead(version("app", 4), 1)
		tills := s.shop(1<<30, 1<<20)
		s.order(spec)
		s.pass(time.Second)
		if got := told(spec, tills); !slices.Equal(got, []int{0}) {
			t.Fatalf("told to %v, want the one with more room", got)
		}
		tills[0].say(&wire.Progress{Flow: spec.ID, Code: wire.CodeStore, Error: "read-only file system"})
		s.pass(time.Second)
		if got := told(spec, tills); !slices.Equal(got, []int{1}) {
			t.Errorf("told to %v, want the other one", got)
		}
		if v := s.flow(spec); v.Endpoints != 1 || v.State != site.StateRunning {
			t.Errorf("the flow is %+v, want it to go on", v)
		}
	})
}

func TestBrowsersHoldNothingAheadOfNeed(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := ahead(version("app", 4), 1)
		tab := s.join("tab", wire.Hello{Version: 1, Device: wire.DeviceBrowser})
		tab.say(&wire.Stock{Room: 1 << 40})
		s.order(spec)
		s.pass(3 * time.Second)
		none[wire.Flow](tab)
		if v := s.flow(spec); v.State != site.StateWaiting {
			t.Errorf("the flow is %+v, want it to wait for somebody with room", v)
		}
	})
}
