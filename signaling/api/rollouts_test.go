package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// newTags makes sites, of which the first bears the tag emea.
func newTags(s *stand) {
	for _, name := range []string{"shop-1", "shop-2"} {
		s.call("POST", "/sites", api.NewSite{Name: name, TZ: "Europe/Berlin"}, nil)
	}
	s.call("PUT", "/tags/emea", policy.TagChange{AddSites: []string{"shop-1"}}, nil)
	s.published("app", "1")
}

// to is app@1 to a query.
func to(query string) api.NewDistribution {
	return api.NewDistribution{Name: "app", Version: "1", Target: query, Priority: wire.Normal}
}

func TestADistributionIsToWhomItsQueryMeans(t *testing.T) {
	s := newStand(t)
	newTags(s)
	for query, want := range map[string]string{"tag:emea": "shop-1", "not tag:emea": "shop-2", "tz:Europe/*": "shop-1 shop-2", "name:x*": ""} {
		var out api.Change
		s.call("POST", "/distributions?dry_run=true", to(query), &out)
		var sites []string
		for _, m := range out.Sites {
			sites = append(sites, m.Site)
		}
		if got := strings.Join(sites, " "); got != want || out.Generation != 0 || out.Distribution != 0 {
			t.Errorf("%s means %q (%+v), want %q", query, got, out, want)
		}
	}
	if o, err := s.catalog.Orders(t.Context(), "shop-1"); len(o.Distributions) != 0 || err != nil {
		t.Errorf("trials ordered %+v (%v)", o.Distributions, err)
	}
	var out api.Change
	s.call("POST", "/distributions", to(" TAG:emea  and all"), &out)
	if o, err := s.catalog.Orders(t.Context(), "shop-1"); len(o.Distributions) != 1 || o.Distributions[0].Target != "tag:emea and all" || out.Distribution != o.Distributions[0].ID || err != nil {
		t.Errorf("answered %+v, ordered %+v (%v)", out, o.Distributions, err)
	}
}

func TestWhatADistributionCanNotSayIsRefused(t *testing.T) {
	s := newStand(t)
	newTags(s)
	now := time.Now()
	ring := func(name, target string) api.NewRing { return api.NewRing{Name: name, Target: target} }
	for what, change := range map[string]func(*api.NewDistribution){
		"nowhere":             func(d *api.NewDistribution) { d.Target = "" },
		"two ways":            func(d *api.NewDistribution) { d.All = true },
		"a bad query":         func(d *api.NewDistribution) { d.Target = "tag:emea and" },
		"a year ahead":        func(d *api.NewDistribution) { d.NotBefore = now.Add(400 * 24 * time.Hour) },
		"ready before it may": func(d *api.NewDistribution) { d.NotBefore, d.ReadyBy = now.Add(2*time.Hour), now.Add(time.Hour) },
		"twice a ring":        func(d *api.NewDistribution) { d.Rings = []api.NewRing{ring("a", "all"), ring("a", "rest")} },
		"a ring of nobody":    func(d *api.NewDistribution) { d.Rings = []api.NewRing{ring("a", "rests")} },
		"a ring without name": func(d *api.NewDistribution) { d.Rings = []api.NewRing{ring("", "rest")} },
		"rings of copies":     func(d *api.NewDistribution) { d.Rings, d.PreStage = []api.NewRing{ring("a", "rest")}, 2 },
	} {
		in := to("tag:emea")
		change(&in)
		if w := s.as(operator, "POST", "/api/v1/distributions", in); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d %s", what, w.Code, w.Body)
		}
	}
	back := api.NewDistribution{Name: "app", Version: "1", Sites: []string{"shop-1"}, Replaces: 1, Priority: wire.Normal}
	wantProblem(t, s.with(s.scoped(operator, "shop-1"), "POST", "/api/v1/distributions", back), http.StatusForbidden, "out_of_scope")
	unknown := to("tag:emae")
	wantProblem(t, s.as(operator, "POST", "/api/v1/distributions", unknown), http.StatusNotFound, "not_found")
	wantProblem(t, s.with(s.scoped(operator, "shop-1"), "POST", "/api/v1/distributions", to("tag:emea")), http.StatusForbidden, "out_of_scope")
	s.call("PUT", "/four-eyes", api.FourEyes{On: true}, nil)
	var out api.Change
	if s.call("POST", "/distributions", to("tag:emea"), &out); out.Proposal == 0 {
		t.Errorf("got %+v, want that four eyes look at a query, which may come to mean all", out)
	}
}

func TestARolloutIsShownHaltedContinuedAndRolledBack(t *testing.T) {
	s := newStand(t)
	newTags(s)
	s.published("app", "2")
	s.published("app", "1b")
	in := api.NewDistribution{Name: "app", Version: "2", All: true, Priority: wire.Normal, Rings: []api.NewRing{{Name: "emea", Target: "tag:emea", SoakSeconds: 60, Halt: new(0)}, {Name: "others", Target: "rest", AtOnce: 5}}}
	var out api.Change
	s.call("POST", "/distributions?dry_run=true", in, &out)
	if len(out.Sites) != 2 || out.Sites[0].Ring != "emea" || out.Sites[1].Ring != "others" {
		t.Errorf("it would go to %+v", out.Sites)
	}
	s.call("POST", "/distributions", in, &out)
	id := out.Distribution
	var list []api.RolloutView
	s.call("GET", "/rollouts", nil, &list)
	if len(list) != 1 || list[0].ID != id || list[0].State != catalog.RolloutWaiting || len(list[0].Rings) != 2 {
		t.Fatalf("listed %+v", list)
	}
	if g := list[0].Rings[0].Gates; g != (catalog.Gates{Delivered: 95, Failed: 5, SoakSeconds: 60, Halt: catalog.NoHalt}) {
		t.Errorf("gates are %+v", g)
	}
	const path = "/rollouts/1"
	var v api.RolloutView
	act := func(how string, body any, state, reason string) {
		t.Helper()
		s.call("POST", path+"/"+how, body, nil)
		if s.call("GET", path, nil, &v); v.State != state || v.Reason != reason {
			t.Errorf("after %s it is %s (%s), want %s (%s)", how, v.State, v.Reason, state, reason)
		}
	}
	act("halt", api.Halting{Reason: "printer"}, catalog.RolloutHalted, "the admin halted it: printer")
	wantProblem(t, s.as(operator, "POST", "/api/v1"+path+"/halt", api.Halting{}), http.StatusConflict, "conflict")
	act("continue", nil, catalog.RolloutRunning, "the admin lets it go on")
	wantProblem(t, s.as(operator, "POST", "/api/v1"+path+"/continue", nil), http.StatusConflict, "conflict")
	act("retry", nil, catalog.RolloutRunning, "the admin lets it go on")
	wantProblem(t, s.as(operator, "POST", "/api/v1/rollouts/9/retry", nil), http.StatusNotFound, "not_found")
	back := api.NewDistribution{Name: "app", Version: "1b", Replaces: id, Priority: wire.High}
	wantProblem(t, s.as(operator, "POST", "/api/v1/distributions", back), http.StatusUnprocessableEntity, "invalid") // it reached nobody yet
	_, err := s.catalog.ChangeRollout(t.Context(), "test", "", id, func(d catalog.Distribution) (catalog.Rollout, error) {
		d.Rollout.Open = 1
		return d.Rollout, nil
	})
	s.must(err)
	s.call("POST", "/distributions", back, &out)
	o, err := s.catalog.Orders(t.Context(), "shop-1")
	s.must(err)
	if got := catalog.Resolve(o); len(got) != 1 || got[0].Version != "1b" || got[0].Priority != "high" {
		t.Errorf("where it went is ordered %+v", got)
	}
	if o, err := s.catalog.Orders(t.Context(), "shop-2"); len(catalog.Resolve(o)) != 0 || err != nil {
		t.Errorf("where it did not go is ordered %+v (%v)", catalog.Resolve(o), err)
	}
	if s.call("GET", path, nil, &v); v.State != catalog.RolloutRolledBack || v.Reason != "rolled back to 1b" {
		t.Errorf("it is %s (%s)", v.State, v.Reason)
	}
	var audit []catalog.Entry
	s.call("GET", "/audit", nil, &audit)
	said := map[string]bool{}
	for _, e := range audit {
		said[e.Action] = true
	}
	if !said["halt rollout"] || !said["continue rollout"] || !said["retry"] {
		t.Errorf("audited are %v", said)
	}
}
