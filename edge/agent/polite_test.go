package agent_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/storage/content"
)

func TestDamagedMemoryOfTheScrubIsNone(t *testing.T) {
	kept := scrub.Memory{Damaged: 3}
	kept.Note(content.VersionID{1}, scrub.Mark{Next: 7})
	good, err := kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		want int64
	}{
		"as it was kept": {good, 3}, "cut": {good[:len(good)-3], 0}, "not there": {nil, 0}, "too large": {make([]byte, scrub.MaxMemoryBytes+1), 0},
	} {
		path := filepath.Join(t.TempDir(), "scrub.json")
		if c.text != nil {
			if err := os.WriteFile(path, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := agent.ReadScrub(path, slog.New(slog.DiscardHandler)); got.Damaged != c.want {
			t.Errorf("%s: got %+v, want %d damaged", name, got, c.want)
		}
	}
}
