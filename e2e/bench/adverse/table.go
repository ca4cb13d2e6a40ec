//go:build linux

package main

import (
	"fmt"
	"io"
	"strings"
)

// Bounds. Completion is one always.
const (
	standstillBound = 120.0   // seconds, in cells of terrible loss
	secondsBound    = 20 * 60 // in the same
)

// missed names the bounds that a cell misses.
func missed(c cell, f figures) (names []string) {
	if !f.Complete {
		names = append(names, "complete")
	}
	if c.loss >= terrible && f.Seconds > secondsBound {
		names = append(names, "seconds")
	}
	if c.loss >= terrible && f.Standstill > standstillBound {
		names = append(names, "standstill")
	}
	return names
}

// printTable writes Markdown, and returns how many cells are measured and how many
// of them meet all bounds.
func printTable(w io.Writer, b *book, cells []cell) (measured, met int) {
	fmt.Fprintln(w, "| cell | kB | online s | s | kbit/s | standstill s | WAN x | curl CUBIC kbit/s | standstill s | curl BBR kbit/s | standstill s | ours / CUBIC | ours / BBR | missed |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
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
		fmt.Fprintf(w, "| %v | %d | %.1f | %.1f | %.0f | %.1f | %.2f | %s | %s | %s | %s | %s |\n", c, c.size()/1000, ours.Online,
			ours.Seconds, ours.goodput()/1e3, ours.Standstill, float64(ours.WAN)/float64(c.size()), cubic, bbr, cubicRatio, bbrRatio,
			strings.Join(wrong, ", "))
	}
	fmt.Fprint(w, legend)
	return measured, met
}

const legend = `
Two endpoints, one copy over the WAN; loss is of each packet in each direction. Seconds are from the order until both have it, verified;
curl is one download of the same bytes by plain HTTP, watched for 2 minutes (+: it was not done by then). Standstill is the longest time
in which no byte came. WAN is bytes of frames toward the site by the content's. Bounds: complete always; at 30 % loss within 20 minutes,
no standstill over 120 s.
`

// rivalCells is the part of a row that a rival has, and our goodput by its.
func rivalCells(b *book, c cell, phase string, ours record) (own, ratio string) {
	r, known := b.find(c, phase)
	if !known {
		return "- | -", "-"
	}
	late := ""
	if !r.Complete {
		late = "+"
	}
	ratio = "-"
	if r.Bytes > 0 {
		ratio = fmt.Sprintf("%.2f", ours.goodput()/r.goodput())
	}
	return fmt.Sprintf("%.0f%s | %.1f", r.goodput()/1e3, late, r.Standstill), ratio
}
