//go:build linux

// Command idle measures what an agent takes that has nothing to do: processor time,
// anonymous memory and how often it wakes, with all its links up, right after a
// distribution. Half of the agents run with the flags that they have by default, so that
// they ask batteries, networks, desktop and the kernel's pressure what to do without; the
// other half is bare (--no-polite).
//
//	go run ./e2e/bench/idle
//
// Needs root. Whoever asks a system without D-Bus asks less: it says what there is.
package main

import (
	"cmp"
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
	if err := errors.Join(r.Publish(ctx, file, "bench", "1"), start(ctx, r)); err != nil {
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

// kinds are the agents that are measured beside each other, in turn.
var kinds = []struct {
	name  string
	flags []string
}{
	{"as it is", []string{"--polite"}}, // the rig's own --no-polite comes before
	{"bare", nil},
}

// start starts the agents, one kind after the other.
func start(ctx context.Context, r *rig.Rig) error {
	for k := range endpoints {
		r.AgentFlags = kinds[k%len(kinds)].flags
		if _, err := r.StartAgent(ctx, 0, k); err != nil {
			return err
		}
	}
	return r.Online(ctx)
}

// cost is what one agent took.
type cost struct {
	kind   string
	links  int
	core   float64 // percent of one core
	wakes  float64 // a second
	memory int64   // anonymous bytes
}

func sample(ctx context.Context, agents []*rig.Agent) error {
	var costs []cost
	var before []usage
	for i, a := range agents {
		var s engine.Status
		if err := a.Status(ctx, &s); err != nil {
			return err
		}
		so, err := used(a.PID())
		if err != nil {
			return err
		}
		costs = append(costs, cost{kind: kinds[i%len(kinds)].name, links: len(s.Links)})
		before = append(before, so)
	}
	if err := wait(ctx, span); err != nil {
		return err
	}
	for i, a := range agents {
		now, err := used(a.PID())
		if err != nil {
			return err
		}
		costs[i].core = 100 * (now.ran - before[i].ran).Seconds() / span.Seconds()
		costs[i].wakes = float64(now.woke-before[i].woke) / span.Seconds()
		if costs[i].memory, err = a.Anonymous(); err != nil {
			return err
		}
	}
	report(costs)
	return nil
}

// report prints what each took, and the medians of each kind.
func report(costs []cost) {
	bus := "D-Bus"
	if _, err := os.Stat("/run/dbus/system_bus_socket"); err != nil {
		bus = "no D-Bus to ask"
	}
	fmt.Printf("%d cores, %s, %d agents idle for %v after a distribution; %s\n", runtime.NumCPU(), runtime.Version(), len(costs), span, bus)
	slices.SortFunc(costs, func(a, b cost) int { return b.links - a.links })
	fmt.Println("agent     links  % of a core  anonymous MB  wakes/s")
	line := func(c cost) {
		fmt.Printf("%-8s  %5d  %11.2f  %12.1f  %7.1f\n", c.kind, c.links, c.core, float64(c.memory)/1e6, c.wakes)
	}
	for _, c := range costs {
		line(c)
	}
	fmt.Println("medians")
	for _, k := range kinds {
		var of []cost
		for _, c := range costs {
			if c.kind == k.name {
				of = append(of, c)
			}
		}
		line(cost{k.name, median(of, func(c cost) int { return c.links }), median(of, func(c cost) float64 { return c.core }),
			median(of, func(c cost) float64 { return c.wakes }), median(of, func(c cost) int64 { return c.memory })})
	}
}

// median is the middle of a figure, the higher of two.
func median[T cmp.Ordered](of []cost, figure func(cost) T) T {
	var all []T
	for _, c := range of {
		all = append(all, figure(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// usage is what all threads of a process did so far.
type usage struct {
	ran  time.Duration // which the kernel counts in nanoseconds
	woke int64         // how often one of them went to sleep, to be woken
}

func used(pid int) (total usage, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		return usage{}, err
	}
	for _, t := range threads {
		times, err := os.ReadFile(filepath.Join(t, "schedstat"))
		status, err2 := os.ReadFile(filepath.Join(t, "status"))
		if errors.Join(err, err2) != nil {
			continue // the thread has ended
		}
		ran, err := strconv.ParseInt(strings.Fields(string(times))[0], 10, 64)
		if err != nil {
			return usage{}, err
		}
		_, after, _ := strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		text, _, _ := strings.Cut(after, "\n")
		woke, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return usage{}, err
		}
		total.ran += time.Duration(ran)
		total.woke += woke
	}
	return total, nil
}
