package catalog_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/catalog"
)

func app(serial uint64, id int64, priority string) catalog.Distribution {
	return catalog.Distribution{ID: id, Name: "app", Version: fmt.Sprint(serial), Serial: serial, Priority: priority}
}

// ahead is the same distribution, in a few copies ahead of need.
func ahead(copies int, d catalog.Distribution) catalog.Distribution {
	d.PreStage = copies
	return d
}

// by is the same distribution with a time it shall be ready by, in hours.
func by(hours int, d catalog.Distribution) catalog.Distribution {
	d.ReadyBy = hour(hours)
	return d
}

func hour(n int) time.Time { return time.Unix(int64(n)*3600, 0).UTC() }

func pause(by string, generation uint64, s catalog.Selector) catalog.Rule {
	return catalog.Rule{Selector: s, Kind: catalog.RulePause, By: by, Generation: generation}
}

func priority(p string, generation uint64, s catalog.Selector) catalog.Rule {
	return catalog.Rule{Selector: s, Kind: catalog.RulePriority, Priority: p, Generation: generation}
}

func TestResolve(t *testing.T) {
	one := []catalog.Distribution{app(1, 1, "normal")}
	for name, c := range map[string]struct {
		distributions []catalog.Distribution
		rules         []catalog.Rule
		want          []catalog.Order
	}{
		"nothing was distributed": {nil, []catalog.Rule{pause("ann", 1, catalog.Selector{})}, nil},
		"the highest serial wins, whatever its version is called": {
			[]catalog.Distribution{app(9, 1, "normal"), app(10, 2, "normal")}, nil,
			[]catalog.Order{{Name: "app", Version: "10", Priority: "normal"}}},
		"an older version does not come back": {
			[]catalog.Distribution{app(2, 1, "normal"), app(1, 2, "high")}, nil,
			[]catalog.Order{{Name: "app", Version: "2", Priority: "normal"}}},
		"the newest distribution of a version gives its priority": {
			[]catalog.Distribution{app(1, 1, "low"), app(1, 3, "high"), app(1, 2, "normal")}, nil,
			[]catalog.Order{{Name: "app", Version: "1", Priority: "high"}}},
		"the earliest time counts, whichever distribution says it": {
			[]catalog.Distribution{app(1, 1, "low"), by(8, app(1, 2, "low")), by(6, app(1, 3, "low")), by(7, app(1, 4, "low")), app(1, 5, "low")}, nil,
			[]catalog.Order{{Name: "app", Version: "1", Priority: "low", ReadyBy: hour(6)}}},
		"an older version's time is none of the newer's": {
			[]catalog.Distribution{by(6, app(1, 1, "low")), by(9, app(2, 2, "low")), by(5, app(1, 3, "low"))}, nil,
			[]catalog.Order{{Name: "app", Version: "2", Priority: "low", ReadyBy: hour(9)}}},
		"what is placed ahead of need supersedes nothing": {
			[]catalog.Distribution{app(1, 1, "normal"), ahead(2, app(2, 2, "low"))}, nil,
			[]catalog.Order{{Name: "app", Version: "1", Priority: "normal"}, {Name: "app", Version: "2", Priority: "low", PreStage: 2}}},
		"what is opened goes to all, whatever is ordered later": {
			[]catalog.Distribution{app(1, 1, "normal"), ahead(2, app(2, 2, "low")), app(2, 3, "high"), ahead(3, app(2, 4, "low"))}, nil,
			[]catalog.Order{{Name: "app", Version: "2", Priority: "high"}}},
		"the newest number of copies counts": {
			[]catalog.Distribution{ahead(2, app(1, 1, "low")), ahead(3, app(1, 2, "low"))}, nil,
			[]catalog.Order{{Name: "app", Version: "1", Priority: "low", PreStage: 3}}},
		"an older version is not placed ahead of need": {
			[]catalog.Distribution{app(2, 1, "low"), ahead(3, app(1, 2, "low"))}, nil,
			[]catalog.Order{{Name: "app", Version: "2", Priority: "low"}}},
		"contents are in the order of their names": {
			[]catalog.Distribution{{ID: 1, Name: "b", Version: "1"}, {ID: 2, Name: "a", Version: "1"}, {ID: 3, Name: "B", Version: "1"}}, nil,
			[]catalog.Order{{Name: "B", Version: "1"}, {Name: "a", Version: "1"}, {Name: "b", Version: "1"}}},
		"a priority rule outranks the distribution": {one,
			[]catalog.Rule{priority("high", 1, catalog.Selector{Name: "app"})},
			[]catalog.Order{{Name: "app", Version: "1", Priority: "high"}}},
		"the newest priority rule wins, not the closest": {one,
			[]catalog.Rule{priority("high", 1, catalog.Selector{Site: "shop", Name: "app", Version: "1"}), priority("low", 2, catalog.Selector{})},
			[]catalog.Order{{Name: "app", Version: "1", Priority: "low"}}},
		"rules about others do nothing": {one,
			[]catalog.Rule{priority("high", 1, catalog.Selector{Name: "video"}), pause("ann", 2, catalog.Selector{Site: "other"}),
				pause("ann", 3, catalog.Selector{Name: "app", Version: "2"})},
			[]catalog.Order{{Name: "app", Version: "1", Priority: "normal"}}},
		"a pause of an old version spares the new": {
			[]catalog.Distribution{app(1, 1, "normal"), app(2, 2, "normal")},
			[]catalog.Rule{pause("ann", 1, catalog.Selector{Name: "app", Version: "1"})},
			[]catalog.Order{{Name: "app", Version: "2", Priority: "normal"}}},
		"the newest pause is named": {one,
			[]catalog.Rule{pause("ann", 1, catalog.Selector{}), pause("bob", 2, catalog.Selector{Site: "shop"})},
			[]catalog.Order{{Name: "app", Version: "1", Priority: "normal", Paused: true, PausedBy: "bob paused everything at shop"}}},
		"a paused flow has a priority": {one,
			[]catalog.Rule{pause("ann", 1, catalog.Selector{Name: "app"}), priority("high", 2, catalog.Selector{Name: "app"})},
			[]catalog.Order{{Name: "app", Version: "1", Priority: "high", Paused: true, PausedBy: "ann paused app everywhere"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: c.distributions, Rules: c.rules}
			if got := catalog.Resolve(o); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestSelectorSaysWhatItIsAbout(t *testing.T) {
	for want, s := range map[string]catalog.Selector{
		"everything everywhere": {},
		"everything at shop":    {Site: "shop"},
		"app everywhere":        {Name: "app"},
		"app at shop":           {Site: "shop", Name: "app"},
		"app@2 everywhere":      {Name: "app", Version: "2"},
		"app@2 at shop":         {Site: "shop", Name: "app", Version: "2"},
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSiteCheck(t *testing.T) {
	for name, c := range map[string]struct {
		site catalog.Site
		ok   bool
	}{
		"plain":             {catalog.Site{Name: "shop-12"}, true},
		"all there is":      {catalog.Site{Name: "shop-12", CIDRs: []string{"10.12.0.0/16", "fd00::/8"}, TZ: "UTC", Cap: 1}, true},
		"no cap":            {catalog.Site{Name: "shop", Cap: catalog.NoCap}, true},
		"no name":           {catalog.Site{}, false},
		"a path":            {catalog.Site{Name: "a/b"}, false},
		"negative cap":      {catalog.Site{Name: "shop", Cap: catalog.NoCap - 1}, false},
		"no time zone":      {catalog.Site{Name: "shop", TZ: "Middle/Earth"}, false},
		"a file's path":     {catalog.Site{Name: "shop", TZ: "../../etc/passwd"}, false},
		"address, no range": {catalog.Site{Name: "shop", CIDRs: []string{"10.12.0.1"}}, false},
		"no address":        {catalog.Site{Name: "shop", CIDRs: []string{""}}, false},
	} {
		if err := c.site.Check(); (err == nil) != c.ok {
			t.Errorf("%s: got error %v, want accepted: %v", name, err, c.ok)
		}
	}
}

// few draws from so few words that rules and distributions often meet.
func few(words ...string) *rapid.Generator[string] { return rapid.SampledFrom(words) }

var selectors = rapid.Custom(func(t *rapid.T) catalog.Selector {
	s := catalog.Selector{Site: few("", "shop", "other").Draw(t, "site"), Name: few("", "app", "video").Draw(t, "name")}
	if s.Name != "" {
		s.Version = few("", "1", "2").Draw(t, "version")
	}
	return s
})

// ordersOf draws orders as a catalog gives them: both lists oldest first.
var ordersOf = rapid.Custom(func(t *rapid.T) catalog.Orders {
	o := catalog.Orders{Site: catalog.Site{Name: few("shop", "other").Draw(t, "site")}}
	for i := range rapid.IntRange(0, 6).Draw(t, "distributions") {
		d := app(rapid.Uint64Range(1, 3).Draw(t, "serial"), int64(i+1), few("low", "normal", "high").Draw(t, "priority"))
		d.Name = few("app", "video", "image").Draw(t, "content")
		o.Distributions = append(o.Distributions, d)
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "rules") {
		s, generation := selectors.Draw(t, "selector"), uint64(i+1)
		if rapid.Bool().Draw(t, "pause") {
			o.Rules = append(o.Rules, pause(fmt.Sprint("op", i), generation, s))
		} else {
			o.Rules = append(o.Rules, priority(few("low", "normal", "high").Draw(t, "set"), generation, s))
		}
	}
	return o
})

// TestResolveFollowsItsWords compares Resolve with its comment, read slowly: from
// all candidates, sorted.
func TestResolveFollowsItsWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := ordersOf.Draw(t, "orders")
		var want []catalog.Order
		for _, name := range []string{"app", "image", "video"} {
			its := slices.DeleteFunc(slices.Clone(o.Distributions), func(d catalog.Distribution) bool { return d.Name != name })
			if len(its) == 0 {
				continue
			}
			d := slices.MaxFunc(its, func(a, b catalog.Distribution) int {
				return cmp.Or(cmp.Compare(a.Serial, b.Serial), cmp.Compare(a.ID, b.ID))
			})
			order := catalog.Order{Name: name, Version: d.Version, Priority: d.Priority}
			for _, r := range o.Rules {
				if r.Site != "" && r.Site != o.Site.Name || r.Name != "" && r.Name != name || r.Version != "" && r.Version != d.Version {
					continue
				}
				if r.Kind == catalog.RulePause {
					order.Paused, order.PausedBy = true, r.By+" paused "+r.Selector.String()
				} else {
					order.Priority = r.Priority
				}
			}
			want = append(want, order)
		}
		if got := catalog.Resolve(o); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestOrderOfDistributionsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := ordersOf.Draw(t, "orders")
		want := catalog.Resolve(o)
		o.Distributions = rapid.Permutation(o.Distributions).Draw(t, "shuffled")
		if got := catalog.Resolve(o); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

// TestPausedFlowIsPausedUntilItsRulesAreGone ends the rules that one selector
// covers: what was about it runs, what others pause stays paused.
func TestPausedFlowIsPausedUntilItsRulesAreGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, cleared := ordersOf.Draw(t, "orders"), selectors.Draw(t, "cleared")
		before := catalog.Resolve(o)
		o.Rules = slices.DeleteFunc(slices.Clone(o.Rules), func(r catalog.Rule) bool {
			return r.Kind == catalog.RulePause && cleared.Covers(r.Selector)
		})
		for i, after := range catalog.Resolve(o) {
			left := slices.ContainsFunc(o.Rules, func(r catalog.Rule) bool {
				return r.Kind == catalog.RulePause && r.Covers(catalog.Selector{Site: o.Site.Name, Name: after.Name, Version: after.Version})
			})
			if after.Paused != left || after.Paused && !before[i].Paused || after.Priority != before[i].Priority {
				t.Fatalf("after resuming %s: got %+v, was %+v, a pause is left: %v", cleared, after, before[i], left)
			}
		}
	})
}

func TestCoversIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := selectors.Draw(t, "a"), selectors.Draw(t, "b"), selectors.Draw(t, "c")
		if !a.Covers(a) || !(catalog.Selector{}).Covers(a) {
			t.Fatalf("%s is not covered by itself and by everything", a)
		}
		if a.Covers(b) && b.Covers(c) && !a.Covers(c) {
			t.Fatalf("%s covers %s, which covers %s, which it does not", a, b, c)
		}
		if a.Covers(b) && b.Covers(a) && a != b {
			t.Fatalf("%s and %s cover each other", a, b)
		}
	})
}

func TestWhatWasSupersededIsKeptInAsManyCopiesAsTheSiteShallHave(t *testing.T) {
	o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: []catalog.Distribution{app(1, 1, "normal"), app(2, 2, "normal"),
		app(1, 3, "normal"), ahead(1, app(3, 4, "normal")), app(4, 5, "high"), ahead(1, app(5, 6, "normal"))}}
	list := func() (out []string) {
		for _, order := range catalog.Resolve(o) {
			out = append(out, fmt.Sprint(order.Version, " ", order.PreStage, " ", order.Superseded))
		}
		return out
	}
	if got, want := list(), []string{"4 0 false", "5 1 false"}; !slices.Equal(got, want) {
		t.Errorf("ordered %q, want %q", got, want)
	}
	o.Site.Replicas = 2
	if got, want := list(), []string{"4 0 false", "5 1 false", "1 2 true", "2 2 true"}; !slices.Equal(got, want) {
		t.Errorf("with two copies ordered %q, want those that were open, too, the last first: %q", got, want)
	}
	o.Rules = []catalog.Rule{purge(3, catalog.Selector{Name: "app", Version: "1"})}
	if got, want := list(), []string{"4 0 false", "5 1 false", "2 2 true"}; !slices.Equal(got, want) {
		t.Errorf("after a purge ordered %q, want %q", got, want)
	}
	o.Rules = nil
	for i := range 2 * catalog.MaxSuperseded {
		o.Distributions = append(o.Distributions, app(uint64(6+i), int64(7+i), "normal"))
	}
	if got := list(); len(got) != 1+catalog.MaxSuperseded {
		t.Errorf("ordered %d versions, want the newest and %d", len(got), catalog.MaxSuperseded)
	}
}

func TestWhatBrowsersAskForIsOrderedUnderTheSameRules(t *testing.T) {
	old, current, next := app(1, 1, "normal"), app(2, 2, "high"), ahead(2, app(3, 3, "low"))
	purge := func(upto int64, s catalog.Selector) catalog.Rule {
		return catalog.Rule{Selector: s, Kind: catalog.RulePurge, Upto: upto}
	}
	for name, c := range map[string]struct {
		orders catalog.Orders
		serial uint64
		want   catalog.Order // the last one; zero: there is none
	}{
		"what everybody has is no different": {catalog.Orders{Distributions: []catalog.Distribution{old, current}}, 2,
			catalog.Order{Name: "app", Version: "2", Priority: "high"}},
		"what few have ahead of need stays so": {catalog.Orders{Distributions: []catalog.Distribution{next}}, 3,
			catalog.Order{Name: "app", Version: "3", Priority: "low", PreStage: 2}},
		"what was superseded is for browsers": {catalog.Orders{Distributions: []catalog.Distribution{old, current}}, 1,
			catalog.Order{Name: "app", Version: "1", OnDemand: true}},
		"copies of it stay, and are fetched": {catalog.Orders{Site: catalog.Site{Replicas: 2}, Distributions: []catalog.Distribution{old, current}}, 1,
			catalog.Order{Name: "app", Version: "1", Priority: "normal", PreStage: 2, Superseded: true, OnDemand: true}},
		"rules hold": {catalog.Orders{Rules: []catalog.Rule{pause("ann", 1, catalog.Selector{Name: "app"}), priority("low", 2, catalog.Selector{Name: "app", Version: "7"})}}, 7,
			catalog.Order{Name: "app", Version: "7", Priority: "low", Paused: true, PausedBy: "ann paused app everywhere", OnDemand: true}},
		"a purge took it":                    {catalog.Orders{Distributions: []catalog.Distribution{current}, Rules: []catalog.Rule{purge(2, catalog.Selector{Name: "app"})}}, 2, catalog.Order{}},
		"and what came before it":            {catalog.Orders{Distributions: []catalog.Distribution{current}, Rules: []catalog.Rule{purge(2, catalog.Selector{Name: "app"})}}, 1, catalog.Order{}},
		"but not what was published later":   {catalog.Orders{Distributions: []catalog.Distribution{current}, Rules: []catalog.Rule{purge(2, catalog.Selector{Name: "app"})}}, 3, catalog.Order{Name: "app", Version: "3", OnDemand: true}},
		"nor another version":                {catalog.Orders{Distributions: []catalog.Distribution{current}, Rules: []catalog.Rule{purge(2, catalog.Selector{Name: "app", Version: "2"})}}, 1, catalog.Order{Name: "app", Version: "1", OnDemand: true}},
		"nor what was distributed again":     {catalog.Orders{Distributions: []catalog.Distribution{current, app(2, 3, "low")}, Rules: []catalog.Rule{purge(2, catalog.Selector{Name: "app", Version: "2"})}}, 2, catalog.Order{Name: "app", Version: "2", Priority: "low"}},
		"nor what was purged at other sites": {catalog.Orders{Distributions: []catalog.Distribution{current}, Rules: []catalog.Rule{purge(2, catalog.Selector{Site: "other", Name: "app"})}}, 2, catalog.Order{Name: "app", Version: "2", Priority: "high"}},
	} {
		t.Run(name, func(t *testing.T) {
			ordered := catalog.Resolve(c.orders)
			before := len(ordered)
			got, ok := c.orders.Demand(ordered, "app", fmt.Sprint(c.serial), c.serial)
			if ok != (c.want != catalog.Order{}) || !ok && len(got) != before {
				t.Fatalf("ordered %+v, %v", got, ok)
			}
			if ok && !slices.Contains(got, c.want) {
				t.Errorf("ordered %+v, want %+v among them", got, c.want)
			}
			if again, _ := c.orders.Demand(slices.Clone(got), "app", fmt.Sprint(c.serial), c.serial); len(again) != len(got) {
				t.Errorf("asked for twice: %+v", again)
			}
		})
	}
	if got := catalog.Everywhere(catalog.Resolve(catalog.Orders{Distributions: []catalog.Distribution{old, current, next}}), "app"); got != "2" {
		t.Errorf("everybody shall have %q, want what is not ahead of need", got)
	}
	if got := catalog.Everywhere([]catalog.Order{{Name: "app", Version: "1", OnDemand: true}}, "app"); got != "" {
		t.Errorf("everybody shall have %q, which only browsers asked for", got)
	}
}
