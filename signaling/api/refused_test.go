package api_test

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// TestEveryRefusalIsCountedAtItsDoor is the HTTP part of the table in PROTOCOL.md.
func TestEveryRefusalIsCountedAtItsDoor(t *testing.T) {
	object := "an object"
	path := "/api/v1/objects/" + content.Sum([]byte(object)).String()
	for name, c := range map[string]struct {
		ask  func(s *stand) *httptest.ResponseRecorder
		door wire.Door
		code string
	}{
		"malformed": {func(s *stand) *httptest.ResponseRecorder {
			return s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", `{"name":`)
		}, wire.DoorAPI, "invalid"},
		"oversized": {func(s *stand) *httptest.ResponseRecorder {
			return s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", strings.Repeat(" ", 1<<20+1))
		}, wire.DoorAPI, "too_large"},
		"without a token": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "GET", "/api/v1/sites", nil)
		}, wire.DoorAPI, "unauthorized"},
		"beyond its role": {func(s *stand) *httptest.ResponseRecorder {
			return s.as(catalog.RoleViewer, "POST", "/api/v1/sites", `{"name":"shop"}`)
		}, wire.DoorAPI, "forbidden"},
		"replayed": {func(s *stand) *httptest.ResponseRecorder {
			s.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
			return s.as(catalog.RoleAdmin, "POST", "/api/v1/sites", `{"name":"shop"}`)
		}, wire.DoorAPI, "conflict"},
		"nowhere": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "GET", "/api/v2/everything", nil)
		}, wire.DoorAPI, "not_found"},
		"a malformed enrolment": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "POST", "/api/v1/enrol", `[]`)
		}, wire.DoorEnrolment, "invalid"},
		"an oversized enrolment": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "POST", "/api/v1/enrol", strings.Repeat(" ", 1<<20+1))
		}, wire.DoorEnrolment, "too_large"},
		"an enrolment that proves nothing": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "POST", "/api/v1/enrol", wire.EnrolRequest{Token: "x", Secret: []byte("x"), Key: []byte("x"), Proof: []byte("x")})
		}, wire.DoorEnrolment, "unauthorized"},
		"an enrolment token used again": {func(s *stand) *httptest.ResponseRecorder {
			token := s.enrolment(1, time.Hour)
			s.call("POST", "/enrol", newDevice().request(token), nil)
			return s.as("", "POST", "/api/v1/enrol", newDevice().request(token))
		}, wire.DoorEnrolment, "enrolment_spent"},
		"a session of nobody": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "POST", "/api/v1/session", wire.SessionRequest{Endpoint: newDevice().id, Nonce: "x", Proof: []byte("x")})
		}, wire.DoorEnrolment, "unknown_endpoint"},
		"an upload that is not what it says": {func(s *stand) *httptest.ResponseRecorder {
			return s.as(catalog.RoleOperator, "PUT", path, "another object")
		}, wire.DoorObjects, "invalid"},
		"an upload under no digest": {func(s *stand) *httptest.ResponseRecorder {
			return s.as(catalog.RoleOperator, "PUT", "/api/v1/objects/..%2f..%2fadmin.token", object)
		}, wire.DoorObjects, "invalid"},
		"an oversized upload": {func(s *stand) *httptest.ResponseRecorder {
			r := s.request(catalog.RoleOperator, "PUT", path, object)
			r.ContentLength = 1 << 40
			return s.do(r)
		}, wire.DoorObjects, "too_large"},
		"an upload without a token": {func(s *stand) *httptest.ResponseRecorder {
			return s.as("", "PUT", path, object)
		}, wire.DoorObjects, "unauthorized"},
		"an address that is not signed": {func(s *stand) *httptest.ResponseRecorder {
			return s.get(s.stored([]byte(object)))
		}, wire.DoorObjects, "not_signed"},
		"a range beyond the object": {func(s *stand) *httptest.ResponseRecorder {
			return s.get(s.keys.SignURL(s.stored([]byte(object)), time.Now().Add(time.Hour)), "Range", "bytes=10-20")
		}, wire.DoorObjects, "invalid_range"},
	} {
		t.Run(name, func(t *testing.T) {
			var refused wire.Refusals
			s := newStand(t, func(cfg *api.Config) { cfg.Refused = &refused })
			if w := c.ask(s); w.Code < 400 || w.Code > 499 {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			got := map[wire.Refusal]uint64{}
			refused.Each(func(k wire.Refusal, n uint64) { got[k] = n })
			if want := map[wire.Refusal]uint64{{Door: c.door, Code: c.code}: 1}; !maps.Equal(got, want) {
				t.Errorf("counted %v, want %v", got, want)
			}
		})
	}
}
