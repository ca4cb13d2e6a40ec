package agent_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/signaling/wire"
)

// get asks the status server, and waits for it to listen.
func get(t *testing.T, method, url string) (status int, kind, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	var resp *http.Response
	for {
		if resp, err = client.Do(req); err == nil {
			break
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
}

// freeAddr is an address nobody listened on a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The status server stands on the host's own network, so this runs in real time.
func TestStatusSaysWhoAndHow(t *testing.T) {
	s := newServer(t)
	cfg := s.config(t.TempDir())
	cfg.StatusListen, cfg.Cache = freeAddr(t), cache.DefaultPolicy(wire.DeviceAgent)
	cfg.Polite, cfg.Scrub = true, scrub.DefaultPolicy()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx, cfg) }()

	base := "http://" + cfg.StatusListen
	code, kind, body := get(t, "GET", base+"/status")
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != 200 || kind != "application/json" {
		t.Fatalf("status answers %d %s %q, %v; want JSON", code, kind, body, err)
	}
	whyReads := "the origin does not pace, and no round trip is known"
	if runtime.GOOS != "linux" {
		whyReads = "the origin does not pace, and this system has no window clamp"
	}
	want := map[string]any{"endpoint": string(wire.IDOf(s.requests()[0].Key)), "name": "till-1", "site": "",
		"connected": false, "sent_bytes": 0.0, "generation": 0.0, "links": []any{}, "flows": []any{},
		"governor": map[string]any{"role": "none", "rate_bytes_per_second": 0.0, "mine_bytes_per_second": float64(governor.FirstRate),
			"capacity_bytes_per_second": 0.0, "base_ms": 0.0, "queue_ms": 0.0, "loss_share": 0.0, "taken_bytes": 0.0},
		"actuator": map[string]any{"name": "reads", "reason": whyReads},
		"cache": map[string]any{"used_bytes": 0.0, "versions": []any{}, "evicted": []any{},
			"policy": map[string]any{"quota": "none", "floor": "1GB,5%", "age": "none", "idle": "720h0m0s", "keep": 1.0, "largest": "none"}},
		"disk":      map[string]any{"state": "rising", "bytes_per_second": float64(8 << 20), "bytes": 0.0, "urgent_bytes": 0.0, "reason": "nothing was moved yet"},
		"scrub":     map[string]any{"state": "waits", "reason": "a moment ago content was fetched or served, or the agent started", "bytes": 0.0, "damaged": 0.0, "healed": 0.0},
		"processor": map[string]any{"state": "rising", "bytes_per_second": float64(8 << 20), "bytes": 0.0, "urgent_bytes": 0.0, "reason": "nothing was moved yet"},
		"uploads":   map[string]any{"governed": false, "why": "the LAN is fast, or nothing was uploaded yet"}}
	held, _ := got["cache"].(map[string]any)
	delete(held, "disk_bytes") // as measured last, or 0
	delete(held, "free_bytes")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	_, _, body = get(t, "GET", base+"/metrics")
	for _, line := range []string{
		`sitecast_agent_content_bytes_total{source="origin"} 0`, `sitecast_agent_content_bytes_total{source="peer"} 0`,
		`sitecast_agent_content_bytes_total{source="relay"} 0`, `sitecast_agent_content_bytes_total{source="reused"} 0`,
		"sitecast_agent_cache_used_bytes 0", "sitecast_agent_wan_bytes_total 0", "sitecast_agent_links 0", "sitecast_agent_connected 0", "go_goroutines ",
		"sitecast_agent_disk_bound_bytes_per_second 8.388608e+06", "sitecast_agent_disk_bytes_total 0", "sitecast_agent_processor_bound_bytes_per_second 8.388608e+06", "sitecast_agent_scrub_bytes_total 0",
		"sitecast_agent_chunks_damaged_total 0", "sitecast_agent_chunks_healed_total 0",
		"sitecast_governor_grant_bytes_per_second 0", "sitecast_governor_taken_bytes_total 0", "sitecast_governor_capacity_bytes_per_second 0",
		"sitecast_governor_queue_seconds 0", "sitecast_governor_loss_ratio 0", `sitecast_governor_state{state="rest"} 1`, `sitecast_governor_state{state="start"} 0`,
		`sitecast_governor_state{state="run"} 0`, `sitecast_governor_state{state="yield"} 0`, `sitecast_governor_state{state="probe"} 0`,
	} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("metrics lack %q", line)
		}
	}
	for path, want := range map[string]int{"/status/x": 404, "/debug/pprof/": 404} {
		if code, _, _ := get(t, "GET", base+path); code != want {
			t.Errorf("GET %s: got %d, want %d", path, code, want)
		}
	}
	if code, _, _ := get(t, "POST", base+"/status"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST /status: got %d, want %d", code, http.StatusMethodNotAllowed)
	}

	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v, want nil", err)
	}
	if c, err := net.Dial("tcp", cfg.StatusListen); err == nil {
		_ = c.Close()
		t.Error("the status server listens after the agent ended")
	}
}
