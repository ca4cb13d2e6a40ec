//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// cell is one kind of way between two peers.
type cell struct {
	mbit int64
	rtt  time.Duration // of an empty link
	loss float64       // in each direction, of each packet by itself
}

func (c cell) String() string {
	return fmt.Sprintf("%dmbit-%dms-%.0f%%", c.mbit, c.rtt.Milliseconds(), 100*c.loss)
}

// rate is in bits per second.
func (c cell) rate() int64 { return c.mbit * 1_000_000 }

// leastQueue is how long the queue of a short link is.
const leastQueue = 40 * time.Millisecond

// link is one direction of the way. Its queue holds a round trip's worth, and
// leastQueue where that is more.
func (c cell) link() netlab.Link {
	return netlab.Link{Rate: c.rate(), Delay: c.rtt / 2, Loss: c.loss, Queue: netlab.Backlog(c.rate(), max(c.rtt, leastQueue))}
}

// settling is how long a flow may take to find its rate, and steady for how long it is
// then measured.
func (c cell) settling() time.Duration { return max(rampTrips*c.rtt, time.Second) }

const (
	rampTrips = 15
	steady    = 8 * time.Second
)

var (
	rates      = []int64{20, 100}
	roundTrips = []time.Duration{1 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, 150 * time.Millisecond, 600 * time.Millisecond}
	losses     = []float64{0, 0.01, 0.05, 0.10}
)

// full is every cell there is, the worst last.
func full() (all []cell) {
	for _, loss := range losses {
		for _, rtt := range roundTrips {
			for _, mbit := range rates {
				all = append(all, cell{mbit, rtt, loss})
			}
		}
	}
	return all
}

// bound is the cell that has one: without loss, and long.
var bound = cell{100, 80 * time.Millisecond, 0}

// short is a quarter of them, among which each value is.
var short = []cell{
	{100, 1 * time.Millisecond, 0},
	bound,
	{20, 600 * time.Millisecond, 0},
	{20, 40 * time.Millisecond, 0.01},
	{100, 80 * time.Millisecond, 0.01},
	{100, 600 * time.Millisecond, 0.01},
	{100, 1 * time.Millisecond, 0.05},
	{20, 80 * time.Millisecond, 0.05},
	{20, 40 * time.Millisecond, 0.10},
	{20, 150 * time.Millisecond, 0.10},
}
