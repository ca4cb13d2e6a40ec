package staging

import (
	"encoding/json"
	"fmt"

	"github.com/sitecast/sitecast/storage/content"
)

// Limits of what is kept.
const (
	MaxEntries = 1024 // versions, as many as a site has at most, or blocks
	// MaxMemoryBytes bounds the encoded memory.
	MaxMemoryBytes = 8 << 20
	format         = 1
)

// Memory is what outlives the process.
type Memory struct {
	Format int     `json:"format"`
	Held   []Entry `json:"held"`
	Blocks Blocks  `json:"blocks"`
}

// Entry is a version that waits, or of which instants were taken.
type Entry struct {
	ID        content.VersionID `json:"id"`
	Held      bool              `json:"held,omitempty"`
	Statement json.RawMessage   `json:"statement,omitempty"` // signed
	Serial    uint64            `json:"serial,omitempty"`
}

// Encode returns what Parse reads.
func (m Memory) Encode() ([]byte, error) {
	m.Format = format
	m.Held = m.Held[:min(len(m.Held), MaxEntries)]
	m.Blocks = m.Blocks[:min(len(m.Blocks), MaxEntries)]
	return json.Marshal(m)
}

// Parse reads a memory. Statements in it are not verified.
func Parse(text []byte) (Memory, error) {
	if len(text) > MaxMemoryBytes {
		return Memory{}, fmt.Errorf("read what is staged: %d bytes, limit %d", len(text), MaxMemoryBytes)
	}
	var m Memory
	err := json.Unmarshal(text, &m)
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return Memory{}, fmt.Errorf("read what is staged: %w", err)
	}
	return m, nil
}

func (m Memory) check() error {
	switch {
	case m.Format != format:
		return fmt.Errorf("it has format %d, this program writes %d", m.Format, format)
	case len(m.Held) > MaxEntries || len(m.Blocks) > MaxEntries:
		return fmt.Errorf("%d versions and %d blocks, limit %d", len(m.Held), len(m.Blocks), MaxEntries)
	}
	for _, e := range m.Held {
		if len(e.Statement) > content.MaxInstantEnvelopeBytes || e.Serial > content.MaxSerial {
			return fmt.Errorf("the instant of %s is out of bounds", e.ID)
		}
	}
	for _, b := range m.Blocks {
		if err := content.CheckName(b.Content); err != nil {
			return err
		}
	}
	return nil
}
