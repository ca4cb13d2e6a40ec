package catalog_test

import (
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
