package agent

import (
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/durable"
)

// scrubName is the file in the data folder that says how far content was checked.
const scrubName = "scrub.json"

// newManners makes what lets others have disk and processor, or nil where they are
// nobody else's.
func newManners(cfg Config, store *disk.Store) *polite.Manners {
	if !cfg.Polite {
		return nil
	}
	return &polite.Manners{
		Disk:      polite.New(polite.Config{Of: polite.Disk, Pressure: host.WaitedForDisk, Own: store.Waited, Log: cfg.Log}),
		Processor: polite.New(polite.Config{Of: polite.Processor, Pressure: host.WaitedForCPU, Own: host.OwnWaitForCPU, Log: cfg.Log}),
	}
}

// manners is that for the engine.
func manners(m *polite.Manners) engine.Manners {
	if m == nil {
		return nil // a nil pointer in an interface would not be nil
	}
	return m
}

// newScrub joins the scrub to its file.
func newScrub(cfg Config) *engine.Scrub {
	path := filepath.Join(cfg.Data, scrubName)
	return &engine.Scrub{Policy: cfg.Scrub, Memory: readScrub(path, cfg.Log), Save: func(m scrub.Memory) error {
		text, err := m.Encode()
		if err != nil {
			return err
		}
		return durable.WriteFile(path, text, 0o600)
	}}
}

// readScrub reads what an earlier process kept. Without it everything is checked anew.
func readScrub(path string, log *slog.Logger) scrub.Memory {
	m, err := parseScrub(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("how far content was checked is not known; all of it is checked again", "err", err)
	}
	return m
}

func parseScrub(path string) (scrub.Memory, error) {
	text, err := durable.ReadFile(path, scrub.MaxMemoryBytes)
	if err != nil {
		return scrub.Memory{}, err
	}
	return scrub.ParseMemory(text)
}

var (
	computeDesc = prometheus.NewDesc("sitecast_agent_processor_bound_bytes_per_second", "What may move at most, because others use the processor or somebody works at the computer; 0 for no bound.", nil, nil)
	boundDesc   = prometheus.NewDesc("sitecast_agent_disk_bound_bytes_per_second", "What the store may write and read at most, because others use the disk; 0 for no bound.", nil, nil)
	movedDesc   = prometheus.NewDesc("sitecast_agent_disk_bytes_total", "Bytes that came under that bound since the start.", nil, nil)
	scrubDesc   = prometheus.NewDesc("sitecast_agent_scrub_bytes_total", "Bytes of stored content checked for damage, over all runs.", nil, nil)
	damagedDesc = prometheus.NewDesc("sitecast_agent_chunks_damaged_total", "Stored chunks found damaged, over all runs.", nil, nil)
	healedDesc  = prometheus.NewDesc("sitecast_agent_chunks_healed_total", "Damaged chunks that were fetched again, over all runs.", nil, nil)
)

// disks exports what disk and processor are used for.
type disks struct{ m *polite.Manners }

func (m disks) Describe(ch chan<- *prometheus.Desc) {
	ch <- boundDesc
	ch <- movedDesc
	ch <- computeDesc
}

func (m disks) Collect(ch chan<- prometheus.Metric) {
	s := m.m.Disk.Status()
	ch <- prometheus.MustNewConstMetric(boundDesc, prometheus.GaugeValue, float64(s.Rate))
	ch <- prometheus.MustNewConstMetric(computeDesc, prometheus.GaugeValue, float64(m.m.Processor.Status().Rate))
	ch <- prometheus.MustNewConstMetric(movedDesc, prometheus.CounterValue, float64(s.Moved))
}
