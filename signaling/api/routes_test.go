package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// public are the routes that ask for no API token, and why.
var public = map[string]string{
	"GET /":                        "leads to the portal",
	"GET /portal":                  "likewise",
	"GET /portal/*":                "the same for all: what it shows is asked for with the session",
	"GET /portal/assets/{name}":    "what the portal is made of",
	"GET /healthz":                 "for whatever watches the process",
	"GET /readyz":                  "for whatever sends it requests",
	"GET /metrics":                 "for Prometheus; no site or content is named",
	"GET /api/v1/openapi.json":     "describes the API, not the organisation",
	"GET /api/v1/openapi.yaml":     "likewise",
	"GET /api/v1/openapi-3.0.json": "likewise",
	"GET /api/v1/openapi-3.0.yaml": "likewise",
	"GET /api/v1/docs":             "likewise",
	"POST /api/v1/enrol":           "proved by the enrolment token",
	"POST /api/v1/challenge":       "is how a proof begins",
	"POST /api/v1/session":         "proved by the endpoint's key",
	"POST /api/v1/browser/session": "proved by the browser token and the key",
	"GET /api/v1/signal":           "proved by the endpoint's token, which the socket checks",
	"POST /api/v1/tunnel":          "likewise",
	"POST /api/v1/tunnel/{id}":     "proved by the tunnel's id, which its endpoint alone was told",
	"GET /api/v1/tunnel/{id}":      "likewise",
	"DELETE /api/v1/tunnel/{id}":   "likewise",
	"GET /packs/{digest}":          "proved by the signature of the address",
	"GET /bodies/{digest}":         "likewise",
	"GET /patches/{digest}":        "likewise",
	"GET /get/{name}":              "the same for all: the token of its link is not sent here",
	"GET /check":                   "likewise, and says of the browser what that knows itself",
	"GET /assets/{name}":           "what that page is made of",
	"POST /api/v1/login":           "proved by name and password",
	"GET /login":                   "asks for them, or says who is logged in",
	"POST /login":                  "proved by them",
	"POST /logout":                 "ends the session whose cookie comes along",
	"GET /invite":                  "proved by the secret of the link, of which it shows the form",
	"POST /invite":                 "proved by the secret of the link",
	"GET /oidc/login":              "leads to who vouches for operators",
	"GET /oidc/callback":           "proved by what that says, to the browser that began it",
}

// walk calls do for every route the server has.
func walk(t *testing.T, s *stand, do func(method, route string)) {
	t.Helper()
	routes, ok := s.handler.(chi.Routes)
	if !ok {
		t.Fatalf("the handler is a %T, which can't be walked", s.handler)
	}
	n := 0
	err := chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		n++
		do(method, route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < len(public)+15 {
		t.Errorf("walked %d routes, want %d at least", n, len(public)+15)
	}
}

// ask sends a request without a body to a route.
func ask(s *stand, role, method, route string) *httptest.ResponseRecorder {
	path := strings.NewReplacer("{name}", "some", "{version}", "1", "{digest}", strings.Repeat("ab", 32), "{id}", "1", "{operator}", "x").Replace(route)
	return s.as(role, method, path, nil)
}

func TestEveryRouteWantsATokenUnlessItIsListedAsPublic(t *testing.T) {
	s := newStand(t)
	seen := map[string]bool{}
	walk(t, s, func(method, route string) {
		name := method + " " + route
		seen[name] = true
		if public[name] != "" {
			return
		}
		wantProblem(t, ask(s, "", method, route), http.StatusUnauthorized, "unauthorized")
	})
	for name := range public {
		if !seen[name] {
			t.Errorf("%s is listed as public and does not exist", name)
		}
	}
}

// The routes themselves and the OpenAPI document are not to
// tell different stories.
func TestTheDescriptionListsEveryRouteOfTheAPI(t *testing.T) {
	s := newStand(t)
	text := s.as("", http.MethodGet, "/api/v1/openapi.json", nil).Body.String()
	plain := []string{"/api/v1/signal", "/api/v1/events", "/api/v1/docs", "/api/v1/objects/{digest}", wire.PathTunnel, wire.PathTunnel + "/{id}"} // answer with no JSON
	walk(t, s, func(_, route string) {
		api := strings.HasPrefix(route, "/api/v1/") && !strings.HasPrefix(route, "/api/v1/openapi") && !slices.Contains(plain, route)
		if api && !strings.Contains(text, `"`+route+`"`) {
			t.Errorf("the OpenAPI document lacks %s", route)
		}
	})
}

func TestWrongTokensAreRefused(t *testing.T) {
	s := newStand(t)
	good := s.tokens[catalog.RoleAdmin]
	for name, header := range map[string]string{
		"none":               "",
		"not a bearer":       "Basic " + good,
		"empty":              "Bearer ",
		"of another form":    "Bearer hunter2",
		"of nobody":          "Bearer " + good[:len(good)-4] + "AAAA",
		"far too long":       "Bearer sca1." + strings.Repeat("A", 1<<16),
		"an enrolment token": "Bearer sce1.AAAA",
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/sites", nil)
		r.Header.Set("Authorization", header)
		w := s.do(r)
		if wantProblem(t, w, http.StatusUnauthorized, "unauthorized"); t.Failed() {
			t.Fatalf("with a token that is %s", name)
		}
		if strings.Contains(w.Body.String(), good) {
			t.Errorf("the answer to a token that is %s repeats it", name)
		}
	}
}
