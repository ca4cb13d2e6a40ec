package operator_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
)

func TestRulesSayUntilWhenAndWhyAndWhatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@1", All: true, Priority: "normal"})
		s.wantFlows("shop-1 app@1 waiting normal")
		at := operator.Selector{Site: "shop-1"}
		got := s.run(operator.Pause{Remote: s.remote, Selector: at, Lasting: operator.Lasting{For: 2 * time.Hour, Reason: "stocktaking"}})
		if !strings.HasPrefix(got, "Paused everything at shop-1 for 2h0m0s: stocktaking (generation ") || !strings.Contains(got, "Nobody whom it is about is online now") {
			t.Errorf("pause printed %q", got)
		}
		got = s.run(operator.Resume{Remote: s.remote, Selector: operator.Selector{Content: "app"}})
		for _, part := range []string{"Nothing was paused by a rule about app everywhere.", "Some of it stays paused:", "paused everything at shop-1 until ", ": stocktaking; end that with: sitecast resume --site shop-1"} {
			if !strings.Contains(got, part) {
				t.Errorf("resuming a content of a paused site printed %q, want %q in it", got, part)
			}
		}
		s.wantFlows("shop-1 app@1 paused normal")
		time.Sleep(2 * time.Hour)
		s.wantFlows("shop-1 app@1 waiting normal")
		all := operator.Selector{Everywhere: true}
		s.run(operator.Pause{Remote: s.remote, Selector: all})
		if err := (operator.Resume{Remote: s.remote, Selector: at}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "end that with: sitecast resume --everywhere") {
			t.Errorf("resuming a site where all is paused got %v, want how to end that", err)
		}
		if got, want := s.run(operator.Resume{Remote: s.remote, Selector: all}), "Resumed everything everywhere.\n"; got != want {
			t.Errorf("resume printed %q, want %q", got, want)
		}
		set := decode[map[string]any](t, s.run(operator.Pause{Remote: s.remote, Selector: all, JSON: true}))
		wantKeys(t, "the rule", set, "kind", "generation", "by", "created")
		s.run(operator.Resume{Remote: s.remote, Selector: all})
		s.run(operator.Prioritize{Remote: s.remote, Site: "shop-1", Priority: "high", Lasting: operator.Lasting{For: time.Hour}})
		s.wantFlows("shop-1 app@1 waiting high")
		time.Sleep(time.Hour)
		s.wantFlows("shop-1 app@1 waiting normal")
		s.end()
	})
}

func TestCapsOfFlowsAndOfAllSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.run(operator.SiteCreate{Remote: s.remote, Name: "shop-1"})
		s.published("app", "1")
		s.run(operator.Distribute{Remote: s.remote, Ref: "app@1", All: true, Priority: "normal"})
		if got := s.run(operator.Cap{Remote: s.remote, Content: "app", WAN: 500_000, Lasting: operator.Lasting{Reason: "hot line"}}); !strings.HasPrefix(got, "WAN cap of app everywhere: 500 kbit/s: hot line (generation ") {
			t.Errorf("cap printed %q", got)
		}
		s.run(operator.Cap{Remote: s.remote, Everywhere: true, WAN: 2_000_000})
		flows := decode[[]map[string]any](t, s.run(operator.Flows{Remote: s.remote, JSON: true}))
		if len(flows) != 1 || flows[0]["cap_bps"] != 500e3 || !strings.Contains(flows[0]["capped_by"].(string), "capped app everywhere: hot line") {
			t.Errorf("flows are %v, want the cap of one", flows)
		}
		got := s.run(operator.Cap{Remote: s.remote, Site: "shop-1", WAN: operator.NoRate})
		for _, part := range []string{"WAN cap of shop-1: none", "go on:", "capped everything everywhere; end that with: sitecast cap --wan none --everywhere", "--content app"} {
			if !strings.Contains(got, part) {
				t.Errorf("ending a site's caps printed %q, want %q in it", got, part)
			}
		}
		if got := s.run(operator.Cap{Remote: s.remote, Everywhere: true, WAN: operator.NoRate}); !strings.Contains(got, "Ended caps of everything everywhere: 2.") {
			t.Errorf("ending all caps printed %q", got)
		}
		s.end()
	})
}
