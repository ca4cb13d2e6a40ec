//go:build linux

// Command relay measures what it costs to relay: processor time a gigabyte, what is
// lost at 20,000 packets a second, and the memory of 500 allocations. `sitecast relay`
// and the relay that is embedded in the server run beside coturn, in turn and under
// the same load, which a process of its own makes with pion's TURN client: packets come
// and go as ChannelData, from one allocation to another, as those of two endpoints do. The
// larger packets come and go over TCP and over TLS too, as where UDP is blocked.
//
//	go run ./e2e/bench/relay -rounds 3
//
// What was measured is kept in a file; a run that was cut short goes on from there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/bench/command"
)

// load is what is sent through a relay.
type load struct {
	name  string
	over  transport
	pairs int
	bytes int // a packet
	pps   int // packets a second, of all together
}

const (
	pps   = 20_000
	pairs = 10
	// span is how long a load lasts.
	span = 8 * time.Second
	// many is how many allocations are held at once.
	many = 500
)

// transport is how clients reach a relay.
type transport string

const (
	overUDP transport = "UDP"
	overTCP transport = "TCP"
	overTLS transport = "TLS"
)

// mayLose is how much may be lost, in per cent. Over a stream a client that is late to read
// holds packets up, what does not wait in memory is dropped, and the clients share the
// processors with the relay.
func (t transport) mayLose() float64 {
	if t == overUDP {
		return 0
	}
	return 0.1
}

// loads are as voice is, and as data channels are when they have much to send.
var loads = []load{{"200 bytes", overUDP, pairs, 200, pps}, {"1200 bytes", overUDP, pairs, 1200, pps},
	{"1200 bytes over TCP", overTCP, pairs, 1200, pps}, {"1200 bytes over TLS", overTLS, pairs, 1200, pps}}

// result is what one run showed.
type result struct {
	Relay, Load string
	Round       int
	CPU         float64 // seconds
	Sent, Came  int64   // packets
	Bytes       int64   // of payload that came
	PPS         float64 // sent
	Memory      int64   // bytes that the allocations took
	Allocations int     // that worked
}

// String is what one run showed, for who waits for the table.
func (r result) String() string {
	if r.Load == memory {
		return fmt.Sprintf("%s: %d of %d allocations work, in %.1f MB", r.Relay, r.Allocations, many, float64(r.Memory)/1e6)
	}
	return fmt.Sprintf("%s, %s: %.2f s a GB, %d of %d packets lost", r.Relay, r.Load, r.perGB(), r.Sent-r.Came, r.Sent)
}

func (r result) key() string      { return key(r.Relay, r.Load, r.Round) }
func (r result) perGB() float64   { return r.CPU / (float64(r.Bytes) / 1e9) }
func (r result) perCent() float64 { return 100 * float64(r.Sent-r.Came) / float64(max(r.Sent, 1)) }

func key(relay, load string, round int) string { return fmt.Sprintf("%s/%s/%d", relay, load, round) }

func main() {
	program := flag.String("sitecast", "bin/sitecast", "the program to measure")
	rounds := flag.Int("rounds", 3, "rounds; medians are shown")
	out := flag.String("out", "bench-relay.jsonl", "file to keep results in")
	fresh := flag.Bool("fresh", false, "begin anew; what was measured is laid aside")
	only := flag.String("run", "", "only loads whose names match this regular expression, and the allocations with them")
	limit := flag.Duration("limit", 9*time.Minute, "end after this time; the next call goes on")
	flag.Parse()
	command.Main("bench relay", func(ctx context.Context) error {
		exe, err := filepath.Abs(*program)
		if err == nil && *fresh {
			err = book.Aside(*out)
		}
		which, werr := regexp.Compile(*only)
		if err = errors.Join(err, werr); err != nil {
			return err
		}
		loads = slices.DeleteFunc(loads, func(l load) bool { return !which.MatchString(l.name) })
		return measure(ctx, exe, *out, *rounds, time.Now().Add(*limit))
	})
}

// errLater means that the time is over and more is to be measured.
var errLater = errors.New("more is to be measured: call it again")

func measure(ctx context.Context, exe, out string, rounds int, until time.Time) error {
	kept, err := book.Open(out, result.key)
	if err != nil {
		return err
	}
	for round := range rounds {
		for _, relay := range relays {
			if err := visit(ctx, kept, exe, relay, round, until); err != nil {
				return err
			}
		}
	}
	return show(kept, rounds)
}

// visit measures one relay, each load and the allocations, unless that is known.
func visit(ctx context.Context, kept *book.Book[result], exe string, relay kind, round int, until time.Time) error {
	for _, l := range append(slices.Clone(loads), load{name: memory, over: overUDP}) {
		if _, known := kept.Find(key(relay.name, l.name, round)); known {
			continue
		}
		if time.Until(until) < 4*span {
			return errLater
		}
		r, err := one(ctx, exe, relay, l)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", relay.name, l.name, err)
		}
		r.Relay, r.Load, r.Round = relay.name, l.name, round
		fmt.Fprintln(os.Stderr, r)
		if err := kept.Note(r); err != nil {
			return err
		}
	}
	return nil
}

// memory names the run that holds many allocations.
const memory = "allocations"

// one starts a relay, measures, and stops it.
func one(ctx context.Context, exe string, relay kind, l load) (r result, err error) {
	dir, err := os.MkdirTemp("", "sitecast-bench-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	at, err := relay.start(ctx, exe, dir)
	if err != nil {
		return r, err
	}
	defer at.process.Kill() // it holds nothing that is worth an orderly end
	if l.name == memory {
		return hold(ctx, at)
	}
	return press(ctx, at, l)
}

// maxTimes is how much more processor time than coturn's a relay may take.
const maxTimes = 2

// show prints the tables, and fails if a bound is missed.
func show(kept *book.Book[result], rounds int) error {
	var missed []error
	fmt.Printf("| load | relay | s of CPU a GB | x coturn | lost %% | packets/s |\n|---|---|--:|--:|--:|--:|\n")
	for _, l := range loads {
		base := 0.0
		for _, relay := range relays {
			all := of(kept, relay.name, l.name, rounds)
			cost := median(all, result.perGB)
			if relay.name == coturn {
				base = cost
			}
			lost := slices.MaxFunc(all, func(a, b result) int { return int(a.Sent - a.Came - b.Sent + b.Came) })
			fmt.Printf("| %s | %s | %.2f | %.2f | %.4f | %.0f |\n", l.name, relay.name, cost, cost/base, lost.perCent(),
				median(all, func(r result) float64 { return r.PPS }))
			loses := lost.perCent() > l.over.mayLose()
			if relay.name != coturn && (cost > maxTimes*base || loses) {
				missed = append(missed, fmt.Errorf("%s, %s: %.2f x coturn and %d packets lost, bound %d and %g %%", relay.name, l.name, cost/base, lost.Sent-lost.Came, maxTimes, l.over.mayLose()))
			}
		}
	}
	fmt.Printf("\n| relay | allocations that work, of %d | MB | kB each |\n|---|--:|--:|--:|\n", many)
	for _, relay := range relays {
		all := of(kept, relay.name, memory, rounds)
		worst := slices.MinFunc(all, func(a, b result) int { return a.Allocations - b.Allocations })
		bytes := median(all, func(r result) float64 { return float64(r.Memory) })
		fmt.Printf("| %s | %d | %.1f | %.1f |\n", relay.name, worst.Allocations, bytes/1e6, bytes/many/1e3)
		if relay.name != coturn && worst.Allocations < many {
			missed = append(missed, fmt.Errorf("%s: %d of %d allocations work", relay.name, worst.Allocations, many))
		}
	}
	return errors.Join(missed...)
}

// of lists what was measured of a relay.
func of(kept *book.Book[result], relay, load string, rounds int) (all []result) {
	for round := range rounds {
		r, _ := kept.Find(key(relay, load, round)) // it was measured
		all = append(all, r)
	}
	return all
}

func median(all []result, figure func(result) float64) float64 {
	var list []float64
	for _, r := range all {
		list = append(list, figure(r))
	}
	slices.Sort(list)
	return list[len(list)/2]
}
