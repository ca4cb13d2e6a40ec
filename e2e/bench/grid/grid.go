//go:build linux

// Package grid runs a benchmark over cells, each one kind of network. It chooses those
// that are asked for, measures of each what is not in the book yet and fits into the
// time, and shows all that is known: Sitecast's figures beside those of its rivals, and
// which bounds it misses. A run that is repeated goes on where the last one ended.
package grid

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// Cell is one kind of way between two hosts.
type Cell struct {
	Mbit int64
	RTT  time.Duration // of an empty link
	Loss float64       // in each direction, of each packet by itself
}

func (c Cell) String() string {
	return fmt.Sprintf("%dmbit-%dms-%.0f%%", c.Mbit, c.RTT.Milliseconds(), 100*c.Loss)
}

// Rate is in bits per second.
func (c Cell) Rate() int64 { return c.Mbit * 1_000_000 }

// Link is one direction of the way. Its queue holds a round trip's worth, and least
// where that is more.
func (c Cell) Link(least time.Duration) netlab.Link {
	return netlab.Link{Rate: c.Rate(), Delay: c.RTT / 2, Loss: c.Loss, Queue: netlab.Backlog(c.Rate(), max(c.RTT, least))}
}

// Grid has a cell for each combination of values, and a short set of them among which
// each value is.
type Grid struct {
	Mbit  []int64
	RTT   []time.Duration
	Loss  []float64
	Short []Cell
}

// Full is every cell there is, the worst last.
func (g Grid) Full() (all []Cell) {
	for _, loss := range g.Loss {
		for _, rtt := range g.RTT {
			for _, mbit := range g.Mbit {
				all = append(all, Cell{mbit, rtt, loss})
			}
		}
	}
	return all
}
