//go:build linux

// Command disk measures what the user of a computer keeps of its disk beside an agent:
// a reader and a writer (fio, sequential, direct, as fast as they can) on an ext4 file
// system of its own, alone, while a version arrives over a WAN and from a peer, and
// while the store is checked for damage; each with the agent's politeness and without,
// and with two I/O schedulers. Each row is beside the mean of fio alone right before
// and right after it: other machines share the disk beneath.
//
//	go run ./e2e/bench/disk
//
// Needs root, fio, and room for 4 GiB.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

func main() {
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	span := flag.Duration("span", 8*time.Second, "how long fio runs each time")
	rounds := flag.Int("rounds", 1, "how often all is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, *program, *span, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench disk:", err)
		os.Exit(1)
	}
}

// schedulers are those measured: bfq heeds the idle class, none asks nobody.
var schedulers = []string{"bfq", "none"}

func bench(ctx context.Context, program string, span time.Duration, rounds int) (err error) {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	exe, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	fmt.Printf("%d cores, %s, fio for %v each time\n", runtime.NumCPU(), runtime.Version(), span)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "scheduler\tbeside\tpolite\treader kept %\twriter kept %\tagent MB/s\talone, reader MB/s\twriter MB/s\t")
	s, err := newStage(ctx, exe, span)
	defer func() { err = errors.Join(err, s.close(), out.Flush()) }()
	for range rounds {
		for _, scheduler := range schedulers {
			if err == nil {
				err = s.volume.choose(scheduler)
			}
			if err == nil {
				err = s.measure(func(r row) { r.print(out, scheduler) })
			}
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

func (r row) print(out *tabwriter.Writer, scheduler string) {
	alone := rates{(r.before.read + r.after.read) / 2, (r.before.write + r.after.write) / 2}
	polite := "no"
	if r.polite {
		polite = "yes"
	}
	fmt.Fprintf(out, "%s\t%s\t%s\t%.1f\t%.1f\t%.1f\t%.0f, %.0f\t%.0f, %.0f\t\n", scheduler, r.beside, polite,
		100*r.with.read/alone.read, 100*r.with.write/alone.write, r.agent/1e6,
		r.before.read/1e6, r.after.read/1e6, r.before.write/1e6, r.after.write/1e6)
}
