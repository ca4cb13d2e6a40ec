//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// lookStep is how often is looked at what came.
const lookStep = 100 * time.Millisecond

// sample is what was seen at one time.
type sample struct {
	at    time.Time
	bytes int64         // came so far
	cpu   time.Duration // both ends used so far
}

// figures are what was measured of one flow.
type figures struct {
	rate float64 // bytes per second
	cost float64 // of both ends, CPU seconds a byte
}

func (s sample) since(first sample) figures {
	bytes := float64(s.bytes - first.bytes)
	return figures{bytes / s.at.Sub(first.at).Seconds(), (s.cpu - first.cpu).Seconds() / bytes}
}

// until looks again and again until enough is seen.
func until(ctx context.Context, patience time.Duration, look func() (sample, error), enough func(sample) bool) (s sample, err error) {
	over := time.Now().Add(patience)
	for {
		if s, err = look(); err != nil || enough(s) {
			return s, err
		}
		if time.Now().After(over) {
			return s, fmt.Errorf("waited %v, %d bytes came", patience, s.bytes)
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-time.After(lookStep):
		}
	}
}

// spent adds up processor time.
func spent(ctx context.Context, of ...func(context.Context) (time.Duration, error)) (total time.Duration, err error) {
	for _, cpu := range of {
		used, err := cpu(ctx)
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// ownCPU is the time that this process had of all processors.
func ownCPU() (time.Duration, error) {
	var u unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

// median of what a row showed in all rounds.
func median(all []figures, of func(figures) float64) float64 {
	var values []float64
	for _, f := range all {
		values = append(values, of(f))
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

func rate(f figures) float64 { return f.rate }
func cost(f figures) float64 { return f.cost }

const head = `| from | to | MB/s | CPU ms/MB | x bare, of two Chromiums | x two tabs |
|---|---|--:|--:|--:|--:|
`

// show writes the table: medians, and each beside what two browsers do with each other,
// with a bare channel and as tabs.
func show(w io.Writer, rounds []map[string]figures) {
	of := func(name string) (all []figures) {
		for _, r := range rounds {
			if f, ok := r[name]; ok {
				all = append(all, f)
			}
		}
		return all
	}
	beside := func(all []figures, name string) string {
		base := of(name)
		if len(base) == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", median(all, rate)/median(base, rate))
	}
	fmt.Fprint(w, head)
	for _, row := range rows {
		if all := of(row.name); len(all) > 0 {
			fmt.Fprintf(w, "| %s | %s | %.1f | %.0f | %s | %s |\n", row.from, row.to, median(all, rate)/1e6, 1e9*median(all, cost), beside(all, rawTabs), beside(all, tabs))
		}
	}
}
