package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestInputsThatCannotBeAreRefused(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	s.published("app", "1")
	long := strings.Repeat("x", 101)
	key := strings.Repeat("A", 43) + "=" // 32 bytes
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/sites", `{"name":""}`},
		{"POST", "/sites", `{"name":"../etc"}`},
		{"POST", "/sites", `{"name":"a b"}`},
		{"POST", "/sites", `{"name":"con"}`},
		{"POST", "/sites", `{"name":"` + long + `"}`},
		{"POST", "/sites", `{"name":7}`},
		{"POST", "/sites", `{}`},
		{"POST", "/sites", `{"name":"s","unknown":1}`},
		{"POST", "/sites", `{"name":"s","cidrs":["10.0.0.0"]}`},
		{"POST", "/sites", `{"name":"s","cidrs":["10.0.0.0/33"]}`},
		{"POST", "/sites", `{"name":"s","cidrs":["the lan"]}`},
		{"POST", "/sites", `{"name":"s","cidrs":[""]}`},
		{"POST", "/sites", `{"name":"s","tz":"Mars/Olympus"}`},
		{"POST", "/sites", `{"name":"s","tz":"../../etc/passwd"}`},
		{"PATCH", "/sites/shop-1", `{"hold_off_ms":-1}`},
		{"PATCH", "/sites/shop-1", `{"hold_off_ms":86400001}`},
		{"PATCH", "/sites/shop-1", `{"replicas":-1}`},
		{"PATCH", "/sites/shop-1", `{"replicas":65}`},
		{"PATCH", "/sites/shop-1", `{"peers_on":["10.12.0.0"]}`},
		{"PATCH", "/sites/shop-1", `{"peers_on":["10.12.3.4/16"]}`},
		{"PATCH", "/sites/shop-1", `{"cap_bytes_per_second":-2}`},
		{"PATCH", "/sites/shop-1", `{"cap_bytes_per_second":1.5}`},
		{"PATCH", "/sites/shop-1", `{"cap_bytes_per_second":"5mbit"}`},
		{"PATCH", "/sites/shop-1", `{"cap_bytes_per_second":9223372036854775807}`},
		{"PATCH", "/sites/shop-1", `{"cap":1}`},
		{"POST", "/enrolments", `{"site":"shop-1","uses":0,"ttl_seconds":60}`},
		{"POST", "/enrolments", `{"site":"shop-1","uses":100001,"ttl_seconds":60}`},
		{"POST", "/enrolments", `{"site":"shop-1","uses":1,"ttl_seconds":0}`},
		{"POST", "/enrolments", `{"site":"shop-1","uses":1,"ttl_seconds":31536001}`},
		{"POST", "/publishers", `{"key":"AAAA","name":"n","prefixes":[""]}`},
		{"POST", "/publishers", `{"key":"` + key + `","name":"","prefixes":[""]}`},
		{"POST", "/publishers", `{"key":"` + key + `","name":"n","prefixes":[]}`},
		{"POST", "/publishers", `{"key":"` + key + `","name":"` + long + `","prefixes":[""]}`},
		{"POST", "/publishers", `{"key":"` + key + `","name":"n","prefixes":["` + long + `"]}`},
		{"POST", "/versions", `{"name":"a/b","version":"1"}`},
		{"POST", "/versions", `{"name":"a","version":"1 2"}`},
		{"POST", "/versions", `{"name":"a","version":""}`},
		{"POST", "/versions", `{"name":"a","version":"` + long + `"}`},
		{"POST", "/objects/missing", `{"digests":["abc"]}`},
		{"POST", "/objects/missing", `{"digests":[` + strings.Repeat(`"",`, 4096) + `""]}`},
		{"POST", "/chunks/missing", `{"digests":["abc"]}`},
		{"POST", "/chunks/missing", `{"digests":[` + strings.Repeat(`"",`, 4096) + `""]}`},
		{"PUT", "/objects/abc", `bytes`},
		{"POST", "/distributions", `{"name":"app","version":"1","priority":"normal"}`},
		{"POST", "/distributions", `{"name":"app","version":"1","sites":["shop-1"],"all":true,"priority":"normal"}`},
		{"POST", "/distributions", `{"name":"app","version":"1","sites":["shop-1"],"priority":"urgent"}`},
		{"POST", "/distributions", `{"name":"app","version":"1","all":true,"ready_by":"6h"}`},
		{"POST", "/distributions", `{"name":"app","version":"1","all":true,"ready_by":"2020-01-01T00:00:00Z"}`},
		{"POST", "/distributions", `{"name":"app","version":"1","all":true,"ready_by":"9020-01-01T00:00:00Z"}`},
		{"POST", "/rules", `{"kind":"stop","site":"shop-1"}`},
		{"POST", "/rules", `{"kind":"pause","version":"1"}`},
		{"POST", "/rules", `{"kind":"pause","content":"a b"}`},
		{"POST", "/rules", `{"kind":"pause","site":"shop-1","priority":"urgent"}`},
		{"POST", "/rules", `{"kind":"priority","site":"shop-1"}`},
		{"POST", "/rules", `{"kind":"cap","site":"shop-1"}`},
		{"POST", "/rules", `{"kind":"cap","site":"shop-1","cap_bytes_per_second":-1}`},
		{"POST", "/rules", `{"kind":"pause","expires":"2020-01-01T00:00:00Z"}`},
		{"POST", "/rules", `{"kind":"priority","content":"app"}`},
		{"POST", "/distributions", `{"name":"app","version":"1","all":true,"pre_stage":-1}`},
		{"POST", "/distributions", `{"name":"app","version":"1","all":true,"pre_stage":65}`},
		{"POST", "/rules", `{"kind":"pin","site":"shop-1"}`},
		{"POST", "/rules", `{"kind":"purge","site":"shop-1"}`},
		{"POST", "/rules", `{"kind":"pin","content":"app","expires":"2020-01-01T00:00:00Z"}`},
		{"POST", "/rules", `{"kind":"purge","content":"app","expires":"2096-01-01T00:00:00Z"}`},
		{"POST", "/rules", `{"kind":"pause","content":"app","expires":"2096-01-01T00:00:00Z"}`},
		{"POST", "/rules/unpin", `{"content":"a b"}`},
		{"POST", "/rules/resume", `{"version":"1"}`},
		{"POST", "/rules/resume", `{"content":"a b"}`},
		{"GET", "/sites?limit=0", ""},
		{"GET", "/sites?limit=1001", ""},
		{"GET", "/audit?limit=many", ""},
		{"GET", "/audit?before=-1", ""},
		{"GET", "/audit?since=yesterday", ""},
		{"GET", "/flows?state=happy", ""},
		{"GET", "/flows?limit=1001", ""},
		{"GET", "/endpoints?online=perhaps", ""},
		{"GET", "/endpoints?text=" + long, ""},
		{"GET", "/sites?prefix=" + long, ""},
		{"GET", "/distributions?limit=0", ""},
		{"GET", "/rules?after=x", ""},
	} {
		t.Run(c.method+c.path+short(c.body), func(t *testing.T) {
			before := len(audit(s))
			wantProblem(t, s.as(catalog.RoleAdmin, c.method, "/api/v1"+c.path, c.body), http.StatusUnprocessableEntity, "invalid")
			if after := len(audit(s)); after != before {
				t.Errorf("the audit log grew by %d entries, want that nothing changed", after-before)
			}
		})
	}
	if log := s.logged(); log != "" {
		t.Errorf("the log blames the server for what callers did: %s", log)
	}
}

func short(s string) string { return s[:min(len(s), 60)] }

func audit(s *stand) []catalog.Entry {
	var entries []catalog.Entry
	s.call("GET", "/audit?limit=1000", nil, &entries)
	return entries
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	s.published("app", "1")
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/sites/shop-2", nil},
		{"PATCH", "/sites/shop-2", api.SiteChange{CapBytesPerSecond: new(int64)}},
		{"PATCH", "/sites/shop-2", api.SiteChange{}},
		{"POST", "/enrolments", api.NewEnrolment{Site: "shop-2", Uses: 1, TTLSeconds: 60}},
		{"GET", "/versions/app/2", nil},
		{"GET", "/flows?site=shop-2", nil},
		{"GET", "/endpoints?site=shop-2", nil},
		{"GET", "/lines?site=shop-2", nil},
		{"POST", "/distributions", api.NewDistribution{Name: "app", Version: "2", All: true, Priority: wire.Normal}},
		{"POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", Sites: []string{"shop-1", "shop-2"}, Priority: wire.Normal}},
		{"POST", "/rules", api.NewRule{Kind: catalog.RulePause, Site: "shop-2"}},
		{"POST", "/rules", api.NewRule{Kind: catalog.RulePause, Content: "app", Version: "2"}},
		{"POST", "/rules/resume", api.EndedRules{Site: "shop-2"}},
		{"POST", "/rules/unpin", api.EndedRules{Site: "shop-2"}},
		{"POST", "/rules", api.NewRule{Kind: catalog.RulePurge, Content: "app", Version: "2"}},
		{"GET", "/nothing/here", nil},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			wantProblem(t, s.as(catalog.RoleAdmin, c.method, "/api/v1"+c.path, c.body), http.StatusNotFound, "not_found")
		})
	}
}

func TestAMethodThatARouteLacksIsAProblemToo(t *testing.T) {
	s := newStand(t)
	w := s.as(catalog.RoleAdmin, http.MethodDelete, "/api/v1/sites", nil)
	wantProblem(t, w, http.StatusMethodNotAllowed, "method_not_allowed")
	if got := strings.Join(w.Header().Values("Allow"), ", "); got != "GET, POST" {
		t.Errorf("Allow = %q, want GET, POST", got)
	}
}

func TestBodiesThatCannotBeReadAreRefused(t *testing.T) {
	s := newStand(t)
	wantProblem(t, s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", `{"name":`), http.StatusBadRequest, "invalid")
	wantProblem(t, s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`),
		http.StatusRequestEntityTooLarge, "too_large")
	wantProblem(t, s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", ""), http.StatusBadRequest, "invalid")
	r := s.request(catalog.RoleAdmin, "POST", "/api/v1/sites", "name: shop-1")
	r.Header.Set("Content-Type", "application/yaml")
	wantProblem(t, s.do(r), http.StatusUnsupportedMediaType, "unsupported_media_type")
}

func TestConflictsSayWhatToDo(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	wantProblem(t, s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", api.NewSite{Name: "shop-1"}), http.StatusConflict, "conflict")
}

// TestSitesAreKeptAsGiven also follows a listing over its pages.
func TestSitesAreKeptAsGiven(t *testing.T) {
	s := newStand(t)
	var made catalog.Site
	s.call("POST", "/sites", api.NewSite{Name: "shop-1", CIDRs: []string{"10.1.0.0/16", "fd00::/64"}, TZ: "Europe/Berlin"}, &made)
	if made.Cap != catalog.NoCap || len(made.CIDRs) != 2 || made.TZ != "Europe/Berlin" || made.Created.IsZero() {
		t.Errorf("made %+v", made)
	}
	limit := int64(625_000)
	s.call("PATCH", "/sites/shop-1", api.SiteChange{CapBytesPerSecond: &limit}, &made)
	if made.Cap != limit {
		t.Errorf("cap = %d, want %d", made.Cap, limit)
	}
	s.call("PATCH", "/sites/shop-1", api.SiteChange{}, &made)
	if made.Cap != limit {
		t.Errorf("cap after a change of nothing = %d, want %d", made.Cap, limit)
	}
	for _, name := range []string{"shop-2", "shop-3"} {
		s.call("POST", "/sites", api.NewSite{Name: name}, nil)
	}
	var names []string
	for after := ""; ; {
		var page []catalog.Site
		s.call("GET", "/sites?limit=2&after="+after, nil, &page)
		if len(page) == 0 {
			break
		}
		for _, found := range page {
			names = append(names, found.Name)
			after = found.Name
		}
	}
	if got := strings.Join(names, " "); got != "shop-1 shop-2 shop-3" {
		t.Errorf("pages hold %q, want shop-1 shop-2 shop-3", got)
	}
}

func TestPanicsAreProblemsAndNotTold(t *testing.T) {
	s := newStand(t, func(c *api.Config) {
		c.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret of the house") })
	})
	w := s.as("", "GET", "/metrics", nil)
	wantProblem(t, w, http.StatusInternalServerError, "internal")
	if strings.Contains(w.Body.String(), "secret of the house") {
		t.Errorf("the answer tells the panic: %s", w.Body)
	}
	if !strings.Contains(s.logged(), "secret of the house") {
		t.Errorf("the log %q does not tell the panic", s.logged())
	}
}

func TestACutConnectionStaysCut(t *testing.T) {
	s := newStand(t, func(c *api.Config) {
		c.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	defer func() {
		if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // recover gives the value itself
			t.Errorf("recovered %v, want http.ErrAbortHandler for the server to cut the connection", got)
		}
	}()
	s.do(httptest.NewRequest(http.MethodGet, "/metrics", nil))
}

// FuzzInputs holds that no body is the server's fault, whatever it is.
func FuzzInputs(f *testing.F) {
	paths := []string{"/sites", "/enrolments", "/publishers", "/versions", "/objects/missing", "/chunks/missing", "/distributions", "/rules", "/rules/resume", "/enrol", "/session", "/browser/session", "/browser-tokens", "/tokens", "/invites", "/login", "/password"}
	for i := range paths {
		for _, seed := range []string{`{}`, `null`, `[]`, `{"name":"a","version":"1"}`, `{"site":"\u0000"}`, `{"name":null}`,
			`{"digests":null}`, `{"key":null,"prefixes":null,"name":"n"}`, `{"sites":["a","a"],"name":"app","version":"1","priority":"low"}`} {
			f.Add(uint8(i), seed)
		}
	}
	s := newStand(f, func(cfg *api.Config) { cfg.Limits = api.Unlimited })
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		s.t = t
		w := s.as(catalog.RoleAdmin, "POST", "/api/v1"+paths[int(which)%len(paths)], body)
		if w.Code >= 500 || w.Code != 200 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %q answered %d %s (log: %s)", paths[int(which)%len(paths)], body, w.Code, w.Body, s.logged())
		}
	})
}
