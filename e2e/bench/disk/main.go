//go:build linux

// Command disk measures what the user of a computer keeps of its disk beside an agent:
// a reader and a writer (fio, sequential, direct, as fast as they can) on an ext4 file
// system of its own, alone, while a version arrives over a WAN and from a peer, and
// while the store is checked for damage; each with the agent's politeness and without.
// The disk is in memory and held to a rate by the kernel: a real one here is shared
// with other machines, and gave fio alone from 280 to 800 MB/s within a minute. The
// kernel lets whoever comes have it in turn, whatever the I/O class. Each row is beside
// the mean of fio alone right before and right after it.
//
//	go run ./e2e/bench/disk
//
// Needs root, fio, 4 GiB of memory, and control groups of version 1, whose root may be
// held to a rate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
)

func main() {
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	span := flag.Duration("span", 8*time.Second, "how long fio runs each time")
	rounds := flag.Int("rounds", 2, "how often all is measured")
	flag.Parse()
	command.Main("bench disk", func(ctx context.Context) error { return bench(ctx, *program, *span, *rounds) })
}

func bench(ctx context.Context, program string, span time.Duration, rounds int) (err error) {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	exe, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	fmt.Printf("%d cores, %s, a disk of %d MB/s each way, fio for %v each time\n", runtime.NumCPU(), runtime.Version(), diskRate/1_000_000, span)
	fmt.Println("beside   polite  reader kept %  writer kept %  agent MB/s  alone before and after, reader MB/s  writer MB/s")
	s, err := newStage(ctx, exe, span)
	defer func() { err = errors.Join(err, s.close()) }()
	for range rounds {
		if err == nil {
			err = s.measure(row.print)
		}
	}
	return err
}

// row is one measurement beside fio alone before and after it.
type row struct {
	beside        string
	polite        bool
	before, after rates
	with          rates
	agent         float64 // bytes per second that it wrote or read meanwhile
}

func (r row) print() {
	alone := rates{(r.before.read + r.after.read) / 2, (r.before.write + r.after.write) / 2}
	polite := "no"
	if r.polite {
		polite = "yes"
	}
	fmt.Printf("%-7s  %-6s  %13.1f  %13.1f  %10.1f  %25.0f, %-9.0f  %.0f, %.0f\n", r.beside, polite,
		100*r.with.read/alone.read, 100*r.with.write/alone.write, r.agent/1e6,
		r.before.read/1e6, r.after.read/1e6, r.before.write/1e6, r.after.write/1e6)
}
