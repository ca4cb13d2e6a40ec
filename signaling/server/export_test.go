package server

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/board"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Times and limits that tests wait for.
const (
	ReloadEvery  = reloadEvery
	ShutdownTime = shutdownTime
	SeenInterval = seenInterval
)

// ReportEvery is how often endpoints shall report.
var ReportEvery = reportEvery

// NewMemory keeps what sites learned; the channel that Run takes says that no site
// runs any more.
var NewMemory = newMemory

// Run is for tests of the memory by itself.
func (m *memory) Run(ended <-chan struct{}) { m.run(ended) }

// NewSource is what tells sites what is wanted, without patches.
func NewSource(c catalog.Catalog) site.Source {
	return newSource(c, nil, func(uint64) bool { return false }, slog.New(slog.DiscardHandler))
}

// Patcher makes patches, by itself.
type Patcher struct{ *patcher }

// NewPatcher makes patches; changed is told when there are some, and running says what
// sites fetch.
func NewPatcher(c catalog.Catalog, objects blob.Store, folder string, changed func(), running func() []content.Ref, log *slog.Logger) Patcher {
	p := newPatcher(c, objects, folder, log)
	p.changed = changed
	p.running = func(context.Context) ([]content.Ref, error) { return running(), nil }
	return Patcher{p}
}

// Run makes patches until ctx ends.
func (p Patcher) Run(ctx context.Context) error { return p.run(ctx) }

// Published tells it of a version.
func (p Patcher) Published() { p.published() }

// SweepEvery is how often patches of no use are looked for.
const SweepEvery = sweepEvery

// NewPatchedSource is what tells sites what is wanted, with patches. The patcher tells it of
// those that are gone.
func NewPatchedSource(c catalog.Catalog, objects blob.Store, p Patcher, log *slog.Logger) site.Source {
	s := newSource(c, objects, p.putOff, log)
	p.forget = s.forget
	return s
}

// Cleaner deletes what no version needs, by itself.
type Cleaner struct{ *cleaner }

// NewCleaner makes one; forget is told of versions that are removed, and running says
// what sites fetch.
func NewCleaner(c catalog.Catalog, objects blob.Store, forget func(content.Ref), running func() []content.Ref, log *slog.Logger) Cleaner {
	made := newCleaner(c, objects, log)
	made.forget = forget
	made.running = func(context.Context) ([]content.Ref, error) { return running(), nil }
	return Cleaner{made}
}

// Collect is one run of it.
func (c Cleaner) Collect(ctx context.Context) error { return c.collect(ctx) }

// Run collects until ctx ends.
func (c Cleaner) Run(ctx context.Context) error { return c.run(ctx) }

// Occupancy is what was found at the last run.
func (c Cleaner) Occupancy() api.Occupancy { return c.occupancy() }

// Delays of a cleaner.
const (
	CollectEvery = collectEvery
	UnusedGrace  = unusedGrace
	PublishGrace = publishGrace
)

// CheckOIDC reports what is wrong with the flags of a provider.
func CheckOIDC(f OIDCFlags) error {
	_, err := f.config()
	return err
}

// Public reports whether everybody can reach an address.
var Public = public

// VerifyVendor looks at a vendor's file once.
func VerifyVendor(ctx context.Context, cfg Config, e catalog.External, body *content.Body) error {
	v := newVendors(nil, nil, cfg)
	defer v.client.CloseIdleConnections()
	return v.verify(ctx, e, body)
}

// Ledger counts days, by itself.
type Ledger struct{ *ledger }

// NewLedger makes one.
func NewLedger(c catalog.Daily, log *slog.Logger) Ledger { return Ledger{newLedger(c, log)} }

// Run writes until ended closes.
func (l Ledger) Run(ended <-chan struct{}) { l.run(ended) }

// Write writes what waits.
func (l Ledger) Write() { l.write() }

// Waiting is how much waits.
func (l Ledger) Waiting() int { return l.waiting() }

// SeriesOf counts the series that sites make.
func SeriesOf(all []*board.Shown, sites int) (n int) {
	ch := make(chan prometheus.Metric)
	go func() {
		defer close(ch)
		countAll(all).tell(ch, sites)
	}()
	for range ch {
		n++
	}
	return n
}

// nameOf finds the name of a metric in its description.
var nameOf = regexp.MustCompile(`fqName: "([^"]+)"`)

// MetricNames are all metrics of a server.
func MetricNames() map[string]bool {
	m := newMeters()
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		for _, d := range descs {
			ch <- d
		}
		for _, c := range []prometheus.Collector{m.requests, m.durations, m.operations, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
			collectors.NewDBStatsCollector(new(sql.DB), "read")} {
			c.Describe(ch)
		}
	}()
	names := map[string]bool{}
	for d := range ch {
		names[nameOf.FindStringSubmatch(d.String())[1]] = true
	}
	return names
}

// Profiles are what --debug-listen serves.
func Profiles(s *Server) http.Handler { return s.profiles() }

// Census counts what sites show, for metrics.
type Census struct{ census *census }

// NewCensus counts on a board.
func NewCensus(b *board.Board) Census { return Census{&census{board: b}} }

// Collect counts anew, and tells it.
func (c Census) Collect(t testing.TB) {
	c.census.at = time.Time{}
	found, ok := c.census.take(t.Context())
	if !ok {
		t.Fatal("a site did not answer in time")
	}
	ch := make(chan prometheus.Metric, MaxMetricsSeries)
	found.tell(ch, MaxMetricsSites)
}

// HistoryBytes reads --history.
func HistoryBytes(text string) (int64, error) { return historyBytes(text) }
