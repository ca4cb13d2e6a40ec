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
	phaseNobody   = "nobody"
)

// rivals are what runs in Sitecast's place.
var rivals = []string{phaseNobody, phaseCurl, phaseUTP}

// record is one phase of one cell, a line of the book.
type record struct {
	Cell   string    `json:"cell"`
	Phase  string    `json:"phase"`
	Build  string    `json:"build,omitempty"`  // of Sitecast, where it took part
	Sender string    `json:"sender,omitempty"` // congestion control of what the foreground ran beside
	At     time.Time `json:"at"`
	Solo   *solo     `json:"solo,omitempty"`
	Beside *beside   `json:"beside,omitempty"`
}

// book keeps what was measured, so that a run that ended early can be continued.
type book struct {
	path          string
	build, sender string
	known         map[string]record // by cell and phase, of this build and sender
}

// openBook reads a book, or begins a new one and lays the old one aside.
func openBook(path, build, sender string, fresh bool) (*book, error) {
	b := &book{path: path, build: build, sender: sender, known: map[string]record{}}
	if fresh {
		if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
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
		if (r.Build == "" || r.Build == build) && (r.Sender == "" || r.Sender == sender) {
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
	if r.Phase != phaseSolo {
		r.Sender = b.sender
	}
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
