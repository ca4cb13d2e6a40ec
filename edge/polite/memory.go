package polite

import (
	"encoding/json"
	"fmt"
	"time"
)

const (
	// MaxPause is the longest pause. One that seems to last longer was made by a clock
	// that was wrong, and does not count.
	MaxPause = 24 * time.Hour
	// MaxMemoryBytes bounds an encoded memory.
	MaxMemoryBytes = 4 << 10
	// maxSpent is far beyond any line.
	maxSpent = 1 << 53
	// monthLayout is how months are written: they sort by it.
	monthLayout = "2006-01"
)

// Memory is what outlives the process. Times are the server's.
type Memory struct {
	Month       string    `json:"month"` // the one that Bytes is of, as 2006-01; empty: none was counted
	Bytes       int64     `json:"bytes"` // that came over the WAN in it
	PausedUntil time.Time `json:"paused_until,omitzero"`
}

// Spend counts bytes that came over the WAN. The time is zero while the server's is not
// known: they count for the month that it was. Where the clock was ahead and is set
// back, they go on counting.
func (m *Memory) Spend(now time.Time, bytes int64) {
	if !now.IsZero() {
		month := now.UTC().Format(monthLayout)
		if m.Month != "" && month > m.Month {
			m.Bytes = 0
		}
		m.Month = month
	}
	m.Bytes = min(m.Bytes+max(bytes, 0), maxSpent)
}

// Paused reports whether the user wants nothing to move.
func (m Memory) Paused(now time.Time) bool {
	return now.Before(m.PausedUntil) && !m.PausedUntil.After(now.Add(MaxPause))
}

// Encode writes a memory, for [ParseMemory].
func (m Memory) Encode() ([]byte, error) { return json.Marshal(m) }

// ParseMemory reads one. It refuses what no agent wrote.
func ParseMemory(text []byte) (Memory, error) {
	if len(text) > MaxMemoryBytes {
		return Memory{}, fmt.Errorf("%d bytes of memory, limit %d", len(text), MaxMemoryBytes)
	}
	var m Memory
	if err := json.Unmarshal(text, &m); err != nil {
		return Memory{}, fmt.Errorf("read what was spent: %w", err)
	}
	if _, err := time.Parse(monthLayout, m.Month); m.Month != "" && err != nil {
		return Memory{}, fmt.Errorf("month %.20q is none", m.Month)
	}
	if m.Bytes < 0 || m.Bytes > maxSpent {
		return Memory{}, fmt.Errorf("%d bytes can't have been spent", m.Bytes)
	}
	return m, nil
}
