package patch

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// ErrDamaged means that what the origin has of a version is not that version: no patches
// can be made with it, now or later.
var ErrDamaged = errors.New("the origin's copy is damaged")

// Reader reads chunks of a version at the origin. It belongs to one goroutine, and
// keeps one pack open.
type Reader struct {
	Version
	objects blob.Store
	name    content.Digest // of the open pack
	open    blob.Object    // nil while none is
	encoded []byte
}

// NewReader returns a reader of a version, to be closed.
func NewReader(objects blob.Store, v Version) *Reader {
	return &Reader{Version: v, objects: objects}
}

// Close closes what is open.
func (r *Reader) Close() {
	if r.open != nil {
		_ = r.open.Close() // it was only read from
		r.open = nil
	}
}

// chunk reads a chunk, decoded and hashed, and as it lies in its pack, which is valid
// until the next call.
func (r *Reader) chunk(ctx context.Context, i uint32) (plain, encoded []byte, encoding pack.Encoding, err error) {
	at, c := r.Placement.Chunks[i], r.Body.Chunks[i]
	if name := r.Placement.Packs[at.Pack]; r.open == nil || r.name != name {
		r.Close()
		if r.open, _, err = r.objects.Open(ctx, name); err != nil {
			return nil, nil, 0, err
		}
		r.name = name
	}
	if cap(r.encoded) < int(at.Length) {
		r.encoded = make([]byte, at.Length)
	}
	encoded = r.encoded[:at.Length]
	if n, err := r.open.ReadAt(encoded, at.Offset); n < len(encoded) {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: it ends before", ErrDamaged)
		}
		return nil, nil, 0, fmt.Errorf("read chunk %d of pack %s: %w", i, r.name, err)
	}
	encoding = pack.Encoding(at.Encoding)
	if plain, err = pack.Decode(encoding, encoded, c.Length, nil); err != nil {
		return nil, nil, 0, fmt.Errorf("read chunk %d of pack %s: %w: %w", i, r.name, ErrDamaged, err)
	}
	if got := content.Sum(plain); got != c.Digest {
		return nil, nil, 0, fmt.Errorf("read chunk %d of pack %s: %w: it is %s, want %s", i, r.name, ErrDamaged, got, c.Digest)
	}
	return plain, encoded, encoding, nil
}

// Window returns a window on the chunks, for dictionaries.
func (r *Reader) Window(ctx context.Context) *Window {
	return NewWindow(func(i uint32) ([]byte, error) {
		plain, _, _, err := r.chunk(ctx, i)
		return plain, err
	})
}
