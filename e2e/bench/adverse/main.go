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
	"errors"
	"flag"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// options are the command line.
type options struct {
	grid.Options
	program, keep string
}

func main() {
	var o options
	o.Flags(len(cells.Full()), len(cells.Short), filepath.Join(os.TempDir(), "sitecast-adverse.jsonl"))
	flag.StringVar(&o.program, "sitecast", "bin/sitecast", "the program to measure")
	flag.StringVar(&o.keep, "keep", "", "keep the logs of each cell in this folder")
	flag.Parse()
	command.Main("bench adverse", o.run)
}

func (o options) run(ctx context.Context) error {
	exe, err := filepath.Abs(o.program)
	if err != nil {
		return err
	}
	return grid.Bench[record]{
		Options: o.Options, Grid: cells, Program: exe, Called: "Sitecast",
		Phases: []string{phaseCubic, phaseBBR, book.Sitecast}, Rivals: []string{phaseCubic, phaseBBR},
		Head: head, Legend: legend, Takes: takes,
		Measure: func(ctx context.Context, c grid.Cell, m book.Mark) (record, error) {
			return measure(ctx, c, m, exe, o.keep)
		},
	}.Run(ctx)
}

// takes is about how long a phase takes.
func takes(c grid.Cell, phase string) time.Duration {
	const building = 5 * time.Second
	switch {
	case phase != book.Sitecast:
		return building + rivalPatience
	case c.Loss >= terrible:
		return 5 * time.Minute
	}
	return building + 3*lasting
}

// measure does one phase of a cell on a network of its own.
func measure(ctx context.Context, c grid.Cell, m book.Mark, exe, keep string) (r record, err error) {
	r.Mark = m
	s, err := open(ctx, c, exe)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	switch m.Phase {
	case phaseCubic:
		r.figures, err = s.curl("cubic")
	case phaseBBR:
		r.figures, err = s.curl("bbr")
	default:
		r.figures, err = s.sitecast(keep)
	}
	return r, err
}
