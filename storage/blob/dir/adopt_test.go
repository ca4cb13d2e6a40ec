package dir_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
)

func TestAFileIsTakenIfItIsTheObject(t *testing.T) {
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "packs"))
	digest := content.Sum([]byte("right"))
	file := filepath.Join(folder, "file")
	take := func(data string, size int64) error {
		t.Helper()
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return s.Adopt(t.Context(), digest, size, file)
	}
	for data, size := range map[string]int64{"wrong": 5, "righ": 5, "right and more": 5, "right": 4} {
		var mismatch *blob.MismatchError
		if err := take(data, size); !errors.As(err, &mismatch) || mismatch.Want != digest {
			t.Errorf("took %q as %d bytes: %v, want a mismatch", data, size, err)
		}
		if has, err := s.Has(t.Context(), digest); has || err != nil {
			t.Fatalf("has = %v, %v after it was refused", has, err)
		}
		if text, err := os.ReadFile(file); string(text) != data || err != nil {
			t.Errorf("what was refused is %q (%v), want it left alone", text, err)
		}
	}
	if err := take("right", 5); err != nil {
		t.Fatal(err)
	}
	if data, err := blob.Read(t.Context(), s, digest, 100); string(data) != "right" || err != nil {
		t.Errorf("read %q (%v)", data, err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the file was copied, and not taken")
	}
	if err := take("right", 5); err != nil {
		t.Errorf("taken again: %v", err)
	}
	if err := s.Adopt(t.Context(), digest, 5, filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
