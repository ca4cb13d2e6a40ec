//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
)

// queue is what a router does with packets that must wait before the WAN.
type queue string

// Three tails that drop, in bandwidth-delay products, and two that manage. deep is
// of the reference alone.
const (
	halfBDP queue = "0.5bdp"
	oneBDP  queue = "1bdp"
	fourBDP queue = "4bdp"
	codel   queue = "codel"
	fair    queue = "fair"
	deep    queue = "100ms"
)

// cell is one kind of WAN and of foreground.
type cell struct {
	mbit       int64
	rtt        time.Duration // of an empty link
	queue      queue
	foreground string // its sender's congestion control
}

func (c cell) String() string {
	return fmt.Sprintf("%dmbit-%dms-%s-%s", c.mbit, c.rtt.Milliseconds(), c.queue, c.foreground)
}

func (c cell) rate() int64 { return c.mbit * 1_000_000 }

// packet is how long the link needs for one full frame.
func (c cell) packet() time.Duration {
	return time.Duration(fullFrame * 8 * int64(time.Second) / c.rate())
}

// fetchers is how many endpoints the site has beside the bystander. Two cores
// can't encrypt for six that take 100 Mbit/s.
func (c cell) endpoints() int {
	if c.mbit >= 100 {
		return 3
	}
	return 6
}

// cable is the link to each endpoint: never the narrowest of the way.
func (c cell) cable() netlab.Link {
	if c.mbit >= 100 {
		return netlab.Link{Rate: 1_000_000_000}
	}
	return netlab.Link{Rate: 100_000_000}
}

// link is one direction of the WAN.
func (c cell) link() netlab.Link {
	l := netlab.Link{Rate: c.rate(), Delay: c.rtt / 2}
	bdp := float64(netlab.Backlog(c.rate(), c.rtt))
	switch c.queue {
	case halfBDP:
		l.Queue = int(bdp / 2)
	case oneBDP:
		l.Queue = int(bdp)
	case fourBDP:
		l.Queue = int(4 * bdp)
	case deep:
		l.Queue = netlab.Backlog(c.rate(), 100*time.Millisecond)
	case codel:
		l.AQM = netlab.CoDel
		return l // with room for a second
	case fair:
		// Room enough for each conversation's own tail, on any way.
		l.AQM, l.Queue = netlab.FairQueue, max(int(4*bdp), netlab.Backlog(c.rate(), 100*time.Millisecond))
	}
	// A queue of less than two packets carries nothing.
	l.Queue = max(l.Queue, 2*fullFrame)
	return l
}

var (
	rates       = []int64{5, 20, 100}
	roundTrips  = []time.Duration{10 * time.Millisecond, 40 * time.Millisecond, 120 * time.Millisecond}
	queues      = []queue{halfBDP, oneBDP, fourBDP, codel, fair}
	foregrounds = []string{"cubic", "bbr"}
)

// reference is what is known of curl and uTP from elsewhere.
var reference = []cell{
	{20, 40 * time.Millisecond, deep, "cubic"},
	{20, 40 * time.Millisecond, deep, "bbr"},
}

// full is every cell there is.
func full() (all []cell) {
	for _, mbit := range rates {
		for _, rtt := range roundTrips {
			for _, q := range queues {
				for _, fg := range foregrounds {
					all = append(all, cell{mbit, rtt, q, fg})
				}
			}
		}
	}
	return all
}

// short is twelve of them. Every pair of a rate with a round trip, and of anything
// with a foreground, is among them. Five queues with three rates are fifteen pairs,
// and so many with three round trips: of each, twelve cells hold twelve.
var short = []cell{
	{5, 10 * time.Millisecond, halfBDP, "bbr"},
	{5, 40 * time.Millisecond, fair, "cubic"},
	{5, 120 * time.Millisecond, oneBDP, "bbr"},
	{5, 120 * time.Millisecond, fourBDP, "bbr"},
	{20, 10 * time.Millisecond, fair, "bbr"},
	{20, 40 * time.Millisecond, oneBDP, "cubic"},
	{20, 40 * time.Millisecond, codel, "bbr"},
	{20, 120 * time.Millisecond, halfBDP, "cubic"},
	{100, 10 * time.Millisecond, oneBDP, "cubic"},
	{100, 10 * time.Millisecond, fourBDP, "cubic"},
	{100, 40 * time.Millisecond, halfBDP, "bbr"},
	{100, 120 * time.Millisecond, codel, "cubic"},
}
