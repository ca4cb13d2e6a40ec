//go:build unix

package ingest_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// BenchmarkBound is what the machine allows: two threads open, read and hash the files
// of the Go tree, of which they are given a list, and do nothing else.
func BenchmarkBound(b *testing.B) {
	files, size := list(b, goRoot(b))
	b.SetBytes(size)
	for b.Loop() {
		var g errgroup.Group
		for worker := range 2 {
			g.Go(func() error {
				buffer := make([]byte, 1<<20)
				var errs []error
				for _, path := range files[worker*len(files)/2 : (worker+1)*len(files)/2] {
					errs = append(errs, hashFile(path, buffer))
				}
				return errors.Join(errs...)
			})
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

func hashFile(path string, buffer []byte) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	for {
		n, err := unix.Read(fd, buffer)
		if n <= 0 {
			return errors.Join(err, unix.Close(fd))
		}
		sha256.Sum256(buffer[:n])
	}
}
