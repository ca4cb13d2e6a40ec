//go:build linux

package main

import (
	"fmt"

	"github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// Phases of a cell, beside Sitecast's.
const (
	phaseCubic = "curl-cubic"
	phaseBBR   = "curl-bbr"
)

// record is one phase of one cell, a line of the book.
type record struct {
	book.Mark
	figures
}

// figures are what was measured.
type figures struct {
	Online     float64 `json:"online_seconds,omitempty"` // until both agents were, with nothing to do yet
	Complete   bool    `json:"complete"`
	Seconds    float64 `json:"seconds"`    // until the last byte was there, or it was given up
	Bytes      int64   `json:"bytes"`      // of content that came
	Standstill float64 `json:"standstill"` // the longest time in which no byte came, in seconds
	WAN        int64   `json:"wan"`        // bytes of frames that came toward the site
}

// goodput is in bits per second.
func (f figures) goodput() float64 { return 8 * float64(f.Bytes) / f.Seconds }

// Bounds. Completion is one always.
const (
	standstillBound = 120.0   // seconds, in cells of terrible loss
	secondsBound    = 20 * 60 // in the same
)

// Missed names the bounds that a cell misses.
func (f figures) Missed(c grid.Cell) (names []string) {
	if !f.Complete {
		names = append(names, "complete")
	}
	if c.Loss >= terrible && f.Seconds > secondsBound {
		names = append(names, "seconds")
	}
	if c.Loss >= terrible && f.Standstill > standstillBound {
		names = append(names, "standstill")
	}
	return names
}

const head = `| cell | kB | online s | s | kbit/s | standstill s | WAN x | curl CUBIC kbit/s | standstill s | curl BBR kbit/s | standstill s | ours / CUBIC | ours / BBR | missed |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|`

const legend = `
Two endpoints, one copy over the WAN; loss is of each packet in each direction. Seconds are from the order until both have it, verified;
curl is one download of the same bytes by plain HTTP, watched for 2 minutes (+: it was not done by then). Standstill is the longest time
in which no byte came. WAN is bytes of frames toward the site by the content's. Bounds: complete always; at 30 % loss within 20 minutes,
no standstill over 120 s.
`

// Ours is what a row tells of Sitecast.
func (f figures) Ours(c grid.Cell) string {
	return fmt.Sprintf("%d | %.1f | %.1f | %.0f | %.1f | %.2f", size(c)/1000, f.Online, f.Seconds, f.goodput()/1e3, f.Standstill,
		float64(f.WAN)/float64(size(c)))
}

// Rival is what it tells of curl.
func (f figures) Rival(grid.Cell) string {
	late := ""
	if !f.Complete {
		late = "+"
	}
	return fmt.Sprintf("%.0f%s | %.1f", f.goodput()/1e3, late, f.Standstill)
}

// Over is our goodput by curl's.
func (f figures) Over(rival record) string {
	if rival.Bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", f.goodput()/rival.goodput())
}
