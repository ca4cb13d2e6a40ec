package operator_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/units"
)

// lines are those of a text, with single spaces.
func lines(text string) (out []string) {
	for line := range strings.Lines(text) {
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	return out
}

func wantLines(t *testing.T, what, got string, want ...string) {
	t.Helper()
	if all := strings.Join(lines(got), "\n"); all != strings.Join(want, "\n") {
		t.Errorf("%s printed\n%s\nwant\n%s", what, all, strings.Join(want, "\n"))
	}
}

func TestSettingsAreTriedSetExplainedAndTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		for _, name := range []string{"shop-1", "shop-2"} {
			s.run(operator.SiteCreate{Remote: s.remote, Name: name, TZ: "Europe/Berlin"})
		}
		s.run(operator.TagAdd{Remote: s.remote, Name: "rural", Priority: new(3), Bearers: operator.Bearers{Site: []string{"shop-1"}}})
		rural, org, shop := operator.Where{Tag: "rural"}, operator.Where{Org: true}, operator.Where{Site: "shop-1"}
		set := operator.Set{Remote: s.remote, Where: rural, Values: []string{"wan_cap=6000kbit", "windows=22:00-06:00 open; * closed"}, DryRun: true}
		table := []string{"SITE ENDPOINT KEY BEFORE AFTER", "shop-1 wan_cap none (default) 6mbit (tag rural)", "shop-1 windows open (default) 22:00-06:00 open; * closed (tag rural)"}
		wantLines(t, "a trial", s.run(set), append([]string{"Nothing was changed. Another value would hold at 1 sites and 0 endpoints."}, table...)...)
		if got := s.run(operator.PolicyList{Remote: s.remote, JSON: true}); strings.TrimSpace(got) != "[]" {
			t.Errorf("after a trial %s is set", got)
		}
		set.DryRun = false
		wantLines(t, "set", s.run(set), append([]string{"Done. Another value holds at 1 sites and 0 endpoints."}, table...)...)
		s.run(operator.Set{Remote: s.remote, Where: org, Values: []string{"wan_cap=20mbit"}})
		s.run(operator.Cap{Remote: s.remote, Site: "shop-1", WAN: units.Rate(5e6)})
		explain := lines(s.run(operator.PolicyExplain{Remote: s.remote, Site: "shop-1"}))
		for _, want := range []string{"Site shop-1, tags rural", "KEY VALUE SET BY OVERRIDDEN", "wan_cap 5mbit site shop-1 6mbit (tag rural); 20mbit (organisation)",
			"windows 22:00-06:00 open; * closed tag rural", "hold_off 0s default"} {
			if !strings.Contains("\n"+strings.Join(explain, "\n")+"\n", "\n"+want+"\n") {
				t.Errorf("policy explain printed %q, want %q among it", explain, want)
			}
		}
		object := decode[map[string]any](t, s.run(operator.PolicyExplain{Remote: s.remote, Site: "shop-1", JSON: true}))
		wantKeys(t, "the policy", object, "site", "tags", "settings", "month_bytes")
		wantKeys(t, "a setting", object["settings"].([]any)[1].(map[string]any), "key", "value", "level", "subject", "overridden")
		wantLines(t, "policy list", s.run(operator.PolicyList{Remote: s.remote}), "LEVEL KEY VALUE", "organisation wan_cap 20mbit", "site shop-1 wan_cap 5mbit",
			"tag rural wan_cap 6mbit", "tag rural windows 22:00-06:00 open; * closed")
		wantLines(t, "unset", s.run(operator.Unset{Remote: s.remote, Where: shop, Keys: []string{"wan_cap"}}), "Done. Another value holds at 1 sites and 0 endpoints.",
			"SITE ENDPOINT KEY BEFORE AFTER", "shop-1 wan_cap 5mbit (site shop-1) 6mbit (tag rural)")
		wantLines(t, "tag list", s.run(operator.TagList{Remote: s.remote}), "TAG PRIORITY SITES ENDPOINTS", "rural 3 shop-1 0")
		wantLines(t, "tag remove", s.run(operator.TagRemove{Remote: s.remote, Name: "rural", Whole: true}), "Done. Another value holds at 1 sites and 0 endpoints.",
			"SITE ENDPOINT KEY BEFORE AFTER", "shop-1 wan_cap 6mbit (tag rural) 20mbit (organisation)", "shop-1 windows 22:00-06:00 open; * closed (tag rural) open (default)")
		if keys := s.run(operator.PolicyKeys{Remote: s.remote}); !strings.Contains(keys, "wan_cap_hours") || !strings.Contains(keys, "mon-fri 08:00-18:00 2mbit; * none") {
			t.Errorf("policy keys printed %q", keys)
		}
		s.end()
	})
}

func TestSettingsThatCannotBeAreRefusedBeforeTheServerIsAsked(t *testing.T) {
	shop := operator.Where{Site: "shop-1"}
	for want, c := range map[string]interface{ Validate() error }{
		"say for whom":       operator.Set{Values: []string{"wan_cap=5mbit"}},
		"one of: --org":      operator.Set{Where: operator.Where{Org: true, Tag: "rural"}, Values: []string{"wan_cap=5mbit"}},
		"want KEY=VALUE":     operator.Set{Where: shop, Values: []string{"wan_cap"}},
		"sitecast unset":     operator.Set{Where: shop, Values: []string{"wan_cap="}},
		"no setting":         operator.Set{Where: shop, Values: []string{"wan_cup=5mbit"}},
		"full hour":          operator.Set{Where: shop, Values: []string{"windows=* 22:30-06:00 open; * closed"}},
		"no setting \"all\"": operator.Unset{Where: shop, Keys: []string{"all"}},
		"letters, digits":    operator.TagAdd{Name: "a b"},
		"--whole":            operator.TagRemove{Name: "rural"},
		"--endpoint NAME":    operator.PolicyExplain{},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v is checked as %v, want %q", c, err, want)
		}
	}
}
