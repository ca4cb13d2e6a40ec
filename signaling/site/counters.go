package site

import (
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Counters count what all sites of a server did since its start. They never fall, and are
// read without asking a loop. Their zero value is ready for use by several goroutines.
type Counters struct {
	origin, peer, relay, reused, wan atomic.Int64
	granted, revoked                 atomic.Int64
	// Steps is how long loops took to take in what waited and to decide.
	Steps Histogram
}

// Received is what endpoints told that they received: content bytes by source, and what
// came from the origin as it crossed the WAN.
func (c *Counters) Received() (bytes wire.Sources, wan int64) {
	return wire.Sources{Origin: c.origin.Load(), Peer: c.peer.Load(), Relay: c.relay.Load(), Reused: c.reused.Load()}, c.wan.Load()
}

// Leases is how many leases were granted, and how many of them ended before they were
// fulfilled.
func (c *Counters) Leases() (granted, revoked int64) { return c.granted.Load(), c.revoked.Load() }

// Counters are those of all sites; nil where nobody sums up.
func (a *Accounts) Counters() *Counters {
	if a == nil {
		return nil
	}
	return &a.counters
}

// received counts what an endpoint told. What it had received when the server first heard
// of it was counted before a restart, or was not sent under this server's eyes.
func (a *Accounts) received(before, now counters, first bool) {
	if a == nil || first {
		return
	}
	c := &a.counters
	for _, grown := range [...]struct {
		by int64
		on *atomic.Int64
	}{{now.bytes.Origin - before.bytes.Origin, &c.origin}, {now.bytes.Peer - before.bytes.Peer, &c.peer}, {now.bytes.Relay - before.bytes.Relay, &c.relay},
		{now.bytes.Reused - before.bytes.Reused, &c.reused}, {now.wan - before.wan, &c.wan}} {
		if grown.by > 0 {
			grown.on.Add(grown.by)
		}
	}
}

func (a *Accounts) granted() {
	if a != nil {
		a.counters.granted.Add(1)
	}
}

func (a *Accounts) revoked() {
	if a != nil {
		a.counters.revoked.Add(1)
	}
}

// step notes how long a step of a loop took that began at some time.
func (a *Accounts) step(began time.Time) {
	if a != nil {
		a.counters.Steps.Observe(time.Since(began))
	}
}

// histogramBounds are the upper bounds of a [Histogram]'s buckets.
var histogramBounds = [...]time.Duration{50 * time.Microsecond, 200 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond,
	100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 10 * time.Second}

// Histogram counts durations. Its zero value is ready for use by several goroutines. What a
// loop measures goes into one of [Counters], where the server's metrics find it.
type Histogram struct {
	counts [len(histogramBounds) + 1]atomic.Uint64 // the last: beyond all bounds
	sum    atomic.Int64
}

// Observe counts a duration.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(histogramBounds) && d > histogramBounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// Read returns how many durations there were, their sum in seconds, and how many were no
// longer than each bound, in seconds.
func (h *Histogram) Read() (count uint64, sum float64, buckets map[float64]uint64) {
	buckets = make(map[float64]uint64, len(histogramBounds))
	for i, bound := range histogramBounds {
		count += h.counts[i].Load()
		buckets[bound.Seconds()] = count
	}
	return count + h.counts[len(histogramBounds)].Load(), time.Duration(h.sum.Load()).Seconds(), buckets
}
