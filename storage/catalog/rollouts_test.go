package catalog_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/target"
)

func TestASiteIsInTheFirstRingThatMeansIt(t *testing.T) {
	a := catalog.Aim{Target: "not name:x*", Rings: []catalog.Ring{{Name: "one", Target: "tag:a"}, {Name: "two", Target: "tag:a or tag:b"}, {Name: "last", Target: catalog.RestTarget}}}
	for name, want := range map[string]int{"a": 0, "a b": 0, "b": 1, "c": 2} {
		if got := a.RingOf(target.Site{Name: "shop", Tags: strings.Fields(name)}); got != want {
			t.Errorf("a site with tags %s is in ring %d, want %d", name, got, want)
		}
	}
	if a.Means(target.Site{Name: "x1"}, true) || !a.Means(target.Site{Name: "shop"}, false) {
		t.Error("it does not mean whom its query means")
	}
	a.Rings = a.Rings[:2]
	if a.Means(target.Site{Name: "shop"}, true) {
		t.Error("it means a site that is in none of its rings")
	}
}

// A distribution that is not to begin yet takes nothing's place, and one whose ring is not
// open does not either.
func TestWhatHasNotComeYetTakesNothingsPlace(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	later, inRings := app(2, 2, "normal"), app(3, 3, "normal")
	later.NotBefore = now.Add(time.Hour)
	inRings.All, inRings.Rings = true, []catalog.Ring{{Name: "all", Target: "all", Gates: catalog.Gates{AtOnce: 1}}}
	o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: []catalog.Distribution{app(1, 1, "normal"), later, inRings}, Now: now}
	list := func() string {
		var out []string
		for _, order := range catalog.Resolve(o) {
			text := order.Version
			if !order.NotBefore.IsZero() {
				text += " later"
			}
			if order.Paused {
				text += " " + order.PausedBy
			}
			out = append(out, text)
		}
		return strings.Join(out, ", ")
	}
	want := func(want string) {
		t.Helper()
		if got := list(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want("1, 2 later")
	if got := catalog.Everywhere(catalog.Resolve(o), "app"); got != "1" {
		t.Errorf("everybody shall have %s", got)
	}
	o.Now = later.NotBefore
	want("2")
	r := &o.Distributions[2].Rollout
	r.Open, r.Upto = 1, "a-shop"
	want("2")
	r.Upto = "shop"
	want("3")
	r.Stopped, r.Reason = true, "too bad"
	want("3 rollout 3 is halted: too bad")
	r.State = catalog.RolloutRolledBack
	want("2")
}

func TestAnAimThatCanNotBeIsRefused(t *testing.T) {
	now := time.Now()
	ring := func(change func(*catalog.Ring)) catalog.Aim {
		r := catalog.Ring{Name: "one", Target: "all"}
		change(&r)
		return catalog.Aim{Rings: []catalog.Ring{r}}
	}
	for want, a := range map[string]catalog.Aim{
		"query":        {Target: "x"},
		"a year ahead": {NotBefore: now.Add(2 * catalog.MaxAhead)},
		"limit 20":     {Rings: make([]catalog.Ring, catalog.MaxRings+1)},
		"are called":   {Rings: []catalog.Ring{{Name: "one", Target: "all"}, {Name: "one", Target: "all"}}},
		"its name":     ring(func(r *catalog.Ring) { r.Name = strings.Repeat("x", catalog.MaxRingName+1) }),
		"per cent":     ring(func(r *catalog.Ring) { r.Delivered = 101 }),
		"soaks":        ring(func(r *catalog.Ring) { r.SoakSeconds = -1 }),
		"at once":      ring(func(r *catalog.Ring) { r.AtOnce = catalog.MaxAtOnce + 1 }),
		"no term":      ring(func(r *catalog.Ring) { r.Target = "x" }),
	} {
		if err := a.Check(now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	good := catalog.Aim{Target: "( all )", Rings: []catalog.Ring{{Name: "r", Target: catalog.RestTarget}, {Name: "s", Target: "NOT all"}}}
	if err := good.Check(now); err != nil || good.Target != "all" || good.Rings[0].Target != "rest" || good.Rings[1].Target != "not all" {
		t.Errorf("got %+v (%v)", good, err)
	}
	if _, err := catalog.DecodeRings("[{"); err == nil {
		t.Error("damaged rings are read")
	}
}

// FuzzDecodeRings: what the database holds is read or refused.
func FuzzDecodeRings(f *testing.F) {
	f.Add(`[{"name":"canary","target":"tag:canary","delivered_percent":95}]`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, text string) {
		rings, err := catalog.DecodeRings(text)
		if err != nil {
			return
		}
		again, err := catalog.EncodeRings(rings)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := catalog.DecodeRings(again); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWhatIsSaidOfADistributionHoldsTogether has what can be said of a distribution, and of its
// content, two or more at a time.
func TestWhatIsSaidOfADistributionHoldsTogether(t *testing.T) {
	later := func(hours int, d catalog.Distribution) catalog.Distribution {
		d.NotBefore = hour(hours)
		return d
	}
	rings := func(open int, d catalog.Distribution) catalog.Distribution {
		d.Rings, d.Rollout = []catalog.Ring{{Name: "all", Target: "all"}}, catalog.Rollout{State: catalog.RolloutRunning, Open: open}
		return d
	}
	halted := func(d catalog.Distribution) catalog.Distribution {
		d = rings(1, d)
		d.Rollout.State, d.Rollout.Stopped, d.Rollout.Reason = catalog.RolloutHalted, true, "too bad"
		return d
	}
	rolledBack := func(d catalog.Distribution) catalog.Distribution {
		d.Rollout.State = catalog.RolloutRolledBack
		return d
	}
	block := func(version string) catalog.Rule {
		return catalog.Rule{Kind: catalog.RuleBlock, Selector: catalog.Selector{Name: "app", Version: version}}
	}
	brief := pause("ann", 1, catalog.Selector{Name: "app"})
	brief.Expires = hour(9)
	one := app(1, 1, "low")
	all := func(d ...catalog.Distribution) []catalog.Distribution { return d }
	for name, c := range map[string]struct {
		distributions []catalog.Distribution
		rules         []catalog.Rule
		activations   []catalog.Activation
		now           int // in hours
		want          string
	}{
		"held, not before":                                {all(one, held(onHold, later(8, app(2, 2, "low")))), nil, nil, 7, "1, 2 held later"},
		"held, not before, then":                          {all(one, held(onHold, later(8, app(2, 2, "low")))), nil, nil, 8, "1, 2 held"},
		"an instant before it may begin":                  {all(one, held(atTen, later(12, app(2, 2, "low")))), nil, nil, 11, "1, 2 later"},
		"in use, and held from later on":                  {all(one, app(2, 2, "low"), held(onHold, later(8, app(2, 3, "low")))), nil, nil, 7, "2"},
		"in use, and held from later on, then":            {all(one, app(2, 2, "low"), held(onHold, later(8, app(2, 3, "low")))), nil, nil, 8, "1, 2 held"},
		"held, and in use from later on":                  {all(one, held(onHold, app(2, 2, "low")), later(8, app(2, 3, "low"))), nil, nil, 7, "1, 2 held"},
		"held, and in use from later on, then":            {all(one, held(onHold, app(2, 2, "low")), later(8, app(2, 3, "low"))), nil, nil, 8, "2"},
		"ahead of need, and held from later on":           {all(one, ahead(2, app(2, 2, "low")), held(onHold, later(8, app(2, 3, "low")))), nil, nil, 7, "1, 2 in 2 copies"},
		"a newer one is held, an older one comes later":   {all(one, held(onHold, app(3, 2, "low")), later(8, app(2, 3, "low"))), nil, nil, 7, "1, 3 held, 2 later"},
		"a newer one is in use, an older one comes later": {all(app(3, 1, "low"), later(8, app(2, 2, "low"))), nil, nil, 7, "3"},
		"held, its ring is not open":                      {all(one, held(onHold, rings(0, app(2, 2, "low")))), nil, nil, 0, "1"},
		"held, halted":                                    {all(one, held(onHold, halted(app(2, 2, "low")))), nil, nil, 0, "1, 2 held paused for good"},
		"activated, its ring is not open":                 {all(one, held(onHold, rings(0, app(2, 2, "low")))), nil, []catalog.Activation{changed(catalog.When{}, "", 2, 2)}, 0, "1"},
		"held, blocked":                                   {all(one, held(onHold, app(2, 2, "low"))), []catalog.Rule{block("2")}, nil, 0, "1"},
		"halted, and a pause that ends":                   {all(one, halted(app(2, 2, "low"))), []catalog.Rule{brief}, nil, 0, "2 paused for good"},
		"a pause that ends":                               {all(one, rings(1, app(2, 2, "low"))), []catalog.Rule{brief}, nil, 0, "2 paused"},
		"halted, then to all":                             {all(one, halted(app(2, 2, "low")), app(2, 3, "low")), nil, nil, 0, "2"},
		"halted, a newer one's ring is not open":          {all(one, halted(app(2, 2, "low")), rings(0, app(3, 3, "low"))), nil, nil, 0, "2 paused for good"},
		"blocked, to which another was rolled back":       {all(one, rolledBack(app(2, 2, "low")), app(3, 3, "low")), []catalog.Rule{block("3")}, nil, 0, "1"},
		"rolled back, and blocked":                        {all(one, rolledBack(app(2, 2, "low")), app(3, 3, "low")), []catalog.Rule{block("2")}, nil, 0, "3"},
		"rolled back from later on":                       {all(one, rolledBack(app(2, 2, "low")), later(8, app(3, 3, "low"))), nil, nil, 7, "1, 3 later"},
		"its ring is not open, and ready by":              {all(one, by(6, rings(0, app(2, 2, "low")))), nil, nil, 0, "1"},
		"to all, its ring with a time is not open":        {all(one, app(2, 2, "low"), by(6, rings(0, app(2, 3, "low")))), nil, nil, 0, "2"},
		"to all, its ring with a time is open":            {all(one, app(2, 2, "low"), by(6, rings(1, app(2, 3, "low")))), nil, nil, 0, "2 by 6"},
	} {
		o := catalog.Orders{Site: catalog.Site{Name: "shop"}, Distributions: c.distributions, Rules: c.rules, Activations: c.activations, Now: hour(c.now)}
		var got []string
		for _, order := range catalog.Resolve(o) {
			text := order.Version
			for _, said := range []struct {
				holds bool
				words string
			}{
				{order.PreStage > 0, fmt.Sprintf(" in %d copies", order.PreStage)},
				{order.When != nil, " held"},
				{!order.NotBefore.IsZero(), " later"},
				{order.Paused, " paused"},
				{order.Paused && order.PausedUntil.IsZero(), " for good"},
				{!order.ReadyBy.IsZero(), fmt.Sprintf(" by %d", order.ReadyBy.Unix()/3600)},
			} {
				if said.holds {
					text += said.words
				}
			}
			got = append(got, text)
		}
		if got := strings.Join(got, ", "); got != c.want {
			t.Errorf("%s: ordered %q, want %q", name, got, c.want)
		}
	}
}
