package patch

import (
	"context"
	"fmt"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// Reader reads chunks of a version at the origin. It belongs to one goroutine, and keeps one pack open, and the
// chunks of the last dictionary: the next one is much the same.
type Reader struct {
	Version
	objects blob.Store
	name    content.Digest // of the open pack
	open    blob.Object    // nil while none is
	held    map[uint32][]byte
	encoded []byte
}

// NewReader returns a reader of a version, to be closed.
func NewReader(objects blob.Store, v Version) *Reader {
	return &Reader{Version: v, objects: objects, held: map[uint32][]byte{}}
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
		return nil, nil, 0, fmt.Errorf("read chunk %d of pack %s: %w", i, r.name, err)
	}
	encoding = pack.Encoding(at.Encoding)
	if plain, err = pack.Decode(encoding, encoded, c.Length, nil); err != nil {
		return nil, nil, 0, err
	}
	if got := content.Sum(plain); got != c.Digest {
		return nil, nil, 0, fmt.Errorf("chunk %d of pack %s is %s, want %s: the pack is damaged", i, r.name, got, c.Digest)
	}
	return plain, encoded, encoding, nil
}

// Run reads the dictionary that consecutive chunks are.
func (r *Reader) Run(ctx context.Context, first, count uint32) (all []byte, err error) {
	for i := range r.held {
		if i < first || i >= first+count {
			delete(r.held, i)
		}
	}
	for i := first; i < first+count; i++ {
		plain, held := r.held[i]
		if !held {
			if plain, _, _, err = r.chunk(ctx, i); err != nil {
				return nil, err
			}
			r.held[i] = plain
		}
		all = append(all, plain...)
	}
	return all, nil
}
