//go:build linux

package main

import (
	"fmt"
	"io"
)

// missed names the bounds that a cell misses.
func missed(c cell, f figures) (names []string) {
	if c == bound && f.Goodput < enough*float64(c.rate()) {
		names = append(names, "share")
	}
	if c == bound && (f.Ramp == 0 || f.Ramp > rampTrips) {
		names = append(names, "ramp")
	}
	return names
}

// printTable writes Markdown, and returns how many cells are measured and how many of
// them meet all bounds.
func printTable(w io.Writer, b *book, cells []cell) (measured, met int) {
	fmt.Fprintln(w, "| way | link up s | share of the link | round trips to 85 % | standstill s | cores | CUBIC | to 85 % | BBR | to 85 % | ours / CUBIC | ours / BBR | missed |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, c := range cells {
		ours, known := b.find(c, phaseSitecast)
		if !known {
			fmt.Fprintf(w, "| %v | not measured yet |\n", c)
			continue
		}
		measured++
		wrong := missed(c, ours.figures)
		if len(wrong) == 0 {
			met, wrong = met+1, []string{"none"}
		}
		cubic, cubicRatio := rivalCells(b, c, phaseCubic, ours)
		bbr, bbrRatio := rivalCells(b, c, phaseBBR, ours)
		fmt.Fprintf(w, "| %v | %.1f | %.3f | %s | %.1f | %.2f | %s | %s | %s | %s | %v |\n", c, ours.UpSeconds, c.share(ours.figures),
			trips(ours.Ramp), ours.Standstill, ours.CPU, cubic, bbr, cubicRatio, bbrRatio, wrong)
	}
	fmt.Fprint(w, legend)
	return measured, met
}

// share is what part of the link the payload took.
func (c cell) share(f figures) float64 { return f.Goodput / float64(c.rate()) }

// trips writes how many round trips something took.
func trips(n float64) string {
	if n == 0 {
		return "never"
	}
	return fmt.Sprintf("%.0f", n)
}

const legend = `
One flow from one host to another at a time, for 8 s after 15 round trips (a second at least): a link of ours, and one TCP connection of
the kernel's with each congestion control. Loss is of each packet in each direction; the queue holds a round trip's worth, and 40 ms at least.
Shares are payload by the rate of the link, headers included: at most 0.91 for a link of ours, 0.96 for TCP. Cores are what both ends and
the emulated way took of the machine. Bounds: without loss at 100 Mbit/s and 80 ms 0.85 of the link, within 15 round trips.
`

// rivalCells is the part of a row that a rival has, and our goodput by its.
func rivalCells(b *book, c cell, phase string, ours record) (own, ratio string) {
	r, known := b.find(c, phase)
	if !known {
		return "- | -", "-"
	}
	return fmt.Sprintf("%.3f | %s", c.share(r.figures), trips(r.Ramp)), fmt.Sprintf("%.2f", ours.Goodput/r.Goodput)
}
