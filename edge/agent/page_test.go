package agent

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

// pageOf serves a page that shows a status, and notes how it was paused.
func pageOf(s status, paused *[]time.Duration) http.Handler {
	mux := http.NewServeMux()
	page{func(*http.Request) (status, error) { return s, nil }, func(d time.Duration) { *paused = append(*paused, d) }}.handle(mux)
	return mux
}

func TestPageSaysWhatMovesAndWhatHoldsItUp(t *testing.T) {
	s := status{Name: "desk <1>", Status: engine.Status{Connected: true, Site: "office", Sent: 3_000_000, Flows: []engine.FlowStatus{
		{Content: "film", Version: "7", State: "filling", Chunks: 4, ChunksHeld: 1, BytesTotal: 8_000_000, Bytes: wire.Sources{Origin: 1_500_000, Peer: 500_000}}}},
		Restraints: []polite.Restraint{{Restraint: wire.Restraint{Code: wire.RestraintMetered, Reason: "its network is metered"}}},
		Month:      &month{"2026-11", 1_600_000, 20_000_000_000},
		Activation: &wire.Activation{Content: "menu", Version: "2", State: "unhealthy", Reason: "2 does its work no more: status 500"}}
	get := func() string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8099", "127.0.0.1:40000"
		pageOf(s, nil).ServeHTTP(w, r)
		csp := w.Header().Get("Content-Security-Policy")
		_, nonce, _ := strings.Cut(csp, "'nonce-")
		nonce, _, _ = strings.Cut(nonce, "'")
		if w.Code != http.StatusOK || !strings.HasPrefix(csp, "default-src 'none';") || nonce == "" || !strings.Contains(w.Body.String(), `<style nonce="`+nonce+`">`) {
			t.Errorf("%d, policy %q", w.Code, csp)
		}
		return w.Body.String()
	}
	text := get()
	for _, want := range []string{"desk &lt;1&gt;", "Connected, at site office", "its network is metered", "1.5 MB", "500 kB", "3.0 MB", "25 % of 8.0 MB",
		"1.6 MB of 20.0 GB", "Pause for an hour",
		"menu@2 is active, unhealthy: 2 does its work no more: status 500"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	s.Connected, s.Trouble = false, "no route to the server"
	s.Restraints[0].Code = wire.RestraintPaused
	if text = get(); !strings.Contains(text, "Not connected: no route to the server") || !strings.Contains(text, "Resume") || strings.Contains(text, "Pause for") {
		t.Error("the page does not say that it is paused, and not connected")
	}
}

func TestOnlyPagesOfThisHostPause(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		bend func(*http.Request)
		want int
		span time.Duration
	}{
		"the page itself": {"/pause", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			r.Header.Set("Origin", "http://127.0.0.1:8099")
		}, 303, time.Hour},
		"resume":                    {"/resume", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }, 303, 0},
		"a program":                 {"/pause", func(*http.Request) {}, 303, time.Hour},
		"a page of elsewhere":       {"/pause", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, -1},
		"a page of another port":    {"/pause", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403, -1},
		"an old browser, elsewhere": {"/pause", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, -1},
		"delivered content, boxed":  {"/pause", func(r *http.Request) { r.Header.Set("Origin", "null") }, 403, -1},
		"a name made to mean us":    {"/pause", func(r *http.Request) { r.Host = "evil.example:8099" }, 403, -1},
		"another host":              {"/pause", func(r *http.Request) { r.RemoteAddr = "192.168.1.7:40000" }, 403, -1},
		"a link":                    {"/pause", func(r *http.Request) { r.Method = http.MethodGet }, 405, -1},
	} {
		var paused []time.Duration
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, c.path, nil)
		r.Host, r.RemoteAddr = "127.0.0.1:8099", "127.0.0.1:40000"
		c.bend(r)
		pageOf(status{}, &paused).ServeHTTP(w, r)
		if w.Code != c.want || (len(paused) == 1) != (c.span >= 0) || len(paused) == 1 && paused[0] != c.span {
			t.Errorf("%s: %d, paused for %v; want %d, %v", name, w.Code, paused, c.want, c.span)
		}
	}
}
