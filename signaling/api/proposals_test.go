package api_test

import (
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
