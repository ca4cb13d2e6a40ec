//go:build linux

// Command api measures how fast the server answers where there is much: lists, filters
// and the overview, with the catalog on PostgreSQL and one server process.
//
//	go run ./e2e/bench/api [-sites 5000] [-endpoints 100000] [-contents 500] [-requests 1000] [-only TEXT]
//
// It starts PostgreSQL (as the tests do: sixteen megabytes of shared buffers) and
// bin/sitecast, and asks over loopback, several requests at a time. Every request has
// other parameters. No endpoint is online: what is measured is the API and its database.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/storage/catalog/postgres/postgrestest"
)

// size is how much there is, and how much is asked.
type size struct {
	sites, endpoints, contents int
	requests, atOnce           int
}

// The bounds that the project promises at 5,000 sites, 100,000 endpoints and 500 contents.
const (
	listBound     = 150 * time.Millisecond
	overviewBound = 300 * time.Millisecond
)

func main() {
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	var n size
	flag.IntVar(&n.sites, "sites", 5000, "sites")
	flag.IntVar(&n.endpoints, "endpoints", 100_000, "endpoints, over all sites")
	flag.IntVar(&n.contents, "contents", 500, "contents, of three versions each")
	flag.IntVar(&n.requests, "requests", 1000, "requests of each kind")
	flag.IntVar(&n.atOnce, "at-once", 4, "requests at a time")
	only := flag.String("only", "", "only the requests whose names have this in them")
	flag.Parse()
	command.Main("bench api", func(ctx context.Context) error { return measure(ctx, *program, *only, n) })
}

func measure(ctx context.Context, program, only string, n size) (err error) {
	dir, err := os.MkdirTemp("", "sitecast-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, err := postgrestest.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	begun := time.Now()
	if err := seed(ctx, database.URL("bench"), n); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	fmt.Printf("seeded %d sites, %d endpoints and %d contents in %.1f s; %d processors\n", n.sites, n.endpoints, n.contents, time.Since(begun).Seconds(), runtime.NumCPU())
	s, err := start(ctx, program, dir, database.URL("bench"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	fmt.Printf("server, idle: %s\n", s.memory())
	begun = time.Now()
	flows, err := s.all(ctx, "/flows")
	if err != nil {
		return err
	}
	fmt.Printf("all %d flows, listed once, which starts the loop of every site: %.1f s; server: %s\n", flows, time.Since(begun).Seconds(), s.memory())
	slow := ""
	fmt.Printf("%-34s %8s %8s %8s %8s %9s\n", "request", "p50 ms", "p99 ms", "max ms", "bound", "bytes")
	for _, k := range kinds(n) {
		if !strings.Contains(k.name, only) {
			continue
		}
		f, err := s.time(ctx, k, n)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		fmt.Printf("%-34s %8.1f %8.1f %8.1f %8d %9d\n", k.name, ms(f.p50), ms(f.p99), ms(f.max), k.bound.Milliseconds(), f.bytes)
		if f.p99 > k.bound {
			slow += " " + k.name + ";"
		}
	}
	fmt.Printf("server, at the end: %s\n", s.memory())
	if slow != "" {
		return errors.New("beyond its bound:" + slow)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// server is the one that is measured.
type server struct {
	process *exec.Cmd
	base    string
	token   string
	data    string
}

// start starts it and waits until it answers.
func start(ctx context.Context, program, dir, database string) (*server, error) {
	exe, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	at, err := rig.Loopback()
	if err != nil {
		return nil, err
	}
	s := &server{base: "http://" + at, data: filepath.Join(dir, "data")}
	s.process = exec.CommandContext(ctx, exe, "server", "--data", s.data, "--listen", at, "--database", database, "--turn-listen", "none",
		"--api-rate", "0", "--log-level", "error")
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for range 300 {
		if _, _, err = s.get(ctx, "/readyz"); err == nil {
			text, err := os.ReadFile(filepath.Join(s.data, "admin.token"))
			s.token = strings.TrimSpace(string(text))
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), s.stop())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, errors.Join(fmt.Errorf("the server does not answer: %w", err), s.stop())
}

func (s *server) stop() error {
	if err := s.process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.process.Wait()
}

// memory says what the process has resident, and had at most.
func (s *server) memory() string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return err.Error()
	}
	figure := func(name string) int {
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, name+":"); ok {
				n, _ := strconv.Atoi(strings.Fields(rest)[0]) // the kernel's own format
				return n / 1024
			}
		}
		return 0
	}
	return fmt.Sprintf("%d MiB resident, %d MiB at most", figure("VmRSS"), figure("VmHWM"))
}
