package catalog_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// purge is a rule that was set after the distributions up to one.
func purge(upto int64, s catalog.Selector) catalog.Rule {
	return catalog.Rule{Selector: s, Kind: catalog.RulePurge, By: "ann", Upto: upto}
}

func TestPurgeEndsWhatWasDistributedBefore(t *testing.T) {
	everywhere, elsewhere := catalog.Selector{Name: "app"}, catalog.Selector{Site: "other", Name: "app"}
	first := catalog.Selector{Site: "shop", Name: "app", Version: "1"}
	order := func(v string) []catalog.Order { return []catalog.Order{{Name: "app", Version: v, Priority: "low"}} }
	why := "ann purged app everywhere"
	for name, c := range map[string]struct {
		distributions []catalog.Distribution
		rule          catalog.Rule
		orders        []catalog.Order
		purges        []catalog.Purge
	}{
		"all versions so far": {[]catalog.Distribution{app(1, 1, "low"), app(2, 2, "low")}, purge(2, everywhere),
			nil, []catalog.Purge{{Name: "app", Serial: 2, Why: why}}},
		"a later version comes": {[]catalog.Distribution{app(1, 1, "low"), app(2, 2, "low")}, purge(1, everywhere),
			order("2"), []catalog.Purge{{Name: "app", Serial: 1, Why: why}}},
		"a version that is distributed again comes": {[]catalog.Distribution{app(1, 1, "low"), app(1, 2, "low")}, purge(1, first),
			order("1"), nil},
		"only one version": {[]catalog.Distribution{app(1, 1, "low"), app(2, 2, "low")}, purge(2, first),
			order("2"), []catalog.Purge{{Name: "app", Version: "1", Serial: 1, Why: "ann purged app@1 at shop"}}},
		"what lies under it does not come back": {[]catalog.Distribution{app(1, 1, "low"), app(2, 2, "low")}, purge(2, catalog.Selector{Name: "app"}),
			nil, []catalog.Purge{{Name: "app", Serial: 2, Why: why}}},
		"nothing was distributed": {nil, purge(2, everywhere), nil, nil},
		"another site's": {[]catalog.Distribution{app(1, 1, "low")}, purge(2, elsewhere), order("1"),
			[]catalog.Purge{{Name: "app", Serial: 1, Why: "ann purged app at other"}}},
	} {
		o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: c.distributions, Rules: []catalog.Rule{c.rule}}
		if got := catalog.Resolve(o); !reflect.DeepEqual(got, c.orders) {
			t.Errorf("%s: ordered %+v, want %+v", name, got, c.orders)
		}
		if name == "another site's" {
			continue // the catalog lists no rules of other sites
		}
		if _, got := catalog.Keeping(o, time.Now()); len(got)+len(c.purges) > 0 && !reflect.DeepEqual(got, c.purges) {
			t.Errorf("%s: purged %+v, want %+v", name, got, c.purges)
		}
	}
}

func TestPinsExpireAndTheNewestAreTold(t *testing.T) {
	var o catalog.Orders
	for i := range catalog.MaxKeeping + 8 {
		o.Rules = append(o.Rules, catalog.Rule{Selector: catalog.Selector{Name: "app"}, Kind: catalog.RulePin, Expires: hour(i)})
	}
	pins, _ := catalog.Keeping(o, hour(2))
	if len(pins) != catalog.MaxKeeping || pins[0].Until != hour(8) {
		t.Errorf("got %d from %+v on, want the newest", len(pins), pins[0])
	}
	if pins, _ = catalog.Keeping(o, hour(30)); len(pins) != catalog.MaxKeeping+8-31 || pins[0].Until != hour(31) {
		t.Errorf("got %d from %+v on, want those that last", len(pins), pins[0])
	}
}

func TestNoPurgeIsForgotten(t *testing.T) {
	o := catalog.Orders{Site: catalog.Site{Name: "shop"}}
	const purges = 4 * catalog.MaxKeeping
	for i := range purges {
		name := fmt.Sprint("app-", i)
		o.Distributions = append(o.Distributions, catalog.Distribution{ID: int64(i), Name: name, Version: "1", Serial: 1})
		o.Rules = append(o.Rules, purge(purges, catalog.Selector{Name: name}))
	}
	if _, got := catalog.Keeping(o, time.Now()); len(got) != purges || got[0].Name != "app-0" {
		t.Errorf("got %d purges, want all %d, oldest first", len(got), purges)
	}
}

// TestNoPinIsTakenThatEndpointsWouldNotBeToldOf: what they are told of is bounded.
func TestNoPinIsTakenThatEndpointsWouldNotBeToldOf(t *testing.T) {
	now := time.Unix(1000, 0)
	pin := func(site string, n int, until time.Time) catalog.Rule {
		return catalog.Rule{Selector: catalog.Selector{Site: site, Name: "app", Version: fmt.Sprint(n)}, Kind: catalog.RulePin, Expires: until}
	}
	var rules []catalog.Rule
	for n := range catalog.MaxKeeping - 1 {
		site := "shop"
		if n%2 == 0 {
			site = ""
		}
		rules = append(rules, pin(site, n, time.Time{}), pin("other", n, now)) // those of the other have ended
	}
	next, again := pin("shop", 90, time.Time{}).Selector, rules[0].Selector
	if catalog.Crowded(rules, next, now) {
		t.Error("there is room for one more")
	}
	rules = append(rules, pin("shop", 91, now.Add(time.Second)))
	for _, c := range []struct {
		pin  catalog.Selector
		want bool
	}{{next, true}, {pin("", 92, time.Time{}).Selector, true}, {pin("other", 93, time.Time{}).Selector, false}, {again, false}} {
		if got := catalog.Crowded(rules, c.pin, now); got != c.want {
			t.Errorf("one more pin of %v: crowded %v, want %v", c.pin, got, c.want)
		}
	}
	if catalog.Crowded(rules, next, now.Add(time.Second)) {
		t.Error("a pin that ended takes room")
	}
}
