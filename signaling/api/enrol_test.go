package api_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// device is an endpoint with its key.
type device struct {
	key ed25519.PrivateKey
	id  wire.EndpointID
}

func newDevice() device {
	public, key, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	return device{key, wire.IDOf(public)}
}

// request asks for a place with a token.
func (d device) request(token wire.EnrolToken) wire.EnrolRequest {
	return wire.EnrolRequest{Token: token.ID, Secret: token.Secret, Key: d.key.Public().(ed25519.PublicKey),
		Proof: ed25519.Sign(d.key, wire.EnrolClaim(token.ID)), Name: "till-1", Device: wire.DeviceAgent}
}

// enrolment makes a site and a token for it.
func (s *stand) enrolment(uses int, ttl time.Duration) wire.EnrolToken {
	s.t.Helper()
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	var made api.MadeEnrolment
	s.call("POST", "/enrolments", api.NewEnrolment{Site: "shop-1", Uses: uses, TTLSeconds: int64(ttl / time.Second)}, &made)
	token, err := wire.ParseEnrolToken(made.Token)
	s.must(err)
	return token
}

func TestAnEndpointEnrolsAndProvesItself(t *testing.T) {
	s := newStand(t)
	token := s.enrolment(1, time.Hour)
	if token.Pin != strings.Repeat("ab", 32) {
		t.Errorf("the token's pin is %q", token.Pin)
	}
	d := newDevice()
	var enrolled wire.EnrolResponse
	s.call("POST", "/enrol", d.request(token), &enrolled)
	if enrolled.Endpoint != d.id || enrolled.Site != "shop-1" || !s.keys.RootPublic.Equal(ed25519.PublicKey(enrolled.Root)) {
		t.Errorf("enrolled as %+v", enrolled)
	}
	var c wire.ChallengeResponse
	s.call("POST", "/challenge", map[string]any{}, &c)
	s.call("POST", "/challenge", nil, &c) // a body may be left out
	var session wire.SessionResponse
	s.call("POST", "/session", wire.SessionRequest{Endpoint: d.id, Nonce: c.Nonce, Proof: ed25519.Sign(d.key, wire.SessionClaim(c.Nonce))}, &session)
	who, err := s.keys.Identify(session.Token, credential.AudienceSignaling, time.Now())
	if err != nil || who.Endpoint != d.id || who.Site != "shop-1" {
		t.Errorf("the token speaks for %+v, %v", who, err)
	}
	var list []site.EndpointView
	s.call("GET", "/endpoints?site=shop-1", nil, &list)
	if len(list) != 1 || list[0].ID != d.id || list[0].Name != "till-1" || list[0].Online || list[0].Holds == nil || list[0].LastSeen.IsZero() {
		t.Errorf("endpoints %+v, want the new one, offline", list)
	}
	wantProblem(t, s.as("", "POST", "/api/v1/enrol", newDevice().request(token)), http.StatusForbidden, "enrolment_spent")
}

// TestMembersALaterReleaseAddsAreIgnored: endpoints may be newer than their server.
func TestMembersALaterReleaseAddsAreIgnored(t *testing.T) {
	s := newStand(t)
	token := s.enrolment(1, time.Hour)
	req := newDevice().request(token)
	s.call("POST", "/enrol", struct {
		wire.EnrolRequest
		Battery bool `json:"battery"`
	}{req, true}, nil)
	w := s.as("", "POST", "/api/v1/session", map[string]any{"endpoint": wire.IDOf(req.Key), "nonce": "x", "proof": "AAAA", "later": 1})
	wantProblem(t, w, http.StatusUnauthorized, "unauthorized")
}

func TestEnrolmentsThatProveNothingAreRefused(t *testing.T) {
	s := newStand(t)
	token := s.enrolment(10, time.Hour)
	d := newDevice()
	for name, c := range map[string]struct {
		change func(*wire.EnrolRequest)
		status int
		code   string
	}{
		"a token nobody made":    {func(r *wire.EnrolRequest) { *r = d.request(wire.EnrolToken{ID: "x", Secret: token.Secret}) }, 403, "enrolment_spent"},
		"another secret":         {func(r *wire.EnrolRequest) { r.Secret = []byte("guessed") }, 403, "enrolment_spent"},
		"no secret":              {func(r *wire.EnrolRequest) { r.Secret = nil }, 422, "invalid"},
		"another's key":          {func(r *wire.EnrolRequest) { r.Key = newDevice().key.Public().(ed25519.PublicKey) }, 401, "unauthorized"},
		"a short key":            {func(r *wire.EnrolRequest) { r.Key = r.Key[1:] }, 401, "unauthorized"},
		"a proof of another":     {func(r *wire.EnrolRequest) { r.Proof = ed25519.Sign(d.key, wire.EnrolClaim("other")) }, 401, "unauthorized"},
		"a long name":            {func(r *wire.EnrolRequest) { r.Name = strings.Repeat("x", 101) }, 422, "invalid"},
		"a long device":          {func(r *wire.EnrolRequest) { r.Device = strings.Repeat("x", 101) }, 422, "invalid"},
		"a name with an escape":  {func(r *wire.EnrolRequest) { r.Name = "till\x1b[2J" }, 422, "invalid"},
		"a name of two lines":    {func(r *wire.EnrolRequest) { r.Name = "till\nadmin" }, 422, "invalid"},
		"a device with a bell":   {func(r *wire.EnrolRequest) { r.Device = "kiosk\a" }, 422, "invalid"},
		"a name that turns text": {func(r *wire.EnrolRequest) { r.Name = "till\u202e" }, 422, "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			req := d.request(token)
			c.change(&req)
			wantProblem(t, s.as("", "POST", "/api/v1/enrol", req), c.status, c.code)
		})
	}
	for range 10 { // no refusal has spent a use
		s.call("POST", "/enrol", newDevice().request(token), nil)
	}
}

func TestEnrolmentTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		token := s.enrolment(1, time.Hour)
		time.Sleep(time.Hour)
		wantProblem(t, s.as("", "POST", "/api/v1/enrol", newDevice().request(token)), http.StatusForbidden, "enrolment_spent")
	})
}

func TestSessionsThatProveNothingAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		token := s.enrolment(1, time.Hour)
		d, stranger := newDevice(), newDevice()
		s.call("POST", "/enrol", d.request(token), nil)
		var c wire.ChallengeResponse
		s.call("POST", "/challenge", nil, &c)
		prove := func(d device, nonce string) wire.SessionRequest {
			return wire.SessionRequest{Endpoint: d.id, Nonce: nonce, Proof: ed25519.Sign(d.key, wire.SessionClaim(nonce))}
		}
		ask := func(r wire.SessionRequest, status int, code string) {
			t.Helper()
			wantProblem(t, s.as("", "POST", "/api/v1/session", r), status, code)
		}
		ask(prove(stranger, c.Nonce), http.StatusUnauthorized, "unknown_endpoint")
		forged := prove(stranger, c.Nonce)
		forged.Endpoint = d.id
		ask(forged, http.StatusUnauthorized, "unauthorized")
		ask(prove(d, "1.x.y"), http.StatusUnauthorized, "unauthorized")
		ask(prove(d, c.Nonce+"0"), http.StatusUnauthorized, "unauthorized")
		ask(wire.SessionRequest{Endpoint: "somebody"}, http.StatusUnprocessableEntity, "invalid")
		time.Sleep(credential.NonceLifetime + time.Second)
		ask(prove(d, c.Nonce), http.StatusUnauthorized, "unauthorized")
	})
}

func TestAnExpiredAPITokenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.tokens["guest"] = s.token(catalog.RoleAdmin, time.Now().Add(time.Hour))
		if w := s.as("guest", "GET", "/api/v1/sites", nil); w.Code != http.StatusOK {
			t.Errorf("before its end the token is answered %d", w.Code)
		}
		time.Sleep(time.Hour + time.Millisecond)
		wantProblem(t, s.as("guest", "GET", "/api/v1/sites", nil), http.StatusUnauthorized, "unauthorized")
	})
}

func TestAnAddressWithoutCredentialsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		ask := func(addr string) int {
			r := s.request("", "POST", "/api/v1/challenge", nil)
			r.RemoteAddr = addr
			return s.do(r).Code
		}
		for i := range 600 {
			if got := ask("192.0.2.7:1"); got != http.StatusOK {
				t.Fatalf("request %d answered %d", i, got)
			}
		}
		if got := ask("192.0.2.7:2"); got != http.StatusTooManyRequests {
			t.Errorf("request 601 from another port answered %d, want 429", got)
		}
		if got := ask("192.0.2.8:1"); got != http.StatusOK {
			t.Errorf("another address answered %d, want 200", got)
		}
		// Whoever has one IPv6 address has the 2^64 beside it.
		for i := range 600 {
			if got := ask("[2001:db8::" + string("0123456789abcdef"[i%16]) + "]:1"); got != http.StatusOK {
				t.Fatalf("request %d over IPv6 answered %d", i, got)
			}
		}
		if got := ask("[2001:db8::77]:1"); got != http.StatusTooManyRequests {
			t.Errorf("request 601 from the same network answered %d, want 429", got)
		}
		time.Sleep(time.Minute)
		if got := ask("192.0.2.7:3"); got != http.StatusOK {
			t.Errorf("a minute later answered %d, want 200", got)
		}
	})
}

// broken is a catalog whose disk went away.
type broken struct{ catalog.Catalog }

var errDisk = errors.New("disk on fire")

func (broken) Token(context.Context, []byte) (catalog.Token, error) { return catalog.Token{}, errDisk }
func (broken) Endpoint(context.Context, string) (catalog.Endpoint, error) {
	return catalog.Endpoint{}, errDisk
}
func (broken) Sites(context.Context, string, int) ([]catalog.Site, error) { return nil, errDisk }

// TestABrokenCatalogIsNobodysFault: who is told that a token is bad throws it away.
func TestABrokenCatalogIsNobodysFault(t *testing.T) {
	s := newStand(t, func(c *api.Config) { c.Catalog = broken{c.Catalog} })
	wantProblem(t, s.as(catalog.RoleAdmin, "GET", "/api/v1/sites", nil), http.StatusInternalServerError, "internal")
	w := s.as("", "POST", "/api/v1/session", wire.SessionRequest{Endpoint: newDevice().id, Nonce: "x", Proof: []byte("y")})
	wantProblem(t, w, http.StatusInternalServerError, "internal")
	wantProblem(t, s.as("", "GET", "/readyz", nil), http.StatusServiceUnavailable, "not_ready")
	if strings.Contains(w.Body.String(), errDisk.Error()) || !strings.Contains(s.logged(), errDisk.Error()) {
		t.Errorf("the cause belongs into the log %q and not into the answer %s", s.logged(), w.Body)
	}
}

func TestAServerThatStopsSaysSo(t *testing.T) {
	s := newStand(t, func(c *api.Config) { c.Hub = site.NewHub(site.Config{}, nil) }) // does not run
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1/flows", nil), http.StatusServiceUnavailable, "stopping")
	if s.logged() != "" {
		t.Errorf("the log tells an error: %s", s.logged())
	}
}
