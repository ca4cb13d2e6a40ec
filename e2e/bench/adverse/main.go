//go:build linux

// Command adverse measures whether and how fast a delivery completes over bad lines:
// for each cell of loss, round trip and rate, one site with two endpoints gets a
// content, and beside it curl downloads the same bytes from senders with CUBIC and
// with BBR. The network is made of namespaces with an emulated WAN, the programs are
// real.
//
//	go run ./e2e/bench/adverse -only '20mbit.*30%' -limit 9m
//
// What was measured is kept in a file, and a run that is repeated goes on where the
// last one ended. Needs root and curl (`make bench-adverse` installs it).
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
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

// options are the command line.
type options struct {
	full               bool
	only, program, out string
	keep               string
	limit              time.Duration
}

// bench is one run of the program.
type bench struct {
	options
	exe   string
	book  *book
	begun time.Time
}

func main() {
	var o options
	flag.BoolVar(&o.full, "full", false, "all 40 cells, not the short set of 10")
	flag.StringVar(&o.only, "only", "", "only cells whose names match this regular expression")
	flag.StringVar(&o.program, "sitecast", "bin/sitecast", "the program to measure")
	flag.StringVar(&o.out, "out", filepath.Join(os.TempDir(), "sitecast-adverse.jsonl"), "file that keeps what was measured")
	flag.StringVar(&o.keep, "keep", "", "keep the logs of each cell in this folder")
	flag.DurationVar(&o.limit, "limit", 0, "begin nothing that would not be done after this time (0: no limit)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench adverse:", err)
		stop()
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	b := &bench{options: o, begun: time.Now()}
	if b.exe, err = filepath.Abs(o.program); err != nil {
		return err
	}
	build, err := rig.Sum(b.exe)
	if err != nil {
		return fmt.Errorf("read the program to measure (make build): %w", err)
	}
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
	fmt.Printf("Sitecast %s, %d cores, %s\n\n", b.book.build, runtime.NumCPU(), runtime.Version())
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
	for _, c := range cells {
		for _, phase := range phases {
			if _, known := b.book.find(c, phase); known {
				continue
			}
			if b.limit > 0 && time.Since(b.begun)+expected(c, phase) > b.limit {
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

// expected is about how long a phase takes.
func expected(c cell, phase string) time.Duration {
	const building = 5 * time.Second
	switch {
	case phase != phaseSitecast:
		return building + rivalPatience
	case c.loss >= terrible:
		return 5 * time.Minute
	}
	return building + 3*lasting
}

// phase measures one phase of a cell on a network of its own.
func (b *bench) phase(ctx context.Context, c cell, phase string) (err error) {
	s, err := open(ctx, c, b.exe)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var f figures
	switch phase {
	case phaseCubic:
		f, err = s.curl("cubic")
	case phaseBBR:
		f, err = s.curl("bbr")
	default:
		f, err = s.sitecast(b.keep)
	}
	if err != nil {
		return err
	}
	return b.book.note(c, phase, f)
}
