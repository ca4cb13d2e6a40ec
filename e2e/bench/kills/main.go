//go:build linux

// Command kills measures what it costs a site when something dies while a version
// is on its way: fetchers and the server killed with SIGKILL, the router without
// power, and many kills at random. Real processes run on a network of namespaces;
// the kernel counts what crosses the WAN; every byte at every endpoint is checked
// at the end of each run.
//
//	go run ./e2e/bench/kills -scenario 'fetcher killed' -rounds 3
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
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
)

const (
	mib       = 1 << 20
	endpoints = 6
	rate      = 20_000_000 // bits per second of the WAN
	size      = 32 * mib   // of the version that most scenarios deliver
	headers   = 1.047      // what TCP, TLS and Ethernet make of one byte
	maxChunk  = 256 << 10
)

// result is what one run took.
type result struct {
	took    time.Duration // from the order to the last endpoint that was not killed for good
	content int64         // bytes of the versions delivered
	wan     int64         // bytes of frames that the kernel counted toward the site
	served  int64         // payload that the origin served
}

func (r result) copies() float64  { return float64(r.wan) / float64(r.content) }
func (r result) payload() float64 { return float64(r.served) / float64(r.content) }

// options are the command line.
type options struct {
	exe    string
	rounds int
	seed   uint64
	keep   string // folder for the logs
}

func main() {
	var o options
	which := flag.String("scenario", "", "only scenarios whose names match this regular expression, beside the undisturbed one")
	flag.IntVar(&o.rounds, "rounds", 1, "rounds; the median time and the worst copies are shown")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of what is random; each round has the next")
	flag.StringVar(&o.keep, "keep", "", "keep the logs of the last round of each scenario in this folder")
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	flag.Parse()
	command.Main("bench kills", func(ctx context.Context) error {
		only, err := regexp.Compile(*which)
		if err != nil {
			return err
		}
		if o.exe, err = filepath.Abs(*program); err != nil {
			return err
		}
		return o.measure(ctx, only)
	})
}

// measure prints the table, good cells and bad ones.
func (o options) measure(ctx context.Context, only *regexp.Regexp) error {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	fmt.Printf("%d endpoints, %d MiB, %d Mbit/s; %d cores, %s; medians of the time and worst copies of %d\n\n",
		endpoints, size/mib, rate/1_000_000, runtime.NumCPU(), runtime.Version(), o.rounds)
	fmt.Println("| scenario | seconds | x undisturbed | kernel copies | payload copies | bound | ok |")
	fmt.Println("|---|--:|--:|--:|--:|---|---|")
	var base result
	bad := 0
	for i, sc := range scenarios {
		if i > 0 && !only.MatchString(sc.name) {
			continue
		}
		all, err := o.rounded(ctx, sc)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(all) > 0 && i == 0 {
			base = median(all)
		}
		if !sc.row(all, base, err) {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d scenarios are not as promised", bad)
	}
	return nil
}

// rounded runs a scenario as often as asked; the first error ends it.
func (o options) rounded(ctx context.Context, sc scenario) (all []result, err error) {
	for n := range o.rounds {
		r, err := o.run(ctx, sc, o.seed+uint64(n))
		if err != nil {
			return all, err
		}
		fmt.Fprintf(os.Stderr, "%s: %.1f s, %.3f copies\n", sc.name, r.took.Seconds(), r.copies())
		all = append(all, r)
	}
	return all, nil
}

// median is the run of the median time, with the worst copies of all.
func median(all []result) result {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b result) int { return int(a.took - b.took) })
	m := all[len(all)/2]
	for _, r := range all {
		if r.copies() > m.copies() {
			m.content, m.wan, m.served = r.content, r.wan, r.served
		}
	}
	return m
}

// row prints one line of the table and reports whether it is as promised.
func (sc scenario) row(all []result, base result, err error) bool {
	bound := "content correct"
	if sc.copies != nil {
		bound = fmt.Sprintf("copies <= %.3f", sc.copies(base))
	}
	if sc.ratio > 0 {
		bound += fmt.Sprintf(", x <= %.2f", sc.ratio)
	}
	if err != nil {
		fmt.Printf("| %s | - | - | - | - | %s | **NO**: %s |\n", sc.name, bound, firstLine(err))
		return false
	}
	r := median(all)
	ratio, verdict := "-", "yes"
	if !sc.several && base.took > 0 {
		ratio = fmt.Sprintf("%.2f", r.took.Seconds()/base.took.Seconds())
	}
	if sc.copies != nil && r.copies() > sc.copies(base) || sc.ratio > 0 && r.took.Seconds() > sc.ratio*base.took.Seconds() {
		verdict = "**NO**"
	}
	fmt.Printf("| %s | %.2f | %s | %.3f | %.3f | %s | %s |\n",
		sc.name, r.took.Seconds(), ratio, r.copies(), r.payload(), bound, verdict)
	return verdict == "yes"
}
