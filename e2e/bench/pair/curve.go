//go:build linux

package main

import "time"

// enough is the share of the link, headers and all, that a flow shall use.
const enough = 0.85

// point says how many bytes had come by when.
type point struct {
	at    time.Duration // since the flow began
	bytes int64
}

// curve is how the bytes of a flow came, in order.
type curve []point

// by is how many bytes had come by a time.
func (c curve) by(at time.Duration) (bytes int64) {
	for _, p := range c {
		if p.at > at {
			break
		}
		bytes = p.bytes
	}
	return bytes
}

// goodput is the rate from a time on, in bits per second.
func (c curve) goodput(from time.Duration) float64 {
	if len(c) == 0 {
		return 0
	}
	last := c[len(c)-1]
	return 8 * float64(last.bytes-c.by(from)) / (last.at - from).Seconds()
}

// ramp is after how many round trips the flow had, over the last two of them (and no
// less than leastSpan), enough of a link; 0 means never.
func (c curve) ramp(trip time.Duration, rate int64) float64 {
	const leastSpan = 100 * time.Millisecond
	span := max(2*trip, leastSpan)
	for _, p := range c {
		if p.at >= span && 8*float64(p.bytes-c.by(p.at-span)) >= enough*float64(rate)*span.Seconds() {
			return p.at.Seconds() / trip.Seconds()
		}
	}
	return 0
}

// standstill is the longest time in which no byte came.
func (c curve) standstill() (longest time.Duration) {
	grew, bytes := time.Duration(0), int64(0)
	for _, p := range c {
		longest = max(longest, p.at-grew)
		if p.bytes > bytes {
			grew, bytes = p.at, p.bytes
		}
	}
	return longest
}
