package catalog_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

func TestVersionIsNeededForEachOfItsReasons(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	ref := content.Ref{Name: "app", Version: "1"}
	of := func(id int64, version string, serial uint64) catalog.Distribution {
		return catalog.Distribution{ID: id, Name: "app", Version: version, Serial: serial, Priority: "normal"}
	}
	first, second := of(1, "1", 1), of(2, "2", 2)
	ahead := of(1, "1", 1)
	ahead.PreStage = 2
	from := func(hours int, d catalog.Distribution) catalog.Distribution {
		d.NotBefore = now.Add(time.Duration(hours) * time.Hour)
		return d
	}
	live := func(ds ...catalog.Distribution) []catalog.Distribution {
		for i := range ds {
			ds[i].Target = "tag:shops"
		}
		return ds
	}
	rings := func(state string, d catalog.Distribution, targets ...string) catalog.Distribution {
		d.Rollout.State = state
		if targets == nil {
			targets = []string{"tag:a"}
		}
		for _, target := range targets {
			d.Rings = append(d.Rings, catalog.Ring{Name: target, Target: target})
		}
		return d
	}
	rolledBack := func(d catalog.Distribution) catalog.Distribution {
		d.All, d.Rollout.State = true, catalog.RolloutRolledBack
		return d
	}
	at := func(name string, replicas int, ds ...catalog.Distribution) catalog.Orders {
		return catalog.Orders{Site: catalog.Site{Name: name, Replicas: replicas}, Distributions: ds}
	}
	ruled := func(o catalog.Orders, rules ...catalog.Rule) catalog.Orders {
		o.Rules = rules
		return o
	}
	pin := func(s catalog.Selector, expires time.Time) catalog.Rule {
		return catalog.Rule{Kind: catalog.RulePin, Selector: s, By: "ann", Expires: expires}
	}
	purge := catalog.Rule{Kind: catalog.RulePurge, Selector: catalog.Selector{Name: "app", Version: "1"}, Upto: 1}
	later := at("", 0)
	for name, c := range map[string]struct {
		facts catalog.Facts
		want  []string // codes
		why   string   // in the first
	}{
		"nowhere":                       {catalog.Facts{Sites: []catalog.Orders{later, at("shop", 0)}}, nil, ""},
		"ordered":                       {catalog.Facts{Sites: []catalog.Orders{later, at("shop", 0, first)}}, []string{catalog.NeedOrdered}, "app@1 is ordered to shop"},
		"ordered ahead of need":         {catalog.Facts{Sites: []catalog.Orders{at("shop", 0, ahead)}}, []string{catalog.NeedOrdered}, "shop"},
		"superseded":                    {catalog.Facts{Sites: []catalog.Orders{at("shop", 0, first, second)}}, nil, ""},
		"superseded at one of two":      {catalog.Facts{Sites: []catalog.Orders{at("a", 0, first, second), at("b", 0, first)}}, []string{catalog.NeedOrdered}, "ordered to b"},
		"superseded, and copied":        {catalog.Facts{Sites: []catalog.Orders{at("shop", 2, first, second)}}, []string{catalog.NeedCopies}, "copies of app@1 are kept at shop"},
		"superseded, but not later":     {catalog.Facts{Sites: []catalog.Orders{at("", 0, first), at("shop", 0, first, second)}}, []string{catalog.NeedOrdered}, "created later"},
		"purged":                        {catalog.Facts{Sites: []catalog.Orders{ruled(at("shop", 0, first), purge)}}, nil, ""},
		"purged, and distributed again": {catalog.Facts{Sites: []catalog.Orders{ruled(at("shop", 0, first, of(2, "1", 1)), purge)}}, []string{catalog.NeedOrdered}, "shop"},
		"pinned": {catalog.Facts{Sites: []catalog.Orders{ruled(later, pin(catalog.Selector{Name: "app", Version: "1"}, time.Time{}))}},
			[]string{catalog.NeedPinned}, "ann pinned app@1 everywhere"},
		"its content is pinned somewhere": {catalog.Facts{Sites: []catalog.Orders{later, ruled(at("shop", 0), pin(catalog.Selector{Site: "shop", Name: "app"}, now.Add(time.Hour)))}},
			[]string{catalog.NeedPinned}, "ann pinned app at shop"},
		"the pin expired":      {catalog.Facts{Sites: []catalog.Orders{ruled(later, pin(catalog.Selector{Name: "app"}, now))}}, nil, ""},
		"others are pinned":    {catalog.Facts{Sites: []catalog.Orders{ruled(later, pin(catalog.Selector{Name: "app", Version: "2"}, time.Time{}), pin(catalog.Selector{Name: "apple"}, time.Time{}))}}, nil, ""},
		"patches are of it":    {catalog.Facts{Patched: []catalog.Patched{{Ref: content.Ref{Name: "app", Version: "2"}, Base: "1"}}}, []string{catalog.NeedPatches}, "app@2 comes as patches to app@1"},
		"patches are of other": {catalog.Facts{Patched: []catalog.Patched{{Ref: content.Ref{Name: "other", Version: "2"}, Base: "1"}, {Ref: ref, Base: "0"}}}, nil, ""},
		"a page fetches it":    {catalog.Facts{Fetched: []content.Ref{{Name: "app", Version: "2"}, ref}}, []string{catalog.NeedFetched}, "a page"},
		"all at once": {catalog.Facts{Fetched: []content.Ref{ref}, Sites: []catalog.Orders{ruled(at("shop", 0, first), pin(catalog.Selector{Name: "app"}, time.Time{})), at("b", 1, first, second)}},
			[]string{catalog.NeedOrdered, catalog.NeedCopies, catalog.NeedPinned, catalog.NeedFetched}, "shop"},
		"comes, and a newer one after it": {catalog.Facts{Sites: []catalog.Orders{at("shop", 0, from(1, first), from(2, second))}}, []string{catalog.NeedOrdered}, "shop"},
		"came, and a newer one after it":  {catalog.Facts{Sites: []catalog.Orders{at("shop", 0, from(-2, first), from(-1, second))}}, nil, ""},
		"comes, and is purged":            {catalog.Facts{Sites: []catalog.Orders{ruled(at("shop", 0, from(1, first), from(2, second)), purge)}}, nil, ""},
		"meant by a query":                {catalog.Facts{Live: live(first)}, []string{catalog.NeedOrdered}, "has yet to reach"},
		"meant, and a newer one":          {catalog.Facts{Live: live(first, second)}, nil, ""},
		"meant, and a newer one comes":    {catalog.Facts{Live: live(first, from(1, second))}, []string{catalog.NeedOrdered}, "has yet to reach"},
		"meant, and a newer one is held":  {catalog.Facts{Live: live(first, held(onHold, second))}, []string{catalog.NeedOrdered}, "has yet to reach"},
		"meant, and a newer one is used": {catalog.Facts{Live: live(first, held(onHold, second)),
			Sites: []catalog.Orders{{Activations: []catalog.Activation{changed(catalog.When{}, "", 2, 2)}}}}, nil, ""},
		"meant, and a newer one was rolled back": {catalog.Facts{Live: live(first), Sites: []catalog.Orders{at("", 0, rolledBack(second))}}, []string{catalog.NeedOrdered}, "has yet to reach"},
		"meant in rings, and a newer one in some": {catalog.Facts{Live: live(rings(catalog.RolloutDone, first), rings(catalog.RolloutRunning, second))},
			[]string{catalog.NeedOrdered}, "has yet to reach"},
		"meant in rings, and a newer one in all":      {catalog.Facts{Live: live(rings(catalog.RolloutDone, first), rings(catalog.RolloutDone, second))}, nil, ""},
		"meant in rings, and a newer one in others":   {catalog.Facts{Live: live(rings(catalog.RolloutDone, first), rings(catalog.RolloutDone, second, "tag:b"))}, []string{catalog.NeedOrdered}, "has yet to reach"},
		"meant in rings, and a newer one to the rest": {catalog.Facts{Live: live(rings(catalog.RolloutDone, first), rings(catalog.RolloutDone, second, "tag:b", catalog.RestTarget))}, nil, ""},
		"many sites": {catalog.Facts{Sites: []catalog.Orders{at("e", 0, first), at("d", 0, first), at("c", 0, first), at("b", 0, first), at("a", 0, first)}},
			[]string{catalog.NeedOrdered}, "ordered to a, b, c and 2 more"},
	} {
		var got []string
		needs := catalog.Needed(c.facts, now)(ref)
		for _, n := range needs {
			got = append(got, n.Code)
		}
		if !slices.Equal(got, c.want) || len(needs) > 0 && !strings.Contains(needs[0].Why, c.why) {
			t.Errorf("%s: needed for %+v, want %v, and %q", name, needs, c.want, c.why)
		}
	}
}

// TestWhatWasRemovedIsOrderedNowhere: sites read each version that they are ordered.
func TestWhatWasRemovedIsOrderedNowhere(t *testing.T) {
	of := func(id int64, version string, removed bool) catalog.Distribution {
		return catalog.Distribution{ID: id, Name: "app", Version: version, Serial: uint64(id), Removed: removed}
	}
	purge := catalog.Rule{Kind: catalog.RulePurge, Selector: catalog.Selector{Name: "app", Version: "3"}, Upto: 3}
	o := catalog.Orders{Site: catalog.Site{Name: "shop", Replicas: 2}, Distributions: []catalog.Distribution{of(1, "1", false), of(2, "2", true), of(3, "3", false)}}
	versions := func() (out []string) {
		for _, order := range catalog.Resolve(o) {
			out = append(out, fmt.Sprint(order.Version, order.Superseded))
		}
		return out
	}
	if got := versions(); !slices.Equal(got, []string{"3false", "1true"}) {
		t.Errorf("ordered %v, want the third, and the first superseded", got)
	}
	// What took its place is purged: the first, which is older than it, does not come back.
	o.Rules = []catalog.Rule{purge}
	if got := versions(); !slices.Equal(got, []string{"1true"}) {
		t.Errorf("ordered %v, want only the first, superseded", got)
	}
}

func TestRetentionKeepsTheNewestAndTheYoung(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	v := func(name, version string, serial uint64, days int) catalog.PublishedVersion {
		return catalog.PublishedVersion{Ref: content.Ref{Name: name, Version: version}, Serial: serial, Created: now.Add(-time.Duration(days) * day)}
	}
	all := []catalog.PublishedVersion{v("app", "1", 1, 90), v("app", "2", 2, 60), v("film", "1", 3, 90), v("app", "3", 4, 30), v("app", "4", 5, 1), v("film", "2", 6, 2)}
	for name, c := range map[string]struct {
		rule catalog.Retention
		want string
	}{
		"all":                {catalog.Retention{}, "[]"},
		"one":                {catalog.Retention{Keep: 1}, "[app@1 app@2 film@1 app@3]"},
		"two":                {catalog.Retention{Keep: 2}, "[app@1 app@2]"},
		"one, and a month":   {catalog.Retention{Keep: 1, Younger: 31 * day}, "[app@1 app@2 film@1]"},
		"one, and a quarter": {catalog.Retention{Keep: 1, Younger: 90 * day}, "[]"},
		"many":               {catalog.Retention{Keep: 9}, "[]"},
	} {
		got := []content.Ref{}
		for _, v := range c.rule.Expired(all, now) {
			got = append(got, v.Ref)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: expired %v, want %s", name, got, c.want)
		}
	}
	for _, r := range []catalog.Retention{{Keep: -1}, {Keep: catalog.MaxKeep + 1}, {Younger: day}, {Keep: 1, Younger: -1}, {Keep: 1, Younger: time.Millisecond}, {Keep: 1, Younger: 1 << 62}} {
		if r.Check() == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
}

// TestCollectionDoomsNothingThatIsUsed draws what is used, known and noted.
func TestCollectionDoomsNothingThatIsUsed(t *testing.T) {
	begin := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		used := map[content.Digest]bool{}
		var packs []catalog.Pack
		var noted []catalog.Unused
		since := map[content.Digest]time.Time{}
		doomed := map[content.Digest]bool{}
		for i := range rapid.IntRange(0, 12).Draw(t, "objects") {
			d := content.Sum([]byte{byte(i)})
			if rapid.Bool().Draw(t, "used") {
				used[d] = true
			}
			if rapid.Bool().Draw(t, "pack") {
				packs = append(packs, catalog.Pack{Digest: d})
			}
			if rapid.Bool().Draw(t, "noted") {
				u := catalog.Unused{Object: d, Since: begin.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "since")) * time.Hour), Doomed: rapid.Bool().Draw(t, "doomed")}
				noted, since[d], doomed[d] = append(noted, u), u.Since, u.Doomed
			}
		}
		got := catalog.Collect(used, packs, noted, begin)
		for _, d := range got.Doom {
			if at, is := since[d]; used[d] || !is || !at.Before(begin) || doomed[d] {
				t.Fatalf("dooms what is used: %v, noted %v at %v, doomed: %v", used[d], is, at, doomed[d])
			}
		}
		want := catalog.Collection{}
		for _, u := range noted {
			switch {
			case !u.Doomed && used[u.Object]:
				want.Forget = append(want.Forget, u.Object)
			case !u.Doomed && u.Since.Before(begin):
				want.Doom = append(want.Doom, u.Object)
			}
		}
		for _, p := range packs {
			if _, is := since[p.Digest]; !is && !used[p.Digest] {
				want.Note = append(want.Note, p.Digest)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestWhatLivesOfAPackIsCountedOnce(t *testing.T) {
	occupied := catalog.Occupancy{}
	occupied.Add(catalog.Placement{Packs: []content.Digest{packA, packB}, Chunks: []catalog.Place{{Pack: 0, Offset: 4, Length: 10}, {Pack: 1, Offset: 4, Length: 7}}})
	occupied.Add(catalog.Placement{Packs: []content.Digest{packB, packA}, Chunks: []catalog.Place{{Pack: 1, Offset: 4, Length: 10}, {Pack: 1, Offset: 14, Length: 5}}})
	if a, b, c := occupied.Live(packA), occupied.Live(packB), occupied.Live(content.Digest{}); a != 15 || b != 7 || c != 0 {
		t.Errorf("%d, %d and %d bytes live, want 15, 7 and none", a, b, c)
	}
}
