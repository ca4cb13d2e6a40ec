package disk

import (
	"log/slog"
	"os"
	"testing"
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
func OpenWithRoom(dir string, bytes int64) (*Store, error) {
	sys := realSystem()
	sys.room = func(string) (int64, error) { return bytes, nil }
	return open(dir, slog.New(slog.DiscardHandler), sys)
}
