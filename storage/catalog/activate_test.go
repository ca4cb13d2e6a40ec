package catalog_test

import (
	"crypto/ed25519"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

var (
	onHold = catalog.When{Activate: catalog.ActivateHold}
	atTen  = catalog.When{Activate: catalog.ActivateAt, At: hour(10), Instant: 1}
)

// held is the same distribution, used from some time on.
func held(w catalog.When, d catalog.Distribution) catalog.Distribution {
	d.When = w
	return d
}

// changed is an activation of version serial that was made after some distributions.
func changed(w catalog.When, site string, serial, upto int64) catalog.Activation {
	return catalog.Activation{Name: "app", Version: app(uint64(serial), 0, "").Version, Site: site, When: w, Upto: upto}
}

func TestWhatIsHeldComesBesideWhatIsInUse(t *testing.T) {
	order := func(v string, w *catalog.When) catalog.Order {
		return catalog.Order{Name: "app", Version: v, Priority: "low", When: w}
	}
	first, second, third := app(1, 1, "low"), app(2, 2, "low"), app(3, 3, "low")
	for name, c := range map[string]struct {
		distributions []catalog.Distribution
		activations   []catalog.Activation
		now           time.Time
		want          []catalog.Order
	}{
		"it supersedes nothing": {[]catalog.Distribution{first, held(onHold, second)}, nil, hour(0),
			[]catalog.Order{order("1", nil), order("2", &onHold)}},
		"the first there is": {[]catalog.Distribution{held(onHold, first)}, nil, hour(0), []catalog.Order{order("1", &onHold)}},
		"it is activated": {[]catalog.Distribution{first, held(onHold, second)}, []catalog.Activation{changed(catalog.When{}, "", 2, 2)}, hour(0),
			[]catalog.Order{order("2", nil)}},
		"it is activated here": {[]catalog.Distribution{first, held(onHold, second)}, []catalog.Activation{changed(catalog.When{}, "shop", 2, 2)}, hour(0),
			[]catalog.Order{order("2", nil)}},
		"it is activated elsewhere": {[]catalog.Distribution{first, held(onHold, second)}, []catalog.Activation{changed(catalog.When{}, "other", 2, 2)}, hour(0),
			[]catalog.Order{order("1", nil), order("2", &onHold)}},
		"it is held again": {[]catalog.Distribution{first, held(onHold, second)},
			[]catalog.Activation{changed(catalog.When{}, "", 2, 2), changed(onHold, "", 2, 2)}, hour(0),
			[]catalog.Order{order("1", nil), order("2", &onHold)}},
		"it is distributed again for use at once": {[]catalog.Distribution{first, held(onHold, second), app(2, 3, "low")}, nil, hour(0),
			[]catalog.Order{order("2", nil)}},
		"it is distributed again and held": {[]catalog.Distribution{first, second, held(onHold, app(2, 3, "low"))}, nil, hour(0),
			[]catalog.Order{order("1", nil), order("2", &onHold)}},
		"an activation says nothing of what is distributed later": {[]catalog.Distribution{first, held(onHold, app(2, 3, "low"))},
			[]catalog.Activation{changed(catalog.When{}, "", 2, 2)}, hour(0), []catalog.Order{order("1", nil), order("2", &onHold)}},
		"before its instant": {[]catalog.Distribution{first, held(atTen, second)}, nil, hour(9),
			[]catalog.Order{order("1", nil), order("2", &atTen)}},
		"at its instant":        {[]catalog.Distribution{first, held(atTen, second)}, nil, hour(10), []catalog.Order{order("2", nil)}},
		"nobody knows when":     {[]catalog.Distribution{first, held(atTen, second)}, nil, time.Time{}, []catalog.Order{order("1", nil), order("2", &atTen)}},
		"two wait, in order":    {[]catalog.Distribution{first, held(onHold, third), held(atTen, second)}, nil, hour(0), []catalog.Order{order("1", nil), order("2", &atTen), order("3", &onHold)}},
		"a newer one is in use": {[]catalog.Distribution{held(onHold, second), third}, nil, hour(0), []catalog.Order{order("3", nil)}},
		"it was placed ahead of need before": {[]catalog.Distribution{first, ahead(2, second), held(onHold, app(2, 3, "low"))}, nil, hour(0),
			[]catalog.Order{order("1", nil), order("2", &onHold)}},
	} {
		o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: c.distributions, Activations: c.activations, Now: c.now}
		if got := catalog.Resolve(o); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: ordered %+v, want %+v", name, got, c.want)
		}
		want := c.want[0].Version
		if c.want[0].When != nil {
			want = ""
		}
		if got := catalog.Everywhere(catalog.Resolve(o), "app"); got != want {
			t.Errorf("%s: pages get %q, want %q", name, got, want)
		}
	}
}

func TestFewOfWhatIsHeldAreBesideWhatIsInUse(t *testing.T) {
	o := catalog.Orders{Distributions: []catalog.Distribution{app(1, 1, "low")}}
	for i := range int64(catalog.MaxStaged + 5) {
		o.Distributions = append(o.Distributions, held(onHold, app(uint64(2+i), 2+i, "low")))
	}
	got := catalog.Resolve(o)
	if len(got) != 1+catalog.MaxStaged || got[0].Version != "1" || got[1].Version != "7" || got[catalog.MaxStaged].Version != "14" {
		t.Errorf("ordered %+v", got)
	}
}

func TestWhatIsBlockedIsNotOrderedAndIsDeleted(t *testing.T) {
	block := func(s catalog.Selector) catalog.Rule {
		return catalog.Rule{Selector: s, Kind: catalog.RuleBlock, By: "ann", Reason: "wrong prices"}
	}
	order := func(v string) []catalog.Order { return []catalog.Order{{Name: "app", Version: v, Priority: "low"}} }
	for name, c := range map[string]struct {
		rule   catalog.Selector
		orders []catalog.Order
	}{
		"a version":        {catalog.Selector{Name: "app", Version: "2"}, order("1")},
		"a version here":   {catalog.Selector{Site: "shop", Name: "app", Version: "2"}, order("1")},
		"an older version": {catalog.Selector{Name: "app", Version: "1"}, order("2")},
		"all of it":        {catalog.Selector{Name: "app"}, nil},
		"another content":  {catalog.Selector{Name: "film"}, order("2")},
	} {
		o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: []catalog.Distribution{app(1, 1, "low"), app(2, 2, "low")}, Rules: []catalog.Rule{block(c.rule)}}
		if got := catalog.Resolve(o); !reflect.DeepEqual(got, c.orders) {
			t.Errorf("%s: ordered %+v, want %+v", name, got, c.orders)
		}
		_, purges := catalog.Keeping(o, hour(0))
		want := catalog.Purge{Name: c.rule.Name, Version: c.rule.Version, Serial: content.MaxSerial, Block: true,
			Why: "ann blocked " + c.rule.String() + ": wrong prices"}
		if len(purges) != 1 || purges[0] != want {
			t.Errorf("%s: deleted %+v, want %+v", name, purges, want)
		}
		if _, ok := o.Demand(nil, "app", "2", 2); ok != (len(c.orders) > 0 && c.orders[0].Version == "2") {
			t.Errorf("%s: a page gets it: %t", name, ok)
		}
	}
}

func TestInstantIsOfTheVersionAndAhead(t *testing.T) {
	signer := ed25519.NewKeyFromSeed(make([]byte, 32))
	now := hour(100)
	v := catalog.Version{Name: "app", Version: "1", ID: content.VersionID{1}}
	statement := func(name string, id byte, at time.Time) []byte {
		text, err := content.SignInstant(content.Instant{Name: name, ID: content.VersionID{id}, At: at, Serial: 5}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for want, c := range map[string]struct {
		activate  string
		statement []byte
	}{
		"":                     {catalog.ActivateAt, statement("app", 1, hour(101))},
		"another version":      {catalog.ActivateAt, statement("app", 2, hour(101))},
		"another version than": {catalog.ActivateAt, statement("film", 1, hour(101))},
		"has passed":           {catalog.ActivateAt, statement("app", 1, now)},
		"more than a year":     {catalog.ActivateAt, statement("app", 1, hour(100+24*367))},
		"read instant":         {catalog.ActivateAt, nil},
		"has a statement":      {catalog.ActivateHold, statement("app", 1, hour(101))},
		"activate is":          {"soon", nil},
	} {
		w, err := catalog.ReadWhen(c.activate, c.statement, v, now)
		if want == "" {
			if err != nil || !w.At.Equal(hour(101)) || w.Instant != 5 {
				t.Errorf("%+v, %v", w, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
