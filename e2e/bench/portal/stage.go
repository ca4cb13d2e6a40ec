//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/fleet"
	"github.com/sitecast/sitecast/e2e/portal"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
)

// The real site: two agents, which a version takes as long as the bench.
const (
	realSite    = "shop-12"
	realContent = "till-app"
	realBytes   = 64 << 20
)

const (
	// patience is how long the fleet may take to join and to hear of an order.
	patience = 5 * time.Minute
	lookAt   = 500 * time.Millisecond
)

// stage is the server with all its sites.
type stage struct {
	stand *portal.Stand
	fleet *fleet.Fleet
	plan  fleet.Plan
	stop  context.CancelFunc
	ended chan error
}

// newStage starts all, and returns when every flow was ordered and heard of. What it
// returns is to be ended also if there is an error.
func newStage(ctx context.Context, o options, dir string) (*stage, error) {
	stand, err := portal.NewStand(o.exe, dir)
	if err != nil {
		return nil, err
	}
	s := &stage{stand: stand, stop: func() {}, plan: fleet.Plan{Seed: 1, Prefix: "fleet", Places: o.sites, Endpoints: o.sites, LAN: 50e6,
		WAN: max(int64(float64(o.flows)*float64(o.size)/(3*o.length.Seconds()+600)), 1)}}
	begun := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1f s  %s\n", time.Since(begun).Seconds(), fmt.Sprintf(format, args...))
	}
	if err := s.seed(ctx); err != nil {
		return s, fmt.Errorf("enrol the fleet: %w", err)
	}
	if err := s.stand.Start(ctx); err != nil {
		return s, err
	}
	say("a server knows %d sites, lines carry %.0f kB/s", o.sites, float64(s.plan.WAN)/1e3)
	if err := s.real(ctx); err != nil {
		return s, fmt.Errorf("start the real site: %w", err)
	}
	if err := s.join(ctx, o); err != nil {
		return s, err
	}
	say("all have joined")
	for i := range o.flows {
		if err := s.order(ctx, o, i); err != nil {
			return s, err
		}
		say("%s was ordered to all sites", contentName(i))
	}
	return s, nil
}

// contentName is what the fleet gets.
func contentName(i int) string { return fmt.Sprintf("content-%d", i+1) }

// seed enrols the fleet before the server is started.
func (s *stage) seed(ctx context.Context) (err error) {
	if err := os.MkdirAll(s.stand.Data(), 0o700); err != nil {
		return err
	}
	file := filepath.Join(s.stand.Data(), "sitecast.db")
	c, err := sqlite.Open(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fleet.Seed(ctx, db, s.plan); err != nil {
		return err
	}
	_, err = c.ChangeNetworks(ctx, "bench portal", nil, s.plan.Networks())
	return err
}

// real starts the site that is none of the fleet's.
func (s *stage) real(ctx context.Context) error {
	for _, command := range [][]string{{"site", "create", realSite}, {"cap", "--site", realSite, "--wan", "500kbit"}} {
		if _, err := s.stand.Run(ctx, command...); err != nil {
			return err
		}
	}
	if err := s.stand.Publish(ctx, realContent, "1", realBytes); err != nil {
		return err
	}
	for _, name := range []string{"till-3", "till-4"} {
		if err := s.stand.Agent(ctx, realSite, name); err != nil {
			return err
		}
	}
	_, err := s.stand.Run(ctx, "distribute", realContent+"@1", "--site", realSite)
	return err
}

// join switches the fleet on.
func (s *stage) join(ctx context.Context, o options) error {
	f, err := fleet.New(fleet.Config{Plan: s.plan, Server: &url.URL{Scheme: "http", Host: s.stand.Addr}, Report: o.report})
	if err != nil {
		return err
	}
	s.fleet, s.ended = f, make(chan error, 1)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() { s.ended <- f.Run(running) }()
	begun := time.Now()
	for k := range f.Size() {
		if wait := time.Until(begun.Add(o.within * time.Duration(k) / time.Duration(f.Size()))); wait > 10*time.Millisecond {
			if err := rig.Pause(ctx, wait); err != nil {
				return err
			}
		}
		f.Join(k)
	}
	return s.await(ctx, "to join", func(e fleet.State) bool { return e.Open && e.Joining > 0 })
}

// order publishes a version and orders it to all sites.
func (s *stage) order(ctx context.Context, o options, i int) error {
	if err := s.stand.Publish(ctx, contentName(i), "1", o.size); err != nil {
		return err
	}
	if _, err := s.stand.Run(ctx, "distribute", contentName(i)+"@1", "--all"); err != nil {
		return err
	}
	return s.await(ctx, "to hear of "+contentName(i), func(e fleet.State) bool { return len(e.Flows) > i })
}

// await waits until all endpoints are as is said.
func (s *stage) await(ctx context.Context, what string, is func(fleet.State) bool) error {
	for begun := time.Now(); ; {
		all, err := s.fleet.States(ctx)
		if err != nil {
			return err
		}
		yes := 0
		for _, e := range all {
			if is(e) {
				yes++
			}
		}
		if yes == s.fleet.Size() {
			return nil
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("wait for all endpoints %s: %d of %d after %v, %+v", what, yes, s.fleet.Size(), patience, s.fleet.Tally())
		}
		if err := rig.Pause(ctx, lookAt); err != nil {
			return err
		}
	}
}

// active counts the flows that have something to get.
func (s *stage) active(ctx context.Context) (n int, err error) {
	all, err := s.fleet.States(ctx)
	for _, e := range all {
		for _, f := range e.Flows {
			if !f.Complete {
				n++
			}
		}
	}
	return n, err
}

func (s *stage) end() error {
	s.stop()
	var err error
	if s.ended != nil {
		err = <-s.ended
	}
	return errors.Join(err, s.stand.End())
}
