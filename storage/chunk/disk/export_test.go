package disk

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// MemoryDir is a temporary folder in memory, where there is one: for tests that
// make and remove files by the thousand, and need no disk for it.
func MemoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sitecast-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// OpenWithRoom is Open on a disk that says it has so many bytes of room.
func OpenWithRoom(dir string, key []byte, bytes int64) (*Store, error) {
	sys := realSystem()
	sys.room = func(string) (int64, error) { return bytes, nil }
	return open(dir, key, slog.New(slog.DiscardHandler), sys)
}

// OpenSparse is Open on a disk that reserves no blocks and has room for everything,
// so that a test may make a large version of holes.
func OpenSparse(dir string) (*Store, error) {
	sys := realSystem()
	sys.room = func(string) (int64, error) { return 1 << 50, nil }
	sys.allocate = func(f *os.File, _, bytes int64) error { return f.Truncate(bytes) }
	return open(dir, nil, slog.New(slog.DiscardHandler), sys)
}

// Pretend has a version say that it holds a chunk, of which nothing is written.
func Pretend(v chunk.Version, i uint32) {
	w := v.(*version)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.have.Set(i)
	w.held++
	w.state.counters.Bytes[chunk.Origin] += int64(w.body.Chunks[i].Length)
}

// EncryptedPlace is where a store with a key has a complete version.
func EncryptedPlace(dir string, key []byte, ref content.Ref) string {
	vault, err := newVault(key)
	if err != nil {
		panic(err)
	}
	return filepath.Join(dir, (&Store{vault: vault}).placeOf(ref))
}

// Checks are Verify and Repair.
var Checks = map[string]func(context.Context, string, []byte, *slog.Logger, Progress) (Report, error){"verify": Verify, "repair": Repair}

// Linger has no more than so many bytes stay in the system's cache.
func Linger(s *Store, bytes int64) {
	s.lingering.mu.Lock()
	defer s.lingering.mu.Unlock()
	s.lingering.limit = bytes
}
