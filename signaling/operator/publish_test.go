package operator_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/operator"
)

// stored is how many bytes the origin's objects have.
func (s *stand) stored() (bytes int64) {
	s.t.Helper()
	s.must(filepath.WalkDir(filepath.Join(s.data, "packs"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	}))
	return bytes
}

// publish publishes a path.
func (s *stand) publish(path, name, version string) string {
	s.t.Helper()
	return s.run(operator.Publish{Remote: s.remote, Path: path, Name: name, Version: version, Key: filepath.Join(s.data, "publisher.key")})
}

func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// TestWhatAnyVersionHasIsNotUploadedAgain publishes versions and contents that
// share files, moved and renamed ones, too.
func TestWhatAnyVersionHasIsNotUploadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		folder := t.TempDir()
		write := func(path string, data []byte) {
			path = filepath.Join(folder, path)
			s.must(os.MkdirAll(filepath.Dir(path), 0o700))
			s.must(os.WriteFile(path, data, 0o600))
		}
		write("one.bin", noise(1, 1<<20))
		write("two.bin", noise(2, 1<<20))
		s.publish(folder, "app", "1")
		before := s.stored()

		s.must(os.MkdirAll(filepath.Join(folder, "moved"), 0o700))
		s.must(os.Rename(filepath.Join(folder, "two.bin"), filepath.Join(folder, "moved", "2.bin")))
		write("three.bin", noise(3, 300_000))
		s.publish(folder, "app", "2")
		const rest = 20_000 // bodies, and indexes of packs
		if got := s.stored() - before; got < 300_000 || got > 300_000+rest {
			t.Errorf("the second version added %d bytes, want 300000 and a little", got)
		}

		before = s.stored()
		if printed := s.publish(filepath.Join(folder, "moved"), "other", "1"); !strings.Contains(printed, "0 packs") {
			t.Errorf("publish printed %q, want no pack", printed)
		}
		if got := s.stored() - before; got > rest {
			t.Errorf("another content of the same bytes added %d bytes, want next to none", got)
		}
		s.end()
	})
}

// TestTheTreeInsideAnArchiveIsPublished publishes a folder, and then the same as an
// archive: nothing of it is new.
func TestTheTreeInsideAnArchiveIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t)
		folder, archive := t.TempDir(), filepath.Join(t.TempDir(), "app.tar")
		data := noise(1, 300_000)
		s.must(os.WriteFile(filepath.Join(folder, "app.bin"), data, 0o600))
		s.publish(folder, "app", "1")
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		s.must(w.WriteHeader(&tar.Header{Name: "./app.bin", Mode: 0o644, Size: int64(len(data))}))
		_, err := w.Write(data)
		s.must(errors.Join(err, w.Close(), os.WriteFile(archive, out.Bytes(), 0o600)))
		temp := t.TempDir()
		printed := s.run(operator.Publish{Remote: s.remote, Path: archive, Unpack: true, Name: "app", Version: "2", TempDir: temp,
			Key: filepath.Join(s.data, "publisher.key")})
		if !strings.Contains(printed, "0 packs") || !strings.HasSuffix(printed, "app@2\n") {
			t.Errorf("publish printed %q, want no pack, and app@2 at the end", printed)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
			t.Errorf("%d entries left behind (%v)", len(left), err)
		}
		s.end()
	})
}
