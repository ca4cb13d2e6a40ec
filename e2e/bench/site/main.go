//go:build linux

// Command site measures how a file reaches every endpoint of one site behind a
// shaped WAN link: by HTTP to one endpoint alone (the bound that no swarm can
// beat), by HTTP to each, by libtorrent, and by Sitecast. All run one after the
// other on the same kind of network of namespaces, with real programs on real
// kernel links.
//
//	go run ./e2e/bench/site -run 6x32MiB@50mbit
//
// Needs root, nginx, curl and python3-libtorrent (`make bench-site` installs them).
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const mib = 1 << 20

// scenario is one shaped site and one file.
type scenario struct {
	name      string
	endpoints int
	size      int64
	rate      int64
	delay     time.Duration // one way
	queue     time.Duration
}

var scenarios = []scenario{
	{"6x32MiB@50mbit", 6, 32 * mib, 50_000_000, 0, 50 * time.Millisecond},
	{"6x32MiB@50mbit,40ms", 6, 32 * mib, 50_000_000, 20 * time.Millisecond, 100 * time.Millisecond},
	{"16x64MiB@20mbit", 16, 64 * mib, 20_000_000, 0, 50 * time.Millisecond},
	{"16x64MiB@20mbit,40ms", 16, 64 * mib, 20_000_000, 20 * time.Millisecond, 100 * time.Millisecond},
}

// result is what one contender did.
type result struct {
	took    time.Duration // until the last endpoint had the file
	wan     int64         // bytes of frames that the kernel counted toward the site
	payload int64         // content bytes that the origin served; 0 when it keeps no count
	cpu     time.Duration // of all processes together
}

// contender is one way to bring a file to a site.
type contender struct {
	name      string
	endpoints func(all int) int
	run       func(ctx context.Context, s *stage) (result, error)
}

func everybody(n int) int { return n }
func one(int) int         { return 1 }

var contenders = []contender{
	{"curl, alone", one, curl},
	{"curl, all", everybody, curl},
	{"libtorrent", everybody, torrent},
	{"sitecast, at first", everybody, sitecast},
	{"sitecast", everybody, sitecastAgain},
}

func main() {
	run := flag.String("run", "", "only scenarios whose names match this regular expression")
	only := flag.String("only", "", "only contenders whose names match this regular expression, beside the bound")
	rounds := flag.Int("rounds", 1, "rounds; medians are shown")
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	flag.Parse()
	command.Main("bench site", func(ctx context.Context) error {
		exe, err := filepath.Abs(*program)
		which, werr := regexp.Compile(*run)
		whom, oerr := regexp.Compile(*only)
		if err = errors.Join(err, werr, oerr); err != nil {
			return err
		}
		return measure(ctx, exe, which, whom, *rounds)
	})
}

func measure(ctx context.Context, exe string, run, only *regexp.Regexp, rounds int) error {
	if why := netlab.Unavailable(); why != "" {
		return errors.New(why)
	}
	fmt.Printf("%d cores, %s, medians of %d\n", runtime.NumCPU(), runtime.Version(), rounds)
	for _, sc := range scenarios {
		if !run.MatchString(sc.name) {
			continue
		}
		if err := sc.measure(ctx, exe, only, rounds); err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
	}
	return nil
}

func (sc scenario) measure(ctx context.Context, exe string, only *regexp.Regexp, rounds int) error {
	fmt.Printf("\n%d endpoints, %d MiB, %d Mbit/s, %v RTT, %v queue: the link needs %.1f s for the bytes alone\n",
		sc.endpoints, sc.size/mib, sc.rate/1_000_000, 2*sc.delay, sc.queue, sc.ideal().Seconds())
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tseconds\tx bound\tx ideal\tWAN copies\tpayload copies\tCPU ms/MB\t")
	var bound time.Duration
	for _, c := range contenders {
		if bound != 0 && !only.MatchString(c.name) {
			continue
		}
		var all []result
		for range rounds {
			r, err := sc.stage(ctx, exe, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			all = append(all, r)
			fmt.Fprintf(os.Stderr, "%s: %.1f s\n", c.name, r.took.Seconds())
		}
		slices.SortFunc(all, func(a, b result) int { return int(a.took - b.took) })
		r := all[len(all)/2]
		if bound == 0 {
			bound = r.took
		}
		payload := "-"
		if r.payload > 0 {
			payload = fmt.Sprintf("%.3f", float64(r.payload)/float64(sc.size))
		}
		delivered := float64(sc.size) * float64(c.endpoints(sc.endpoints)) / 1e6
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\t%.3f\t%s\t%.1f\t\n", c.name, r.took.Seconds(), r.took.Seconds()/bound.Seconds(),
			r.took.Seconds()/sc.ideal().Seconds(), float64(r.wan)/float64(sc.size), payload, float64(r.cpu.Milliseconds())/delivered)
	}
	return w.Flush()
}

// ideal is what the content's bytes alone take at the link's rate.
func (sc scenario) ideal() time.Duration {
	return time.Duration(float64(sc.size) * 8 / float64(sc.rate) * float64(time.Second))
}

// stage is the network and the file that one run has for itself.
type stage struct {
	scenario
	exe  string
	dir  string
	file string
	sum  [sha256.Size]byte
	lab  *netlab.Lab
	site *netlab.Site
}

func (sc scenario) stage(ctx context.Context, exe string, c contender) (r result, err error) {
	dir, err := os.MkdirTemp("", "sitecast-bench-")
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &stage{scenario: sc, exe: exe, dir: dir, file: filepath.Join(dir, "content.bin")}
	if s.sum, err = rig.Random(s.file, s.size, [32]byte{1}); err != nil {
		return result{}, err
	}
	link := netlab.Link{Rate: sc.rate, Queue: netlab.Backlog(sc.rate, sc.queue), Delay: sc.delay}
	s.lab, err = netlab.Start(netlab.Plan{
		Sites:   []netlab.SitePlan{{Endpoints: c.endpoints(sc.endpoints), WAN: netlab.Both(link)}},
		Sysctls: map[string]string{"net.ipv4.tcp_congestion_control": "cubic"},
	})
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, s.lab.Close()) }()
	s.site = s.lab.Sites[0]
	return c.run(ctx, s)
}

// received is what came toward the site so far.
func (s *stage) received() (int64, error) {
	c, err := s.site.WAN()
	return c.ReceivedBytes, err
}
