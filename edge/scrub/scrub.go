// Package scrub decides which stored version is read through next. Disks forget: what
// nobody reads for months may have decayed meanwhile, and is then missing when a peer,
// the next version or the user needs it. So each complete version is hashed every few
// days, while nothing else goes on; what is damaged becomes missing, and is fetched
// again as all that is missing is.
//
// The package is pure: it is told what the store holds and what it remembers.
package scrub

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Policy is the settings. The zero value never scrubs.
type Policy struct {
	Every time.Duration // a version is checked again after so long; 0: never
	Rate  int64         // bytes a second that are read at most; 0: no bound
}

// DefaultPolicy checks each version once a week, at a rate that a spinning disk spares.
func DefaultPolicy() Policy { return Policy{Every: 7 * 24 * time.Hour, Rate: 4 << 20} }

// Check returns what is wrong with the settings.
func (p Policy) Check() error {
	if p.Every < 0 || p.Rate < 0 {
		return fmt.Errorf("a scrub every %v at %d bytes a second: neither may be negative", p.Every, p.Rate)
	}
	return nil
}

// Mark is how far a version was checked, in the server's time.
type Mark struct {
	At   time.Time `json:"at,omitzero"`    // when all of it was, last; or when it was completed
	Next uint32    `json:"next,omitempty"` // the chunk to go on with, in a check that was interrupted
}

// Memory is what outlives a restart.
type Memory struct {
	Marks   map[content.VersionID]Mark `json:"marks"`
	Bytes   int64                      `json:"bytes"`   // checked, ever
	Damaged int64                      `json:"damaged"` // chunks found damaged, by whomever
	Healed  int64                      `json:"healed"`  // of them, fetched again
}

// MaxMemoryBytes and maxMarks bound an encoded memory.
const (
	MaxMemoryBytes = 1 << 20
	maxMarks       = 5000
)

// ParseMemory reads what Encode wrote.
func ParseMemory(text []byte) (m Memory, err error) {
	if len(text) > MaxMemoryBytes {
		return Memory{}, fmt.Errorf("read the scrub's memory: %d bytes, limit %d", len(text), MaxMemoryBytes)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return Memory{}, fmt.Errorf("read the scrub's memory: %w", err)
	}
	if len(m.Marks) > maxMarks {
		return Memory{}, fmt.Errorf("read the scrub's memory: %d versions, limit %d", len(m.Marks), maxMarks)
	}
	return m, nil
}

// Encode returns what ParseMemory reads.
func (m Memory) Encode() ([]byte, error) { return json.Marshal(m) }

// Clone returns a copy.
func (m Memory) Clone() Memory {
	m.Marks = maps.Clone(m.Marks)
	return m
}

// Note sets the mark of a version, while there is room for it.
func (m *Memory) Note(id content.VersionID, mark Mark) {
	if m.Marks == nil {
		m.Marks = map[content.VersionID]Mark{}
	}
	if _, known := m.Marks[id]; known || len(m.Marks) < maxMarks {
		m.Marks[id] = mark
	}
}

// Version is one in the store.
type Version struct {
	ID       content.VersionID
	Ref      content.Ref
	Chunks   uint32
	Complete bool
	Busy     bool // it is being opened, closed or removed
}

// Choice is what to do now.
type Choice struct {
	Check  bool
	ID     content.VersionID // of the version to check
	From   uint32            // the chunk to begin with
	Due    time.Time         // otherwise: when there will be something to do; zero: not known
	Reason string
}

// Choose returns the complete version that was not checked for the longest time, where
// that is longer than the policy wants. One that was begun is finished first.
func Choose(p Policy, m Memory, now time.Time, versions []Version) Choice {
	if p.Every == 0 {
		return Choice{Reason: "switched off (--scrub-every 0)"}
	}
	best := Choice{Reason: "no version is complete"}
	var ref content.Ref
	oldest, begun := time.Time{}, false
	for _, v := range versions {
		if !v.Complete || v.Chunks == 0 {
			continue
		}
		mark := m.Marks[v.ID]
		if mark.At.After(now) { // a clock that was set back
			mark.At = now
		}
		due := mark.At.Add(p.Every)
		switch {
		case due.After(now):
			if !best.Check && (best.Due.IsZero() || due.Before(best.Due)) {
				best.Due, best.Reason = due, "all that is complete was checked"
			}
		case v.Busy:
		case !best.Check || mark.Next > 0 && !begun || (mark.Next > 0) == begun && mark.At.Before(oldest):
			oldest, begun, ref = mark.At, mark.Next > 0, v.Ref
			best = Choice{Check: true, ID: v.ID}
			if mark.Next < v.Chunks {
				best.From = mark.Next
			}
		}
	}
	if best.Check {
		best.Reason = fmt.Sprintf("checks %s", ref)
	}
	return best
}
