package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestATokenIsMadeUsedAndRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		s.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
		var made api.MadeToken
		s.call("POST", "/tokens", api.NewToken{Name: "ci", Role: operator, Sites: []string{"shop"}, TTLSeconds: 3600}, &made)
		if made.Role != operator || len(made.Sites) != 1 || made.By != "the admin" || !made.Expires.Equal(time.Now().Add(time.Hour)) || made.ID == "" {
			t.Errorf("made %+v", made)
		}
		if w := s.with(made.Secret, "GET", "/api/v1/sites/shop", nil); w.Code != http.StatusOK {
			t.Errorf("with it: %d %s", w.Code, w.Body)
		}
		text := s.as(admin, "GET", "/api/v1/tokens", nil).Body.String()
		if !strings.Contains(text, made.ID) || !strings.Contains(text, `"used"`) || strings.Contains(text, made.Secret[5:]) {
			t.Errorf("listed as %s", text)
		}
		time.Sleep(time.Hour)
		wantProblem(t, s.with(made.Secret, "GET", "/api/v1/sites/shop", nil), http.StatusUnauthorized, "unauthorized")
		s.call("POST", "/tokens", api.NewToken{Name: "board", Role: viewer}, &made)
		if w := s.as(admin, "DELETE", "/api/v1/tokens/"+made.ID, nil); w.Code != http.StatusNoContent {
			t.Errorf("revoked with %d %s", w.Code, w.Body)
		}
		wantProblem(t, s.with(made.Secret, "GET", "/api/v1/sites", nil), http.StatusUnauthorized, "unauthorized")
		wantProblem(t, s.as(admin, "DELETE", "/api/v1/tokens/"+made.ID, nil), http.StatusNotFound, "not_found")
	})
}

func TestTokensAndInvitesThatCannotBeAreRefused(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
	for _, c := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/tokens", `{"name":"","role":"viewer"}`, 422, "invalid"},
		{"/tokens", `{"name":"a b","role":"viewer"}`, 422, "invalid"},
		{"/tokens", `{"name":"oidc:1","role":"viewer"}`, 422, "invalid"},
		{"/tokens", `{"name":"ci","role":"root"}`, 422, "invalid"},
		{"/tokens", `{"name":"ci","role":"viewer","sites":["shop","shop"]}`, 422, "invalid"},
		{"/tokens", `{"name":"ci","role":"viewer","sites":[""]}`, 422, "invalid"},
		{"/tokens", `{"name":"ci","role":"viewer","sites":["nowhere"]}`, 404, "not_found"},
		{"/tokens", `{"name":"ci","role":"viewer","ttl_seconds":-1}`, 422, "invalid"},
		{"/invites", `{"name":"anna","role":"viewer","sites":["nowhere"]}`, 404, "not_found"},
		{"/invites", `{"name":"oidc:anna","role":"viewer"}`, 422, "invalid"},
		{"/invites", `{"name":"anna","role":""}`, 422, "invalid"},
	} {
		wantProblem(t, s.as(admin, "POST", "/api/v1"+c.path, c.body), c.status, c.code)
		if t.Failed() {
			t.Fatalf("%s %s", c.path, c.body)
		}
	}
}

func TestTheAuditLogSaysWhoAndFromWhere(t *testing.T) {
	s := newStand(t)
	r := s.request(admin, "POST", "/api/v1/sites", api.NewSite{Name: "shop"})
	r.Header.Set("User-Agent", "curl/8\x00\x1b[2J"+strings.Repeat("x", 1000))
	if w := s.do(r); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	e := audit(s)[0]
	if e.By != "the admin" || e.Address != "192.0.2.1" || !strings.HasPrefix(e.Via, "token ") || !strings.HasPrefix(e.Agent, "curl/8[2J") || len(e.Agent) > 120 {
		t.Errorf("audited as by %q from %+v", e.By, e.From)
	}
	var after catalog.Site
	if err := json.Unmarshal(e.After, &after); err != nil || after.Name != "shop" || e.Before != nil {
		t.Errorf("from %s to %s", e.Before, e.After)
	}
	var head catalog.AuditHead
	s.call("GET", "/audit/head", nil, &head)
	got, err := catalog.VerifyAudit(func(before int64) (page []catalog.Entry, err error) {
		w := s.as(admin, "GET", "/api/v1/audit?limit=2&before="+strconv.FormatInt(before, 10), nil)
		return page, json.Unmarshal(w.Body.Bytes(), &page)
	}, head)
	if err != nil || got != head || head.ID == 0 {
		t.Errorf("what the API tells is no chain to %+v: %+v, %v", head, got, err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	s := newStand(t)
	s.account("anna", admin)
	wantProblem(t, s.as(admin, "DELETE", "/api/v1/operators/anna", nil), http.StatusConflict, "conflict")
	wantProblem(t, s.as(admin, "PATCH", "/api/v1/operators/anna", api.OperatorChange{Role: viewer}), http.StatusConflict, "conflict")
	s.account("ben", admin)
	var changed catalog.Operator
	s.call("PATCH", "/operators/anna", api.OperatorChange{Role: viewer}, &changed)
	if changed.Role != viewer {
		t.Errorf("changed to %+v", changed)
	}
	s.call("DELETE", "/operators/anna", nil, nil)
	var all []catalog.Operator
	s.call("GET", "/operators", nil, &all)
	if len(all) != 1 || all[0].Name != "ben" {
		t.Errorf("left %+v", all)
	}
}

// decode reads an answer that must be a success.
func decode(t *testing.T, w *httptest.ResponseRecorder, into any) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), into); w.Code != http.StatusOK || err != nil {
		t.Fatalf("answered %d %s (%v)", w.Code, w.Body, err)
	}
}
