//go:build linux

package main

import (
	"time"

	kept "github.com/sitecast/sitecast/e2e/bench/book"
)

// Phases of a cell.
const (
	phaseCubic    = "cubic"
	phaseBBR      = "bbr"
	phaseSitecast = "sitecast"
)

var phases = []string{phaseCubic, phaseBBR, phaseSitecast}

// record is one phase of one cell, a line of the book.
type record struct {
	Cell  string    `json:"cell"`
	Phase string    `json:"phase"`
	Build string    `json:"build,omitempty"` // of this program, where a link of ours was measured
	At    time.Time `json:"at"`
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

// book keeps what was measured, so that a run that ended early can be continued: of
// this build, where a link of ours was measured.
type book struct {
	*kept.Book[record]
	build string
}

// openBook reads a book; one that is not there is empty.
func openBook(path, build string) (*book, error) {
	b, err := kept.Open(path, func(r record) string {
		if r.Build != "" && r.Build != build {
			return ""
		}
		return key(r.Cell, r.Phase)
	})
	return &book{b, build}, err
}

func key(cell, phase string) string { return cell + " " + phase }

// find returns what is known of a phase of a cell.
func (b *book) find(c cell, phase string) (record, bool) { return b.Find(key(c.String(), phase)) }

// note writes a phase of a cell down.
func (b *book) note(c cell, phase string, f figures) error {
	r := record{Cell: c.String(), Phase: phase, At: time.Now().UTC(), figures: f}
	if phase == phaseSitecast {
		r.Build = b.build
	}
	return b.Note(r)
}
