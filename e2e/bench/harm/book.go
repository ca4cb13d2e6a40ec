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

// Phases of a cell. What does not depend on the program that is measured is
// measured once and compared with every build of it.
const (
	phaseSolo     = "solo"
	phaseSitecast = "sitecast"
	phaseCurl     = "curl"
	phaseUTP      = "utp"
)

// record is one phase of one cell, a line of the book.
type record struct {
	Cell   string    `json:"cell"`
	Phase  string    `json:"phase"`
	Build  string    `json:"build,omitempty"` // of Sitecast, where it took part
	At     time.Time `json:"at"`
	Solo   *solo     `json:"solo,omitempty"`
	Beside *beside   `json:"beside,omitempty"`
}

// book keeps what was measured, so that a run that ended early can be continued.
type book struct {
	path  string
	build string
	known map[string]record // by cell and phase, of this build
}

func openBook(path, build string, fresh bool) (*book, error) {
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
		if !fresh && (r.Build == "" || r.Build == build) {
			b.known[key(r.Cell, r.Phase)] = r
		}
	}
	return b, lines.Err()
}

func key(cell, phase string) string { return cell + " " + phase }

// find returns what is known of a phase of a cell.
func (b *book) find(c cell, phase string) (record, bool) {
	r, ok := b.known[key(c.String(), phase)]
	return r, ok
}

// note writes a record down.
func (b *book) note(r record) error {
	if r.Phase == phaseSitecast {
		r.Build = b.build
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	b.known[key(r.Cell, r.Phase)] = r
	return nil
}
