package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/api"
)

// problemID is the id of the request in a problem.
func problemID(t *testing.T, body string) string {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return p.RequestID
}

func TestRequestsHaveIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []api.Request
		var lines bytes.Buffer
		s := newStand(t, func(c *api.Config) {
			c.Log = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.Answered = func(r api.Request) { seen = append(seen, r) }
		})
		for _, c := range []struct{ method, path, id, route string }{
			{"GET", "/api/v1/sites/nowhere", "proxy-7.a:b", "/api/v1/sites/{name}"}, // of an operation
			{"GET", "/api/v1/distributions/x", "", "/api/v1/distributions/{id}"},    // that huma refuses
			{"GET", "/nothing/here", "", ""},                                        // that no route takes
			{"GET", "/api/v1/sites/nowhere", "two\nlines", "/api/v1/sites/{name}"},
			{"GET", "/api/v1/sites/nowhere", strings.Repeat("x", 65), "/api/v1/sites/{name}"},
		} {
			r := s.request(viewer, c.method, c.path, nil)
			if c.path[1] == 'n' {
				r = s.request("", c.method, c.path, nil)
			}
			if c.id != "" {
				r.Header["X-Request-Id"] = []string{c.id}
			}
			w := s.do(r)
			got := w.Header().Get("X-Request-Id")
			if got == "" || len(got) > 64 || problemID(t, w.Body.String()) != got {
				t.Errorf("%s: got id %q with %s", c.path, got, w.Body)
			}
			if taken := got == c.id; taken != (c.id == "proxy-7.a:b") {
				t.Errorf("%s: asked as %q and got id %q", c.path, c.id, got)
			}
			if !strings.Contains(lines.String(), "request="+got) {
				t.Errorf("%s: no line of the log names request %s:\n%s", c.path, got, lines.String())
			}
			if last := seen[len(seen)-1]; last.Route != c.route || last.Status != w.Code || last.Method != c.method {
				t.Errorf("%s: noted as %+v, want route %q and status %d", c.path, last, c.route, w.Code)
			}
		}
		if w := s.as(viewer, http.MethodGet, "/api/v1/sites", nil); w.Header().Get("X-Request-Id") == "" {
			t.Error("an answer that is no problem has no id")
		}
	})
}
