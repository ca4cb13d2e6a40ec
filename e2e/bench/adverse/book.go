//go:build linux

package main

import (
	"time"

	kept "github.com/sitecast/sitecast/e2e/bench/book"
)

// Phases of a cell.
const (
	phaseCubic    = "curl-cubic"
	phaseBBR      = "curl-bbr"
	phaseSitecast = "sitecast"
)

var phases = []string{phaseCubic, phaseBBR, phaseSitecast}

// record is one phase of one cell, a line of the book.
type record struct {
	Cell  string    `json:"cell"`
	Phase string    `json:"phase"`
	Build string    `json:"build,omitempty"` // of Sitecast, where it took part
	At    time.Time `json:"at"`
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

// book keeps what was measured, so that a run that ended early can be continued: of
// this build, where Sitecast took part.
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
