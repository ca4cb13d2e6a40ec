//go:build linux

// Command portal measures the operators' portal in a real browser, at a server with
// thousands of simulated sites (e2e/fleet) whose flows all move, and a real one beside them:
// how long the page's main thread is busy at a time, what its script holds over minutes,
// how long it takes until a change at the server is seen, and what the stream of events is.
//
//	go run ./e2e/bench/portal -sites 5000 -for 10m
//	go run ./e2e/bench/portal -sites 200 -for 30s -profile /tmp/profile
//
// Each simulated site has one endpoint, which reports as often as -report says: an agent
// does so once a second, which is more than server, sites and browser can share two
// processors with. Each endpoint is one open file of this process and one of the server's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/portal"
)

// options are the flags.
type options struct {
	exe     string
	sites   int
	flows   int
	size    int64 // of a flow's version, bytes
	length  time.Duration
	every   time.Duration
	report  time.Duration
	within  time.Duration
	json    string
	profile string
}

// spareFiles is how many files are opened besides the sockets of endpoints.
const spareFiles = 256

func main() {
	var o options
	var size float64
	flag.StringVar(&o.exe, "exe", "bin/sitecast", "the program to measure")
	flag.IntVar(&o.sites, "sites", 5000, "simulated sites, of one endpoint each")
	flag.IntVar(&o.flows, "flows", 3, "flows that move at each")
	flag.Float64Var(&size, "size", 16, "size of each, in MB")
	flag.DurationVar(&o.length, "for", 10*time.Minute, "how long the page is used and measured")
	flag.DurationVar(&o.every, "every", 30*time.Second, "how often what it holds is measured")
	flag.DurationVar(&o.report, "report", 5*time.Second, "how often a flow's endpoint reports")
	flag.DurationVar(&o.within, "within", 0, "time over which endpoints join (0: 100 a second)")
	flag.StringVar(&o.json, "json", "", "file to write the figures to as JSON")
	flag.StringVar(&o.profile, "profile", "", "folder for profiles of the page's script, which DevTools opens, and a picture")
	flag.Parse()
	o.size = int64(size * 1e6)
	if o.within == 0 {
		o.within = time.Duration(o.sites) * time.Second / 100
	}
	command.Main("bench portal", func(ctx context.Context) error {
		if err := o.check(); err != nil {
			return err
		}
		return measure(ctx, o)
	})
}

// check reports what is wrong with the flags.
func (o options) check() error {
	switch {
	case o.sites < 1 || o.flows < 1 || o.flows > 100 || o.size < 1e6:
		return errors.New("want at least a site, and 1 to 100 flows of at least 1 MB")
	case o.every < 10*time.Second || o.length < o.every:
		return errors.New("-every is 10s at least, and -for no less than that")
	}
	if _, err := os.Stat(o.exe); err != nil {
		return fmt.Errorf("%w: make build makes it, -exe names another", err)
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil { // Go has raised it as far as it may
		return err
	}
	if need := uint64(o.sites) + spareFiles; files.Cur < need {
		return fmt.Errorf("%d sites need %d open files, and %d are allowed: raise that with `ulimit -n %d`, or take fewer", o.sites, need, files.Cur, need)
	}
	return nil
}

func measure(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "sitecast-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newStage(ctx, o, dir)
	if s != nil {
		defer func() { err = errors.Join(err, s.end()) }()
	}
	if err != nil {
		return err
	}
	invite, err := s.stand.Invite(ctx, "anna", "--role", "admin")
	if err != nil {
		return err
	}
	p, err := portal.Open(ctx, invite, filepath.Join(dir, "profile"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.End()) }()
	b := &bench{options: o, stage: s, page: p, out: figures{Sites: o.sites, Flows: o.flows * o.sites, Report: o.report.Seconds()}}
	if err := b.run(ctx); err != nil {
		return err
	}
	b.out.print()
	if err := b.out.write(o.json); err != nil {
		return err
	}
	return b.out.verdict()
}
