//go:build linux

// Command pair measures how much of a long or lossy way one link between two peers
// uses: for each cell of loss, round trip and rate, two agents' transports (edge/rtc)
// on hosts of their own, and beside it, on the same emulated way, TCP of the kernel's
// with CUBIC and with BBR.
//
//	go run ./e2e/bench/pair -only '100mbit-80ms-0%'
//
// What was measured is kept in a file, and a run that is repeated goes on where the
// last one ended. Needs root.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

// options are the command line.
type options struct {
	full              bool
	only, phases, out string
	limit             time.Duration
}

// bench is one run of the program.
type bench struct {
	options
	book  *book
	begun time.Time
}

func main() {
	var o options
	flag.BoolVar(&o.full, "full", false, "all 40 cells, not the short set of 10")
	flag.StringVar(&o.only, "only", "", "only cells whose names match this regular expression")
	flag.StringVar(&o.phases, "phases", strings.Join(phases, ","), "what to measure")
	flag.StringVar(&o.out, "out", filepath.Join(os.TempDir(), "sitecast-pair.jsonl"), "file that keeps what was measured")
	flag.DurationVar(&o.limit, "limit", 0, "begin nothing that would not be done after this time (0: no limit)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench pair:", err)
		stop()
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	for _, phase := range strings.Split(o.phases, ",") {
		if !slices.Contains(phases, phase) {
			return fmt.Errorf("no phase is called %q, use %s", phase, strings.Join(phases, ","))
		}
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	build, err := rig.Sum(exe)
	if err != nil {
		return fmt.Errorf("read this program: %w", err)
	}
	b := &bench{options: o, begun: time.Now()}
	if b.book, err = openBook(o.out, fmt.Sprintf("%x", build[:sha256.Size/4])); err != nil {
		return err
	}
	cells := short
	if o.full {
		cells = full()
	}
	cells = slices.DeleteFunc(slices.Clone(cells), func(c cell) bool { return !only.MatchString(c.String()) })
	if len(cells) == 0 {
		return fmt.Errorf("no cell matches %q", o.only)
	}
	failed := b.measure(ctx, cells)
	fmt.Printf("Build %s, %d cores, %s\n\n", b.book.build, runtime.NumCPU(), runtime.Version())
	measured, met := printTable(os.Stdout, b.book, cells)
	switch {
	case failed != nil:
		return failed
	case measured < len(cells):
		return fmt.Errorf("%d of %d cells measured, %d of them met all bounds; run it again for the rest", measured, len(cells), met)
	case met < len(cells):
		return errors.New("bounds are missed")
	}
	return nil
}

// measure does what is not known yet and fits.
func (b *bench) measure(ctx context.Context, cells []cell) (failed error) {
	const building = 3 * time.Second
	for _, c := range cells {
		for _, phase := range strings.Split(b.phases, ",") {
			if _, known := b.book.find(c, phase); known {
				continue
			}
			if b.limit > 0 && time.Since(b.begun)+building+c.settling()+steady > b.limit {
				return failed
			}
			fmt.Fprintf(os.Stderr, "%5.0f s: %v, %s\n", time.Since(b.begun).Seconds(), c, phase)
			if err := b.phase(ctx, c, phase); ctx.Err() != nil {
				return ctx.Err()
			} else if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%v, %s: %w", c, phase, err))
			}
		}
	}
	return failed
}

// phase measures one phase of a cell on a network of its own.
func (b *bench) phase(ctx context.Context, c cell, phase string) (err error) {
	lab, err := open(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	from, to := lab.Origin, lab.Sites[0].Endpoints[0]
	var f figures
	if phase == phaseSitecast {
		f, err = peers(ctx, c, from, to)
	} else {
		f, err = tcp(ctx, c, from, to, phase)
	}
	if err != nil {
		return err
	}
	return b.book.note(c, phase, f)
}
