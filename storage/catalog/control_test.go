package catalog_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/catalog"
)

// step is a command of an operator, as the table in the README has it.
type step struct {
	kind, priority string
	cap            int64
	which          catalog.Selector
	end            bool
}

// play keeps the rules that commands leave, as a catalog does.
func play(steps []step) (rules []catalog.Rule) {
	for i, st := range steps {
		rules = slices.DeleteFunc(rules, func(r catalog.Rule) bool {
			return r.Kind == st.kind && (st.end && st.which.Covers(r.Selector) || !st.end && st.which == r.Selector)
		})
		if !st.end {
			rules = append(rules, catalog.Rule{Selector: st.which, Kind: st.kind, Priority: st.priority, Cap: st.cap, Generation: uint64(i + 1), By: "ann"})
		}
	}
	return rules
}

// TestRulesInteractAsTheREADMESays has a row for each of the table "Live control".
func TestRulesInteractAsTheREADMESays(t *testing.T) {
	site, content, flow, all := catalog.Selector{Site: "shop"}, catalog.Selector{Name: "app"}, catalog.Selector{Site: "shop", Name: "app"}, catalog.Selector{}
	pause := func(s catalog.Selector) step { return step{kind: catalog.RulePause, which: s} }
	resume := func(s catalog.Selector) step { return step{kind: catalog.RulePause, which: s, end: true} }
	prefer := func(p string, s catalog.Selector) step {
		return step{kind: catalog.RulePriority, priority: p, which: s}
	}
	limit := func(n int64, s catalog.Selector) step { return step{kind: catalog.RuleCap, cap: n, which: s} }
	none := func(s catalog.Selector) step { return step{kind: catalog.RuleCap, which: s, end: true} }
	for name, c := range map[string]struct {
		steps    []step
		paused   bool
		priority string
		cap      int64 // of the flow; -1: none
		line     int64 // of the site by rules; -1: none
	}{
		"pause a site, resume a content":       {[]step{pause(site), resume(content)}, true, "normal", -1, -1},
		"pause a site, resume the flow":        {[]step{pause(site), resume(flow)}, true, "normal", -1, -1},
		"pause a site, resume it":              {[]step{pause(site), resume(site)}, false, "normal", -1, -1},
		"pause everywhere, resume a site":      {[]step{pause(all), resume(site)}, true, "normal", -1, -1},
		"pause a flow, resume its site":        {[]step{pause(flow), resume(site)}, false, "normal", -1, -1},
		"pause a site and a content, then one": {[]step{pause(site), pause(content), resume(site)}, true, "normal", -1, -1},
		"resume everywhere":                    {[]step{pause(site), pause(content), pause(all), resume(all)}, false, "normal", -1, -1},
		"pause later than resume":              {[]step{resume(content), pause(site)}, true, "normal", -1, -1},
		"the last priority, if wider":          {[]step{prefer("high", flow), prefer("low", site)}, false, "low", -1, -1},
		"the last priority, if narrower":       {[]step{prefer("low", all), prefer("high", flow)}, false, "high", -1, -1},
		"the same priority rule is replaced":   {[]step{prefer("high", site), prefer("low", content), prefer("high", site)}, false, "high", -1, -1},
		"the least cap":                        {[]step{limit(100, content), limit(200, flow), limit(50, site)}, false, "normal", 100, 50},
		"a cap everywhere is each site's":      {[]step{limit(100, all), limit(200, site)}, false, "normal", -1, 100},
		"none for a site leaves wider caps":    {[]step{limit(100, content), limit(70, flow), limit(50, site), none(site)}, false, "normal", 100, -1},
		"none everywhere ends all":             {[]step{limit(100, content), limit(50, site), limit(60, all), none(all)}, false, "normal", -1, -1},
		"a pause and a cap":                    {[]step{pause(site), limit(100, flow)}, true, "normal", 100, -1},
	} {
		t.Run(name, func(t *testing.T) {
			o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: []catalog.Distribution{app(1, 1, "normal")}, Rules: play(c.steps)}
			got := catalog.Resolve(o)[0]
			limit := int64(-1)
			if got.Capped {
				limit = got.Cap
			}
			if got.Paused != c.paused || got.Priority != c.priority || limit != c.cap || o.LineCap() != c.line {
				t.Errorf("paused %v, %s, cap %d, line %d; want %v, %s, %d, %d", got.Paused, got.Priority, limit, o.LineCap(), c.paused, c.priority, c.cap, c.line)
			}
		})
	}
}

// TestRulesAreAsTheModelSays has random commands, some of which end by themselves, and asks of
// each flow what a reader of the README would say.
func TestRulesAreAsTheModelSays(t *testing.T) {
	selector := rapid.Custom(func(t *rapid.T) catalog.Selector {
		s := catalog.Selector{Site: rapid.SampledFrom([]string{"", "shop", "other"}).Draw(t, "site"), Name: rapid.SampledFrom([]string{"", "app", "film"}).Draw(t, "content")}
		if s.Name != "" {
			s.Version = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "version")
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(5000, 0)
		var rules []catalog.Rule
		for i := range rapid.IntRange(0, 12).Draw(t, "rules") {
			r := catalog.Rule{Selector: selector.Draw(t, "which"), Kind: rapid.SampledFrom([]string{catalog.RulePause, catalog.RulePriority, catalog.RuleCap}).Draw(t, "kind"),
				Priority: rapid.SampledFrom([]string{"high", "normal", "low"}).Draw(t, "priority"), Cap: rapid.Int64Range(0, 5).Draw(t, "cap"), Generation: uint64(i + 1)}
			if in := rapid.IntRange(-2, 4).Draw(t, "ends"); in != 0 {
				r.Expires = now.Add(time.Duration(in) * time.Second)
			}
			rules = append(rules, r)
		}
		o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: []catalog.Distribution{app(1, 1, "normal"), {ID: 2, Name: "film", Version: "2", Serial: 2, Priority: "low"}},
			Rules: rules}.At(now)
		for _, got := range catalog.Resolve(o) {
			paused, priority, limit := false, map[string]string{"app": "normal", "film": "low"}[got.Name], int64(-1)
			for _, r := range rules { // in the order in which they were said
				holds := r.Expires.IsZero() || r.Expires.After(now)
				here := (r.Site == "" || r.Site == "shop") && (r.Name == "" || r.Name == got.Name) && (r.Version == "" || r.Version == got.Version)
				if !holds || !here {
					continue
				}
				switch r.Kind {
				case catalog.RulePause:
					paused = true
				case catalog.RulePriority:
					priority = r.Priority
				default:
					if r.Name != "" && (limit < 0 || r.Cap < limit) {
						limit = r.Cap
					}
				}
			}
			if got.Paused != paused || got.Priority != priority || got.Capped != (limit >= 0) || got.Capped && got.Cap != limit {
				t.Fatalf("%+v: want paused %v, %s, cap %d", got, paused, priority, limit)
			}
			if at := got.PausedUntil; got.Paused && !at.IsZero() {
				o := o.At(at)
				for _, then := range catalog.Resolve(o) {
					if then.Name == got.Name && then.Paused {
						t.Fatalf("%s is paused until %v, and still is then", got.Name, at)
					}
				}
			}
		}
		if at := o.Ends(); !at.IsZero() && (!at.After(now) || len(o.At(at).Rules) >= len(o.Rules)) {
			t.Fatalf("a rule ends at %v, and none did", at)
		}
	})
}

func TestThePauseThatLastsLongestIsNamedWithItsReason(t *testing.T) {
	until := func(hours int, r catalog.Rule, reason string) catalog.Rule {
		r.Expires, r.Reason = hour(hours), reason
		return r
	}
	o := catalog.Orders{Site: catalog.Site{Name: "shop", TZ: "Europe/Berlin"}, Distributions: []catalog.Distribution{app(1, 1, "normal")}, Rules: []catalog.Rule{
		until(9, pause("ann", 1, catalog.Selector{Site: "shop"}), "stocktaking"), until(8, pause("bob", 2, catalog.Selector{}), "")}}
	got := catalog.Resolve(o)[0]
	if want := "ann paused everything at shop until Thu 1 Jan 10:00 CET: stocktaking"; got.PausedBy != want || !got.PausedUntil.Equal(hour(9)) {
		t.Errorf("paused by %q until %v, want %q", got.PausedBy, got.PausedUntil, want)
	}
	o.Rules = append(o.Rules, pause("eve", 3, catalog.Selector{Name: "app"}))
	if got := catalog.Resolve(o)[0]; got.PausedBy != "eve paused app everywhere" || !got.PausedUntil.IsZero() {
		t.Errorf("paused by %q until %v, want by eve for as long as she likes", got.PausedBy, got.PausedUntil)
	}
}

func TestRulesThatMakeNoSenseAreRefused(t *testing.T) {
	now := hour(1)
	for name, c := range map[string]struct {
		rule catalog.Rule
		want string // in the error; empty: none
	}{
		"a pause":              {pause("ann", 1, catalog.Selector{}), ""},
		"a pause of the past":  {catalog.Rule{Kind: catalog.RulePause, Expires: hour(1)}, "between now"},
		"a pause of two years": {catalog.Rule{Kind: catalog.RulePause, Expires: hour(1 + 2*366*24)}, "between now"},
		"a pin of two years":   {catalog.Rule{Kind: catalog.RulePin, Expires: hour(1 + 2*366*24)}, ""},
		"no priority":          {catalog.Rule{Kind: catalog.RulePriority}, "needs a priority"},
		"less than nothing":    {catalog.Rule{Kind: catalog.RuleCap, Cap: -1}, "a cap is"},
		"a cap of nothing":     {catalog.Rule{Kind: catalog.RuleCap}, ""},
		"a long reason":        {catalog.Rule{Kind: catalog.RulePause, Reason: strings.Repeat("x", 161)}, "at most 160"},
		"two lines":            {catalog.Rule{Kind: catalog.RulePause, Reason: "a\nb"}, "one line"},
		"no text":              {catalog.Rule{Kind: catalog.RulePause, Reason: "\xff"}, "one line"},
	} {
		if err := catalog.CheckRule(c.rule, now); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	kept := []catalog.Rule{pause("ann", 1, catalog.Selector{})}
	if got := catalog.Holding(kept, now); !reflect.DeepEqual(got, kept) {
		t.Errorf("of rules without an end %v are left", got)
	}
}
