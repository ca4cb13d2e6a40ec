package cache

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Memory is what outlives a restart: when versions came and were needed last, in
// the server's time. The dates of files would be the device's, whose clock may jump.
type Memory map[content.VersionID]Times

// Times are those of one version.
type Times struct {
	Came time.Time `json:"came"`
	Used time.Time `json:"used"`
}

// MaxMemoryBytes and maxRemembered bound an encoded memory.
const (
	MaxMemoryBytes = 1 << 20
	maxRemembered  = 5000
)

// ParseMemory reads what Encode wrote.
func ParseMemory(text []byte) (Memory, error) {
	if len(text) > MaxMemoryBytes {
		return nil, fmt.Errorf("read the cache's memory: %d bytes, limit %d", len(text), MaxMemoryBytes)
	}
	m := Memory{}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("read the cache's memory: %w", err)
	}
	if m == nil || len(m) > maxRemembered {
		return nil, fmt.Errorf("read the cache's memory: %d versions, limit %d", len(m), maxRemembered)
	}
	return m, nil
}

// Clone returns a copy.
func (m Memory) Clone() Memory { return maps.Clone(m) }

// Encode returns what ParseMemory reads.
func (m Memory) Encode() ([]byte, error) { return json.Marshal(m) }

// Note sets the times of a version that is held at now: it came now unless it was
// known, and where it is in use, it was used now. A time to come is a clock that was
// set back, and counts as now.
func (m Memory) Note(id content.VersionID, now time.Time, inUse bool) (changed bool) {
	t, known := m[id]
	if !known && len(m) >= maxRemembered {
		return false // its times are not needed as much as a bound
	}
	next := t
	if !known || next.Came.After(now) {
		next.Came = now
	}
	if !known || inUse || next.Used.After(now) {
		next.Used = now
	}
	m[id] = next
	return next != t
}
