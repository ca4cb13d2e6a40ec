//go:build linux

package main

import (
	"time"

	kept "github.com/sitecast/sitecast/e2e/bench/book"
)

// Phases of a cell. What does not depend on the program that is measured is
// measured once and compared with every build of it.
const (
	phaseSolo     = "solo"
	phaseSitecast = kept.Sitecast
	phaseCurl     = "curl"
	phaseUTP      = "utp"
	phaseNobody   = "nobody"
)

// rivals are what runs in Sitecast's place.
var rivals = []string{phaseNobody, phaseCurl, phaseUTP}

// record is one phase of one cell, a line of the book.
type record struct {
	kept.Mark
	Sender string  `json:"sender,omitempty"` // congestion control of what the foreground ran beside
	Solo   *solo   `json:"solo,omitempty"`
	Beside *beside `json:"beside,omitempty"`
}

// book keeps what was measured, so that a run that ended early can be continued: of
// this build and sender, where a phase depends on them.
type book struct {
	*kept.Book[record]
	sender string
}

// openBook reads a book, or begins a new one and lays the old one aside.
func openBook(path, build, sender string, fresh bool) (*book, error) {
	if fresh {
		if err := kept.Aside(path); err != nil {
			return nil, err
		}
	}
	b, err := kept.Open(path, func(r record) string {
		if r.Sender != "" && r.Sender != sender {
			return ""
		}
		return r.Key(build)
	})
	return &book{b, sender}, err
}

// find returns what is known of a phase of a cell.
func (b *book) find(c cell, phase string) (record, bool) { return b.Find(kept.Key(c.String(), phase)) }

// note writes a record down.
func (b *book) note(r record) error {
	if r.Phase != phaseSolo {
		r.Sender = b.sender
	}
	return b.Note(r)
}

// alone is when the first and the last figures were measured that builds are
// compared with: they hold for the machine as it was then.
func (b *book) alone(units []unit) (first, last time.Time) {
	for _, u := range units {
		if r, ok := b.find(u.cell, phaseSolo); ok {
			if first.IsZero() || r.At.Before(first) {
				first = r.At
			}
			if r.At.After(last) {
				last = r.At
			}
		}
	}
	return first, last
}
