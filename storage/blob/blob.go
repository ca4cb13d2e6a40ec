// Package blob is the contract for where the origin keeps its immutable objects,
// packs, bodies and patches, each named by the SHA-256 of its bytes. An object is
// there whole or not at all, also after a crash. The implementations are blob/dir, in
// a directory, and blob/s3, in a bucket; blob/blobtest holds the tests that each must
// pass.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// A Store keeps objects. Its methods may be called from several goroutines, also
// for the same object.
type Store interface {
	// Put keeps the size bytes of r as the object of that digest. When it returns
	// nil the object is durable. Bytes that are not of that size and digest are
	// refused with a *MismatchError and leave nothing behind. An object that is
	// there already is left alone and r is not read.
	Put(ctx context.Context, digest content.Digest, size int64, r io.Reader) error

	// Open opens an object for reading and returns its size in bytes, or ErrNotFound.
	// The caller closes the object; ctx bounds what is read of it, too. If it is deleted
	// meanwhile it is read as it was, or reading answers ErrNotFound.
	Open(ctx context.Context, digest content.Digest) (Object, int64, error)

	// Has reports whether the object is there.
	Has(ctx context.Context, digest content.Digest) (bool, error)

	// Delete removes an object, or answers ErrNotFound where it knows that there was
	// none.
	Delete(ctx context.Context, digest content.Digest) error

	// List yields the objects in no order. What is put or deleted meanwhile may be among
	// them or not. It ends with the first error.
	List(ctx context.Context) iter.Seq2[content.Digest, error]
}

// A Signer is a Store whose objects others can fetch without us.
type Signer interface {
	// Sign returns the URL of the bytes from from up to but not including to of an
	// object. It is good for ttl (at least a second), and for a request for exactly that
	// range. Nobody is asked, also not whether the object is there.
	Sign(digest content.Digest, from, to int64, ttl time.Duration) (string, error)
}

// An Adopter is a Store that can take a file without copying it.
type Adopter interface {
	// Adopt is Put of the file at a path, which may be gone from there afterwards.
	Adopt(ctx context.Context, digest content.Digest, size int64, path string) error
}

// An Object is an open object.
type Object interface {
	io.ReadSeekCloser
	io.ReaderAt
}

// ErrNotFound means that the store has no such object.
var ErrNotFound = errors.New("object not found")

// A MismatchError refuses bytes that are not the object they are given as.
type MismatchError struct {
	Want      content.Digest
	WantBytes int64
	Got       content.Digest // of the bytes read, at most WantBytes+1 of them
	GotBytes  int64
}

func (e *MismatchError) Error() string {
	if e.GotBytes != e.WantBytes {
		return fmt.Sprintf("object %s has %d bytes or more, want %d", e.Want, e.GotBytes, e.WantBytes)
	}
	return fmt.Sprintf("object has digest %s, want %s", e.Got, e.Want)
}

// ErrTooLarge means that an object is longer than its reader takes.
var ErrTooLarge = errors.New("object is too large")

// Read returns all of an object of at most limit bytes; a longer one is refused with
// ErrTooLarge before it is read.
func Read(ctx context.Context, s Store, digest content.Digest, limit int64) (data []byte, err error) {
	object, size, err := s.Open(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer object.Close() // it is only read from
	if size > limit {
		return nil, fmt.Errorf("%d bytes, limit %d: %w", size, limit, ErrTooLarge)
	}
	data = make([]byte, size)
	_, err = io.ReadFull(object, data)
	return data, err
}
