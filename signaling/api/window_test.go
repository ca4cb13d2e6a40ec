package api_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestADistributionsWindowIsReadAndKept(t *testing.T) {
	s := newStand(t)
	newTags(s)
	in := api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal, Window: "Mon-Fri 22:00-05:00;sat"}
	s.call("POST", "/distributions", in, nil)
	for _, token := range []string{s.scoped(viewer, "shop-1"), s.scoped(viewer)} {
		var got []catalog.Listed
		w := s.with(token, "GET", "/api/v1/distributions", nil)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) == 0 || got[0].Window != "mon-fri 22:00-05:00 open; sat open; * closed" {
			t.Errorf("answered %d %s, want the window in full", w.Code, w.Body)
		}
	}
	for _, window := range []string{"mon-fri 22:30-05:00", "* closed", "nights", ";"} {
		in.Window = window
		wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/distributions", in), http.StatusUnprocessableEntity, "invalid")
	}
}

func TestWhatBecameOfAChangeIsNotKnownOfOthers(t *testing.T) {
	s := newStand(t)
	wantProblem(t, s.as(viewer, "GET", "/api/v1/rules/effects/7", nil), http.StatusNotFound, "not_found")
}
