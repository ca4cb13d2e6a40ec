package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/oidc"
	"github.com/sitecast/sitecast/storage/catalog"
)

// provider is a provider of OpenID Connect on loopback.
type provider struct {
	*mockoidc.MockOIDC
	browser *http.Client // of a person, who is logged in there
}

func newProvider(t *testing.T) provider {
	t.Helper()
	m, err := mockoidc.Run()
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := m.Shutdown(); err != nil {
			t.Error(err)
		}
	})
	return provider{m, &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// newOIDCStand is an API for which a provider vouches.
func newOIDCStand(t *testing.T, p provider, change ...func(*oidc.Config)) *stand {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	cfg := oidc.Config{Issuer: p.Issuer(), ClientID: p.ClientID, ClientSecret: p.ClientSecret, HTTP: &http.Client{Transport: transport}, Scopes: []string{"email", "groups"},
		Public: &url.URL{Scheme: "https", Host: "sitecast.example:8443"},
		Roles:  []oidc.Mapping{{Value: "ops", Role: operator, Site: ""}, {Value: "shop-team", Role: operator, Site: "shop"}, {Value: "bosses", Role: admin}}}
	for _, f := range change {
		f(&cfg)
	}
	made, err := oidc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newStand(t, func(c *api.Config) { c.OIDC = made })
}

// sent begins a log-in, and has the person's browser go through the provider. It returns
// what the browser keeps and where it is sent back to.
func (s *stand) sent(p provider, user *mockoidc.MockUser) (kept *http.Cookie, back string) {
	s.t.Helper()
	p.QueueUser(user)
	w := s.as("", "GET", "/oidc/login", nil)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 || cookies[0].Name != "__Host-sitecast-oidc" || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode {
		s.t.Fatalf("answered %d with %v: %s", w.Code, cookies, w.Body)
	}
	to := w.Header().Get("Location")
	for _, part := range []string{"code_challenge=", "code_challenge_method=S256", "state=", "nonce=", "response_type=code"} {
		if !strings.Contains(to, part) {
			s.t.Errorf("sent to %s, which lacks %s", to, part)
		}
	}
	answer, err := p.browser.Get(to)
	s.must(err)
	s.must(answer.Body.Close())
	at, err := answer.Location()
	if err != nil {
		s.t.Fatalf("the provider answered %d (%v)", answer.StatusCode, err)
	}
	if at.Scheme != "https" || at.Host != "sitecast.example:8443" {
		s.t.Errorf("sent back to %s", at)
	}
	return cookies[0], at.RequestURI()
}

func (s *stand) back(kept *http.Cookie, to string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, to, nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site") // by the provider's redirect
	if kept != nil {
		r.AddCookie(kept)
	}
	return s.do(r)
}

func user(groups ...string) *mockoidc.MockUser {
	return &mockoidc.MockUser{Subject: "1234", Email: "anna@shop.example", Groups: groups}
}

func TestSomebodyElseVouchesForAnOperator(t *testing.T) {
	p := newProvider(t)
	s := newOIDCStand(t, p)
	if w := s.as("", "GET", "/login", nil); !strings.Contains(w.Body.String(), `href="/oidc/login"`) {
		t.Errorf("the page lacks the way there: %s", w.Body)
	}
	w := s.back(s.sent(p, user("others", "shop-team")))
	c := s.cookieOf(w)
	if w.Code != http.StatusOK || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("answered %d with %+v", w.Code, c)
	}
	var me api.Actor
	s.must(json.Unmarshal(s.in(c, "GET", "/api/v1/me", nil).Body.Bytes(), &me))
	if me.Name != "oidc:1234" || me.Title != "anna@shop.example" || me.Role != operator || len(me.Sites) != 1 || me.Sites[0] != "shop" {
		t.Errorf("logged in as %+v", me)
	}
	if e := audit(s)[0]; e.Action != "log in" || e.By != "oidc:1234" {
		t.Errorf("audited as %+v", e)
	}
	// What the provider says next time counts from then on.
	s.cookieOf(s.back(s.sent(p, user("bosses"))))
	s.must(json.Unmarshal(s.in(c, "GET", "/api/v1/me", nil).Body.Bytes(), &me))
	if o, err := s.catalog.Operator(t.Context(), "oidc:1234"); o.Role != admin || len(o.Sites) != 0 || err != nil {
		t.Errorf("got %+v (%v)", o, err)
	}
}

func TestWhatProvesNothingBeginsNoSession(t *testing.T) {
	p := newProvider(t)
	s := newOIDCStand(t, p)
	for name, try := range map[string]func() *httptest.ResponseRecorder{
		"a browser that began nothing": func() *httptest.ResponseRecorder {
			_, to := s.sent(p, user("ops"))
			return s.back(nil, to)
		},
		"the code of another attempt": func() *httptest.ResponseRecorder { // or of another person, whose link was clicked
			kept, _ := s.sent(p, user("ops"))
			_, to := s.sent(p, user("ops"))
			return s.back(kept, to)
		},
		"the verifier of another attempt": func() *httptest.ResponseRecorder {
			kept, to := s.sent(p, user("ops"))
			other, _ := s.sent(p, user("ops"))
			mine, others := strings.Split(kept.Value, "."), strings.Split(other.Value, ".")
			kept.Value = strings.Join([]string{mine[0], mine[1], others[2]}, ".")
			return s.back(kept, to)
		},
		"the nonce of another attempt": func() *httptest.ResponseRecorder {
			kept, to := s.sent(p, user("ops"))
			other, _ := s.sent(p, user("ops"))
			mine, others := strings.Split(kept.Value, "."), strings.Split(other.Value, ".")
			kept.Value = strings.Join([]string{mine[0], others[1], mine[2]}, ".")
			return s.back(kept, to)
		},
		"a code that was used": func() *httptest.ResponseRecorder {
			kept, to := s.sent(p, user("ops"))
			s.cookieOf(s.back(kept, to))
			return s.back(kept, to)
		},
		"a code that is none": func() *httptest.ResponseRecorder {
			kept, to := s.sent(p, user("ops"))
			at, err := url.Parse(to)
			s.must(err)
			q := at.Query()
			q.Set("code", "x")
			return s.back(kept, at.Path+"?"+q.Encode())
		},
		"a refusal of the provider": func() *httptest.ResponseRecorder {
			kept, to := s.sent(p, user("ops"))
			at, err := url.Parse(to)
			s.must(err)
			return s.back(kept, at.Path+"?error=access_denied&state="+at.Query().Get("state"))
		},
		"nothing": func() *httptest.ResponseRecorder { return s.back(nil, "/oidc/callback") },
	} {
		w := try()
		if w.Code != http.StatusUnauthorized || strings.Contains(w.Header().Get("Set-Cookie"), "__Host-sitecast=") {
			t.Errorf("%s: answered %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
	w := s.back(s.sent(p, user("others")))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "makes it an operator") {
		t.Errorf("who has no role here: %d %s", w.Code, w.Body)
	}
	if all, err := s.catalog.Operators(t.Context()); err != nil || len(all) > 1 {
		t.Errorf("accounts %+v (%v), want that of the one code that was good", all, err)
	}
}

// An account is the issuer's that vouched for it: another that has the same subject gets nothing of it.
func TestAnotherIssuerGetsNobodysAccount(t *testing.T) {
	p := newProvider(t)
	s := newOIDCStand(t, p)
	s.must(s.catalog.Vouched(t.Context(), catalog.Operator{Name: "oidc:1234", Issuer: "https://elsewhere.example", Role: admin}))
	if w := s.back(s.sent(p, user("ops"))); w.Code != http.StatusConflict {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestAProviderThatIsAwayIsTriedAgain(t *testing.T) {
	p := newProvider(t)
	s := newOIDCStand(t, p, func(c *oidc.Config) { c.Issuer = "http://127.0.0.1:1" })
	for range 2 {
		if w := s.as("", "GET", "/oidc/login", nil); w.Code != http.StatusBadGateway {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	}
	if w := s.as("", "GET", "/login", nil); w.Code != http.StatusOK {
		t.Errorf("the other way in answered %d", w.Code)
	}
}
