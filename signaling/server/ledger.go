package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// ledgerEvery is how often what sites handed over is written.
	ledgerEvery = 10 * time.Second
	// ledgerBatch is how many endpoints one change of the catalog counts: who waits for a
	// change of another kind waits for one of these.
	ledgerBatch = 100
	// ledgerTimeout bounds one such change.
	ledgerTimeout = 20 * time.Second
	// tidyEvery is how often days are tidied.
	tidyEvery = 6 * time.Hour
	// tidyAfter is how many days a day is left alone: it is over at all sites by then.
	tidyAfter = 2
)

// ledger writes into the catalog what endpoints received on each day. Loops hand it over
// without waiting; run writes it. What is lost with the process is told again by the
// endpoints, and counted then.
type ledger struct {
	// Set by newLedger, then constant.
	catalog catalog.Daily
	log     *slog.Logger

	// mu guards pending and order.
	mu      sync.Mutex
	pending map[entry]catalog.Tally
	order   []entry
}

// entry is who received what on which day.
type entry struct {
	endpoint string
	version  content.VersionID
	site     string
	day      string
}

func newLedger(c catalog.Daily, log *slog.Logger) *ledger {
	return &ledger{catalog: c, log: log, pending: map[entry]catalog.Tally{}}
}

// Count implements site.Ledger.
func (l *ledger) Count(tallies []catalog.Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range tallies {
		l.put(t)
	}
}

// put takes in what is newer than what waits. mu is held.
func (l *ledger) put(t catalog.Tally) {
	key := entry{t.Endpoint, t.Version, t.Site, t.Day}
	old, waits := l.pending[key]
	if !waits {
		l.order = append(l.order, key)
	}
	if !waits || !t.At.Before(old.At) {
		l.pending[key] = t
	}
}

// run writes what is handed over until ended closes, and then what is left.
func (l *ledger) run(ended <-chan struct{}) {
	write := time.NewTicker(ledgerEvery)
	defer write.Stop()
	tidied := time.Time{}
	for {
		select {
		case <-ended:
			l.write()
			return
		case now := <-write.C:
			l.write()
			if now.Sub(tidied) >= tidyEvery {
				tidied = now
				l.tidy(now)
			}
		}
	}
}

// write writes what waits. What can't be written goes on waiting.
func (l *ledger) write() {
	l.mu.Lock()
	pending, order := l.pending, l.order
	l.pending, l.order = map[entry]catalog.Tally{}, nil
	l.mu.Unlock()
	for len(order) > 0 {
		n := min(len(order), ledgerBatch)
		batch := make([]catalog.Tally, n)
		for i, key := range order[:n] {
			batch[i] = pending[key]
		}
		if err := l.count(batch); err != nil {
			l.log.Error("counting what endpoints received; it is tried again", "endpoints", len(order), "err", err)
			break
		}
		order = order[n:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range order {
		l.put(pending[key])
	}
}

func (l *ledger) count(batch []catalog.Tally) error {
	ctx, stop := context.WithTimeout(context.Background(), ledgerTimeout)
	defer stop()
	return l.catalog.CountDaily(ctx, batch)
}

// waiting is of how many endpoints and versions something waits to be written.
func (l *ledger) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending)
}

// tidy keeps what is kept of days bounded.
func (l *ledger) tidy(now time.Time) {
	ctx, stop := context.WithTimeout(context.Background(), ledgerTimeout)
	defer stop()
	day := func(back int) string { return catalog.DayOf(now.UTC().AddDate(0, 0, -back)) }
	if err := l.catalog.TidyDaily(ctx, day(catalog.DailyKept), day(tidyAfter), catalog.MaxDailyContents, now.Add(-catalog.CountedKept)); err != nil {
		l.log.Error("tidying what was received on each day", "err", err)
	}
}
