//go:build linux

package main

import (
	"fmt"

	"github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// Phases of a cell, beside that of a link of ours.
const (
	phaseCubic = "cubic"
	phaseBBR   = "bbr"
)

var phases = []string{phaseCubic, phaseBBR, book.Sitecast}

// record is one phase of one cell, a line of the book.
type record struct {
	book.Mark
	figures
}

// figures are what was measured of one flow.
type figures struct {
	Attempts   int     `json:"attempts,omitempty"`   // at the link
	UpSeconds  float64 `json:"up_seconds,omitempty"` // until it was there
	Goodput    float64 `json:"goodput"`              // bits of payload per second once settled
	Ramp       float64 `json:"ramp,omitempty"`       // round trips until enough of the link was used; 0 where never
	Standstill float64 `json:"standstill"`           // the longest time in which no byte came, in seconds
	CPU        float64 `json:"cpu"`                  // of both ends and the emulated way, in cores
}

// Missed names the bounds that a cell misses.
func (f figures) Missed(c grid.Cell) (names []string) {
	if c == bound && f.Goodput < enough*float64(c.Rate()) {
		names = append(names, "share")
	}
	if c == bound && (f.Ramp == 0 || f.Ramp > rampTrips) {
		names = append(names, "ramp")
	}
	return names
}

const head = `| way | link up s | share of the link | round trips to 85 % | standstill s | cores | CUBIC | to 85 % | BBR | to 85 % | ours / CUBIC | ours / BBR | missed |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|`

const legend = `
One flow from one host to another at a time, for 8 s after 15 round trips (a second at least): a link of ours, and one TCP connection of
the kernel's with each congestion control. Loss is of each packet in each direction; the queue holds a round trip's worth, and 40 ms at least.
Shares are payload by the rate of the link, headers included: at most 0.91 for a link of ours, 0.96 for TCP. Cores are what both ends and
the emulated way took of the machine. Bounds: without loss at 100 Mbit/s and 80 ms 0.85 of the link, within 15 round trips.
`

// Ours is what a row tells of a link of ours.
func (f figures) Ours(c grid.Cell) string {
	return fmt.Sprintf("%.1f | %.3f | %s | %.1f | %.2f", f.UpSeconds, f.share(c), trips(f.Ramp), f.Standstill, f.CPU)
}

// Rival is what it tells of TCP.
func (f figures) Rival(c grid.Cell) string {
	return fmt.Sprintf("%.3f | %s", f.share(c), trips(f.Ramp))
}

// Over is our goodput by TCP's.
func (f figures) Over(rival record) string { return fmt.Sprintf("%.2f", f.Goodput/rival.Goodput) }

// share is what part of the link the payload took.
func (f figures) share(c grid.Cell) float64 { return f.Goodput / float64(c.Rate()) }

// trips writes how many round trips something took.
func trips(n float64) string {
	if n == 0 {
		return "never"
	}
	return fmt.Sprintf("%.0f", n)
}
