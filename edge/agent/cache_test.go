package agent_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/agent"
	"github.com/sitecast/sitecast/edge/cache"
	"github.com/sitecast/sitecast/storage/content"
)

func TestDamagedMemoryOfTheCacheIsNone(t *testing.T) {
	kept := cache.Memory{}
	kept.Note(content.VersionID{1}, time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), true)
	good, err := kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		want int
	}{
		"as it was kept": {good, 1}, "cut": {good[:len(good)-3], 0}, "not there": {nil, 0}, "too large": {make([]byte, cache.MaxMemoryBytes+1), 0},
	} {
		path := filepath.Join(t.TempDir(), "cache.json")
		if c.text != nil {
			if err := os.WriteFile(path, c.text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := agent.ReadMemory(path, slog.New(slog.DiscardHandler)); len(got) != c.want {
			t.Errorf("%s: got %v, want %d", name, got, c.want)
		}
	}
}
