//go:build linux

// Command harm measures what Sitecast's delivery does to others on a site's WAN.
// In each cell, one kind of WAN and of foreground, a bystander at the site has a
// TCP download (iperf3), a stream of small web requests, and a voice-like call;
// first alone, then beside a distribution to all other endpoints. The network is
// made of namespaces with an emulated WAN, the programs are real.
//
//	go run ./e2e/bench/harm -only 20mbit-40ms -limit 9m
//
// What was measured is kept in a file, and a run that is repeated goes on where the
// last one ended. Needs root, iperf3, and for rivals curl and python3-libtorrent
// (`make bench-harm` installs them).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	kept "github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/bench/grid"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

// About how long the parts of a cell take, to tell whether one more fits.
const (
	buildTime    = 3 * time.Second
	soloTime     = quiet + foregroundFor + webFor + 4*time.Second
	sitecastTime = settle + idleFor + foregroundFor + backWithin + webFor + 15*time.Second
	rivalTime    = settle + idleFor + foregroundFor + backWithin + 4*time.Second
)

// options are the command line.
type options struct {
	grid.Options
	fresh, json, verbose    bool
	program, rivals, sender string
	which, keep             string
}

// bench is one run of the program.
type bench struct {
	options
	exe, build string
	book       *book
}

// unit is one cell and whatever of it is not known yet.
type unit struct {
	cell
	rivals bool
}

func main() {
	var o options
	o.Flags(len(full()), len(short), filepath.Join(temporary(), "results.jsonl"))
	flag.StringVar(&o.rivals, "rivals", "reference", "where curl, uTP and nobody at all run in its place, too: none, reference (20 Mbit/s, 40 ms, a queue of 100 ms) or all")
	flag.StringVar(&o.program, "sitecast", "bin/sitecast", "the program to measure")
	flag.StringVar(&o.sender, "sender", "bbr", "TCP congestion control of Sitecast's origin and of curl's")
	flag.BoolVar(&o.fresh, "fresh", false, "begin a new file; the old one is kept, with .old behind its name")
	flag.StringVar(&o.which, "case", "cells", "what to measure: cells, fairness or fetchers")
	flag.StringVar(&o.keep, "keep", "", "keep the logs of each cell in this folder")
	flag.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flag.BoolVar(&o.verbose, "verbose", false, "tell every figure as soon as it is measured")
	flag.Parse()
	command.Main("bench harm", o.run)
}

func (o options) run(ctx context.Context) (err error) {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	b := &bench{options: o}
	if b.exe, err = filepath.Abs(o.program); err != nil {
		return err
	}
	if b.build, err = grid.Build(b.exe); err != nil {
		return err
	}
	if err := os.MkdirAll(temporary(), 0o700); err != nil {
		return err
	}
	if b.book, err = openBook(o.Out, b.build, o.sender, o.fresh); err != nil {
		return err
	}
	switch o.which {
	case "cells":
		return b.cells(ctx)
	case "fairness":
		return b.fairness(ctx)
	case "fetchers":
		return b.fetchers(ctx)
	}
	return fmt.Errorf("no case %q: there are cells, fairness and fetchers", o.which)
}

// units is what this run is asked for.
func (b *bench) units() (all []unit, err error) {
	if !slices.Contains([]string{"none", "reference", "all"}, b.rivals) {
		return nil, fmt.Errorf("no rivals %q: there are none, reference and all", b.rivals)
	}
	set := short
	if b.Full {
		set = full()
	}
	for _, c := range set {
		all = append(all, unit{c, b.rivals == "all"})
	}
	if b.rivals != "none" {
		for _, c := range reference {
			all = append(all, unit{c, true})
		}
	}
	return grid.Choose(all, b.Only)
}

// missing is what of a unit is not known.
func (b *bench) missing(u unit) (phases []string) {
	wanted := []string{phaseSolo}
	if u.rivals {
		wanted = append(wanted, rivals...)
	}
	for _, phase := range append(wanted, phaseSitecast) {
		if _, known := b.book.find(u.cell, phase); !known {
			phases = append(phases, phase)
		}
	}
	return phases
}

// duration is about how long phases take.
func duration(phases []string) (d time.Duration) {
	if len(phases) > 0 {
		d = buildTime
	}
	for _, phase := range phases {
		switch phase {
		case phaseSolo:
			d += soloTime
		case phaseSitecast:
			d += sitecastTime
		case phaseNobody:
			d += rivalTime + webFor - backWithin
		default:
			d += rivalTime
		}
	}
	return d
}

// cells measures what is not known yet, and prints all.
func (b *bench) cells(ctx context.Context) error {
	units, err := b.units()
	if err != nil {
		return err
	}
	b.Progress("results are kept in %s", b.Out)
	failed := map[cell]error{}
	for i, u := range units {
		phases := b.missing(u)
		if len(phases) == 0 {
			continue
		}
		if !b.Fits(duration(phases)) {
			break
		}
		var left time.Duration
		for _, u := range units[i:] {
			left += duration(b.missing(u))
		}
		b.Progress("%d of %d, %v: %v; about %v for all that is left", i+1, len(units), u.cell, phases, left.Round(time.Minute))
		if err := b.measure(ctx, u.cell, phases); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			failed[u.cell] = err
			b.Progress("%v: %v", u.cell, err)
		}
	}
	return b.report(units, failed)
}

// measure does phases of a cell, one after the other on one network.
func (b *bench) measure(ctx context.Context, c cell, phases []string) (err error) {
	s, err := open(ctx, c, b.sender)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, phase := range phases {
		r := record{Mark: kept.Begin(c, phase, b.build)}
		switch phase {
		case phaseSolo:
			var alone solo
			alone, err = s.solo()
			r.Solo = &alone
		case phaseSitecast:
			var with beside
			with, err = s.beside(b)
			r.Beside = &with
		default:
			var with beside
			with, err = s.rival(phase)
			r.Beside = &with
		}
		if err != nil {
			return fmt.Errorf("%s: %w", phase, err)
		}
		if err := b.book.note(r); err != nil {
			return err
		}
		if b.verbose {
			b.tell(r)
		}
		if err := rig.Pause(ctx, gap); err != nil {
			return err
		}
	}
	return nil
}
