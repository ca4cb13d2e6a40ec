// Command control measures how long it takes from an operator's click until the last byte,
// and until a new priority has an effect: a server and real agents in this process, with
// real sockets on loopback, each site at the rate of its cap.
//
//	go run ./e2e/bench/control [-sites 20] [-endpoints 10] [-wan 500kbit] [-rounds 12] [-dir DIR]
//
// What it counts are bytes of objects that agents read from the origin, and packets of
// content that they read from peers, at their sockets; the server's own account, which
// `sitecast pause` shows, stands beside that. The folder takes 20 MB for each endpoint.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/command"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// bound is what the project promises: from the click to the last byte, or to the first
// effect.
const bound = 2 * time.Second

const (
	// stopped is how long after a click bytes are looked for, and moving how long flows move
	// between two clicks.
	stopped = 3 * time.Second
	moving  = 4 * time.Second
)

func main() {
	var p plan
	rate := units.Rate(500_000)
	flag.IntVar(&p.sites, "sites", 20, "sites")
	flag.IntVar(&p.endpoints, "endpoints", 10, "endpoints of each site")
	flag.Func("wan", "what each site may take over the WAN (500kbit)", func(text string) error { return rate.UnmarshalText([]byte(text)) })
	flag.IntVar(&p.rounds, "rounds", 12, "clicks of each kind")
	flag.StringVar(&p.dir, "dir", "", "folder for everything (a new one in the system's)")
	flag.Parse()
	p.rate = rate
	command.Main("bench control", func(ctx context.Context) error { return measure(ctx, p) })
}

func measure(ctx context.Context, p plan) (err error) {
	dir, err := os.MkdirTemp(p.dir, "sitecast-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	begun := time.Now()
	s, err := build(ctx, dir, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Printf("%d agents at %d sites of %s move after %.0f s; %d processors\n", p.sites*p.endpoints, p.sites, p.rate, time.Since(begun).Seconds(), runtime.NumCPU())
	cases := []struct {
		name string
		run  func(context.Context, int) (result, error)
	}{
		{"pause everywhere", s.pauseEverywhere}, {"pause a site", s.pauseSite}, {"pause a content", s.pauseContent}, {"reprioritise", s.prioritise},
	}
	late := false
	for _, c := range cases {
		var all result
		for round := range p.rounds {
			if err := pause(ctx, moving); err != nil {
				return err
			}
			r, err := c.run(ctx, round)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			all.add(r)
		}
		fmt.Printf("%-17s %s\n", c.name, all)
		if len(all.seen) == 0 {
			return fmt.Errorf("%s: nothing moved anywhere, so it shows nothing", c.name)
		}
		late = late || quantile(all.seen, 0.99) > bound
	}
	if late {
		return fmt.Errorf("a p99 is beyond %v", bound)
	}
	return nil
}

// result is what clicks led to: at sockets (of each endpoint, or of each site), and by the
// server's account.
type result struct {
	what         string
	seen         []time.Duration
	told         []float64 // p99 of each click, in milliseconds
	pending, all int       // endpoints that had not confirmed after stopped, and all
	still        int       // where nothing had moved before the click, so that none of seen is of it
}

func (r *result) add(o result) {
	r.what = o.what
	r.seen, r.told = append(r.seen, o.seen...), append(r.told, o.told...)
	r.pending, r.all, r.still = r.pending+o.pending, r.all+o.all, r.still+o.still
}

func (r result) String() string {
	told := slices.Max(append([]float64{0}, r.told...))
	return fmt.Sprintf("%s p50 %3.0f, p99 %4.0f, max %4.0f ms (%d, and %d where nothing moved); the server says p99 %4.0f ms at most, %d of %d without word",
		r.what, ms(quantile(r.seen, 0.5)), ms(quantile(r.seen, 0.99)), ms(quantile(r.seen, 1)), len(r.seen), r.still, told, r.pending, r.all)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func quantile(times []time.Duration, share float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// account takes in what the server says of a rule.
func (r *result) account(e *api.Effect) {
	if e == nil {
		return
	}
	r.pending, r.all = r.pending+e.Pending, r.all+e.Endpoints
	for _, s := range []*api.Spread{e.LastByte, e.FirstEffect} {
		if s != nil {
			r.told = append(r.told, s.P99)
		}
	}
}

// click sets a rule, and returns what the server says of it a while later.
func (s *stage) click(ctx context.Context, rule api.NewRule) (at time.Time, e *api.Effect, err error) {
	at = time.Now()
	var change api.Change
	if err := s.call(ctx, "POST", "/rules", rule, &change); err != nil {
		return at, nil, err
	}
	if err := pause(ctx, stopped); err != nil {
		return at, nil, err
	}
	var rules []api.RuleView
	err = s.call(ctx, "GET", fmt.Sprintf("/rules?after=%d&limit=1", change.Generation-1), nil, &rules)
	if err == nil && len(rules) > 0 {
		e = rules[0].Effect
	}
	return at, e, err
}

// stops pauses what is selected and says for each of some endpoints when its last byte came.
func (s *stage) stops(ctx context.Context, which catalog.Selector, who []*endpoint, last func(*endpoint) time.Time) (r result, err error) {
	r.what = "last byte of an endpoint"
	rule := api.NewRule{Kind: catalog.RulePause, Site: which.Site, Content: which.Name}
	at, e, err := s.click(ctx, rule)
	if err != nil {
		return r, err
	}
	r.account(e)
	for _, ep := range who {
		after := last(ep).Sub(at)
		if after < -moving {
			r.still++
			continue
		}
		r.seen = append(r.seen, max(after, 0)) // 0: none came any more
	}
	return r, s.call(ctx, "POST", "/rules/resume", api.EndedRules{Site: which.Site, Content: which.Name}, nil)
}

func (s *stage) pauseEverywhere(ctx context.Context, _ int) (result, error) {
	return s.stops(ctx, catalog.Selector{}, s.all, (*endpoint).lastByte)
}

func (s *stage) pauseSite(ctx context.Context, round int) (result, error) {
	name := siteName(round % s.plan.sites)
	who := slices.DeleteFunc(slices.Clone(s.all), func(e *endpoint) bool { return e.site != name })
	return s.stops(ctx, catalog.Selector{Site: name}, who, (*endpoint).lastByte)
}

// pauseContent looks at the origin's bytes only: of packets between peers nobody but them
// knows which content they are of.
func (s *stage) pauseContent(ctx context.Context, round int) (result, error) {
	which := round % contents
	return s.stops(ctx, catalog.Selector{Name: contentName(which)}, s.all, func(e *endpoint) time.Time { return e.lastOf(which) })
}

// prioritise raises one content above another, and says for each site when the first bytes of
// it came from the origin: more than the floor of a lower class would have brought.
func (s *stage) prioritise(ctx context.Context, round int) (r result, err error) {
	r.what = "first effect at a site"
	up, down := round%contents, (round+1)%contents
	for which, p := range map[int]wire.Priority{up: wire.Low, down: wire.Normal} {
		if err := s.call(ctx, "POST", "/rules", api.NewRule{Kind: catalog.RulePriority, Content: contentName(which), Priority: p}, nil); err != nil {
			return r, err
		}
	}
	if err := pause(ctx, moving); err != nil {
		return r, err
	}
	s.mark(up)
	at, e, err := s.click(ctx, api.NewRule{Kind: catalog.RulePriority, Content: contentName(up), Priority: wire.High})
	if err != nil {
		return r, err
	}
	r.account(e)
	for i := range s.plan.sites {
		first := s.firstAt(siteName(i))
		if first.IsZero() {
			r.still++
			continue
		}
		r.seen = append(r.seen, first.Sub(at))
	}
	return r, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
