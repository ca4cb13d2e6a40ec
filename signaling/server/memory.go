package server

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// keepTimeout bounds one write of what sites learned.
	keepTimeout = 10 * time.Second
	// keptTogether is of how many sites one change keeps it: each waits for the disk once.
	keptTogether = 50
)

// memory keeps in the catalog what sites learned. Loops hand it over without
// waiting; run writes it.
type memory struct {
	catalog catalog.Catalog
	log     *slog.Logger
	wake    chan struct{}

	// mu guards pending.
	mu      sync.Mutex
	pending map[string]site.Learned
}

func newMemory(c catalog.Catalog, log *slog.Logger) *memory {
	return &memory{catalog: c, log: log, wake: make(chan struct{}, 1), pending: map[string]site.Learned{}}
}

// Recall implements site.Memory.
func (m *memory) Recall(ctx context.Context, name string) (site.Learned, error) {
	receipts, lines, err := m.catalog.Learned(ctx, name)
	l := site.Learned{Receipts: map[content.VersionID]wire.Receipt{}, Lines: map[string]site.LineMemory{}}
	for _, r := range receipts {
		l.Receipts[r.Version] = wire.Receipt{ActiveMs: r.ActiveMs, YieldMs: r.YieldMs, Added: r.Added}
	}
	for _, kept := range lines {
		line := site.LineMemory{Capacity: kept.Capacity, Base: kept.Base, At: kept.At}
		copy(line.Busy[:], kept.Busy)
		l.Lines[kept.Egress] = line
	}
	if err != nil {
		return l, err
	}
	spent, err := m.catalog.Spent(ctx, name)
	l.Spent = site.Spent(spent)
	return l, err
}

// Keep implements site.Memory.
func (m *memory) Keep(name string, l site.Learned) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if waiting, ok := m.pending[name]; ok { // what is newer takes the place of the older
		maps.Copy(waiting.Receipts, l.Receipts)
		maps.Copy(waiting.Lines, l.Lines)
		if l.Spent.Month != "" {
			waiting.Spent = l.Spent
			m.pending[name] = waiting
		}
		return
	}
	m.pending[name] = l
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run writes what is handed over until ended closes, and then what is left.
func (m *memory) run(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			m.write()
			return
		case <-m.wake:
			m.write()
		}
	}
}

func (m *memory) write() {
	m.mu.Lock()
	pending := m.pending
	m.pending = map[string]site.Learned{}
	m.mu.Unlock()
	for names := range slices.Chunk(slices.Sorted(maps.Keys(pending)), keptTogether) {
		ctx, stop := context.WithTimeout(context.Background(), keepTimeout)
		err := m.catalog.Together(ctx, func(ctx context.Context) error {
			for _, name := range names {
				if ctx.Err() != nil {
					return ctx.Err() // said once, and not for each site that is left
				}
				m.keep(ctx, name, pending[name])
			}
			return nil // what could not be kept of one site takes nothing from the others
		})
		if err != nil {
			m.log.Error("keeping what sites learned", "sites", len(names), "first", names[0], "err", err)
		}
		stop()
	}
}

func (m *memory) keep(ctx context.Context, name string, l site.Learned) {
	if err := m.catalog.KeepLearned(ctx, name, kept(l), keptLines(l)); err != nil {
		m.log.Error("keeping what a site learned", "site", name, "err", err)
	}
	if l.Spent.Month == "" {
		return
	}
	if err := m.catalog.KeepSpent(ctx, name, catalog.Spent(l.Spent)); err != nil {
		m.log.Error("keeping what a site took over the WAN in this month", "site", name, "err", err)
	}
}

func kept(l site.Learned) (out []catalog.Receipt) {
	for id, r := range l.Receipts {
		out = append(out, catalog.Receipt{Version: id, ActiveMs: r.ActiveMs, YieldMs: r.YieldMs, Added: r.Added})
	}
	return out
}

func keptLines(l site.Learned) (out []catalog.Line) {
	for _, egress := range slices.Sorted(maps.Keys(l.Lines)) {
		line := l.Lines[egress]
		out = append(out, catalog.Line{Egress: egress, Capacity: line.Capacity, Base: line.Base, Busy: line.Busy[:], At: line.At})
	}
	return out
}
