//go:build linux

package rig

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// Random writes a file that nothing can compress and that the seed repeats.
func Random(path string, size int64, seed [32]byte) (sum [sha256.Size]byte, err error) {
	f, err := os.Create(path)
	if err != nil {
		return sum, err
	}
	hash := sha256.New()
	_, err = io.CopyN(io.MultiWriter(f, hash), rand.NewChaCha8(seed), size)
	return [sha256.Size]byte(hash.Sum(nil)), errors.Join(err, f.Close())
}

// Sum is the digest of a file's content, to compare what was delivered with what
// was published.
func Sum(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return [sha256.Size]byte(hash.Sum(nil)), err
}

// Check fails unless a file has the digest of what was published.
func Check(path string, want [sha256.Size]byte) error {
	sum, err := Sum(path)
	if err == nil && sum != want {
		err = fmt.Errorf("%s is not the file that was published", path)
	}
	return err
}
