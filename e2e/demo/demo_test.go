package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree makes files of the given contents below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestVerifyFindsEveryDifference(t *testing.T) {
	files := map[string]string{"a": "one", "b/c": "two"}
	original := tree(t, files)
	for name, c := range map[string]struct {
		change func(root string) error
		ok     bool
	}{
		"none":         {func(string) error { return nil }, true},
		"another mode": {func(root string) error { return os.Chmod(filepath.Join(root, "a"), 0o444) }, true},
		"content":      {func(root string) error { return os.WriteFile(filepath.Join(root, "a"), []byte("One"), 0o644) }, false},
		"executable":   {func(root string) error { return os.Chmod(filepath.Join(root, "a"), 0o755) }, false},
		"missing":      {func(root string) error { return os.Remove(filepath.Join(root, "a")) }, false},
		"additional":   {func(root string) error { return os.WriteFile(filepath.Join(root, "d"), nil, 0o644) }, false},
		"renamed":      {func(root string) error { return os.Rename(filepath.Join(root, "a"), filepath.Join(root, "A")) }, false},
		"gone":         {os.RemoveAll, false},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			placed := filepath.Join(data, "content", contentName)
			if err := os.MkdirAll(placed, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(tree(t, files), filepath.Join(placed, "1")); err != nil {
				t.Fatal(err)
			}
			if err := c.change(filepath.Join(placed, "1")); err != nil {
				t.Fatal(err)
			}
			d := &demo{content: original, endpoints: []endpoint{{name: "till", data: data}}}
			if err := d.verify(t.Context()); (err == nil) != c.ok {
				t.Errorf("verify: %v, want ok %v", err, c.ok)
			}
		})
	}
}

func TestFileIsComparedWithAFolderThatHoldsIt(t *testing.T) {
	root := tree(t, map[string]string{"app": "x", "other": "y"})
	file, err := digestTree(t.Context(), filepath.Join(root, "app"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := digestTree(t.Context(), tree(t, map[string]string{"app": "x"}))
	if err != nil || file != folder {
		t.Errorf("%s for the file and %s for a folder of it (%v), want the same", file, folder, err)
	}
}

func TestPollSaysWhatItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := poll(t.Context(), "the moon", func() bool { return false })
		if err == nil || !strings.Contains(err.Error(), "the moon") {
			t.Errorf("got %v, want an error that names what was awaited", err)
		}
		tries := 0
		if err := poll(t.Context(), "the third try", func() bool { tries++; return tries == 3 }); err != nil {
			t.Error(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := poll(ctx, "nothing", func() bool { return false }); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v after the end of its context", err)
		}
	})
}
