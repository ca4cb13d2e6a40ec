package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/web"
)

const password = "correct horse battery staple"

// invited makes an invitation, and returns its secret.
func (s *stand) invited(name, role string, sites ...string) string {
	s.t.Helper()
	var made api.MadeInvite
	s.call("POST", "/invites", api.NewInvite{Name: name, Role: role, Sites: sites}, &made)
	at, err := url.Parse(made.URL)
	s.must(err)
	return at.Query().Get("token")
}

// account makes one as its person does, and returns the cookie of the session.
func (s *stand) account(name, role string, sites ...string) *http.Cookie {
	s.t.Helper()
	w := s.form("/invite", url.Values{"token": {s.invited(name, role, sites...)}, "password": {password}})
	if w.Code != http.StatusSeeOther {
		s.t.Fatalf("accepting answered %d %s", w.Code, w.Body)
	}
	return s.cookieOf(w)
}

func (s *stand) cookieOf(w *httptest.ResponseRecorder) *http.Cookie {
	s.t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-sitecast" && c.Value != "" {
			return c
		}
	}
	s.t.Fatalf("answer %d has no session: %v %s", w.Code, w.Header(), w.Body)
	return nil
}

// form sends a form, as the server's own pages do.
func (s *stand) form(path string, values url.Values, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return s.do(r)
}

// in makes a request within a session.
func (s *stand) in(session *http.Cookie, method, path string, body any) *httptest.ResponseRecorder {
	s.t.Helper()
	r := s.request("", method, path, body)
	r.AddCookie(session)
	return s.do(r)
}

func (s *stand) login(name, password string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.as("", "POST", "/api/v1/login", api.Login{Name: name, Password: password})
}

func TestAnInvitationMakesAnAccountOnce(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
	token := s.invited("anna", operator, "shop")
	for range 2 { // also what looks at a link before its reader does spends nothing
		page := s.as("", "GET", "/invite?token="+token, nil)
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), `value="anna"`) || page.Header().Get("Cache-Control") != "no-store" ||
			page.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("the page answered %d %v %s", page.Code, page.Header(), page.Body)
		}
	}
	if w := s.form("/invite", url.Values{"token": {token}, "password": {"short"}}); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "shorter than 12") {
		t.Errorf("a short password: %d %s", w.Code, w.Body)
	}
	w := s.form("/invite", url.Values{"token": {token}, "password": {password}, "name": {"somebody"}, "role": {"admin"}})
	c := s.cookieOf(w)
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("the session's cookie is %+v", c)
	}
	var me api.Actor
	s.must(json.Unmarshal(s.in(c, "GET", "/api/v1/me", nil).Body.Bytes(), &me))
	if me.Name != "anna" || me.Role != operator || len(me.Sites) != 1 || me.Sites[0] != "shop" {
		t.Errorf("logged in as %+v", me)
	}
	if w := s.form("/invite", url.Values{"token": {token}, "password": {password}}); w.Code != http.StatusNotFound {
		t.Errorf("the second time: %d %s", w.Code, w.Body)
	}
	for _, wrong := range []string{"", "x", token + "x", strings.Repeat("A", 43), strings.Repeat("A", 1<<16)} {
		if w := s.as("", "GET", "/invite?token="+wrong, nil); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<form") {
			t.Errorf("with token %.50q: %d %s", wrong, w.Code, w.Body)
		}
	}
}

// TestTheFirstAccountsNameIsChosen follows the link that a server prints at its first start.
func TestTheFirstAccountsNameIsChosen(t *testing.T) {
	s := newStand(t)
	secret, i := api.NewInvitation("", admin, nil, time.Now())
	s.must(s.catalog.PutInvite(t.Context(), "first start", i))
	link := api.InviteURL(&url.URL{Scheme: "https", Host: "sitecast.example:8443"}, secret)
	if !strings.HasPrefix(link, "https://sitecast.example:8443/invite?token=") {
		t.Errorf("link %s", link)
	}
	token := link[strings.Index(link, "=")+1:]
	for _, name := range []string{"", "a b", "oidc:1", `"><script>`} {
		w := s.form("/invite", url.Values{"token": {token}, "name": {name}, "password": {password}})
		if w.Code != http.StatusUnprocessableEntity || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("name %q: %d %s", name, w.Code, w.Body)
		}
	}
	s.cookieOf(s.form("/invite", url.Values{"token": {token}, "name": {"anna"}, "password": {password}}))
	if o, err := s.catalog.Operator(t.Context(), "anna"); o.Role != admin || err != nil {
		t.Errorf("made %+v (%v)", o, err)
	}
}

func TestLoggingInAndOut(t *testing.T) {
	s := newStand(t)
	s.account("anna", admin)
	w := s.login("anna", password)
	c := s.cookieOf(w)
	if strings.Contains(w.Body.String(), c.Value) {
		t.Errorf("the body tells the session: %s", w.Body)
	}
	if w := s.in(c, "POST", "/api/v1/sites", api.NewSite{Name: "shop"}); w.Code != http.StatusOK {
		t.Errorf("in the session: %d %s", w.Code, w.Body)
	}
	if e := audit(s)[0]; e.By != "anna" || e.Via != "session" {
		t.Errorf("audited as %+v", e)
	}
	out := s.in(c, "POST", "/api/v1/logout", nil)
	if ended := out.Result().Cookies(); out.Code != http.StatusOK || len(ended) != 1 || ended[0].MaxAge >= 0 {
		t.Errorf("the log-out answered %d with %v", out.Code, ended)
	}
	wantProblem(t, s.in(c, "GET", "/api/v1/me", nil), http.StatusUnauthorized, "unauthorized")
	wantProblem(t, s.as(admin, "POST", "/api/v1/logout", nil), http.StatusUnprocessableEntity, "invalid")
}

func TestThePagesLogInAndOut(t *testing.T) {
	s := newStand(t)
	s.account("anna", admin)
	if w := s.as("", "GET", "/login", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `action="/login"`) || strings.Contains(w.Body.String(), "/oidc/login") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := s.form("/login", url.Values{"name": {`anna"><b>`}, "password": {"wrong"}}); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "<b>") ||
		!strings.Contains(w.Body.String(), "name or password is wrong") {
		t.Errorf("a wrong password: %d %s", w.Code, w.Body)
	}
	c := s.cookieOf(s.form("/login", url.Values{"name": {"anna"}, "password": {password}}))
	if w := s.in(c, "GET", "/login", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "anna") || !strings.Contains(w.Body.String(), `action="/logout"`) {
		t.Errorf("within a session: %d %s", w.Code, w.Body)
	}
	if w := s.form("/logout", nil, c); w.Code != http.StatusSeeOther {
		t.Errorf("the log-out answered %d", w.Code)
	}
	wantProblem(t, s.in(c, "GET", "/api/v1/me", nil), http.StatusUnauthorized, "unauthorized")
}

// Whoever asks can't tell an account from none.
func TestUnknownAccountsAreAnsweredAlike(t *testing.T) {
	s := newStand(t)
	s.account("anna", admin)
	s.must(s.catalog.Vouched(t.Context(), catalog.Operator{Name: "oidc:1", Role: admin, Issuer: "https://id.example"}))
	said := func(w *httptest.ResponseRecorder) string { // each request has an id of its own
		return regexp.MustCompile(`"request_id":"[A-Z0-9]+"`).ReplaceAllString(w.Body.String(), "")
	}
	known := s.login("anna", "wrong password of anna")
	for _, name := range []string{"ben", "oidc:1", ""} {
		unknown := s.login(name, "wrong password of anna")
		if known.Code != http.StatusUnauthorized || unknown.Code != known.Code || said(unknown) != said(known) {
			t.Errorf("%q: answered %d %s, and to a known one %d %s", name, unknown.Code, unknown.Body, known.Code, known.Body)
		}
	}
}

func TestLogInsAreRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.account("anna", admin)
		from := func(addr, name, password string) int {
			r := s.request("", "POST", "/api/v1/login", api.Login{Name: name, Password: password})
			r.RemoteAddr = addr
			return s.do(r).Code
		}
		for i := range 10 {
			if got := from("192.0.2.7:1", "anna", "wrong"); got != http.StatusUnauthorized {
				t.Fatalf("attempt %d answered %d", i, got)
			}
		}
		if got := from("192.0.2.7:1", "anna", password); got != http.StatusTooManyRequests {
			t.Errorf("attempt 11 answered %d, although the password is right, want 429", got)
		}
		if got := from("192.0.2.8:1", "anna", password); got != http.StatusOK {
			t.Errorf("from elsewhere answered %d: a stranger locked her out", got)
		}
		time.Sleep(5 * time.Minute)
		if got := from("192.0.2.7:1", "anna", password); got != http.StatusOK {
			t.Errorf("five minutes later answered %d", got)
		}
	})
}

func TestAttemptsAreBoundedByAddressAndAccount(t *testing.T) {
	allow, now := api.NewAttempts(), time.Now()
	for i := range 60 {
		if !allow("192.0.2.7:1", fmt.Sprint(i), now) {
			t.Fatalf("attempt %d of an address was refused", i)
		}
	}
	if allow("192.0.2.7:9", "another", now) {
		t.Error("attempt 61 of an address was allowed")
	}
	for i := range 300 {
		if !allow(fmt.Sprintf("198.51.%d.%d:1", i/200, i%200), "anna", now) {
			t.Fatalf("attempt %d for an account was refused", i)
		}
	}
	if allow("203.0.113.1:1", "anna", now) {
		t.Error("attempt 301 for an account was allowed")
	}
	if !allow("203.0.113.1:1", "ben", now) || !allow("192.0.2.7:1", "anna", now.Add(5*time.Minute)) {
		t.Error("what is not bounded was refused")
	}
	for i := range 200_000 { // whoever has many addresses fills no memory
		allow(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), fmt.Sprint(i), now.Add(time.Hour))
	}
	if allow("203.0.113.9:1", "new", now.Add(time.Hour)) {
		t.Error("more was counted than is remembered")
	}
}

func TestASessionEndsWhenNobodyUsesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		c := s.account("anna", admin)
		for range 3 {
			time.Sleep(catalog.SessionIdle - time.Second)
			if w := s.in(c, "GET", "/api/v1/me", nil); w.Code != http.StatusOK {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
		}
		time.Sleep(catalog.SessionIdle)
		wantProblem(t, s.in(c, "GET", "/api/v1/me", nil), http.StatusUnauthorized, "unauthorized")
	})
}

func TestANewPasswordEndsAllSessions(t *testing.T) {
	s := newStand(t)
	first := s.account("anna", admin)
	second := s.cookieOf(s.login("anna", password))
	const next = "another good password"
	wantProblem(t, s.in(first, "POST", "/api/v1/password", api.PasswordChange{Old: "wrong", New: next}), http.StatusForbidden, "wrong_login")
	wantProblem(t, s.in(first, "POST", "/api/v1/password", api.PasswordChange{Old: password, New: "short"}), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.as(admin, "POST", "/api/v1/password", api.PasswordChange{Old: password, New: next}), http.StatusUnprocessableEntity, "invalid")
	if w := s.in(first, "POST", "/api/v1/password", api.PasswordChange{Old: password, New: next}); w.Code != http.StatusNoContent {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	for _, c := range []*http.Cookie{first, second} {
		wantProblem(t, s.in(c, "GET", "/api/v1/me", nil), http.StatusUnauthorized, "unauthorized")
	}
	wantProblem(t, s.login("anna", password), http.StatusUnauthorized, "wrong_login")
	s.cookieOf(s.login("anna", next))
}

func TestARoleThatWasTakenAwayIsGoneAtOnce(t *testing.T) {
	s := newStand(t)
	s.account("ben", admin)
	c := s.account("anna", admin)
	s.call("PATCH", "/operators/anna", api.OperatorChange{Role: viewer}, nil)
	wantProblem(t, s.in(c, "POST", "/api/v1/sites", api.NewSite{Name: "shop"}), http.StatusForbidden, "forbidden")
	s.call("DELETE", "/operators/anna", nil, nil)
	wantProblem(t, s.in(c, "GET", "/api/v1/me", nil), http.StatusUnauthorized, "unauthorized")
}

// A page of elsewhere can have a browser send requests, which then carry its cookies.
func TestPagesOfElsewhereChangeNothing(t *testing.T) {
	s := newStand(t)
	c := s.account("anna", admin)
	walk(t, s, func(method, route string) {
		switch method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			return
		}
		if route == "/api/v1/challenge" || route == "/api/v1/browser/session" {
			return // are for pages of any origin, and go by no cookie
		}
		for name, header := range map[string][2]string{"a browser that says so": {"Sec-Fetch-Site", "cross-site"}, "the same site": {"Sec-Fetch-Site", "same-site"},
			"an older browser": {"Origin", "https://evil.example"}, "a sandboxed page": {"Origin", "null"}} {
			r := s.request("", method, strings.NewReplacer("{name}", "shop", "{version}", "1", "{id}", "x", "{operator}", "anna", "{digest}", "x").Replace(route), "{}")
			r.Header.Set(header[0], header[1])
			r.AddCookie(c)
			w := s.do(r)
			if wantProblem(t, w, http.StatusForbidden, "cross_origin"); t.Failed() {
				t.Fatalf("%s %s from %s", method, route, name)
			}
		}
	})
	r := s.request("", "POST", "/api/v1/sites", api.NewSite{Name: "shop"})
	r.Header.Set("Origin", "https://sitecast.example:8443") // the public URL, behind what changes Host
	r.AddCookie(c)
	if w := s.do(r); w.Code != http.StatusOK {
		t.Errorf("the server's own page was refused: %d %s", w.Code, w.Body)
	}
	// What a form can send without asking first is no JSON.
	r = s.request("", "POST", "/api/v1/sites", `{"name":"shop-2"}`)
	r.Header.Set("Content-Type", "text/plain")
	r.AddCookie(c)
	wantProblem(t, s.do(r), http.StatusUnsupportedMediaType, "unsupported_media_type")
	// And nothing that is read is for others to see.
	r = s.request("", "GET", "/api/v1/sites", nil)
	r.Header.Set("Origin", "https://evil.example")
	r.AddCookie(c)
	if h := s.do(r).Header(); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestCookiesThatProveNothingAreRefused(t *testing.T) {
	s := newStand(t)
	c := s.account("anna", admin)
	for name, header := range map[string]string{
		"none": "", "of another": c.Name + "=" + strings.Repeat("A", len(c.Value)), "short": c.Name + "=x", "long": c.Name + "=" + strings.Repeat("A", 1<<14),
		"two": c.Name + "=" + c.Value + "; " + c.Name + "=" + c.Value, "without the prefix": "sitecast=" + c.Value,
	} {
		r := s.request("", "GET", "/api/v1/me", nil)
		if header != "" {
			r.Header.Set("Cookie", header)
		}
		if wantProblem(t, s.do(r), http.StatusUnauthorized, "unauthorized"); t.Failed() {
			t.Fatalf("a cookie that is %s", name)
		}
	}
	// A wrong token is not helped by a session.
	r := s.request("", "GET", "/api/v1/me", nil)
	r.AddCookie(c)
	r.Header.Set("Authorization", "Bearer x")
	wantProblem(t, s.do(r), http.StatusUnauthorized, "unauthorized")
}

// Browsers keep no cookie with the prefix where there is no TLS, which is loopback.
func TestOverPlainHTTPOnLoopbackTheCookieHasNoPrefix(t *testing.T) {
	s := newStand(t)
	s.account("anna", admin)
	for host, want := range map[string]string{"127.0.0.1:8080": "sitecast", "localhost:8080": "sitecast", "[::1]:8080": "sitecast", "localhost": "sitecast",
		"sitecast.example": "__Host-sitecast", "127.0.0.1.evil.example": "__Host-sitecast"} {
		r := s.request("", "POST", "/api/v1/login", api.Login{Name: "anna", Password: password})
		r.Host = host
		w := s.do(r)
		got := w.Result().Cookies()
		if len(got) != 1 || got[0].Name != want || got[0].Secure != (want != "sitecast") || !got[0].HttpOnly {
			t.Fatalf("%s: got %v", host, got)
		}
		r = s.request("", "GET", "/api/v1/me", nil)
		r.Host = host
		r.AddCookie(got[0])
		if w := s.do(r); w.Code != http.StatusOK {
			t.Errorf("%s: with it %d %s", host, w.Code, w.Body)
		}
	}
}

func TestAccountPagesHaveNoScriptAndAStrictPolicy(t *testing.T) {
	s := newStand(t)
	w := s.as("", "GET", "/login", nil)
	if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || !strings.Contains(p, "frame-ancestors 'none'") || strings.Contains(p, "unsafe") ||
		strings.Contains(p, "script") {
		t.Errorf("policy %q", p)
	}
	if found := regexp.MustCompile(`<script|<style|\sstyle=|\son[a-z]+=|javascript:`).FindString(web.Account); found != "" {
		t.Errorf("the page has %q", found)
	}
	if w := s.as("", "GET", "/assets/account.css", nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "prefers-color-scheme: dark") {
		t.Errorf("its style answered %d", w.Code)
	}
}
