package disk_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

func open(t testing.TB, dir string) *disk.Store {
	t.Helper()
	s, err := disk.Open(dir, slog.New(slog.DiscardHandler))
	return closed(t, s, err)
}

// closed closes a store with the test, where the test has not.
func closed(t testing.TB, s *disk.Store, err error) *disk.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func place(dir string, ref content.Ref) string {
	return filepath.Join(dir, "content", ref.Name, ref.Version)
}

func TestStore(t *testing.T) {
	chunktest.Run(t, chunktest.Maker{
		Open: func(t *testing.T, dir string) chunk.Store { return open(t, dir) },
		OpenFull: func(t *testing.T, dir string) chunk.Store {
			s, err := disk.OpenWithRoom(dir, nil, 1<<20)
			return closed(t, s, err)
		},
		Place: place,
	})
}

func TestFolderInUseIsLocked(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if second, err := disk.Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("second open: %v, %v, want it locked", second, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}
