package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestAPairIsNamedByIDsOrByNamesThatOnlyOneHas(t *testing.T) {
	s := newStand(t)
	token := s.enrolment(3, time.Hour)
	first, second, third := newDevice(), newDevice(), newDevice()
	for i, d := range []device{first, second, third} {
		request := d.request(token)
		request.Name = []string{"till-1", "till-2", "till-2"}[i]
		s.call("POST", "/enrol", request, nil)
	}
	ask := func(query string) string { return "/sites/shop-1/pair?" + query }
	for _, names := range []string{"a=till-1&b=" + string(second.id), "a=" + string(third.id) + "&b=" + string(first.id)} {
		var r pair.Report
		s.call("GET", ask(names), nil, &r)
		if r.Linked || len(r.Findings) == 0 || r.Findings[0].Fault != pair.FaultOffline || !strings.Contains(r.Advice, "till-1") {
			t.Errorf("%s: %+v, want that both are off", names, r)
		}
	}
	for query, want := range map[string]struct {
		status int
		code   string
	}{
		"a=till-1&b=till-2":                 {http.StatusUnprocessableEntity, "invalid"}, // two are called that
		"a=till-1&b=till-9":                 {http.StatusNotFound, "not_found"},
		"a=till-1&b=till-1":                 {http.StatusUnprocessableEntity, "invalid"},
		"a=till-1":                          {http.StatusUnprocessableEntity, "invalid"},
		"a=till-1&b=":                       {http.StatusUnprocessableEntity, "invalid"},
		"a=x&b=" + strings.Repeat("x", 256): {http.StatusUnprocessableEntity, "invalid"},
	} {
		wantProblem(t, s.as(catalog.RoleViewer, http.MethodGet, "/api/v1"+ask(query), nil), want.status, want.code)
	}
	wantProblem(t, s.as(catalog.RoleViewer, http.MethodGet, "/api/v1/sites/shop-2/pair?a=x&b=y", nil), http.StatusNotFound, "not_found")
}
