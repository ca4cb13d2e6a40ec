//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
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

// book keeps what was measured, so that a run that ended early can be continued.
type book struct {
	path, build string
	known       map[string]record // by cell and phase, of this build
}

// openBook reads a book; one that is not there is empty.
func openBook(path, build string) (*book, error) {
	b := &book{path: path, build: build, known: map[string]record{}}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w (remove the line, or name another file with -out)", path, n, err)
		}
		if r.Build == "" || r.Build == build {
			b.known[r.Cell+" "+r.Phase] = r
		}
	}
	return b, lines.Err()
}

// find returns what is known of a phase of a cell.
func (b *book) find(c cell, phase string) (record, bool) {
	r, ok := b.known[c.String()+" "+phase]
	return r, ok
}

// note writes a phase of a cell down.
func (b *book) note(c cell, phase string, f figures) error {
	r := record{Cell: c.String(), Phase: phase, At: time.Now().UTC(), figures: f}
	if phase == phaseSitecast {
		r.Build = b.build
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	b.known[r.Cell+" "+r.Phase] = r
	return nil
}
