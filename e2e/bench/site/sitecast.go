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
// verified.
func sitecast(ctx context.Context, s *stage) (r result, err error) {
	in, err := rig.Start(ctx, s.lab, s.exe, s.dir, rig.Plain)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := errors.Join(in.Publish(ctx, s.file, "bench", "1"), in.StartAgents(ctx)); err != nil {
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
		err = errors.Join(err, s.check(filepath.Join(a.Placed("bench", "1"), filepath.Base(s.file))))
	}
	served, serr := in.Served(ctx)
	r.payload = served
	return r, errors.Join(err, serr)
}
