package operator_test

import (
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
