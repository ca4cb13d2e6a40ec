package agent_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/signaling/wire"
)

// sick is a kiosk whose version is.
type sick struct{}

func (sick) Delivered(engine.Delivered) {}

func (sick) Changed() <-chan struct{} { return nil }

func (sick) Uses() engine.Uses {
	return engine.Uses{Activation: &engine.Activation{Content: "app", Version: "2", State: "unhealthy",
		History: []engine.Activated{{Version: "2", Outcome: "activated"}, {Version: "3", Outcome: "blocked"}, {Version: "1", Outcome: "exploded"}}}}
}

// metricNames finds the metrics of a dashboard's queries.
var metricNames = regexp.MustCompile(`\bsitecast_[a-z0-9_]+`)

// maxSeries bounds what one agent answers with, whatever it holds and whoever its peers are.
const maxSeries = 300

// The status server stands on the host's own network, so this runs in real time.
func TestAgentIsWatched(t *testing.T) {
	s := newServer(t)
	cfg := s.config(t.TempDir())
	cfg.StatusListen, cfg.DebugListen, cfg.Cache = freeAddr(t), freeAddr(t), cache.DefaultPolicy(wire.DeviceAgent)
	cfg.Polite, cfg.Scrub, cfg.User = true, scrub.DefaultPolicy(), sick{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx, cfg) }()
	base := "http://" + cfg.StatusListen
	_, _, body := get(t, "GET", base+"/metrics")

	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, line := range []string{`sitecast_agent_flows{state="complete"} 0`, `sitecast_agent_flows{state="other"} 0`, `sitecast_agent_links_by_kind{kind="relayed"} 0`,
		"sitecast_agent_sent_bytes_total 0", "sitecast_agent_missing_bytes 0", `sitecast_agent_cache_versions{complete="true"} 0`, "sitecast_agent_filesystem_free_bytes ",
		`sitecast_agent_activation{state="unhealthy"} 1`, `sitecast_agent_activation{state="active"} 0`,
		`sitecast_agent_activations_remembered{outcome="activated"} 1`, `sitecast_agent_activations_remembered{outcome="blocked"} 1`, `sitecast_agent_activations_remembered{outcome="other"} 1`} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("metrics lack %q", line)
		}
	}
	n := 0
	for line := range strings.Lines(body) {
		if line[0] != '#' {
			n++
		}
	}
	if n > maxSeries {
		t.Errorf("%d series, want %d at most", n, maxSeries)
	}
	dashboard, err := os.ReadFile("../../.packaging/grafana/sitecast-agents.json")
	if err != nil {
		t.Fatal(err)
	}
	later := map[string]bool{"sitecast_agent_cache_evicted_total": true} // there when something was
	for _, name := range metricNames.FindAllString(string(dashboard), -1) {
		if !strings.Contains(body, "# TYPE "+name+" ") && !later[name] {
			t.Errorf("the dashboard names %s, which an agent does not have", name)
		}
	}

	code, kind, body := get(t, "GET", base+"/readyz")
	var is struct {
		Ready bool
		Needs []struct {
			Name, Reason string
			Ready        bool
		}
	}
	if err := json.Unmarshal([]byte(body), &is); err != nil || code != http.StatusServiceUnavailable || kind != "application/json" || is.Ready || len(is.Needs) != 3 {
		t.Fatalf("/readyz of an agent without a server: got %d %s (%v)", code, body, err)
	}
	for i, name := range []string{"engine", "store", "server"} {
		if need := is.Needs[i]; need.Name != name || need.Ready != (name != "server") || (need.Reason == "") != need.Ready {
			t.Errorf("got %+v of %s", need, name)
		}
	}
	if code, _, body := get(t, "GET", base+"/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz: got %d %s", code, body)
	}

	for path, want := range map[string]int{"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/cmdline": 404, "/metrics": 404} {
		if code, _, _ := get(t, "GET", "http://"+cfg.DebugListen+path); code != want {
			t.Errorf("%s of --debug-listen: got %d, want %d", path, code, want)
		}
	}
	if code, _, _ := get(t, "GET", base+"/debug/pprof/heap"); code != http.StatusNotFound {
		t.Errorf("profiles on --status-listen: got %d, want 404", code)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v, want nil", err)
	}
	if c, err := net.Dial("tcp", cfg.DebugListen); err == nil {
		_ = c.Close()
		t.Error("profiles are served after the agent ended")
	}
}
