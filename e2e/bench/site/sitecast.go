//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// sitecast has agents online with the content published, and measures from the
// order to the last endpoint at which the file is visible, which it is once
// verified. It is the first content that comes over this line.
func sitecast(ctx context.Context, s *stage) (result, error) {
	return s.sitecast(ctx, func(*rig.Rig) error { return nil })
}

// sitecastAgain measures the same where another content came before, so that the
// governor knows the line as it does at any site but on its first day.
func sitecastAgain(ctx context.Context, s *stage) (result, error) {
	return s.sitecast(ctx, func(in *rig.Rig) error {
		earlier := filepath.Join(s.dir, "earlier.bin")
		if _, err := rig.Random(earlier, s.size/2, [32]byte{2}); err != nil {
			return err
		}
		if err := in.Publish(ctx, earlier, "earlier", "1"); err != nil {
			return err
		}
		_, err := in.Sitecast(ctx, "distribute", "earlier@1", "--all", "--wait")
		return err
	})
}

func (s *stage) sitecast(ctx context.Context, before func(*rig.Rig) error) (r result, err error) {
	in, err := rig.Start(ctx, s.lab, s.exe, s.dir, rig.Plain)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := errors.Join(in.Publish(ctx, s.file, "bench", "1"), in.StartAgents(ctx)); err != nil {
		return result{}, err
	}
	if err := before(in); err != nil {
		return result{}, err
	}
	return s.deliver(ctx, in)
}

// deliver orders the content and waits for it.
func (s *stage) deliver(ctx context.Context, in *rig.Rig) (r result, err error) {
	servedBefore, err := in.Served(ctx)
	if err != nil {
		return result{}, err
	}
	before, err := s.received()
	if err != nil {
		return result{}, err
	}
	cpuBefore, err := in.CPU()
	if err != nil {
		return result{}, err
	}
	start := time.Now()
	if _, err := in.Sitecast(ctx, "distribute", "bench@1", "--all"); err != nil {
		return result{}, err
	}
	var last time.Time
	for _, a := range in.Agents[0] {
		path := filepath.Join(a.Placed("bench", "1"), filepath.Base(s.file))
		for {
			if _, err := os.Stat(path); err == nil {
				break
			}
			if time.Since(start) > 20*s.ideal()+time.Minute {
				return result{}, errors.New(a.Name + " did not get it\n" + a.Log())
			}
			time.Sleep(5 * time.Millisecond)
		}
		last = time.Now()
		if ctx.Err() != nil {
			return result{}, ctx.Err()
		}
	}
	r.took = last.Sub(start)
	after, err := s.received()
	if err != nil {
		return result{}, err
	}
	cpuAfter, err := in.CPU()
	if err != nil {
		return result{}, err
	}
	r.wan, r.cpu = after-before, cpuAfter-cpuBefore
	for _, a := range in.Agents[0] {
		err = errors.Join(err, rig.Check(filepath.Join(a.Placed("bench", "1"), filepath.Base(s.file)), s.sum))
	}
	served, serr := in.Served(ctx)
	r.payload = served - servedBefore
	return r, errors.Join(err, serr)
}
