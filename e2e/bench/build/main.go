//go:build linux

// Command build measures what a build job keeps of its computer beside agents that
// transfer: `go build` of this project on all cores, alone, and while two agents of one
// site fetch a version over a line and exchange it; with their politeness and without.
// Both agents, and the server that they fetch from, are on the same cores as the build,
// which a real site's are not: the server is of the idle scheduling policy, and what the
// build loses to all three together is more than it would to one agent. Everything is in
// memory, so that the disk, which other machines share, plays no part. Runs alternate, and
// each is beside the mean of the builds alone right before and after it.
//
//	go run ./e2e/bench/build
//
// Needs chrt (util-linux) and 5 GiB of memory.
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
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
)

func main() {
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	rounds := flag.Int("rounds", 8, "builds of each kind")
	only := flag.String("only", "polite", "kind of agents: polite, no-polite, or all")
	flag.Parse()
	command.Main("bench build", func(ctx context.Context) error { return bench(ctx, *program, *rounds, *only) })
}

// kinds of neighbours, as flags of the agents.
var kinds = []struct {
	name  string
	flags []string
}{{"polite", []string{}}, {"no-polite", []string{"--no-polite"}}}

func bench(ctx context.Context, program string, rounds int, only string) (err error) {
	exe, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("/dev/shm", "sitecast-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Printf("%d cores, %s, the line carries %s\n", runtime.NumCPU(), runtime.Version(), wanRate)
	b, err := newBuilder(ctx, dir)
	if err != nil {
		return err
	}
	s, err := newStage(ctx, exe, dir)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return err
	}
	lost := map[string][]float64{}
	var before time.Duration
	for range 2 { // the first finds nothing in memory
		if before, err = b.build(ctx); err != nil {
			return err
		}
	}
	for round := range rounds {
		for _, k := range kinds {
			if only != "all" && only != k.name {
				continue
			}
			with, moved, err := beside(ctx, s, b, k.flags)
			if err != nil {
				return err
			}
			after, err := b.build(ctx)
			if err != nil {
				return err
			}
			alone := (before + after) / 2
			share := 100 * (1 - alone.Seconds()/with.Seconds())
			lost[k.name] = append(lost[k.name], share)
			fmt.Printf("round %d  %-9s  build %6.2f s, alone %6.2f and %6.2f s: loses %5.1f %% of its speed; agents moved %.1f MB/s\n",
				round+1, k.name, with.Seconds(), before.Seconds(), after.Seconds(), share, moved/with.Seconds()/1e6)
			before = after
		}
	}
	for _, k := range kinds {
		if len(lost[k.name]) > 0 {
			fmt.Printf("median   %-9s  loses %5.1f %%\n", k.name, median(lost[k.name]))
		}
	}
	return nil
}

// beside builds while agents with such flags transfer, and returns how many bytes they
// moved meanwhile.
func beside(ctx context.Context, s *stage, b *builder, flags []string) (took time.Duration, moved float64, err error) {
	if err := s.start(ctx, flags); err != nil {
		return 0, 0, err
	}
	at, err := s.moved(ctx)
	if err != nil {
		return 0, 0, err
	}
	if took, err = b.build(ctx); err != nil {
		return 0, 0, err
	}
	end, err := s.moved(ctx)
	if err == nil && end >= s.whole() {
		err = errors.New("the version was complete before the build: give it more bytes")
	}
	return took, float64(end - at), errors.Join(err, s.stop())
}

func median[T cmp.Ordered](all []T) (m T) {
	if len(all) > 0 {
		m = slices.Sorted(slices.Values(all))[len(all)/2]
	}
	return m
}
