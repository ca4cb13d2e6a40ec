//go:build linux

package main

import (
	"context"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

// watchEvery is how often is looked how much came: standstills are as exact.
const watchEvery = 200 * time.Millisecond

// watch finds the longest time in which nothing came.
type watch struct {
	begun, grew time.Time
	bytes       int64
	longest     time.Duration
}

func newWatch(now time.Time) *watch { return &watch{begun: now, grew: now} }

// saw takes in how many bytes had come by now.
func (w *watch) saw(now time.Time, bytes int64) {
	w.longest = max(w.longest, now.Sub(w.grew))
	if bytes > w.bytes {
		w.grew, w.bytes = now, bytes
	}
}

// until looks at what came until done says that all is there, or patience ends.
func (w *watch) until(ctx context.Context, patience time.Duration, look func() (bytes int64, done bool, err error)) (f figures, err error) {
	for {
		bytes, done, err := look()
		if err != nil {
			return f, err
		}
		now := time.Now()
		w.saw(now, bytes)
		took := now.Sub(w.begun)
		if done || took > patience {
			return figures{Complete: done, Seconds: took.Seconds(), Bytes: bytes, Standstill: w.longest.Seconds()}, nil
		}
		if err := rig.Pause(ctx, watchEvery); err != nil {
			return f, err
		}
	}
}
