package api_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

func newPublisher() (ed25519.PublicKey, ed25519.PrivateKey) {
	public, key, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	return public, key
}

// document is the newest trust document.
func (s *stand) document() content.TrustDocument {
	s.t.Helper()
	var state api.TrustState
	s.call("GET", "/trust", nil, &state)
	trust, err := content.OpenTrust(state.Document, s.keys.RootPublic)
	s.must(err)
	return trust.Document()
}

func TestPublishersKeyIsRotatedAndRevoked(t *testing.T) {
	s := newStand(t)
	first, _ := newPublisher()
	second, _ := newPublisher()
	s.call("POST", "/publishers", api.NewPublisher{Key: first, Name: "ana", Prefixes: []string{"till"}}, nil)
	until := time.Now().Add(time.Hour)
	s.call("POST", "/publishers/"+content.KeyID(first)+"/rotation", api.Rotation{Key: second, Until: until}, nil)
	doc := s.document()
	if len(doc.Publishers) != 2 || doc.Publishers[1].Name != "ana" || !slices.Equal(doc.Publishers[1].Prefixes, []string{"till"}) ||
		doc.Publishers[0].Expires.Unix() != until.Unix() {
		t.Errorf("publishers %+v", doc.Publishers)
	}
	s.call("DELETE", "/publishers/"+content.KeyID(first)+"?reason=laptop+stolen", nil, nil)
	if doc = s.document(); len(doc.Publishers) != 1 || len(doc.Revoked) != 1 || !doc.Revoked[0].Key.Equal(first) {
		t.Errorf("%+v", doc)
	}
	if e := audit(s)[0]; e.Action != "revoke publisher" || e.Target != content.KeyID(first) || e.Detail != "laptop stolen" {
		t.Errorf("the audit log says %+v", e)
	}
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		"revoked again":  {"DELETE", content.KeyID(first), nil, http.StatusNotFound, "not_found"},
		"added again":    {"POST", "", api.NewPublisher{Key: first, Name: "ana", Prefixes: []string{""}}, http.StatusConflict, "key_revoked"},
		"rotated to it":  {"POST", content.KeyID(second) + "/rotation", api.Rotation{Key: first, Until: until}, http.StatusConflict, "key_revoked"},
		"to itself":      {"POST", content.KeyID(second) + "/rotation", api.Rotation{Key: second, Until: until}, http.StatusUnprocessableEntity, "invalid"},
		"to no key":      {"POST", content.KeyID(second) + "/rotation", api.Rotation{Key: []byte("x"), Until: until}, http.StatusUnprocessableEntity, "invalid"},
		"of nobody":      {"POST", "abc/rotation", api.Rotation{Key: second, Until: until}, http.StatusNotFound, "not_found"},
		"nobody revoked": {"DELETE", "abc", nil, http.StatusNotFound, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			path := strings.TrimSuffix("/api/v1/publishers/"+c.path, "/")
			wantProblem(t, s.as(catalog.RoleAdmin, c.method, path, c.body), c.status, c.code)
		})
	}
	for _, role := range []string{catalog.RoleViewer, catalog.RoleOperator} {
		wantProblem(t, s.as(role, "DELETE", "/api/v1/publishers/"+content.KeyID(second), nil), http.StatusForbidden, "forbidden")
	}
}

func TestTrustDocumentThatWasSignedOfflineIsTakenInItsTurn(t *testing.T) {
	s := newStand(t)
	root := s.keys.Root
	s.keys.Root = nil
	public, _ := newPublisher()
	doc, err := s.document().With(content.Publisher{Key: public, Name: "ana", Prefixes: []string{""}}, time.Now())
	s.must(err)
	sign := func(doc content.TrustDocument, key ed25519.PrivateKey) json.RawMessage {
		signed, err := content.SignTrust(doc, key)
		s.must(err)
		return signed
	}
	_, stranger := newPublisher()
	put := func(document json.RawMessage) (status int) {
		return s.as(catalog.RoleAdmin, "PUT", "/api/v1/trust", api.SignedTrust{Document: document}).Code
	}
	if got := put(sign(doc, stranger)); got != http.StatusUnprocessableEntity {
		t.Errorf("a document of a stranger: %d", got)
	}
	for _, want := range []int{http.StatusOK, http.StatusConflict} { // once
		if got := put(sign(doc, root)); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	doc.Serial += 5
	if got := put(sign(doc, root)); got != http.StatusConflict {
		t.Errorf("a document that is not the next: %d", got)
	}
	if got := s.document(); len(got.Publishers) != 1 {
		t.Errorf("publishers %+v", got.Publishers)
	}
}

func TestRevokedEndpointGetsInWithAnotherKeyOnly(t *testing.T) {
	s := newStand(t)
	token := s.enrolment(3, time.Hour)
	thief, till := newDevice(), newDevice()
	s.call("POST", "/enrol", thief.request(token), nil)
	revocation := "/endpoints/" + string(thief.id) + "/revocation"
	for _, role := range []string{catalog.RoleViewer, catalog.RoleOperator} {
		wantProblem(t, s.as(role, "POST", "/api/v1"+revocation, api.NewRevocation{}), http.StatusForbidden, "forbidden")
	}
	wantProblem(t, s.as(catalog.RoleAdmin, "POST", "/api/v1/endpoints/nobody/revocation", api.NewRevocation{}), http.StatusNotFound, "not_found")
	wantProblem(t, s.as(catalog.RoleAdmin, "POST", "/api/v1"+revocation, api.NewRevocation{Reason: "\x1b[2J"}), http.StatusUnprocessableEntity, "invalid")
	var r catalog.Revocation
	s.call("POST", revocation, api.NewRevocation{Reason: "stolen"}, &r)
	if r.Reason != "stolen" || time.Since(r.At) > time.Minute {
		t.Errorf("%+v", r)
	}
	var c wire.ChallengeResponse
	s.call("POST", "/challenge", nil, &c)
	prove := wire.SessionRequest{Endpoint: thief.id, Nonce: c.Nonce, Proof: ed25519.Sign(thief.key, wire.SessionClaim(c.Nonce))}
	wantProblem(t, s.as("", "POST", "/api/v1/session", prove), http.StatusUnauthorized, "revoked")
	wantProblem(t, s.as("", "POST", "/api/v1/enrol", thief.request(token)), http.StatusForbidden, "revoked")
	s.call("POST", "/enrol", till.request(token), nil) // its use was not spent
	var list []struct{ ID, Revoked string }
	s.call("GET", "/endpoints", nil, &list)
	for _, e := range list {
		if revoked := e.ID == string(thief.id); revoked != strings.HasSuffix(e.Revoked, ": stolen") {
			t.Errorf("%s is listed as revoked %q", e.ID, e.Revoked)
		}
	}
	s.call("DELETE", "/endpoints/"+string(thief.id), nil, nil)
	wantProblem(t, s.as(catalog.RoleAdmin, "DELETE", "/api/v1/endpoints/"+string(thief.id), nil), http.StatusNotFound, "not_found")
	wantProblem(t, s.as("", "POST", "/api/v1/enrol", thief.request(token)), http.StatusForbidden, "revoked")
	if e := audit(s); e[0].Action != "remove endpoint" || e[1].Action != "enrol" || e[2].Action != "revoke endpoint" || e[2].Detail != "stolen" {
		t.Errorf("the audit log says %+v", e[:3])
	}
}
