//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/sitecast/sitecast/e2e/bench/grid"
)

// outcome is all that is known of a cell.
type outcome struct {
	Cell    string             `json:"cell"`
	Build   string             `json:"build"`
	Solo    *solo              `json:"solo,omitempty"`
	Beside  *beside            `json:"beside,omitempty"`
	Bounds  []bound            `json:"bounds,omitempty"`
	Missed  []string           `json:"missed"`
	Rivals  map[string]*beside `json:"rivals,omitempty"`
	Failure string             `json:"failure,omitempty"`

	cell cell
}

// report prints every cell, good or bad, and fails unless all are good.
func (b *bench) report(units []unit, failed map[cell]error) error {
	var all []outcome
	for _, u := range units {
		all = append(all, b.outcome(u.cell, failed[u.cell]))
	}
	if b.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(all); err != nil {
			return err
		}
	} else {
		fmt.Printf("Sitecast %s, %d cores, %s; senders other than the foreground use %s\n", b.build, runtime.NumCPU(), runtime.Version(), b.sender)
		first, last := b.book.alone(units)
		fmt.Printf("what others have alone was measured from %s to %s\n\n", first.Format(time.DateTime), last.Format(time.DateTime))
		printTable(os.Stdout, all)
	}
	return verdict(all)
}

func (b *bench) outcome(c cell, err error) outcome {
	o := outcome{Cell: c.String(), Build: b.build, Missed: []string{}, Rivals: map[string]*beside{}, cell: c}
	if r, ok := b.book.find(c, phaseSolo); ok {
		o.Solo = r.Solo
	}
	if r, ok := b.book.find(c, phaseSitecast); ok {
		o.Beside = r.Beside
	}
	for _, phase := range rivals {
		if r, ok := b.book.find(c, phase); ok {
			o.Rivals[phase] = r.Beside
		}
	}
	if o.Solo != nil && o.Beside != nil {
		o.Bounds = judge(c, *o.Solo, *o.Beside)
		o.Missed = append(o.Missed, missed(o.Bounds)...)
	}
	if err != nil {
		o.Failure = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return o
}

// verdict fails unless every cell was measured and met its bounds.
func verdict(all []outcome) error {
	var met, measured int
	for _, o := range all {
		if o.Bounds != nil {
			measured++
			if len(o.Missed) == 0 {
				met++
			}
		}
	}
	return grid.Verdict(len(all), measured, met)
}

// columns of the table that have a bound.
var columns = []string{"kept", "share", "yield", "back", "p95", "idle p95", "web", "idle use"}

// printTable writes Markdown.
func printTable(w io.Writer, all []outcome) {
	fmt.Fprintln(w, "| cell | solo Mbit/s | kept % | our share % | yield ms | back s | p95 +ms | idle p95 +ms | web p95 x | idle use % | CPU % | all met |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	met, measured := 0, 0
	for _, o := range all {
		switch {
		case o.Bounds != nil:
			measured++
			word := "**NO**"
			if len(o.Missed) == 0 {
				met, word = met+1, "yes"
			}
			fmt.Fprintf(w, "| %s | %.2f | %s | %.0f | %s |\n", o.Cell, o.Solo.BPS/1e6, cellsOf(*o.Solo, *o.Beside, o.Bounds, nil),
				100*o.Beside.CPU, word)
		case o.Failure != "":
			fmt.Fprintf(w, "| %s | failed: %s |\n", o.Cell, o.Failure)
		default:
			fmt.Fprintf(w, "| %s | not measured yet |\n", o.Cell)
		}
		for _, name := range rivals {
			if r := o.Rivals[name]; r != nil && o.Solo != nil {
				fmt.Fprintf(w, "| - beside %s | | %s | %.0f | |\n", called[name],
					cellsOf(*o.Solo, *r, judge(o.cell, *o.Solo, *r), blank[name]), 100*r.CPU)
			}
		}
	}
	fmt.Fprint(w, legend)
	fmt.Fprintf(w, "\n%d of %d measured cells met all bounds; %d are not measured.\n", met, measured, len(all)-measured)
}

const legend = `
! marks a missed bound. Bounds: kept >= 98 % of solo (95 % at half a BDP; behind a fair queue, our share <= 25 % of the bytes
instead); yield to a tenth of the link within max(4 RTT, 600 ms); 90 % back within 5 s (not at half a BDP); p95 of a 50 packets/s
call, beside a foreground and without, at most max(5 ms, 4 packets) longer than without us; p95 of 100 kB web requests at most
1.10 x solo; idle use >= 93 % of what others leave. All over 20 s from the start of the foreground. CPU is of the whole machine:
near 100 % a cell measures the machine.
`

// called is a rival's name in the table, and blank its columns that say nothing.
var (
	called = map[string]string{phaseNobody: "nobody", phaseCurl: "one curl", phaseUTP: "one uTP download"}
	blank  = map[string][]string{phaseNobody: {"share", "yield", "back", "idle use"}, phaseCurl: {"web"}, phaseUTP: {"web"}}
)

// cellsOf is the part of a row that has bounds.
func cellsOf(s solo, b beside, bounds []bound, blank []string) string {
	marks := map[string]string{}
	for _, x := range bounds {
		if !x.met() {
			marks[x.Name] = " !"
		}
	}
	values := map[string]string{
		"kept":     fmt.Sprintf("%.1f", 100*b.BPS/s.BPS),
		"share":    fmt.Sprintf("%.1f", 100*b.Share),
		"yield":    moment(1000*b.Yield, b.Yield, "%.0f"),
		"back":     moment(b.Back, b.Back, "%.1f"),
		"p95":      fmt.Sprintf("%.1f", 1000*(b.BesideP95-s.BesideP95)),
		"idle p95": fmt.Sprintf("%.1f", 1000*(b.IdleP95-s.ProbeP95)),
		"web":      fmt.Sprintf("%.2f", b.WebP95/s.WebP95),
		"idle use": fmt.Sprintf("%.1f", 100*b.IdleUse),
	}
	for _, name := range blank {
		values[name], marks[name] = "", ""
	}
	var texts []string
	for _, name := range columns {
		texts = append(texts, values[name]+marks[name])
	}
	return strings.Join(texts, " | ")
}

func moment(shown, seconds float64, format string) string {
	if seconds == never || math.IsNaN(seconds) {
		return "never"
	}
	return fmt.Sprintf(format, shown)
}

// tell prints a record for whoever watches.
func (b *bench) tell(r record) {
	text, err := json.Marshal(r)
	if err == nil {
		b.Progress("%s", text)
	}
}
