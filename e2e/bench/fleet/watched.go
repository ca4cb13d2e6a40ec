//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// scrapeEvery is how often a monitoring system reads the metrics.
const scrapeEvery = 15 * time.Second

// watching are the functions that do what is only for those who watch.
const watching = `api\.\(\*server\)\.watch|api\.\(\*stream\)|signaling/board|promhttp|server\.collector|site\.ask\.apply`

// watched has some watch events, as portals do, and reads the metrics, while flows move;
// then it tells which part of the server's time went there.
func (b *bench) watched(ctx context.Context) error {
	var events atomic.Int64
	path := ""
	err := b.measured(ctx, "flows move, and are watched", b.length, false, func(ctx context.Context) error {
		ctx, stop := context.WithTimeout(ctx, b.length)
		defer stop()
		group, ctx := errgroup.WithContext(ctx)
		for i := range b.listeners {
			group.Go(func() error { return b.listen(ctx, i, &events) })
		}
		group.Go(func() error { return b.scrape(ctx) })
		if b.own != nil {
			group.Go(func() (err error) {
				path, err = b.profiled(context.WithoutCancel(ctx), b.length-time.Second, "watched")
				return err
			})
		}
		return group.Wait()
	})
	if err != nil || path == "" {
		return err
	}
	percent, err := shareOf(ctx, path, watching)
	if err != nil {
		return err
	}
	b.note("metrics and events took %.1f %% of the server's time (bound %d %%), %.0f kB/s of events to %d listeners", percent, watchedBound,
		float64(events.Load())/b.length.Seconds()/1000, b.listeners)
	if percent > watchedBound {
		b.beyond("metrics and events", fmt.Sprintf("%.1f %%, bound %d %%", percent, watchedBound))
	}
	return nil
}

// listen reads events until ctx ends: every other listener looks at the overview, the rest
// each at the flows of a site.
func (b *bench) listen(ctx context.Context, i int, read *atomic.Int64) error {
	path := "/api/v1/events?view=overview"
	if i%2 == 1 {
		path = "/api/v1/events?view=flows&site=" + b.plan.Place(i%b.plan.Places).Name
	}
	for ctx.Err() == nil {
		resp, err := b.api.send(ctx, http.MethodGet, path, nil)
		if err != nil {
			break
		}
		if resp.StatusCode != http.StatusOK {
			_ = resp.Body.Close()
			return fmt.Errorf("%s answered %s", path, resp.Status)
		}
		n, _ := io.Copy(io.Discard, resp.Body) // it ends when the stream does, or ctx
		_ = resp.Body.Close()
		read.Add(n)
	}
	return nil
}

// scrape reads the metrics now and then until ctx ends.
func (b *bench) scrape(ctx context.Context) error {
	for ctx.Err() == nil {
		resp, err := b.api.send(ctx, http.MethodGet, "/metrics", nil)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		_ = pause(ctx, scrapeEvery) // the loop sees that ctx ended
	}
	return nil
}
