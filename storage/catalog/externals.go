package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

// External is a file at somebody else's URL. Its object stands for it among the packs of
// the versions that lie there; no chunk is looked up in it, so no other version names it.
type External struct {
	external.File
	Object  content.Digest
	Body    content.Digest // of the versions that it is
	Changed string         // why nobody fetches it any more; empty: it is as it was, as far as is known
	Checked time.Time      // when that was last found; zero: never
}

// Externals keeps what is known of files at somebody else's URL. Each is forgotten with the
// last version that names it, like a pack.
type Externals interface {
	// PutExternal notes what was seen of a file, also again. As with an object that is
	// uploaded, no version may name it yet; ErrDoomed.
	PutExternal(ctx context.Context, by string, e External) error
	// External returns one; ErrNotFound. Externals lists all.
	External(ctx context.Context, object content.Digest) (External, error)
	Externals(ctx context.Context) ([]External, error)
	// CheckedExternal notes what a check found, and audits it if that is new: why the file
	// is not fetched any more, or nothing. ErrNotFound.
	CheckedExternal(ctx context.Context, by string, object content.Digest, changed string, at time.Time) error
}

// ExternalOf returns the file at somebody else's URL that a placement names; nil where it
// names packs.
func ExternalOf(ctx context.Context, c Externals, p Placement) (*External, error) {
	if len(p.Packs) != 1 {
		return nil, nil
	}
	e, err := c.External(ctx, p.Packs[0])
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &e, nil
}

// PlaceExternal says where the chunks of a body lie in the one file that it lists, if that
// is at somebody else's URL: plain, each where it comes first.
func PlaceExternal(e External, b *content.Body) (Placement, error) {
	p := Placement{Packs: []content.Digest{e.Object}, Chunks: make([]Place, len(b.Chunks))}
	if len(b.Files) != 1 || b.Files[0].Dir {
		return p, errors.New("a version at a vendor's URL is one file")
	}
	if b.Files[0].Size != e.Bytes {
		return p, fmt.Errorf("the vendor's file has %d bytes, the version %d", e.Bytes, b.Files[0].Size)
	}
	at := content.NewLayout(b)
	for i, c := range b.Chunks {
		p.Chunks[i] = Place{Offset: at.Segments(uint32(i))[0].Offset, Length: c.Length}
	}
	return p, nil
}
