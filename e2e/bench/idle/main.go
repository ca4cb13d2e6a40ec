//go:build linux

// Command idle measures what an agent takes that has nothing to do: processor time
// and anonymous memory, with all its links up, right after a distribution.
//
//	go run ./e2e/bench/idle
//
// Needs root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
)

const (
	endpoints = 16
	size      = 8 << 20
	// settle is the time after the distribution that is not measured, and span the
	// time that is; links beyond two are closed after a minute.
	settle = 5 * time.Second
	span   = 45 * time.Second
)

func main() {
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	flag.Parse()
	command.Main("bench idle", func(ctx context.Context) error { return measure(ctx, *program) })
}

func measure(ctx context.Context, program string) (err error) {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	exe, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sitecast-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	lab, err := netlab.Start(netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: endpoints, WAN: netlab.Both(netlab.Link{Rate: 200_000_000})}}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	r, err := rig.Start(ctx, lab, exe, dir, rig.TLS)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	file := filepath.Join(dir, "content.bin")
	if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
		return err
	}
	if err := errors.Join(r.Publish(ctx, file, "bench", "1"), r.StartAgents(ctx)); err != nil {
		return err
	}
	if _, err := r.Sitecast(ctx, "distribute", "bench@1", "--all", "--wait"); err != nil {
		return err
	}
	if err := wait(ctx, settle); err != nil {
		return err
	}
	return sample(ctx, r.Agents[0])
}

// cost is what one agent took.
type cost struct {
	links  int
	core   float64 // percent of one core
	memory int64   // anonymous bytes
}

func sample(ctx context.Context, agents []*rig.Agent) error {
	var costs []cost
	var before []time.Duration
	for _, a := range agents {
		var s engine.Status
		if err := a.Status(ctx, &s); err != nil {
			return err
		}
		used, err := processorTime(a.PID())
		if err != nil {
			return err
		}
		costs = append(costs, cost{links: len(s.Links)})
		before = append(before, used)
	}
	if err := wait(ctx, span); err != nil {
		return err
	}
	for i, a := range agents {
		used, err := processorTime(a.PID())
		if err != nil {
			return err
		}
		costs[i].core = 100 * (used - before[i]).Seconds() / span.Seconds()
		if costs[i].memory, err = a.Anonymous(); err != nil {
			return err
		}
	}
	slices.SortFunc(costs, func(a, b cost) int { return b.links - a.links })
	fmt.Printf("%d cores, %s, %d agents idle for %v after a distribution\n", runtime.NumCPU(), runtime.Version(), len(agents), span)
	fmt.Println("links  % of a core  anonymous MB")
	for _, c := range costs {
		fmt.Printf("%5d  %11.2f  %12.1f\n", c.links, c.core, float64(c.memory)/1e6)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// processorTime is what all threads of a process ran so far, which the kernel
// counts in nanoseconds.
func processorTime(pid int) (total time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, t := range threads {
		text, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		ran, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ran)
	}
	return total, nil
}
