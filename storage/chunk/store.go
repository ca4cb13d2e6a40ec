// Package chunk is the contract for where an endpoint keeps content, and the
// errors every implementation answers with. A store holds versions; a version is
// filled chunk by chunk, in any order, from several sources at once, and becomes
// visible as a whole. Bytes have one door, [Version.Put], which hashes them.
// The implementation on disk is in chunk/disk; chunk/chunktest holds the tests
// that every implementation must pass.
package chunk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/content"
)

// Source says where the bytes of a chunk came from.
type Source uint8

// The sources of bytes.
const (
	Origin Source = iota
	Peer
	Relay
	Reused
	sources // how many there are
)

// Counters are content bytes kept, by source, and WAN the encoded bytes that
// crossed the wire from the origin. They only grow, and survive a restart as
// exactly as the chunks themselves.
type Counters struct {
	Bytes [sources]int64
	WAN   int64
}

// A Store keeps versions. Its methods may be called from several goroutines.
type Store interface {
	// Open starts the version that head names, or finds it as an earlier Open,
	// perhaps of an earlier process, left it. The caller has verified the head
	// (envelope is its signed form, kept beside it) and that body is the one the
	// head names. Unsafe paths in body are refused with a *content.PathError, a
	// disk without room for what Seed will not find with ErrNoRoom, before anything
	// is written.
	Open(ctx context.Context, head content.Head, envelope json.RawMessage, body *content.Body) (Version, error)

	// Held lists the versions a restart found, complete or not, to be opened
	// again with Open.
	Held() []Held

	// Lend opens a version that the store holds whole to be read, beside whoever has it
	// open or removes it; ErrNotHeld where it does not. The caller closes it.
	Lend(id content.VersionID) (Lender, error)

	// Remove forgets a version and deletes its bytes.
	Remove(ctx context.Context, id content.VersionID) error

	// Close commits and closes every open version.
	Close() error
}

// A Lender is a version that is only read. It belongs to one goroutine.
type Lender interface {
	// Read appends a chunk to dst after checking its hash, or answers ErrNotHeld or a
	// *CorruptError.
	Read(chunk uint32, dst []byte) ([]byte, error)
	Close()
}

// Held is one version the store knows.
type Held struct {
	ID       content.VersionID
	Envelope json.RawMessage // the signed head
	Body     []byte          // the encoded body
	Complete bool
}

// A Version is one version being filled or served. Its methods may be called
// from several goroutines at once.
type Version interface {
	// Put keeps a chunk: it hashes data, writes it where it belongs in the tree
	// and counts it under from. wan is what it cost on the wire (origin only).
	// After Put returns nil the chunk may be announced and read; a crash may
	// forget it until the next Commit. Data that does not match is refused with
	// a *CorruptError. A chunk already held is dropped, uncounted: added is false.
	// Put does not keep data after it returns.
	Put(chunk uint32, data []byte, from Source, wan int64) (added bool, err error)

	// Seed takes every missing chunk that another version in the store holds, of the
	// same content or of another, and puts it as Reused. What is taken is hashed
	// first: the other tree may have been edited. took, which may be nil, hears of
	// each chunk, one at a time. It returns when there is no more to take, with ctx, or when a
	// chunk could not be kept; what was taken until then is held. It may be called
	// again, and while others put and read.
	Seed(ctx context.Context, took func(chunk uint32)) error

	// Read appends the chunk to dst after checking its hash, or answers
	// ErrNotHeld. A chunk that no longer matches on disk is forgotten (it will
	// be wanted again) and a *CorruptError returned.
	Read(chunk uint32, dst []byte) ([]byte, error)

	// Check hashes a chunk wherever it lies, to find what decayed though nobody reads it,
	// and answers as Read does. What nobody needs stays no longer in the memory of the
	// system than that takes. What lies there already is believed.
	Check(chunk uint32) error

	// Have returns a copy of the bitmap of chunks held.
	Have() content.Bitmap

	// Counters returns what has been counted so far.
	Counters() Counters

	// Commit makes everything put so far durable: data first, then its record.
	// The store also commits by itself every CommitBytes or CommitInterval.
	Commit() error

	// Complete, called when every chunk is held, makes the version durable and
	// then visible at its place, at once and as a whole. It may be called again.
	Complete() error

	// Done reports whether the version is complete and visible.
	Done() bool

	// Close commits the version and closes what is open of it. It stays in the
	// store, where Open finds it again; this Version keeps and reads no more.
	// It may be called again.
	Close() error
}

// ErrNotHeld means that the store has no copy. It is an answer and not a fault:
// the caller asks somebody else.
var ErrNotHeld = errors.New("chunk not held")

// ErrNoRoom means that the disk has no room for the version.
var ErrNoRoom = errors.New("no room on the disk")

// A CorruptError reports bytes that do not match the name they came under.
type CorruptError struct {
	Chunk     uint32
	Want, Got content.Digest
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("chunk %d is %s, want %s", e.Chunk, e.Got, e.Want)
}
