//go:build linux

package main

import (
	"time"

	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// leastQueue is how long the queue of a short link is.
const leastQueue = 40 * time.Millisecond

// settling is how long a flow may take to find its rate, and steady for how long it is
// then measured.
func settling(c grid.Cell) time.Duration { return max(rampTrips*c.RTT, time.Second) }

const (
	rampTrips = 15
	steady    = 8 * time.Second
)

// bound is the cell that has one: without loss, and long.
var bound = grid.Cell{Mbit: 100, RTT: 80 * time.Millisecond}

// cells has a short set of a quarter of them.
var cells = grid.Grid{
	Mbit: []int64{20, 100},
	RTT:  []time.Duration{1 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond, 150 * time.Millisecond, 600 * time.Millisecond},
	Loss: []float64{0, 0.01, 0.05, 0.10},
	Short: []grid.Cell{
		{Mbit: 100, RTT: 1 * time.Millisecond},
		bound,
		{Mbit: 20, RTT: 600 * time.Millisecond},
		{Mbit: 20, RTT: 40 * time.Millisecond, Loss: 0.01},
		{Mbit: 100, RTT: 80 * time.Millisecond, Loss: 0.01},
		{Mbit: 100, RTT: 600 * time.Millisecond, Loss: 0.01},
		{Mbit: 100, RTT: 1 * time.Millisecond, Loss: 0.05},
		{Mbit: 20, RTT: 80 * time.Millisecond, Loss: 0.05},
		{Mbit: 20, RTT: 40 * time.Millisecond, Loss: 0.10},
		{Mbit: 20, RTT: 150 * time.Millisecond, Loss: 0.10},
	},
}
