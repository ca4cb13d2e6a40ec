package book

import (
	"fmt"
	"time"
)

// Sitecast names the phase that depends on the build that is measured. What rivals do
// is measured once, and compared with every build.
const Sitecast = "sitecast"

// Mark says what a record is of: one phase of one cell. A record embeds it.
type Mark struct {
	Cell  string    `json:"cell"`
	Phase string    `json:"phase"`
	Build string    `json:"build,omitempty"` // where the phase depends on it
	At    time.Time `json:"at"`              // when it began
}

// Begin marks what is measured from now on.
func Begin(cell fmt.Stringer, phase, build string) Mark {
	m := Mark{Cell: cell.String(), Phase: phase, At: time.Now().UTC()}
	if phase == Sitecast {
		m.Build = build
	}
	return m
}

// Key is what a phase of a cell is found by.
func Key(cell, phase string) string { return cell + " " + phase }

// Key is what the record is found by, for who measures a build; it is empty if the
// record is of another.
func (m Mark) Key(build string) string {
	if m.Build != "" && m.Build != build {
		return ""
	}
	return Key(m.Cell, m.Phase)
}
