package rollout_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/rollout"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/target"
)

var begin = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)

func rings() []catalog.Ring {
	return []catalog.Ring{
		{Name: "canary", Target: "tag:canary", Gates: catalog.Gates{Delivered: 95, Failed: 5, SoakSeconds: 3600, Halt: 10}},
		{Name: "rest", Target: catalog.RestTarget, Gates: catalog.Gates{Delivered: 90, Failed: 5, AtOnce: 2, Halt: 10}},
	}
}

func TestRingsGoOnByTheirGates(t *testing.T) {
	canary := rollout.Figures{Sites: 1, Endpoints: 10, Kiosks: 10}
	rest := rollout.Figures{Sites: 3, Endpoints: 30, Next: []string{"b", "c"}}
	r := catalog.Rollout{State: catalog.RolloutWaiting}
	at := begin
	step := func(what, state string, open int, upto, reason string) {
		t.Helper()
		r = rollout.Decide(rings(), r, begin.Add(time.Minute), []rollout.Figures{canary, rest}, at)
		if r.State != state || r.Open != open || r.Upto != upto || !strings.Contains(r.Reason, reason) {
			t.Errorf("%s: got %+v, want %s with %d open up to %q as %q", what, r, state, open, upto, reason)
		}
	}
	step("too early", catalog.RolloutWaiting, 0, "", "does not begin before")
	at = at.Add(time.Minute)
	step("at the time", catalog.RolloutRunning, 1, "", "ring canary is open")
	step("nobody has it", catalog.RolloutRunning, 1, "", "0 of 10 endpoints have it, it wants 95 %")
	canary.Delivered = 10
	step("nobody activated it", catalog.RolloutWaiting, 1, "", "none of 10 kiosks activated it yet")
	canary.Activated = 9
	step("all is well", catalog.RolloutWaiting, 1, "", "soaks until Mon 2 Nov 09:01 UTC")
	at = at.Add(59 * time.Minute)
	canary.Delivered = 9
	step("not well for a moment", catalog.RolloutRunning, 1, "", "9 of 10")
	canary.Delivered = 10
	step("well again", catalog.RolloutWaiting, 1, "", "soaks until")
	at = at.Add(time.Hour)
	step("soaked", catalog.RolloutRunning, 2, "c", "ring rest is open")
	rest.Busy, rest.Next = 2, []string{"d"}
	step("two are at it", catalog.RolloutRunning, 2, "c", "2 of 3 sites are at it")
	rest.Busy = 1
	step("one is done", catalog.RolloutRunning, 2, "d", "1 of 3")
	rest.Busy, rest.Next, rest.Delivered = 0, nil, 27
	step("enough have it", catalog.RolloutDone, 2, "d", "all rings passed")
}

func TestTooManyFailuresHalt(t *testing.T) {
	seen := []rollout.Figures{{Sites: 1, Endpoints: 20, Kiosks: 20, Activated: 5, Failed: 1}, {Sites: 1}}
	r := rollout.Decide(rings(), catalog.Rollout{State: catalog.RolloutRunning, Open: 1}, time.Time{}, seen, begin)
	if r.State != catalog.RolloutRunning {
		t.Errorf("one of 20 failed: %+v", r)
	}
	seen[0].Stuck = 1
	r = rollout.Decide(rings(), r, time.Time{}, seen, begin)
	if want := "ring canary: of 20 endpoints 1 failed to activate it and 1 can't get it; it halts at 10 %"; r.State != catalog.RolloutHalted || !r.Stopped || r.Reason != want {
		t.Errorf("got %+v, want it halted as %q", r, want)
	}
	on, err := rollout.Continued(r, "anna", begin.Add(time.Hour))
	if err != nil || on.Stopped || on.State != catalog.RolloutRunning || !on.Since.Equal(begin.Add(time.Hour)) {
		t.Errorf("continued it is %+v (%v)", on, err)
	}
	if _, err := rollout.Continued(on, "anna", begin); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("continued again: %v", err)
	}
	halted, err := rollout.Halted(on, "anna", "printer", begin)
	if err != nil || halted.Reason != "anna halted it: printer" || !halted.Stopped {
		t.Errorf("halted it is %+v (%v)", halted, err)
	}
	for _, state := range []string{catalog.RolloutHalted, catalog.RolloutSuperseded, catalog.RolloutRolledBack} {
		if _, err := rollout.Halted(catalog.Rollout{State: state}, "anna", "", begin); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("halted one that is %s: %v", state, err)
		}
	}
	lenient := rings()
	lenient[0].Halt = catalog.NoHalt
	if r := rollout.Decide(lenient, catalog.Rollout{State: catalog.RolloutRunning, Open: 1}, time.Time{}, seen, begin); r.State == catalog.RolloutHalted {
		t.Errorf("it halted though it never shall: %+v", r)
	}
}

func TestARingThatMeansNoSiteWaits(t *testing.T) {
	seen := []rollout.Figures{{}, {Sites: 2}}
	r := rollout.Decide(rings(), catalog.Rollout{State: catalog.RolloutRunning, Open: 1}, time.Time{}, seen, begin)
	if r.Open != 1 || !strings.Contains(r.Reason, "tag:canary means no site now") {
		t.Errorf("got %+v", r)
	}
}

var figures = rapid.Custom(func(t *rapid.T) rollout.Figures {
	f := rollout.Figures{Sites: rapid.IntRange(0, 5).Draw(t, "sites"), Endpoints: rapid.IntRange(0, 20).Draw(t, "endpoints")}
	f.Delivered = rapid.IntRange(0, f.Endpoints).Draw(t, "delivered")
	f.Kiosks = rapid.IntRange(0, f.Endpoints).Draw(t, "kiosks")
	f.Failed = rapid.IntRange(0, f.Kiosks).Draw(t, "failed") * rapid.IntRange(0, 1).Draw(t, "fails")
	f.Activated = rapid.IntRange(0, f.Kiosks-f.Failed).Draw(t, "activated")
	f.Busy = rapid.IntRange(0, f.Sites).Draw(t, "busy")
	for i := range rapid.IntRange(0, 2).Draw(t, "next") {
		f.Next = append(f.Next, fmt.Sprintf("site-%d", i))
	}
	return f
})

// TestWhateverIsSeenNoRingOpensTooEarly: a ring opens only when all before it pass their gates
// and soaked, one at a time, none closes, and nothing goes on by itself that was halted or ended.
func TestWhateverIsSeenNoRingOpensTooEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := rings()
		plan = append(plan, catalog.Ring{Name: "last", Target: "all", Gates: catalog.Gates{Delivered: rapid.IntRange(0, 100).Draw(t, "wants"), Failed: 50, Halt: 0}})
		r := catalog.Rollout{State: catalog.RolloutWaiting}
		now := begin
		passing := time.Time{} // since when all open rings pass
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(1, 2*3600).Draw(t, "later")) * time.Second)
			seen := []rollout.Figures{figures.Draw(t, "canary"), figures.Draw(t, "rest"), figures.Draw(t, "last")}
			if rapid.Bool().Draw(t, "well") {
				for i := range seen {
					seen[i] = rollout.Figures{Sites: 1, Endpoints: 10, Delivered: 10}
				}
			}
			was := r
			r = rollout.Decide(plan, was, time.Time{}, seen, now)
			well := was.Open > 0
			for i := range was.Open {
				well = well && passes(plan[i], seen[i])
			}
			switch {
			case !well:
				passing = time.Time{}
			case passing.IsZero():
				passing = now
			}
			switch {
			case (was.State == catalog.RolloutHalted || was.Ended()) && r != was:
				t.Fatalf("%+v became %+v by itself", was, r)
			case r.Open < was.Open || r.Open > was.Open+1:
				t.Fatalf("%d rings are open after %d", r.Open, was.Open)
			case r.Open > was.Open && was.Open > 0 && (!well || now.Sub(passing) < plan[was.Open-1].Soak()):
				t.Fatalf("ring %d opened with %+v, passing since %v at %v", was.Open, seen, passing, now)
			case r.State == catalog.RolloutDone && was.State != r.State && (!well || was.Open < len(plan)):
				t.Fatalf("done with %+v of %+v", seen, was)
			case r.State == catalog.RolloutHalted && !r.Stopped:
				t.Fatalf("halted, and its open rings go on: %+v", r)
			}
			if r.Open > was.Open {
				passing = time.Time{}
			}
		}
	})
}

// passes says in other words what the gates of a ring want, but for the soak.
func passes(ring catalog.Ring, f rollout.Figures) bool {
	if f.Sites == 0 {
		return ring.Target == catalog.RestTarget
	}
	if ring.AtOnce > 0 && len(f.Next) > 0 || f.Endpoints == 0 {
		return false
	}
	tried := float64(f.Activated + f.Failed)
	return float64(f.Delivered) >= float64(ring.Delivered)/100*float64(f.Endpoints)-1e-9 &&
		(f.Kiosks == 0 || tried > 0) && float64(f.Failed) <= float64(ring.Failed)/100*tried+1e-9
}

func kiosk(id string, a wire.Activation, holds ...string) site.EndpointView {
	a.Content = "app"
	return site.EndpointView{ID: wire.EndpointID(id), Kind: wire.DeviceKiosk, Online: true, Holds: holds, Activation: &a}
}

func TestWhatIsSeenOfEndpoints(t *testing.T) {
	d := catalog.Distribution{ID: 7, Name: "app", Version: "2", All: true, Created: begin, Aim: catalog.Aim{Rings: rings(), Rollout: catalog.Rollout{State: catalog.RolloutRunning, Open: 1}}}
	failedAt := func(at time.Time) wire.Activation {
		return wire.Activation{Version: "1", State: "rolled_back", Staged: "2", History: []wire.Activated{{At: at, Version: "2", Outcome: "rolled_back"}}}
	}
	stuck := site.EndpointView{ID: "stuck", Kind: wire.DeviceAgent, Online: true, Flows: []site.EndpointInFlow{{Flow: "app@2", Code: "store_full"}}}
	places := []rollout.Place{
		{Site: target.Site{Name: "a", Tags: []string{"canary"}}, Recent: []string{"well", "away"}, Endpoints: []site.EndpointView{
			kiosk("well", wire.Activation{Version: "2", State: "active"}, "app@2"),
			kiosk("trial", wire.Activation{Version: "2", State: "activating"}, "app@2"),
			kiosk("failed", failedAt(begin.Add(time.Hour)), "app@2"),
			kiosk("sick", wire.Activation{Version: "2", State: "unhealthy", Since: begin.Add(time.Hour)}, "app@2"),
			stuck,
			{ID: "page", Kind: wire.DeviceBrowser, Online: true},
		}},
		{Site: target.Site{Name: "b"}, Recent: []string{"b1"}},
		{Site: target.Site{Name: "c"}},
		{Site: target.Site{Name: "d"}},
	}
	var m rollout.Memory
	m.Observe(d, places, begin)
	got := m.Observe(d, places, begin.Add(time.Minute))
	want := rollout.Figures{Sites: 1, Busy: 1, Endpoints: 6, Delivered: 4, Kiosks: 4, Activated: 1, Failed: 2, Stuck: 1}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("canary: got %#v, want %#v", got[0], want)
	}
	if r := got[1]; r.Sites != 3 || r.Endpoints != 1 || strings.Join(r.Next, " ") != "b c" {
		t.Errorf("rest: got %+v, want three sites of which b and c are next", r)
	}
	d.Rollout.Since = begin.Add(2 * time.Hour)
	places[0].Endpoints = places[0].Endpoints[:4] // the others went away and are known
	if got := m.Observe(d, places, begin.Add(3*time.Hour))[0]; got.Failed != 0 || got.Endpoints != 5 || got.Delivered != 4 {
		t.Errorf("after it was continued: got %+v, want that what failed before does not count", got)
	}
}

func TestSitesThatAreLateSayWhy(t *testing.T) {
	d := catalog.Distribution{Name: "app", Version: "2", All: true, ReadyBy: begin, Aim: catalog.Aim{Rings: rings(),
		Rollout: catalog.Rollout{State: catalog.RolloutWaiting, Open: 1, Reason: "ring canary: soaks"}}}
	flow := func(f site.FlowView) []site.FlowView {
		f.Content, f.Version = "app", "2"
		return []site.FlowView{f}
	}
	canary := func(name string) target.Site { return target.Site{Name: name, Tags: []string{"canary"}} }
	places := []rollout.Place{
		{Site: canary("a"), Flows: flow(site.FlowView{State: site.StateComplete, Finished: begin.Add(-time.Hour)})},
		{Site: canary("b"), Flows: flow(site.FlowView{State: site.StateComplete, Finished: begin.Add(time.Hour)})},
		{Site: canary("c"), Flows: flow(site.FlowView{State: site.StateRunning, Endpoints: 3, Complete: 1, ForecastCause: "the cap is too low"})},
		{Site: canary("d"), Flows: flow(site.FlowView{State: site.StateWaiting, Reason: "no endpoint of the site is online"})},
		{Site: target.Site{Name: "e"}},
		{Site: canary("f")},
		{Site: canary("g"), Flows: flow(site.FlowView{State: site.StateRunning, Endpoints: 2, WANBytes: 1_350_000, UniqueBytes: 9_000_000,
			Ordered: begin.Add(-time.Hour), Forecast: begin.Add(3 * time.Hour), ForecastCause: "its time has passed"})},
	}
	var got []string
	for _, m := range rollout.Late(d, places, begin.Add(2*time.Hour)) {
		got = append(got, m.Site+": "+m.Why)
	}
	want := []string{"b: complete only at Mon 2 Nov 2026 09:00:00 UTC", "c: 1 of 3 online have it; the cap is too low", "d: no endpoint of the site is online",
		"e: its ring rest is not open: ring canary: soaks", "f: no endpoint of the site was online since this server started",
		"g: 0 of 2 online have it; it came at 1.0 kbit/s over the WAN, and needed 20.0 kbit/s; it is expected at Mon 2 Nov 2026 11:00:00 UTC"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if early := rollout.Late(d, places[2:6], begin.Add(-time.Minute)); len(early) != 1 || early[0].Site != "c" || early[0].Late {
		t.Errorf("before the time: got %+v, want the one that is forecast to miss it", early)
	}
	if d.ReadyBy = (time.Time{}); rollout.Late(d, places, begin) != nil {
		t.Error("something is late that has no time")
	}
}
