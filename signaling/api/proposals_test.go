package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// TestFourEyesLookAtWhatReachesAllSites also holds that two tokens of one person are one pair of eyes.
func TestFourEyesLookAtWhatReachesAllSites(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
	s.published("app", "1")
	var four api.FourEyes
	s.call("PUT", "/four-eyes", api.FourEyes{On: true}, nil)
	if s.call("GET", "/four-eyes", nil, &four); !four.On {
		t.Error("it was switched on, and is off")
	}
	anna, ben := s.account("anna", admin), s.account("ben", operator)
	var tokens [2]string
	for i, name := range []string{"first", "second"} {
		w := s.in(anna, "POST", "/api/v1/tokens", api.NewToken{Name: name, Role: operator})
		var made api.MadeToken
		decode(t, w, &made)
		tokens[i] = made.Secret
	}
	all := api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}
	var change api.Change
	decode(t, s.with(tokens[0], "POST", "/api/v1/distributions", all), &change)
	if change.Proposal == 0 || change.Generation != 0 {
		t.Fatalf("got %+v, want a proposal", change)
	}
	var waiting []catalog.Proposal
	s.call("GET", "/proposals", nil, &waiting)
	if len(waiting) != 1 || waiting[0].By != "first" || waiting[0].Person != "anna" {
		t.Errorf("waiting: %+v", waiting)
	}
	const approve = "/api/v1/proposals/1/approve"
	wantProblem(t, s.with(tokens[0], "POST", approve, nil), http.StatusConflict, "conflict")
	wantProblem(t, s.with(tokens[1], "POST", approve, nil), http.StatusConflict, "conflict")
	wantProblem(t, s.in(anna, "POST", approve, nil), http.StatusConflict, "conflict")
	decode(t, s.in(ben, "POST", approve, nil), &change)
	if o, err := s.catalog.Orders(t.Context(), "shop"); len(o.Distributions) != 1 || change.Generation != o.Generation || err != nil {
		t.Errorf("approved as %+v, orders %+v (%v)", change, o, err)
	}
	wantProblem(t, s.in(ben, "POST", approve, nil), http.StatusNotFound, "not_found")
	// One site needs nobody else, and a proposal may be taken back.
	one := api.NewDistribution{Name: "app", Version: "1", Sites: []string{"shop"}, Priority: wire.Normal}
	change = api.Change{}
	decode(t, s.in(anna, "POST", "/api/v1/distributions", one), &change)
	if change.Proposal != 0 || change.Generation == 0 {
		t.Errorf("to one site: %+v", change)
	}
	s.in(anna, "POST", "/api/v1/distributions", all)
	if w := s.in(anna, "POST", "/api/v1/proposals/2/reject", nil); w.Code != http.StatusNoContent {
		t.Errorf("taken back: %d %s", w.Code, w.Body)
	}
	wantProblem(t, s.in(ben, "POST", "/api/v1/proposals/2/approve", nil), http.StatusNotFound, "not_found")
}

// proposes is that a request waits for approval, and its number.
func (s *stand) proposes(what, path string, in any) int64 {
	s.t.Helper()
	var out api.Change
	if s.call("POST", path, in, &out); out.Proposal == 0 || out.Generation != 0 || out.Distribution != 0 {
		s.t.Errorf("%s: got %+v, want a proposal and nothing else", what, out)
	}
	return out.Proposal
}

// does is that a request waits for nobody.
func (s *stand) does(what, path string, in any) {
	s.t.Helper()
	var out api.Change
	if s.call("POST", path, in, &out); out.Proposal != 0 {
		s.t.Errorf("%s: waits as proposal %d", what, out.Proposal)
	}
}

func TestFourEyesLookAtRollbacksAndWhereTheyGoThen(t *testing.T) {
	s := newStand(t)
	newTags(s)
	s.published("app", "2")
	s.published("app", "1b")
	ben := s.account("ben", operator)
	rings := api.NewDistribution{Name: "app", Version: "2", All: true, Priority: wire.Normal, Rings: []api.NewRing{{Name: "emea", Target: "tag:emea"}, {Name: "others", Target: "rest"}}}
	s.does("before it is on", "/distributions", rings)
	open := func(n int) {
		_, err := s.catalog.ChangeRollout(t.Context(), "test", "", 1, func(d catalog.Distribution) (catalog.Rollout, error) {
			d.Rollout.Open = n
			return d.Rollout, nil
		})
		s.must(err)
	}
	open(1)
	s.call("PUT", "/four-eyes", api.FourEyes{On: true}, nil)
	back := api.NewDistribution{Name: "app", Version: "1b", Priority: wire.High}
	back.All = true
	s.proposes("rollback --all", "/distributions", back)
	back.All, back.Replaces = false, 1
	id := s.proposes("rollback of a rollout", "/distributions", back)
	back.Sites = []string{"shop-1"}
	s.proposes("rollback of a rollout at a site, which ends everywhere", "/distributions", back)
	open(2) // another ring opens while it waits
	if w := s.in(ben, "POST", fmt.Sprintf("/api/v1/proposals/%d/approve", id), nil); w.Code != http.StatusOK {
		t.Fatalf("approve: %d %s", w.Code, w.Body)
	}
	for _, site := range []string{"shop-1", "shop-2"} {
		o, err := s.catalog.Orders(t.Context(), site)
		if got := catalog.Resolve(o); len(got) != 1 || got[0].Version != "1b" || err != nil {
			t.Errorf("at %s is ordered %+v (%v)", site, got, err)
		}
	}
	back.Replaces = 0
	s.does("rollback at a site", "/distributions", back)
}

func TestFourEyesLookAtActivations(t *testing.T) {
	s := newStand(t)
	newTags(s)
	ben := s.account("ben", operator)
	s.does("before it is on", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal, Activate: catalog.ActivateHold})
	s.call("PUT", "/four-eyes", api.FourEyes{On: true}, nil)
	held := func() bool {
		t.Helper()
		o, err := s.catalog.Orders(t.Context(), "shop-2")
		s.must(err)
		got := catalog.Resolve(o)
		return len(got) == 1 && got[0].When != nil
	}
	all := api.NewActivation{Name: "app", Version: "1", All: true, Activate: "now"}
	id := s.proposes("activate --all", "/activations", all)
	if !held() {
		t.Error("it is used before somebody approved it")
	}
	if w := s.in(ben, "POST", fmt.Sprintf("/api/v1/proposals/%d/approve", id), nil); w.Code != http.StatusOK || held() {
		t.Errorf("approve: %d %s", w.Code, w.Body)
	}
	// What stops must be quick, and a site needs nobody else.
	all.Activate = catalog.ActivateHold
	if s.does("activate --all --hold", "/activations", all); !held() {
		t.Error("it is not held again")
	}
	s.does("activate --site", "/activations", api.NewActivation{Name: "app", Version: "1", Sites: []string{"shop-1"}, Activate: "now"})
	s.does("pause", "/rules", api.NewRule{Kind: catalog.RulePause})
	s.does("purge", "/rules", api.NewRule{Kind: catalog.RulePurge, Content: "app", Version: "1"})
	s.does("block", "/blocks", api.NewBlock{Content: "app", Version: "1", Reason: "wrong"})
}
