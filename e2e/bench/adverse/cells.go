//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	// terrible is the loss from which on only little content is asked for.
	terrible     = 0.30
	terribleSize = 512 * kib
	largest      = 8 * mib
	// lasting is how long the content would last at the full rate of the link.
	lasting = 20 * time.Second
)

// cell is one kind of WAN.
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

// size is how many bytes the content of a cell has.
func (c cell) size() int64 {
	if c.loss >= terrible {
		return terribleSize
	}
	return min(largest, int64(netlab.Backlog(c.rate(), lasting)))
}

// link is one direction of the WAN. Its queue holds a round trip's worth, and 100 ms
// where that is more: what a router in front of a slow line has.
func (c cell) link() netlab.Link {
	return netlab.Link{Rate: c.rate(), Delay: c.rtt / 2, Loss: c.loss, Queue: netlab.Backlog(c.rate(), max(c.rtt, 100*time.Millisecond))}
}

var (
	rates      = []int64{1, 20}
	roundTrips = []time.Duration{1 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond, 600 * time.Millisecond}
	losses     = []float64{0, 0.01, 0.05, 0.10, 0.30}
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

// short is ten of them, among which each value is.
var short = []cell{
	{20, 1 * time.Millisecond, 0},
	{1, 600 * time.Millisecond, 0},
	{20, 40 * time.Millisecond, 0.01},
	{20, 600 * time.Millisecond, 0.01},
	{1, 40 * time.Millisecond, 0.05},
	{20, 150 * time.Millisecond, 0.05},
	{1, 1 * time.Millisecond, 0.10},
	{1, 150 * time.Millisecond, 0.10},
	{20, 40 * time.Millisecond, 0.10},
	{20, 600 * time.Millisecond, 0.30},
}
