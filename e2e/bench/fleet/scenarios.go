//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/e2e/fleet"
	"github.com/sitecast/sitecast/signaling/operator"
)

const (
	// patience is how long something may take that should be a matter of seconds.
	patience = 5 * time.Minute
	lookAt   = 100 * time.Millisecond
	// restTime is how long a server at rest is looked at.
	restTime = 30 * time.Second
	// pauseProfile is how long it is looked at what a pause costs.
	pauseProfile = 6 * time.Second
	// pauseBound is what is promised of a pause at 10,000 endpoints.
	pauseBound = 3 * time.Second
	// watchedBound is what is promised of metrics and events there, in per cent.
	watchedBound = 3
)

// scenario runs one, and notes its figures.
func (b *bench) scenario(ctx context.Context, name string) error {
	switch name {
	case "join":
		return b.join(ctx)
	case "rest":
		return b.measured(ctx, "at rest", restTime, b.profile != "", func(ctx context.Context) error { return pause(ctx, restTime) })
	case "steady":
		if err := b.flow(ctx); err != nil {
			return err
		}
		return b.measured(ctx, "flows move", b.length, b.profile != "", func(ctx context.Context) error { return pause(ctx, b.length) })
	case "watched":
		if err := b.flow(ctx); err != nil {
			return err
		}
		return b.watched(ctx)
	case "pause":
		if err := b.flow(ctx); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return b.pauseAll(ctx) })
		if b.profile != "" && b.own != nil {
			group.Go(func() error {
				_, err := b.profiled(ctx, pauseProfile, "pause")
				return err
			})
		}
		return group.Wait()
	case "prioritise":
		if err := b.flow(ctx); err != nil {
			return err
		}
		return b.prioritise(ctx)
	case "churn":
		return b.churned(ctx)
	}
	return b.restart(ctx)
}

// join switches everybody on, at once or in a while.
func (b *bench) join(ctx context.Context) error {
	r := b.begin("join, all at once")
	if b.within > 0 {
		r.Name = fmt.Sprintf("join within %v", b.within)
	}
	for k := range b.Size() {
		if wait := time.Until(r.begun.Add(time.Duration(float64(b.within) * float64(k) / float64(b.Size())))); wait > lookAt {
			if err := pause(ctx, wait); err != nil {
				return err
			}
		}
		b.Join(k)
	}
	group, grouped := errgroup.WithContext(ctx)
	group.Go(func() error {
		all, err := b.await(grouped, b.Size(), func(s fleet.State) bool { return s.Open && s.Joining > 0 })
		if err != nil {
			return err
		}
		took := make([]time.Duration, len(all))
		for i, s := range all {
			took[i] = s.Joining
		}
		r.spread(took)
		b.end(r)
		return nil
	})
	if b.profile != "" && b.own != nil {
		group.Go(func() error {
			_, err := b.profiled(grouped, 10*time.Second, "join")
			return err
		})
	}
	return group.Wait()
}

// flow sees to it that as many flows as there shall be are active at each site.
func (b *bench) flow(ctx context.Context) error {
	all, err := b.States(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(s fleet.State) bool {
		return slices.ContainsFunc(s.Flows, func(f fleet.FlowState) bool { return !f.Complete })
	}) {
		return nil
	}
	for i := range b.flows {
		b.orders++
		name := fmt.Sprintf("content-%04d", b.orders)
		path := filepath.Join(b.dir, name)
		if err := b.goods(path); err != nil {
			return err
		}
		err := operator.Publish{Remote: b.remote(io.Discard), Path: path, Name: name, Version: "1", Key: filepath.Join(b.dir, "publisher.key")}.Run(ctx)
		if err := errors.Join(err, os.Remove(path)); err != nil {
			return err
		}
		r := b.begin("a version to all sites")
		begun := time.Now()
		generation, err := b.api.order(ctx, "/distributions", map[string]any{"name": name, "version": "1", "all": true})
		if err != nil {
			return err
		}
		if err := b.obeyed(ctx, r, begun, generation); err != nil {
			return err
		}
		if i == 0 {
			b.end(r)
		}
	}
	return pause(ctx, 5*time.Second) // links come up, and leases are given
}

// goods makes a file of random bytes.
func (b *bench) goods(path string) error {
	text := make([]byte, b.size)
	_, _ = rand.NewChaCha8([32]byte{byte(b.orders), byte(b.orders >> 8)}).Read(text) // never fails
	return os.WriteFile(path, text, 0o600)
}

// measured notes what it costs to do something; with a profile, if that is asked for.
func (b *bench) measured(ctx context.Context, name string, length time.Duration, profile bool, do func(context.Context) error) error {
	r := b.begin(name)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return do(ctx) })
	if profile && b.own != nil {
		group.Go(func() error {
			_, err := b.profiled(ctx, length, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	b.end(r)
	return nil
}

// obeyed waits until everybody heard of an order, and notes how long that took each.
func (b *bench) obeyed(ctx context.Context, r *row, begun time.Time, generation uint64) error {
	all, err := b.await(ctx, 0, func(s fleet.State) bool { return s.Obeyed >= generation })
	if err != nil {
		return err
	}
	took := make([]time.Duration, len(all))
	for i, s := range all {
		took[i] = s.At.Sub(begun)
	}
	r.spread(took)
	return nil
}

// pauseAll pauses everything everywhere, and resumes it.
func (b *bench) pauseAll(ctx context.Context) error {
	r := b.begin("pause everywhere: heard")
	begun := time.Now()
	generation, err := b.api.order(ctx, "/rules", map[string]any{"kind": "pause"})
	if err != nil {
		return err
	}
	r.Note = fmt.Sprintf("ordered within %d ms", time.Since(begun).Milliseconds())
	if err := b.obeyed(ctx, r, begun, generation); err != nil {
		return err
	}
	b.end(r)
	for { // until the server, too, sees all of them stand still
		o, err := b.api.overview(ctx)
		if err != nil {
			return err
		}
		if o.Flows["running"] == 0 && o.WANBPS == 0 {
			break
		}
		if err := pause(ctx, lookAt); err != nil {
			return err
		}
	}
	seen := time.Since(begun)
	all, err := b.States(ctx)
	if err != nil {
		return err
	}
	still := b.begin("pause everywhere: stands still")
	var moved []time.Duration
	for _, s := range all {
		if s.Moved.After(begun) {
			moved = append(moved, s.Moved.Sub(begun))
		}
	}
	still.spread(moved)
	still.Note = fmt.Sprintf("%d moved on at first; the server shows all at rest after %.1f s", len(moved), seen.Seconds())
	b.end(still)
	if r.Max > pauseBound.Seconds()*1000 {
		b.beyond("pause everywhere", fmt.Sprintf("%.0f ms, bound %v", r.Max, pauseBound))
	}
	r = b.begin("resume everywhere: heard")
	begun = time.Now()
	if _, err := b.api.order(ctx, "/rules/resume", map[string]any{}); err != nil {
		return err
	}
	if err := b.obeyed(ctx, r, begun, generation+1); err != nil {
		return err
	}
	b.end(r)
	return nil
}

// prioritise has a flow of each site overtake the others.
func (b *bench) prioritise(ctx context.Context) error {
	r := b.begin("reprioritise everywhere: heard")
	begun := time.Now()
	generation, err := b.api.order(ctx, "/rules", map[string]any{"kind": "priority", "content": fmt.Sprintf("content-%04d", b.orders), "priority": "high"})
	if err != nil {
		return err
	}
	if err := b.obeyed(ctx, r, begun, generation); err != nil {
		return err
	}
	b.end(r)
	return nil
}

// churned has some leave and come all the time; who roams comes back at another site.
func (b *bench) churned(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(b.plan.Seed, 3))
	n := 0
	err := b.measured(ctx, fmt.Sprintf("churn of %.0f %% a minute", b.churn), b.length, false, func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		gap := time.Duration(float64(time.Minute) / max(b.churn/100*float64(b.Size()), 1))
		for end := time.Now().Add(b.length); time.Now().Before(end); n++ {
			k, where, away := rng.IntN(b.Size()), rng.IntN(b.plan.Places), time.Duration(rng.Int64N(int64(10*time.Second)))
			group.Go(func() error {
				b.Leave(k)
				if err := pause(ctx, away); err != nil {
					return err
				}
				if b.Roams(k) {
					b.JoinAt(k, where)
				} else {
					b.Join(k)
				}
				return nil
			})
			if err := pause(ctx, gap); err != nil {
				return err
			}
		}
		return group.Wait()
	})
	if err != nil {
		return err
	}
	if _, err = b.await(ctx, b.Size(), func(s fleet.State) bool { return s.Open && s.Joining > 0 }); err != nil {
		return err
	}
	o, err := b.api.overview(ctx)
	if err == nil {
		b.note("%d left and came; the server has %d of %d", n, o.Online, b.Size())
	}
	return err
}

// restart ends the server and starts it again.
func (b *bench) restart(ctx context.Context) error {
	if b.own == nil {
		return errors.New("the server is somebody else's")
	}
	if err := b.own.end(); err != nil {
		return err
	}
	before := b.Tally().Sockets
	begun := time.Now()
	if err := b.own.run(ctx); err != nil {
		return err
	}
	up := time.Since(begun)
	r := b.begin("server restart: all are back")
	for b.Tally().Sockets < before+int64(b.Size()) {
		if time.Since(begun) > patience {
			return fmt.Errorf("%d of %d are back after %v", b.Tally().Sockets-before, b.Size(), patience)
		}
		if err := pause(ctx, lookAt); err != nil {
			return err
		}
	}
	if _, err := b.await(ctx, b.Size(), func(s fleet.State) bool { return s.Open }); err != nil {
		return err
	}
	r.Note = fmt.Sprintf("the server answered after %.1f s", up.Seconds())
	b.end(r)
	return nil
}

// await waits until so many are on (0: no matter) and each is as is said.
func (b *bench) await(ctx context.Context, n int, is func(fleet.State) bool) ([]fleet.State, error) {
	for begun := time.Now(); ; {
		all, err := b.States(ctx)
		if err != nil {
			return nil, err
		}
		yes := 0
		for _, s := range all {
			if is(s) {
				yes++
			}
		}
		if yes == len(all) && yes >= n {
			return all, nil
		}
		if time.Since(begun) > patience {
			return nil, fmt.Errorf("%d of %d are so far after %v: %+v", yes, max(n, len(all)), patience, b.Tally())
		}
		if err := pause(ctx, lookAt); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
