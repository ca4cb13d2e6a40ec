package server_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// grafana is where the dashboards are, from here.
const grafana = "../../.packaging/grafana"

// scraped is what /metrics answers.
func (s *stand) scraped() string {
	s.t.Helper()
	resp, text, err := s.do("10.0.0.2", http.MethodGet, base+"/metrics", "", nil)
	s.must(err)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("/metrics answered %d %s", resp.StatusCode, text)
	}
	return string(text)
}

// series counts those of an answer.
func series(text string) (n int) {
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			n++
		}
	}
	return n
}

// accepted are what the linter says of metrics that are older than the linter here.
var accepted = regexp.MustCompile(`^sitecast_added_delay_seconds: non-summary metrics should not have "quantile" label`)

func TestMetricsAreWellFormedAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir(), func(c *server.Config) { c.MetricsSites = 2 })
		for i := range 5 {
			name := fmt.Sprint("shop-", i)
			s.call("POST", "/api/v1/sites", s.admin(), api.NewSite{Name: name}, nil)
			s.call("GET", "/api/v1/flows?site="+name, s.admin(), nil, nil)
		}
		for i := range 50 { // paths, methods and codes of anybody make no series of their own
			_, _, _ = s.do("10.0.0.2", fmt.Sprint("METHOD", i), fmt.Sprintf("%s/stray/%d", base, i), "", nil)
			_, _, _ = s.do("10.0.0.2", "GET", fmt.Sprintf("%s/api/v1/sites/none-%d", base, i), s.admin(), nil)
		}
		text := s.scraped()
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		s.must(err)
		for _, p := range problems {
			if !accepted.MatchString(p.Metric + ": " + p.Text) {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
		for _, want := range []string{`sitecast_http_requests_total{class="4xx",method="GET",route="/api/v1/sites/{name}"} 50`, `sitecast_http_requests_total{class="4xx",method="other",route="none"} 50`,
			`sitecast_http_request_seconds_count{route="/api/v1/sites"} 5`, `sitecast_catalog_seconds_count{operation="CreateSite"} 5`, `sitecast_catalog_seconds_count{operation="Token"} `,
			"sitecast_sites_running 5", `sitecast_endpoints_online{kind="kiosk"} 0`, "sitecast_leases_granted_total 0", "sitecast_event_streams 0", `sitecast_patches_total{outcome="made"} 0`,
			"sitecast_site_step_seconds_count ", `go_sql_open_connections{db_name="read"} `, `sitecast_site_wan_bytes{site="shop-0"} 0`, `sitecast_site_wan_bytes{site="shop-1"} 0`} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("/metrics lacks %s", want)
			}
		}
		for _, no := range []string{"stray", "none-7", "METHOD7", "shop-2", `operation="other"`} {
			if strings.Contains(text, no) {
				t.Errorf("/metrics has %s in it", no)
			}
		}
		if n := series(text); n > server.MaxMetricsSeries/4 {
			t.Errorf("%d series of a server that does next to nothing", n)
		}
		s.end()
	})
}

// manySites are what sites show, each with flows and endpoints of all kinds.
func manySites(sites, flows, endpoints int) []*board.Shown {
	kinds := []string{wire.DeviceAgent, wire.DeviceKiosk, wire.DeviceBrowser}
	states := []string{site.StateWaiting, site.StateRunning, site.StatePaused, site.StateComplete, site.StateFailed, site.StateHalted}
	all := make([]*board.Shown, sites)
	for i := range all {
		one := &board.Shown{Site: fmt.Sprintf("site-%05d", i)}
		for j := range flows {
			one.Flows = append(one.Flows, board.Item[site.FlowView]{View: site.FlowView{Site: one.Site, Content: fmt.Sprint("content-", i, "-", j), State: states[j%len(states)],
				BytesOrigin: int64(i), BytesPeer: int64(j), WANBytes: int64(i)}})
		}
		for j := range endpoints {
			one.Endpoints = append(one.Endpoints, board.Item[site.EndpointView]{View: site.EndpointView{Name: fmt.Sprint(one.Site, j), Kind: kinds[j%len(kinds)]}})
		}
		all[i] = one
	}
	return all
}

func TestSeriesAreBoundedAtFiveThousandSites(t *testing.T) {
	few, many := server.SeriesOf(manySites(1, 1, 1), 0), server.SeriesOf(manySites(5000, 20, 4), 0)
	if few != many {
		t.Errorf("one site makes %d series, 5000 make %d", few, many)
	}
	const perSite = 8
	if got, most := server.SeriesOf(manySites(5000, 20, 4), server.MaxMetricsSites), many+perSite*server.MaxMetricsSites; got != most {
		t.Errorf("with all sites that may have their own: %d series, want %d", got, most)
	}
	// Whatever routes, codes and operations there are: of each so many.
	const routes, operations, refusals, process = 160, 140, 400, 60
	const ofRoute, ofOperation = 5 + 10, 10
	if most := many + perSite*server.MaxMetricsSites + routes*ofRoute + operations*ofOperation + refusals + process; most > server.MaxMetricsSeries {
		t.Errorf("up to %d series, more than the %d that are promised", most, server.MaxMetricsSeries)
	}
}

// metricNames finds the metrics of a dashboard's queries.
var metricNames = regexp.MustCompile(`\b(?:sitecast|go|process)_[a-z0-9_]+`)

func TestDashboardsNameMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(grafana, "sitecast-server.json"))
	if err != nil {
		t.Fatal(err)
	}
	names := metricNames.FindAllString(string(text), -1)
	if len(names) < 20 {
		t.Fatalf("the dashboard names %d metrics", len(names))
	}
	there := server.MetricNames()
	for _, name := range names {
		family := name
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if cut, is := strings.CutSuffix(name, suffix); is && there[cut] {
				family = cut
			}
		}
		if !there[family] {
			t.Errorf("the dashboard names %s, which the server does not have", name)
		}
	}
}
