//go:build linux

// Command tab measures what a browser tab takes and gives on a LAN that nothing holds
// back: first bare data channels, between two browsers and between a browser and pion,
// which is what the stacks can do; then Sitecast between tabs and agents, each chunk
// checked and stored. All stands in one run on one network of namespaces.
//
//	go run ./e2e/bench/tab -rounds 3
//
// Needs root and Chromium.
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

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
)

// Rows of the table, by name.
const (
	rawTabs   = "raw-tabs"
	rawToTab  = "raw-to-tab"
	rawFrom   = "raw-from-tab"
	tabs      = "tabs"
	toTab     = "to-tab"
	fromTab   = "from-tab"
	hiddenTab = "hidden-tab"
)

// rows are what is measured, in this order.
var rows = []struct{ name, from, to string }{
	{rawTabs, "Chromium", "Chromium"},
	{rawToTab, "pion", "Chromium"},
	{rawFrom, "Chromium", "pion"},
	{toTab, "agent", "tab"},
	{fromTab, "tab", "agent"},
	{tabs, "tab", "tab"},
	{hiddenTab, "agent", "hidden tab"},
}

// options are the command line.
type options struct {
	program string
	rounds  int
	size    int64
	only    *regexp.Regexp
	keep    string
}

func main() {
	var o options
	flag.StringVar(&o.program, "sitecast", "bin/sitecast", "the program to measure")
	flag.IntVar(&o.rounds, "rounds", 1, "rounds; medians are shown")
	flag.Int64Var(&o.size, "mib", 128, "MiB of content")
	only := flag.String("run", "", "only rows whose names match this regular expression: raw-tabs raw-to-tab raw-from-tab to-tab from-tab tabs hidden-tab")
	flag.StringVar(&o.keep, "keep", "", "folder to keep what agents and server printed in")
	flag.Parse()
	command.Main("bench tab", func(ctx context.Context) (err error) {
		if o.only, err = regexp.Compile(*only); err != nil {
			return err
		}
		if why := netlab.Unavailable(); why != "" {
			return errors.New(why)
		}
		if o.program, err = filepath.Abs(o.program); err != nil {
			return err
		}
		return o.run(ctx)
	})
}

func (o options) run(ctx context.Context) error {
	var all []map[string]figures
	for round := range o.rounds {
		seen, err := o.round(ctx)
		if err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
		all = append(all, seen)
	}
	fmt.Printf("%d cores, %s, %d rounds, medians; %d MiB of content\n\n", runtime.NumCPU(), runtime.Version(), o.rounds, o.size)
	show(os.Stdout, all)
	return nil
}
