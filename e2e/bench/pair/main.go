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
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// options are the command line.
type options struct {
	grid.Options
	phases string
}

func main() {
	var o options
	o.Flags(len(cells.Full()), len(cells.Short), filepath.Join(os.TempDir(), "sitecast-pair.jsonl"))
	flag.StringVar(&o.phases, "phases", strings.Join(phases, ","), "what to measure")
	flag.Parse()
	command.Main("bench pair", o.run)
}

func (o options) run(ctx context.Context) error {
	asked := strings.Split(o.phases, ",")
	for _, phase := range asked {
		if !slices.Contains(phases, phase) {
			return fmt.Errorf("no phase is called %q, use %s", phase, strings.Join(phases, ","))
		}
	}
	exe, err := os.Executable() // its links are what is measured
	if err != nil {
		return err
	}
	return grid.Bench[record]{
		Options: o.Options, Grid: cells, Program: exe, Called: "Build", Phases: asked, Rivals: []string{phaseCubic, phaseBBR},
		Head: head, Legend: legend, Takes: takes, Measure: measure,
	}.Run(ctx)
}

// takes is how long a phase takes.
func takes(c grid.Cell, _ string) time.Duration {
	const building = 3 * time.Second
	return building + settling(c) + steady
}

// measure does one phase of a cell on a network of its own.
func measure(ctx context.Context, c grid.Cell, m book.Mark) (r record, err error) {
	r.Mark = m
	lab, err := open(c)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	from, to := lab.Origin, lab.Sites[0].Endpoints[0]
	if m.Phase == book.Sitecast {
		r.figures, err = peers(ctx, c, from, to)
	} else {
		r.figures, err = tcp(ctx, c, from, to, m.Phase)
	}
	return r, err
}
