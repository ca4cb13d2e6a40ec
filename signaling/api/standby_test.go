package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestWhoStandsBySendsEverybodyElsewhere(t *testing.T) {
	handler := api.Standby(func() string { return "another server holds the catalog" })
	for _, at := range []struct{ method, path string }{{"GET", "/readyz"}, {"GET", "/"}, {"POST", "/api/v1/sites"}, {"GET", "/api/v1/signal"}, {"GET", "/packs/x"}, {"GET", "/metrics"}} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(at.method, at.path, nil))
		wantProblem(t, w, http.StatusServiceUnavailable, "standby")
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Detail != "standby: another server holds the catalog" || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s %s answered %v %s", at.method, at.path, w.Header(), w.Body)
		}
	}
	w := httptest.NewRecorder()
	if handler.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil)); w.Code != http.StatusOK {
		t.Errorf("/healthz answered %d", w.Code)
	}
}

// A server that another one took the catalog from can't change anything any more.
func TestAChangeWithoutTheLockIsForTheOtherServer(t *testing.T) {
	lost := &failing{}
	s := newStand(t, func(cfg *api.Config) { lost.Catalog, cfg.Catalog = cfg.Catalog, lost })
	lost.err = fmt.Errorf("connect: %w", catalog.ErrLocked)
	for _, key := range []string{"", "k"} {
		w := s.asking("POST", "/rules", api.NewRule{Kind: catalog.RulePause}, "Idempotency-Key", key)
		if wantProblem(t, w, http.StatusServiceUnavailable, "standby"); w.Header().Get("Retry-After") != "1" {
			t.Errorf("with key %q: Retry-After %q, want 1", key, w.Header().Get("Retry-After"))
		}
	}
}
