package server

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog/relational"
)

// Metrics have bounded labels: none names an endpoint, a content or an address, and sites
// are named only where --metrics-sites says how many. What a loop of a site counts or
// measures is in [site.Counters], and what is of one moment is asked of the board, which asks
// no site that has nothing new to show. A new metric of the server belongs into its table.
const (
	// metricsTimeout bounds one collection.
	metricsTimeout = 5 * time.Second
	// metricsAtOnce bounds those who collect at a time.
	metricsAtOnce = 2
	// censusEvery is how often sites are asked for metrics at most.
	censusEvery = time.Minute
	// MaxMetricsSites bounds the sites with metrics of their own.
	MaxMetricsSites = 200
	// MaxMetricsSeries bounds what one collection answers with, whatever there is of sites,
	// endpoints, contents and operators.
	MaxMetricsSeries = 6000
)

// requestBounds are upper bounds of how long requests and operations take, in seconds.
var requestBounds = []float64{.001, .005, .02, .1, .5, 2, 10}

// meters are the metrics that are written while things go on.
type meters struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	operations *prometheus.HistogramVec
}

func newMeters() *meters {
	m := &meters{registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sitecast_http_requests_total",
			Help: "Requests answered since the start, by route, method and class of status."}, []string{"route", "method", "class"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sitecast_http_request_seconds",
			Help: "How long requests took until they were answered.", Buckets: requestBounds}, []string{"route"}),
		operations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sitecast_catalog_seconds",
			Help: "How long the database took, by operation of the catalog.", Buckets: requestBounds}, []string{"operation"})}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.durations, m.operations)
	return m
}

// methods are those that are told apart.
var methods = map[string]bool{http.MethodGet: true, http.MethodHead: true, http.MethodPost: true, http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true}

// answered counts a request.
func (m *meters) answered(r api.Request) {
	route, method := r.Route, r.Method
	if route == "" {
		route = "none"
	}
	if !methods[method] {
		method = "other"
	}
	m.requests.WithLabelValues(route, method, fmt.Sprintf("%dxx", min(max(r.Status/100, 1), 5))).Inc()
	m.durations.WithLabelValues(route).Observe(r.Took.Seconds())
}

// measured is a catalog that says how long its operations take.
type measured interface {
	Measure(relational.Measured)
	Pools() map[string]*sql.DB
}

// metrics returns the handler of /metrics.
func (s *Server) metrics() http.Handler {
	r := s.meters.registry
	r.MustRegister(collector{s})
	if db, ok := s.catalog.(measured); ok {
		db.Measure(func(operation string, took time.Duration) {
			s.meters.operations.WithLabelValues(operation).Observe(took.Seconds())
		})
		for name, pool := range db.Pools() {
			r.MustRegister(collectors.NewDBStatsCollector(pool, name))
		}
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: metricsAtOnce})
}

// desc describes a metric of the server.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sitecast_"+name, help, labels, nil)
}

var (
	sessionsDesc  = desc("sessions", "Endpoints online.")
	nowhereDesc   = desc("quarantined", "Of them, those at no site, because it is not certain which is theirs.")
	loopsDesc     = desc("sites_running", "Sites with a loop.")
	kindsDesc     = desc("endpoints_online", "Endpoints online at sites, by kind.", "kind")
	flowsDesc     = desc("flows", "Flows of running sites, by state.", "state")
	bytesDesc     = desc("content_bytes", "Content bytes received in the flows present, by source.", "source")
	wanDesc       = desc("wan_bytes", "Encoded bytes from the origin in the flows present.")
	receivedDesc  = desc("received_bytes_total", "Content bytes received since the start, by source.", "source")
	wanTotalDesc  = desc("wan_received_bytes_total", "Bytes received from the origin since the start, as they crossed the WAN.")
	rateDesc      = desc("rate_bytes_per_second", "Bytes that move now, over the WAN and between peers.", "way")
	grantedDesc   = desc("leases_granted_total", "Leases granted since the start.")
	revokedDesc   = desc("leases_revoked_total", "Of them, those that ended before they were fulfilled.")
	stepsDesc     = desc("site_step_seconds", "How long loops of sites took to take in what waited and to decide.")
	servedDesc    = desc("origin_served_bytes_total", "Bytes of packs and bodies served since the start.")
	refusedDesc   = desc("refused_total", "Bad input refused since the start, by door and code.", "door", "code")
	relayDesc     = desc("relay_refused_packets_total", "Packets to places that the relay does not reach, since the start.")
	activeDesc    = desc("fetching_seconds_total", "Time that somebody fetched over a line to the WAN, since the start.")
	yieldDesc     = desc("yield_seconds_total", "Of that, time in which it stood back for other traffic.")
	delayDesc     = desc("added_delay_seconds", "Delay added to a bystander's packets while somebody fetched, since the start.", "quantile")
	haltedDesc    = desc("flows_halted_total", "Flows that were halted since the start because they took more from the origin than they need.")
	streamsDesc   = desc("event_streams", "Streams of events that are open.")
	cutDesc       = desc("event_streams_cut_total", "Streams of events since the start that ended because their readers were too slow.")
	turnedDesc    = desc("event_streams_refused_total", "Streams of events since the start that were refused because too many are open.")
	patchesDesc   = desc("patches_total", "What became of patches since the start.", "outcome")
	objectsDesc   = desc("origin_objects", "What lies at the origin, as counted last.", "kind")
	originDesc    = desc("origin_bytes", "Encoded bytes of the chunks in packs at the origin, as counted last.")
	deadDesc      = desc("origin_dead_bytes", "Of them, those of chunks that no version names.")
	untalliedDesc = desc("daily_waiting", "Endpoints and versions of which is not written yet what they received on the day.")
	siteBytesDesc = desc("site_content_bytes", "Content bytes received in the flows present of the sites with the most, by source.", "site", "source")
	siteWANDesc   = desc("site_wan_bytes", "Encoded bytes from the origin in the flows present of the sites with the most.", "site")
	siteRateDesc  = desc("site_rate_bytes_per_second", "Bytes that move now at the sites with the most bytes.", "site", "way")
	siteKindsDesc = desc("site_endpoints_online", "Endpoints online at the sites with the most bytes.", "site")
)

// descs are those of the collector.
var descs = []*prometheus.Desc{sessionsDesc, nowhereDesc, loopsDesc, kindsDesc, flowsDesc, bytesDesc, wanDesc, receivedDesc, wanTotalDesc, rateDesc, grantedDesc,
	revokedDesc, stepsDesc, servedDesc, refusedDesc, relayDesc, activeDesc, yieldDesc, delayDesc, haltedDesc, streamsDesc, cutDesc, turnedDesc, patchesDesc,
	objectsDesc, originDesc, deadDesc, untalliedDesc, siteBytesDesc, siteWANDesc, siteRateDesc, siteKindsDesc}

// collector gathers what is counted elsewhere.
type collector struct{ s *Server }

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d
	}
}

// sink takes metrics.
type sink chan<- prometheus.Metric

func (to sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (to sink) count(d *prometheus.Desc, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	to := sink(ch)
	c.counted(to)
	c.origin(to)
	ctx, stop := context.WithTimeout(context.Background(), metricsTimeout)
	defer stop()
	if now, ok := c.s.census.take(ctx); ok { // no sums are better than wrong ones
		now.tell(to, c.s.cfg.MetricsSites)
	}
}

// counted tells what was counted since the start.
func (c collector) counted(to sink) {
	s := c.s
	to.gauge(sessionsDesc, float64(s.socket.Sessions()))
	to.gauge(nowhereDesc, float64(s.places.quarantined()))
	to.gauge(loopsDesc, float64(len(s.hub.Running())))
	to.gauge(untalliedDesc, float64(s.ledger.waiting()))
	to.count(haltedDesc, float64(s.account.Halted()))
	receipt := s.account.Receipt()
	to.count(activeDesc, float64(receipt.ActiveMs)/1000)
	to.count(yieldDesc, float64(receipt.YieldMs)/1000)
	for label, q := range map[string]float64{"0.5": 0.5, "0.95": 0.95} {
		to.gauge(delayDesc, receipt.Quantile(q).Seconds(), label)
	}
	counters := s.account.Counters()
	bytes, wan := counters.Received()
	for source, n := range bySource(bytes) {
		to.count(receivedDesc, float64(n), source)
	}
	to.count(wanTotalDesc, float64(wan))
	granted, revoked := counters.Leases()
	to.count(grantedDesc, float64(granted))
	to.count(revokedDesc, float64(revoked))
	n, sum, buckets := counters.Steps.Read()
	to <- prometheus.MustNewConstHistogram(stepsDesc, n, sum, buckets)
	s.refused.Each(func(k wire.Refusal, n uint64) { to.count(refusedDesc, float64(n), string(k.Door), k.Code) })
	if s.relay != nil {
		to.count(relayDesc, float64(s.relay.Stats().Refused))
	}
	to.gauge(streamsDesc, float64(s.streams.Open.Load()))
	to.count(cutDesc, float64(s.streams.Cut.Load()))
	to.count(turnedDesc, float64(s.streams.Refused.Load()))
}

// origin tells of what lies at the origin.
func (c collector) origin(to sink) {
	to.count(servedDesc, float64(c.s.Served()))
	p := c.s.patcher
	to.count(patchesDesc, float64(p.made.Load()), "made")
	to.count(patchesDesc, float64(p.none.Load()), "none")
	to.count(patchesDesc, float64(p.failures.Load()), "failed")
	to.count(patchesDesc, float64(p.dropped.Load()), "deleted")
	at := c.s.cleaner.occupancy()
	if at.At.IsZero() {
		return
	}
	to.gauge(objectsDesc, float64(at.Versions), "version")
	to.gauge(objectsDesc, float64(at.Packs), "pack")
	to.gauge(objectsDesc, float64(at.Unused), "unused")
	to.gauge(originDesc, float64(at.Bytes))
	to.gauge(deadDesc, float64(at.Dead))
}
