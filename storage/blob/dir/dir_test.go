package dir_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/blobtest"
	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/content"
)

func open(t *testing.T, path string) *dir.Store {
	t.Helper()
	s, err := dir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, t.TempDir()) })
}

func TestObjectSurvivesReopeningAndLeftoversDoNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on", "opening")
	s := open(t, path)
	digest := content.Sum([]byte("kept"))
	if err := s.Put(t.Context(), digest, 4, strings.NewReader("kept")); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(path, "incoming", "half-written")
	if err := os.WriteFile(half, []byte("ke"), 0o600); err != nil {
		t.Fatal(err)
	}

	again := open(t, path)
	if has, err := again.Has(t.Context(), digest); !has || err != nil {
		t.Errorf("has = %v, %v after reopening", has, err)
	}
	if _, err := os.Stat(half); err == nil {
		t.Error("what an interrupted put left is still there")
	}
}

func TestRefusedPutLeavesNoFile(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	if err := s.Put(t.Context(), content.Sum([]byte("right")), 5, strings.NewReader("wrong")); err == nil {
		t.Fatal("wrong bytes accepted")
	}
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("left %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFileInPlaceOfTheStoreIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(path); err == nil {
		t.Error("a file was opened as a store")
	}
}
