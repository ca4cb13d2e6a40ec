package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/storage/durable"
)

func expectFile(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is %q (%v), want %q", path, got, err, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode() != mode {
		t.Errorf("mode of %s is %v, want %v", path, info.Mode(), mode)
	}
}

// expectOnly checks that nothing half-written lies beside what was asked for.
func expectOnly(t *testing.T, dir string, want int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != want {
		t.Errorf("%s holds %v (%v), want %d files", dir, entries, err, want)
	}
}

func TestFileIsMadeAndReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, c := range []struct {
		text string
		mode fs.FileMode
	}{{"first", 0o600}, {"a second and longer one", 0o640}, {"", 0o644}, {"last", 0o600}} {
		if err := durable.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		expectFile(t, path, c.text, c.mode)
		expectOnly(t, dir, 1)
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	if err := durable.WriteFile(filepath.Join(dir, "missing", "file"), []byte("x"), 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write into a missing folder: %v, want that it does not exist", err)
	}
	expectOnly(t, dir, 0)
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(taken, []byte("x"), 0o600); err == nil {
		t.Error("a folder was replaced by a file")
	}
	expectOnly(t, dir, 1)
	expectOnly(t, taken, 1)
}

// Whoever reads while others write finds one of the texts, whole.
func TestReaderSeesOldOrNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	texts := [][]byte{bytes.Repeat([]byte("a"), 10_000), bytes.Repeat([]byte("b"), 20_000)}
	if err := durable.WriteFile(path, texts[0], 0o600); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, text := range texts {
		writers.Go(func() {
			for range 20 {
				if err := durable.WriteFile(path, text, 0o600); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, texts[0]) && !bytes.Equal(got, texts[1]) {
			t.Fatalf("read %d bytes (%v), want one of the texts", len(got), err)
		}
	}
	writers.Wait()
	expectOnly(t, dir, 1)
}

func TestSyncOfAMissingFolderFails(t *testing.T) {
	dir := t.TempDir()
	if err := durable.SyncDir(dir); err != nil {
		t.Errorf("sync a folder: %v", err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows syncs no folders")
	}
	if err := durable.SyncDir(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sync a missing folder: %v, want that it does not exist", err)
	}
}

func TestFileIsReadUpToItsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := durable.WriteFile(path, []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := durable.ReadFile(path, 8); string(text) != "12345678" || err != nil {
		t.Errorf("read %q (%v)", text, err)
	}
	if text, err := durable.ReadFile(path, 7); text != nil || err == nil {
		t.Errorf("read %q (%v) of a file that is too long", text, err)
	}
	if _, err := durable.ReadFile(path+"x", 8); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
