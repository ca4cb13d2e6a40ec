//go:build linux

// Command fleet measures a server beside thousands of simulated endpoints (e2e/fleet):
// how long it takes until all are in, until all heard of an order, and what that costs.
//
//	go run ./e2e/bench/fleet -sites 500 -endpoints 10000 -flows 3 -for 1m
//	go run ./e2e/bench/fleet -database postgres -scenario join,steady
//	go run ./e2e/bench/fleet -server http://127.0.0.1:8080 -token-file data/admin.token
//
// It starts a server of its own, the same as `sitecast server`, with the endpoints enrolled
// already, or uses one that runs; there endpoints enrol as they come, which the server
// limits to some hundred a minute from one address. Scenarios follow each other in the
// order of the list.
//
// Each endpoint is one open file of this process and one of the server's; where the limit
// (ulimit -n) is too low it says so. On loopback each site has an address of its own,
// 127.1.0.0 on, so ports are enough for as many endpoints as there is memory for.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/fleet"
)

// options are the flags.
type options struct {
	plan      fleet.Plan
	flows     int
	size      int64 // of a flow's version, bytes
	length    time.Duration
	scenarios []string
	listeners int
	server    string // empty: one of its own
	token, ca string
	database  string
	json      string
	profile   string
	churn     float64
	within    time.Duration
}

// scenarios are all there are, in the order in which they are run by default.
var scenarios = []string{"join", "rest", "steady", "watched", "pause", "prioritise", "churn", "restart"}

// spareFiles is how many files are opened besides the sockets of endpoints.
const spareFiles = 256

func main() {
	var o options
	var list, serve string
	var wan, lan, size float64
	flag.IntVar(&o.plan.Places, "sites", 500, "sites")
	flag.IntVar(&o.plan.Endpoints, "endpoints", 10_000, "endpoints, over all sites")
	flag.Uint64Var(&o.plan.Seed, "seed", 1, "seed of keys, rates and times")
	flag.StringVar(&o.plan.Prefix, "prefix", "fleet", "how the names of sites begin")
	flag.Float64Var(&o.plan.Roaming, "roaming", 0.05, "share of endpoints that roam")
	flag.Float64Var(&wan, "wan", 0, "what a site's line carries, in MB/s (0: so that flows last three times as long as -for)")
	flag.Float64Var(&lan, "lan", 50, "what an endpoint takes from peers, in MB/s")
	flag.IntVar(&o.flows, "flows", 3, "flows that are active at each site")
	flag.Float64Var(&size, "size", 64, "size of each, in MB")
	flag.DurationVar(&o.length, "for", time.Minute, "how long flows are watched, and churn goes on")
	flag.Float64Var(&o.churn, "churn", 10, "per cent of the endpoints that leave, and come again, in a minute")
	flag.DurationVar(&o.within, "within", 0, "time over which all join (0: at once)")
	flag.IntVar(&o.listeners, "listeners", 4, "who watches events while -scenario watched runs")
	flag.StringVar(&list, "scenario", strings.Join(scenarios, ","), "what to do, in this order")
	flag.StringVar(&o.server, "server", "", "URL of a server that runs (empty: starts one)")
	flag.StringVar(&o.token, "token-file", "", "file with an API token of the role admin of that server")
	flag.StringVar(&o.ca, "ca-file", "", "CA certificate of that server, in PEM")
	flag.StringVar(&o.database, "database", "sqlite", "of its own server: sqlite, postgres (starts one), or the URL of a database")
	flag.StringVar(&o.json, "json", "", "file to write the figures to as JSON")
	flag.StringVar(&o.profile, "profile", "", "folder to keep CPU profiles of its own server in")
	flag.StringVar(&serve, "serve", "", "") // what its own server is told, see serveMain
	flag.Parse()
	o.plan.LAN, o.size, o.scenarios = int64(lan*1e6), int64(size*1e6), strings.Split(list, ",")
	o.plan.WAN = int64(wan * 1e6)
	if wan == 0 {
		o.plan.WAN = max(int64(float64(o.flows)*float64(o.size)/(3*o.length.Seconds())), 1)
	}
	command.Main("bench fleet", func(ctx context.Context) error {
		if serve != "" {
			return serveMain(ctx, serve)
		}
		if err := o.check(); err != nil {
			return err
		}
		return measure(ctx, o)
	})
}

// check reports what is wrong with the flags.
func (o options) check() error {
	for _, s := range o.scenarios {
		if !slices.Contains(scenarios, s) {
			return fmt.Errorf("-scenario: want some of %s, not %q", strings.Join(scenarios, ","), s)
		}
	}
	switch {
	case o.server != "" && o.token == "":
		return errors.New("-server needs the -token-file of an API token of the role admin")
	case o.server != "" && slices.Contains(o.scenarios, "restart"):
		return errors.New("-scenario restart is for a server of its own: name the other ones with -scenario")
	case o.flows < 1 || o.flows > 100 || o.size < 1e6 || o.length < time.Second:
		return errors.New("want 1 to 100 flows of at least 1 MB, for at least a second")
	}
	if err := o.plan.Check(); err != nil {
		return err
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil { // Go has raised it as far as it may
		return err
	}
	if need := uint64(o.plan.Endpoints) + spareFiles; files.Cur < need {
		return fmt.Errorf("%d endpoints need %d open files, and %d are allowed: raise that with `ulimit -n %d`, or as root in /etc/security/limits.conf, or take fewer endpoints",
			o.plan.Endpoints, need, files.Cur, need)
	}
	return nil
}

// bench is what is measured, and with what.
type bench struct {
	options
	*fleet.Fleet
	api    api
	dir    string
	own    *own // nil: the server is somebody else's
	rows   []row
	orders int // versions that were ordered
}

func measure(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "sitecast-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir}
	defer func() { err = errors.Join(err, b.stop()) }()
	config := fleet.Config{Plan: o.plan}
	if o.server == "" {
		err = b.start(ctx)
	} else {
		config.TLS, config.Enrol, err = b.foreign(ctx)
	}
	if err != nil {
		return err
	}
	config.Server = b.api.base
	before := memory()
	if b.Fleet, err = fleet.New(config); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	fmt.Printf("%d endpoints at %d sites, %d flows of %.0f MB over %.2f MB/s, %s; %d processors\n", o.plan.Endpoints, o.plan.Places, o.flows, float64(o.size)/1e6,
		float64(o.plan.WAN)/1e6, b.describe(), runtime.NumCPU())
	head()
	for _, s := range o.scenarios {
		if err := b.scenario(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
		if s == "join" {
			n := float64(o.plan.Endpoints)
			fmt.Printf("  an endpoint costs the fleet %.1f kB and %.2f goroutines\n", (memory()-before)/n/1000, float64(runtime.NumGoroutine())/n)
		}
	}
	return b.write()
}

// memory is what this process has in use, in bytes.
func memory() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}

// describe says which server it is.
func (b *bench) describe() string {
	if b.own == nil {
		return "server " + b.api.base.String()
	}
	at, _, _ := strings.Cut(b.database, ":")
	return "own server on " + at
}

// foreign prepares a server that runs: sites, the map of networks, and tokens to enrol with.
func (b *bench) foreign(ctx context.Context) (*tls.Config, func(int) string, error) {
	base, err := url.Parse(b.server)
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(b.token)
	if err != nil {
		return nil, nil, fmt.Errorf("read the API token: %w", err)
	}
	var config *tls.Config
	if b.ca == "" {
		if path := filepath.Join(filepath.Dir(b.token), "ca.pem"); exists(path) {
			b.ca = path
		}
	}
	if b.ca != "" {
		pem, err := os.ReadFile(b.ca)
		if err != nil {
			return nil, nil, err
		}
		config = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("%s has no certificate in PEM", b.ca)
		}
	}
	b.api = newAPI(base, strings.TrimSpace(string(text)), config)
	tokens, err := b.admit(ctx)
	return config, func(k int) string { return tokens[b.plan.Home(k)][b.plan.Roams(k)] }, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
