package catalogtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

func trustFollows(t *testing.T, c catalog.Catalog) {
	serial, document, err := c.Trust(t.Context())
	if serial != 0 || document != nil || err != nil {
		t.Errorf("before the first: got %d, %s, %v, want 0 and nothing", serial, document, err)
	}
	for _, wrong := range []uint64{0, 2} {
		wantErr(t, fmt.Sprintf("begin with %d", wrong), c.PutTrust(t.Context(), who, wrong, json.RawMessage(`{}`)), catalog.ErrConflict)
	}
	want := map[uint64]string{1: "{ \"b\": 1, \"a\": 1 }", 2: `{"b":1,"a":1}`}
	for next := uint64(1); next <= 2; next++ {
		must(t, c.PutTrust(t.Context(), who, next, json.RawMessage(want[next])))
		serial, document, err := c.Trust(t.Context())
		if serial != next || string(document) != want[next] || err != nil {
			t.Errorf("got %d, %s, %v, want %d, %s", serial, document, err, next, want[next])
		}
	}
	for _, wrong := range []uint64{1, 2, 4} {
		wantErr(t, fmt.Sprintf("after 2, %d", wrong), c.PutTrust(t.Context(), who, wrong, json.RawMessage(`{}`)), catalog.ErrConflict)
	}
	if serial, document, err := c.Trust(t.Context()); serial != 2 || string(document) != want[2] || err != nil {
		t.Errorf("after refusals: got %d, %s, %v, want 2, %s", serial, document, err, want[2])
	}
}

func versionIsPublished(t *testing.T, c catalog.Catalog) {
	serial, err := c.Reserve(t.Context(), who, "app", "1.0")
	must(t, err)
	_, err = c.Version(t.Context(), "app", "1.0")
	wantErr(t, "read what is only reserved", err, catalog.ErrNotFound)

	want := versionOf("app", "1.0", serial)
	must(t, c.Publish(t.Context(), who, want))
	got, err := c.Version(t.Context(), "app", "1.0")
	must(t, err)
	if !near(got.Created) {
		t.Errorf("created %v, want now", got.Created)
	}
	if got.Created = want.Created; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, other := range [][2]string{{"app", "1.1"}, {"App", "1.0"}, {"", ""}} {
		_, err = c.Version(t.Context(), other[0], other[1])
		wantErr(t, fmt.Sprintf("read %q", other), err, catalog.ErrNotFound)
	}
}

func newestIsNamed(t *testing.T, c catalog.Catalog) {
	_, err := c.Newest(t.Context(), "app")
	wantErr(t, "of nothing", err, catalog.ErrNotFound)
	first, err := c.Reserve(t.Context(), who, "app", "2")
	must(t, err)
	_, err = c.Newest(t.Context(), "app")
	wantErr(t, "of what is only reserved", err, catalog.ErrNotFound)
	publish(t, c, "app", "1")
	publish(t, c, "other", "7")
	if got, err := c.Newest(t.Context(), "app"); got != "1" || err != nil {
		t.Errorf("got %q (%v), want the only one that was published", got, err)
	}
	must(t, c.Publish(t.Context(), who, versionOf("app", "2", first)))
	if got, err := c.Newest(t.Context(), "app"); got != "1" || err != nil {
		t.Errorf("got %q (%v), want the one with the highest serial", got, err)
	}
}

func publishConflicts(t *testing.T, c catalog.Catalog) {
	serial, err := c.Reserve(t.Context(), who, "app", "1")
	must(t, err)
	again, err := c.Reserve(t.Context(), who, "app", "1")
	if again != serial || err != nil {
		t.Errorf("reserve again: got %d (%v), want %d", again, err, serial)
	}
	wantErr(t, "publish with another serial", c.Publish(t.Context(), who, versionOf("app", "1", serial+1)), catalog.ErrConflict)
	wantErr(t, "publish what is not reserved", c.Publish(t.Context(), who, versionOf("app", "2", serial)), catalog.ErrConflict)
	headless := versionOf("app", "1", serial)
	headless.Head = nil
	if err := c.Publish(t.Context(), who, headless); err == nil {
		t.Error("publish without a head: accepted")
	}
	want := versionOf("app", "1", serial)
	must(t, c.Publish(t.Context(), who, want))

	other := versionOf("app", "1", serial)
	other.Head = json.RawMessage(`{"other":true}`)
	wantErr(t, "publish again", c.Publish(t.Context(), who, other), catalog.ErrConflict)
	_, err = c.Reserve(t.Context(), who, "app", "1")
	wantErr(t, "reserve what is published", err, catalog.ErrConflict)
	if got, err := c.Version(t.Context(), "app", "1"); string(got.Head) != string(want.Head) || err != nil {
		t.Errorf("got head %s (%v), want the first, %s", got.Head, err, want.Head)
	}
}

func serialsRise(t *testing.T, c catalog.Catalog) {
	last := uint64(0)
	for i := range 12 {
		name, version := fmt.Sprintf("app-%d", i%3), fmt.Sprint(i)
		serial, err := c.Reserve(t.Context(), who, name, version)
		must(t, err)
		if serial <= last {
			t.Errorf("%s@%s: got serial %d after %d", name, version, serial, last)
		}
		last = serial
		if i%2 == 0 { // half of them stay reserved
			must(t, c.Publish(t.Context(), who, versionOf(name, version, serial)))
		}
	}
}

func distributeMissing(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	_, err := c.Reserve(t.Context(), who, "app", "2")
	must(t, err)
	for what, d := range map[string]catalog.Distribution{
		"unknown content":  {Name: "other", Version: "1", All: true},
		"unknown version":  {Name: "app", Version: "3", All: true},
		"reserved version": {Name: "app", Version: "2", Sites: []string{"shop"}},
		"unknown site":     {Name: "app", Version: "1", Sites: []string{"nowhere"}},
		"one unknown site": {Name: "app", Version: "1", Sites: []string{"shop", "nowhere"}},
	} {
		_, err := c.Distribute(t.Context(), who, d)
		wantErr(t, what, err, catalog.ErrNotFound)
	}
	_, err = c.Orders(t.Context(), "nowhere")
	wantErr(t, "orders of an unknown site", err, catalog.ErrNotFound)
}

func distributeFails(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	_, err := c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop", "nowhere"}})
	wantErr(t, "distribute", err, catalog.ErrNotFound)
	if o := orders(t, c, "shop"); len(o.Distributions) != 0 {
		t.Errorf("got orders %+v, want none", o.Distributions)
	}
}

func ordersOfSite(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	v := publish(t, c, "app", "1")
	publish(t, c, "app", "2")
	publish(t, c, "video", "1")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"a", "b"}, Priority: "normal"})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "2", Sites: []string{"b"}, Priority: "high"})
	distribute(t, c, catalog.Distribution{Name: "video", Version: "1", All: true, Priority: "low"})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"a"}, Priority: "high"})
	createSites(t, c, "later")
	for site, want := range map[string][]string{
		"a":     {"app@1 normal", "video@1 low", "app@1 high"},
		"b":     {"app@1 normal", "app@2 high", "video@1 low"},
		"later": {"video@1 low"},
	} {
		o, last := orders(t, c, site), int64(0)
		if o.Site.Name != site {
			t.Errorf("got orders of %q, want of %q", o.Site.Name, site)
		}
		got := []string{}
		for _, d := range o.Distributions {
			got = append(got, d.Name+"@"+d.Version+" "+d.Priority)
			if d.ID <= last || !near(d.Created) || d.All != (d.Name == "video") {
				t.Errorf("%s: got %+v after distribution %d", site, d, last)
			}
			last = d.ID
			if d.Name == "app" && d.Version == "1" && d.Serial != v.Serial {
				t.Errorf("%s: got serial %d, want %d, the version's", site, d.Serial, v.Serial)
			}
		}
		wantStrings(t, "orders of "+site, got, want)
	}
}

func distributeTwice(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	publish(t, c, "app", "1")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop", "other", "shop"}})
	if o := orders(t, c, "shop"); len(o.Distributions) != 1 {
		t.Errorf("got %d distributions, want 1", len(o.Distributions))
	}
}

func readyByIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	by := time.Date(2027, 3, 4, 6, 0, 0, 250e6, time.FixedZone("", 3600))
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop"}, ReadyBy: by})
	got := orders(t, c, "shop").Distributions
	if len(got) != 2 || !got[0].ReadyBy.IsZero() || !got[1].ReadyBy.Equal(by) {
		t.Errorf("got %+v, want one without a time and one ready by %v", got, by)
	}
	entries, err := c.Audit(t.Context(), 0, 2)
	must(t, err)
	if !strings.Contains(entries[0].Detail, "ready by 2027-03-04T05:00:00Z") || strings.Contains(entries[1].Detail, "ready") {
		t.Errorf("the audit log says %q and %q, want the time where there is one", entries[0].Detail, entries[1].Detail)
	}
}

func ruleReplaces(t *testing.T, c catalog.Catalog) {
	where := catalog.Selector{Site: "shop", Name: "app"}
	setRule(t, c, catalog.RulePriority, "low", where)
	other := setRule(t, c, catalog.RulePause, "", where)
	newest, err := c.SetRule(t.Context(), "somebody", catalog.Rule{Selector: where, Kind: catalog.RulePriority, Priority: "high",
		By: "not asked", Generation: 99})
	must(t, err)
	got, err := c.Rules(t.Context())
	must(t, err)
	want := []catalog.Rule{
		{Selector: where, Kind: catalog.RulePause, By: who, Generation: other},
		{Selector: where, Kind: catalog.RulePriority, Priority: "high", By: "somebody", Generation: newest},
	}
	for i := range got {
		if !near(got[i].Created) {
			t.Errorf("rule %d created %v, want now", i, got[i].Created)
		}
		got[i].Created = want[0].Created
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v, the newest last", got, want)
	}
}

func keepingIsKept(t *testing.T, c catalog.Catalog) {
	ctx, which := t.Context(), catalog.Selector{Name: "app"}
	createSites(t, c, "a")
	set := func(r catalog.Rule) {
		_, err := c.SetRule(ctx, who, r)
		must(t, err)
	}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	set(catalog.Rule{Selector: which, Kind: catalog.RulePin, Expires: until})
	set(catalog.Rule{Selector: which, Kind: catalog.RulePurge, Upto: 99})
	publish(t, c, "app", "1")
	_, err := c.Distribute(ctx, who, catalog.Distribution{Name: "app", Version: "1", All: true})
	must(t, err)
	rules := orders(t, c, "a").Rules
	if len(rules) != 2 || !rules[0].Expires.Equal(until) || rules[0].Upto != 0 || rules[1].Upto != 0 || !rules[1].Expires.IsZero() {
		t.Fatalf("got %+v, want a pin until %v, and a purge of nothing", rules, until)
	}
	set(catalog.Rule{Selector: which, Kind: catalog.RulePurge})
	o := orders(t, c, "a")
	if rules = o.Rules; len(rules) != 2 || rules[1].Upto != o.Distributions[0].ID {
		t.Fatalf("got %+v, want a purge up to distribution %d", rules, o.Distributions[0].ID)
	}
	set(catalog.Rule{Selector: which, Kind: catalog.RulePin, Expires: time.Now().Add(-time.Second)})
	set(catalog.Rule{Selector: which, Kind: catalog.RulePause})
	wantStrings(t, "rules after the pin's end", names(orders(t, c, "a").Rules), []string{"purge app everywhere", "pause app everywhere"})
}

func preStageIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a")
	publish(t, c, "app", "1")
	_, err := c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", All: true, PreStage: 3})
	must(t, err)
	if got := orders(t, c, "a").Distributions; len(got) != 1 || got[0].PreStage != 3 {
		t.Errorf("got %+v, want three copies ahead of need", got)
	}
	entries, err := c.Audit(t.Context(), 0, 1)
	must(t, err)
	if !strings.Contains(entries[0].Detail, "3 copies ahead of need") {
		t.Errorf("the audit log says %q, want the copies", entries[0].Detail)
	}
}

// names of the rules in a list, oldest first.
func names(rules []catalog.Rule) []string {
	out := []string{}
	for _, r := range rules {
		out = append(out, r.Kind+" "+r.Selector.String())
	}
	return out
}

func rulesOfSite(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	for _, s := range []catalog.Selector{{}, {Site: "a"}, {Name: "app"}, {Site: "b", Name: "app"}, {Name: "app", Version: "1"},
		{Site: "a", Name: "app", Version: "1"}} {
		setRule(t, c, catalog.RulePause, "", s)
	}
	wantStrings(t, "rules of a", names(orders(t, c, "a").Rules), []string{"pause everything everywhere", "pause everything at a",
		"pause app everywhere", "pause app@1 everywhere", "pause app@1 at a"})
	wantStrings(t, "rules of b", names(orders(t, c, "b").Rules), []string{"pause everything everywhere", "pause app everywhere",
		"pause app at b", "pause app@1 everywhere"})
	all, err := c.Rules(t.Context())
	if len(all) != 6 || err != nil {
		t.Errorf("got %d rules (%v), want 6", len(all), err)
	}
}

func clearCovered(t *testing.T, c catalog.Catalog) {
	selectors := []catalog.Selector{{}, {Site: "a"}, {Site: "b"}, {Name: "app"}, {Site: "a", Name: "app"}, {Site: "b", Name: "app"},
		{Name: "app", Version: "1"}, {Site: "a", Name: "app", Version: "1"}, {Name: "video"}}
	for _, cleared := range append(selectors, catalog.Selector{Site: "missing"}, catalog.Selector{Version: "1"}) {
		want, left := 0, []string{}
		for _, s := range selectors {
			setRule(t, c, catalog.RulePause, "", s)
			if cleared.Covers(s) {
				want++
			} else {
				left = append(left, "pause "+s.String())
			}
		}
		setRule(t, c, catalog.RulePriority, "high", cleared)
		got, _, err := c.ClearRules(t.Context(), who, catalog.RulePause, cleared)
		if got != want || err != nil {
			t.Errorf("resume %s: removed %d (%v), want %d", cleared, got, err, want)
		}
		rules, err := c.Rules(t.Context())
		must(t, err)
		wantStrings(t, "left after resuming "+cleared.String(), names(rules), append(left, "priority "+cleared.String()))
		if got, _, err := c.ClearRules(t.Context(), who, catalog.RulePriority, cleared); got != 1 || err != nil {
			t.Errorf("end priority of %s: removed %d (%v), want 1", cleared, got, err)
		}
	}
}

func pauseAndResume(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "a", "b")
	for _, name := range []string{"app", "video"} {
		publish(t, c, name, "1")
		distribute(t, c, catalog.Distribution{Name: name, Version: "1", All: true, Priority: "normal"})
	}
	flows := func() []string {
		out := []string{}
		for _, site := range []string{"a", "b"} {
			for _, o := range catalog.Resolve(orders(t, c, site)) {
				if state := o.Priority; o.Paused {
					out = append(out, site+" "+o.Name+" paused "+state)
				} else {
					out = append(out, site+" "+o.Name+" "+state)
				}
			}
		}
		return out
	}
	clear := func(kind string, s catalog.Selector) {
		_, _, err := c.ClearRules(t.Context(), who, kind, s)
		must(t, err)
	}
	setRule(t, c, catalog.RulePause, "", catalog.Selector{Site: "a"})
	setRule(t, c, catalog.RulePause, "", catalog.Selector{Name: "app"})
	setRule(t, c, catalog.RulePriority, "high", catalog.Selector{Site: "b", Name: "video"})
	wantStrings(t, "paused at a site, and a content", flows(),
		[]string{"a app paused normal", "a video paused normal", "b app paused normal", "b video high"})
	clear(catalog.RulePause, catalog.Selector{Site: "a"})
	wantStrings(t, "site resumed", flows(), []string{"a app paused normal", "a video normal", "b app paused normal", "b video high"})
	clear(catalog.RulePause, catalog.Selector{})
	clear(catalog.RulePriority, catalog.Selector{Name: "video"})
	wantStrings(t, "all resumed", flows(), []string{"a app normal", "a video normal", "b app normal", "b video normal"})
}

func generationRises(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	last := orders(t, c, "shop").Generation
	for _, change := range []struct {
		what string
		do   func() (uint64, error)
	}{
		{"distribute", func() (uint64, error) {
			return c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", All: true})
		}},
		{"cap", func() (uint64, error) { return 0, c.SetCap(t.Context(), who, "shop", 1) }},
		{"hold-off", func() (uint64, error) { return 0, c.SetHoldOff(t.Context(), who, "shop", time.Second) }},
		{"replicas", func() (uint64, error) { return 0, c.SetReplicas(t.Context(), who, "shop", 2) }},
		{"peers on", func() (uint64, error) { return 0, c.SetPeersOn(t.Context(), who, "shop", []string{"10.0.0.0/8"}) }},
		{"relay", func() (uint64, error) { return 0, c.SetRelay(t.Context(), who, "shop", relayAtShop) }},
		{"trust", func() (uint64, error) { return 0, c.PutTrust(t.Context(), who, 1, json.RawMessage(`{}`)) }},
		{"pause", func() (uint64, error) {
			return c.SetRule(t.Context(), who, catalog.Rule{Kind: catalog.RulePause})
		}},
		{"pause again", func() (uint64, error) {
			return c.SetRule(t.Context(), who, catalog.Rule{Kind: catalog.RulePause})
		}},
		{"resume", func() (uint64, error) {
			_, _, err := c.ClearRules(t.Context(), who, catalog.RulePause, catalog.Selector{})
			return 0, err
		}},
		{"distribute elsewhere", func() (uint64, error) {
			return c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop"}})
		}},
	} {
		returned, err := change.do()
		must(t, err)
		now := orders(t, c, "shop").Generation
		if now <= last || returned != 0 && returned != now {
			t.Errorf("%s: returned generation %d, now %d, was %d", change.what, returned, now, last)
		}
		last = now
	}
}

func generationStays(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	setRule(t, c, catalog.RulePause, "", catalog.Selector{})
	want := orders(t, c, "shop").Generation
	if _, err := c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"nowhere"}}); err == nil {
		t.Error("distributed to an unknown site")
	}
	if err := c.SetCap(t.Context(), who, "nowhere", 1); err == nil {
		t.Error("capped an unknown site")
	}
	if err := c.PutTrust(t.Context(), who, 7, json.RawMessage(`{}`)); err == nil {
		t.Error("accepted trust document 7 as the first")
	}
	if got := orders(t, c, "shop").Generation; got != want {
		t.Errorf("got generation %d, want %d still", got, want)
	}
}
