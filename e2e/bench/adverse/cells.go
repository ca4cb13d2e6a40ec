//go:build linux

package main

import (
	"time"

	"github.com/sitecast/sitecast/e2e/bench/grid"
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
	// leastQueue is what a router in front of a slow line has.
	leastQueue = 100 * time.Millisecond
)

// size is how many bytes the content of a cell has.
func size(c grid.Cell) int64 {
	if c.Loss >= terrible {
		return terribleSize
	}
	return min(largest, int64(netlab.Backlog(c.Rate(), lasting)))
}

// cells has a short set of ten.
var cells = grid.Grid{
	Mbit: []int64{1, 20},
	RTT:  []time.Duration{1 * time.Millisecond, 40 * time.Millisecond, 150 * time.Millisecond, 600 * time.Millisecond},
	Loss: []float64{0, 0.01, 0.05, 0.10, 0.30},
	Short: []grid.Cell{
		{Mbit: 20, RTT: 1 * time.Millisecond},
		{Mbit: 1, RTT: 600 * time.Millisecond},
		{Mbit: 20, RTT: 40 * time.Millisecond, Loss: 0.01},
		{Mbit: 20, RTT: 600 * time.Millisecond, Loss: 0.01},
		{Mbit: 1, RTT: 40 * time.Millisecond, Loss: 0.05},
		{Mbit: 20, RTT: 150 * time.Millisecond, Loss: 0.05},
		{Mbit: 1, RTT: 1 * time.Millisecond, Loss: 0.10},
		{Mbit: 1, RTT: 150 * time.Millisecond, Loss: 0.10},
		{Mbit: 20, RTT: 40 * time.Millisecond, Loss: 0.10},
		{Mbit: 20, RTT: 600 * time.Millisecond, Loss: 0.30},
	},
}
