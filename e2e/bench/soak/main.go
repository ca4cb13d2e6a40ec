//go:build linux

// Command soak runs a site for a long time while everything about it comes and
// goes: versions, machines, cables, the server. Each version must arrive correctly
// at every endpoint, and memory, descriptors and goroutines of the processes that
// live throughout must not grow.
//
//	go run ./e2e/bench/soak -for 5m
//
// Needs root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	endpoints = 12
	// spared is how many of them are never stopped: their curves mean something.
	spared = 6
	rate   = 20_000_000 // bits per second of the WAN
	// every is the time from one version to the next, if it has arrived by then.
	every = 20 * time.Second
	// patience is how long a version may take, whatever happens.
	patience = 3 * time.Minute
	// sampleEvery is the time between two samples of all processes, and lookEvery
	// that between two looks at their memory.
	sampleEvery = 30 * time.Second
	lookEvery   = 2 * time.Second
	step        = 20 * time.Millisecond
)

func main() {
	length := flag.Duration("for", 30*time.Minute, "how long")
	seed := flag.Uint64("seed", 1, "seed of what is random")
	program := flag.String("sitecast", "bin/sitecast", "the program to run")
	keep := flag.String("keep", "", "keep the logs in this folder if something is wrong")
	flag.Parse()
	command.Main("soak", func(ctx context.Context) error {
		exe, err := filepath.Abs(*program)
		if err != nil {
			return err
		}
		return run(ctx, exe, *length, *seed, *keep)
	})
}

// soak is one run.
type soak struct {
	*rig.Rig
	dir    string
	site   *netlab.Site
	begun  time.Time
	calm   time.Time // from here on the server lives
	halved time.Time // from here on growth is measured
	end    time.Time

	// server is held by whoever needs the server, or takes it away.
	server sync.Mutex

	// Owned by the goroutine that delivers, until all have returned.
	versions int

	curves curves // owned by the goroutine that samples, until all have returned
	breaks int    // owned by the one that breaks things, likewise
}

func run(ctx context.Context, exe string, length time.Duration, seed uint64, keep string) (err error) {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	dir, err := os.MkdirTemp("", "sitecast-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	lab, err := netlab.Start(netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: endpoints, WAN: netlab.Both(netlab.Link{Rate: rate})}}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	r, err := rig.Start(ctx, lab, exe, dir, rig.TLS)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, r.Close())
		if err != nil && keep != "" {
			err = errors.Join(err, r.KeepLogs(keep))
		}
	}()
	if err := r.StartAgents(ctx); err != nil {
		return err
	}
	now := time.Now()
	s := &soak{Rig: r, dir: dir, site: lab.Sites[0],
		begun: now, calm: now.Add(length / 3), halved: now.Add(length / 2), end: now.Add(length)}
	fmt.Printf("%d endpoints, %d of them never stopped, %v, seed %d; %d cores, %s\n",
		endpoints, spared, length, seed, runtime.NumCPU(), runtime.Version())
	if err := s.live(ctx, seed); err != nil {
		return err
	}
	return s.judge()
}

// live lets things happen until the end.
func (s *soak) live(ctx context.Context, seed uint64) error {
	before, err := s.site.WAN()
	if err != nil {
		return err
	}
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return s.deliver(ctx, rand.New(rand.NewPCG(seed, 1))) })
	all.Go(func() error { return s.churn(ctx, rand.New(rand.NewPCG(seed, 2))) })
	all.Go(func() error { return s.watch(ctx) })
	if err := all.Wait(); err != nil {
		return err
	}
	after, err := s.site.WAN()
	if err != nil {
		return err
	}
	const size = blocks * blockSize
	fmt.Printf("\n%d versions of %.1f MB, a third of it new, arrived correctly at all %d endpoints; %d things broke meanwhile; %.3f copies crossed the WAN\n",
		s.versions, size/1e6, endpoints, s.breaks, float64(after.Minus(before).ReceivedBytes)/float64(size*s.versions))
	return nil
}

// over reports whether nothing new may begin.
func (s *soak) over() bool { return time.Now().After(s.end) }

func (s *soak) did(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.0f s: %s\n", time.Since(s.begun).Seconds(), fmt.Sprintf(format, args...))
}
