package api_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

const ownOrigin = "https://sitecast.example:8443"

// linked makes a site, a version, and a browser token for it.
func (s *stand) linked(origin string) api.MadeBrowserToken {
	s.t.Helper()
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	s.published("app", "1")
	var made api.MadeBrowserToken
	s.call("POST", "/browser-tokens", api.NewBrowserToken{Site: "shop-1", Contents: []wire.Named{{Name: "app"}}, Origin: origin, TTLSeconds: 900}, &made)
	return made
}

// visit is a request to trade a browser token, as a page of an origin sends it.
func (s *stand) visit(d device, token, origin string, change ...func(*wire.BrowserSessionRequest)) *http.Request {
	s.t.Helper()
	var c wire.ChallengeResponse
	s.call("POST", "/challenge", nil, &c)
	req := wire.BrowserSessionRequest{Token: token, Key: d.key.Public().(ed25519.PublicKey), Nonce: c.Nonce, Proof: ed25519.Sign(d.key, wire.SessionClaim(c.Nonce))}
	for _, f := range change {
		f(&req)
	}
	r := s.request("", "POST", wire.PathBrowserSession, req)
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return r
}

func TestABrowserTokenIsTradedForOneOfTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		made := s.linked("")
		if want := ownOrigin + "/get/app#" + made.Token; made.URL != want || time.Until(made.Expires) > 15*time.Minute {
			t.Errorf("made %+v, want %s", made, want)
		}
		time.Sleep(10 * time.Minute)
		d := newDevice()
		var out wire.BrowserSessionResponse
		s.answer(s.visit(d, made.Token, ownOrigin), &out)
		if out.Endpoint != d.id || out.Site != "shop-1" || !s.keys.RootPublic.Equal(ed25519.PublicKey(out.Root)) || len(out.Trust) == 0 ||
			!out.Expires.Equal(made.Expires) || !out.ServerTime.Equal(time.Now()) {
			t.Errorf("answered %+v", out)
		}
		who, err := s.keys.Identify(out.Token, credential.AudienceSignaling, time.Now())
		if err != nil || who.Endpoint != d.id || who.Visit == nil || who.Visit.Origin != ownOrigin || !who.Visit.Until.Equal(made.Expires) {
			t.Errorf("the token speaks for %+v, %v", who, err)
		}
		if _, err := s.catalog.Endpoint(t.Context(), string(d.id)); err == nil {
			t.Error("the catalog knows the browser")
		}
		entries, err := s.catalog.Audit(t.Context(), 0, 1)
		s.must(err)
		if e := entries[0]; e.By != "the admin" || e.Action != "create browser token" || e.Target != "app at shop-1" || !strings.Contains(e.Detail, ownOrigin) ||
			strings.Contains(e.Detail, made.Token) {
			t.Errorf("audited as %+v", e)
		}
	})
}

// answer asks for what must succeed.
func (s *stand) answer(r *http.Request, out any) {
	s.t.Helper()
	w := s.do(r)
	if w.Code != http.StatusOK {
		s.t.Fatalf("%s answered %d %s", r.URL, w.Code, w.Body)
	}
	s.must(json.Unmarshal(w.Body.Bytes(), out))
}

func TestATokenForAnotherOriginHasNoPageHere(t *testing.T) {
	s := newStand(t)
	made := s.linked("https://Intranet.example:443/")
	if made.URL != "" {
		t.Errorf("made a page %s", made.URL)
	}
	var out wire.BrowserSessionResponse
	s.answer(s.visit(newDevice(), made.Token, "https://intranet.example"), &out)
	wantProblem(t, s.do(s.visit(newDevice(), made.Token, ownOrigin)), http.StatusForbidden, wire.CodeWrongOrigin)
}

func TestBrowserTokensThatCannotBeAreRefused(t *testing.T) {
	s := newStand(t)
	s.linked("")
	app := []wire.Named{{Name: "app"}}
	for what, c := range map[string]struct {
		in     api.NewBrowserToken
		status int
		code   string
	}{
		"another site":      {api.NewBrowserToken{Site: "shop-2", Contents: app}, 404, "not_found"},
		"another content":   {api.NewBrowserToken{Site: "shop-1", Contents: []wire.Named{{Name: "app"}, {Name: "films"}}}, 404, "not_found"},
		"another version":   {api.NewBrowserToken{Site: "shop-1", Contents: []wire.Named{{Name: "app", Version: "2"}}}, 404, "not_found"},
		"nothing":           {api.NewBrowserToken{Site: "shop-1", Contents: []wire.Named{}}, 422, "invalid"},
		"no name":           {api.NewBrowserToken{Site: "shop-1", Contents: []wire.Named{{Version: "1"}}}, 422, "invalid"},
		"too much":          {api.NewBrowserToken{Site: "shop-1", Contents: make([]wire.Named, wire.MaxNamed+1)}, 422, "invalid"},
		"no origin":         {api.NewBrowserToken{Site: "shop-1", Contents: app, Origin: "null"}, 422, "invalid"},
		"a page":            {api.NewBrowserToken{Site: "shop-1", Contents: app, Origin: "https://intranet.example/page"}, 422, "invalid"},
		"for ever":          {api.NewBrowserToken{Site: "shop-1", Contents: app, TTLSeconds: int64(api.MaxBrowserTTL/time.Second) + 1}, 422, "invalid"},
		"until an hour ago": {api.NewBrowserToken{Site: "shop-1", Contents: app, TTLSeconds: -3600}, 422, "invalid"},
	} {
		t.Run(what, func(t *testing.T) {
			wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/browser-tokens", c.in), c.status, c.code)
		})
	}
	wantProblem(t, s.as(catalog.RoleViewer, "POST", "/api/v1/browser-tokens", api.NewBrowserToken{Site: "shop-1", Contents: app}), http.StatusForbidden, "forbidden")
	s.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "1", All: true, Priority: wire.Normal}, nil)
	s.call("POST", "/rules", api.NewRule{Kind: catalog.RulePurge, Content: "app"}, nil)
	wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/browser-tokens", api.NewBrowserToken{Site: "shop-1", Contents: app}), http.StatusConflict, "conflict")
}

func TestBrowserSessionsThatProveNothingAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refused wire.Refusals
		s := newStand(t, func(cfg *api.Config) { cfg.Refused = &refused })
		made := s.linked("")
		token := func(of string, err error) string {
			s.must(err)
			return of
		}
		agents, _, err1 := s.keys.Issue(newDevice().id, "shop-1", credential.AudienceSignaling, time.Now())
		sockets, _, err2 := s.keys.IssueVisitor(newDevice().id, "shop-1", wire.Visit{Origin: ownOrigin, Contents: []wire.Named{{Name: "app"}},
			Until: time.Now().Add(time.Hour)}, time.Now())
		with := func(token string) func(*wire.BrowserSessionRequest) {
			return func(r *wire.BrowserSessionRequest) { r.Token = token }
		}
		for _, c := range []struct {
			what, origin string
			change       func(*wire.BrowserSessionRequest)
			status       int
			code         string
		}{
			{"no origin", "", nil, 403, wire.CodeWrongOrigin},
			{"another origin", "https://evil.example", nil, 403, wire.CodeWrongOrigin},
			{"an opaque origin", "null", nil, 403, wire.CodeWrongOrigin},
			{"almost the origin", ownOrigin + "/", nil, 403, wire.CodeWrongOrigin},
			{"another port", "https://sitecast.example", nil, 403, wire.CodeWrongOrigin},
			{"no token", ownOrigin, with(""), 401, "unauthorized"},
			{"a damaged token", ownOrigin, with(made.Token[:len(made.Token)-4] + "AAAA"), 401, "unauthorized"},
			{"an API token", ownOrigin, with(s.tokens[catalog.RoleAdmin]), 401, "unauthorized"},
			{"an agent's token", ownOrigin, with(token(agents, err1)), 401, "unauthorized"},
			{"a token of the socket", ownOrigin, with(token(sockets, err2)), 401, "unauthorized"},
			{"a long token", ownOrigin, with(made.Token + strings.Repeat("A", 5<<10)), 401, "unauthorized"},
			{"far too much", ownOrigin, with(strings.Repeat("A", 17<<10)), 413, "too_large"},
			{"another key", ownOrigin, func(r *wire.BrowserSessionRequest) { r.Key = newDevice().key.Public().(ed25519.PublicKey) }, 401, "unauthorized"},
			{"half a key", ownOrigin, func(r *wire.BrowserSessionRequest) { r.Key = r.Key[:16] }, 401, "unauthorized"},
			{"no proof", ownOrigin, func(r *wire.BrowserSessionRequest) { r.Proof = []byte("no") }, 401, "unauthorized"},
			{"an old challenge", ownOrigin, func(*wire.BrowserSessionRequest) { time.Sleep(credential.NonceLifetime + time.Second) }, 401, "unauthorized"},
			{"a token that has ended", ownOrigin, func(*wire.BrowserSessionRequest) { time.Sleep(time.Hour) }, 401, "unauthorized"},
		} {
			before := refused.Count(wire.DoorEnrolment, c.code)
			change := c.change
			if change == nil {
				change = func(*wire.BrowserSessionRequest) {}
			}
			w := s.do(s.visit(newDevice(), made.Token, c.origin, change))
			if wantProblem(t, w, c.status, c.code); t.Failed() {
				t.Fatalf("with %s", c.what)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("with %s the page may not read the refusal: %q", c.what, got)
			}
			if strings.Contains(w.Body.String(), "shop-1") || refused.Count(wire.DoorEnrolment, c.code) != before+1 {
				t.Errorf("with %s answered %s, and counted %d at the door of enrolments", c.what, w.Body, refused.Count(wire.DoorEnrolment, c.code)-before)
			}
		}
	})
}

// TestPagesUseFewRoutes: what pages of any origin may read is what endpoints need.
func TestPagesUseFewRoutes(t *testing.T) {
	s := newStand(t)
	allowed := map[string]string{"POST " + wire.PathChallenge: "POST", "POST " + wire.PathBrowserSession: "POST", "GET /packs/{digest}": "GET", "GET /bodies/{digest}": "GET"}
	seen := 0
	walk(t, s, func(method, route string) {
		path := strings.NewReplacer("{name}", "some", "{version}", "1", "{digest}", strings.Repeat("ab", 32)).Replace(route)
		flight := httptest.NewRequest(http.MethodOptions, path, nil)
		flight.Header.Set("Origin", "https://evil.example")
		flight.Header.Set("Access-Control-Request-Method", method)
		real := s.request("", method, path, nil)
		real.Header.Set("Origin", "https://evil.example")
		want := allowed[method+" "+route]
		for _, r := range []*http.Request{flight, real} {
			h := s.do(r).Header()
			if (h.Get("Access-Control-Allow-Origin") == "*") != (want != "") || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s lets pages of any origin read: %v", r.Method, path, h)
			}
		}
		if want == "" {
			return
		}
		seen++
		w := s.do(flight)
		headers := w.Header().Get("Access-Control-Allow-Headers")
		if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Methods") != want ||
			!strings.Contains(headers, "Range") || !strings.Contains(headers, wire.PaceHeader) || !strings.Contains(headers, "Content-Type") {
			t.Errorf("%s is answered before a flight with %d %v", path, w.Code, w.Header())
		}
		if exposed := s.do(real).Header().Get("Access-Control-Expose-Headers"); exposed != "Content-Range, "+wire.PacedHeader {
			t.Errorf("%s exposes %q", path, exposed)
		}
	})
	if seen != len(allowed) {
		t.Errorf("%d of %d routes exist", seen, len(allowed))
	}
}
