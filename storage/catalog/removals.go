package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// ErrDoomed means that an object is being deleted: who wants it there asks again in a
// moment, and uploads it.
var ErrDoomed = errors.New("it is being deleted at the origin")

// PublishedVersion is a published version, without what it consists of.
type PublishedVersion struct {
	content.Ref
	Serial  uint64
	Body    content.Digest
	Created time.Time // when it was published
}

// Patched is a version with patches that are made or still due.
type Patched struct {
	content.Ref
	Base   string         // the version that they are of; empty: it is not known any more
	Object content.Digest // where they lie; zero: they are due
}

// Pack is a pack that the catalog knows.
type Pack struct {
	Digest content.Digest
	Bytes  int64 // of its chunks, encoded
}

// Unused is an object at the origin that no version names, as far as was noted.
type Unused struct {
	Object content.Digest
	Since  time.Time // when it was uploaded, last asked for by a publisher, or given up by a version
	Doomed bool      // the catalog has forgotten what lies in it, and it is to be deleted
}

// Removals is the part of the catalog that says what is not needed any more. An object is
// noted as unused when it is uploaded, and when a version that names it is removed; a
// version that is published ends that. One that stays unused is doomed: from then on no
// version can be published that names it, and only then it is deleted.
type Removals interface {
	// Retention returns which versions are kept though nothing needs them, and
	// SetRetention changes it.
	Retention(ctx context.Context) (Retention, error)
	SetRetention(ctx context.Context, by string, r Retention) error

	// Published lists versions in the order of their serials, after one (0: the first).
	Published(ctx context.Context, after uint64, limit int) ([]PublishedVersion, error)
	// LaterOrders is what a site would be ordered that is created now.
	LaterOrders(ctx context.Context) (Orders, error)
	// Patched lists the versions that have patches, or shall have some.
	Patched(ctx context.Context) ([]Patched, error)
	// Remove forgets a version and what became of its patches, and notes their objects as
	// unused. Its name stays taken, so that it never means other bytes. ErrConflict when
	// desired state is not of that generation any more, or a proposal that waits names it:
	// then it may be needed.
	Remove(ctx context.Context, by string, ref content.Ref, generation uint64) error

	// Claim is Locate for who is about to publish: what lies in unused packs stays as if
	// they had been uploaded now. Renew does so with objects, and returns those that are
	// doomed.
	Claim(ctx context.Context, chunks []content.Digest) (map[content.Digest]Packed, error)
	Renew(ctx context.Context, objects []content.Digest) (doomed []content.Digest, err error)
	// Uploading notes an object, which no version may name yet; ErrDoomed when it is.
	Uploading(ctx context.Context, object content.Digest) error
	// Reserved is when the first of those versions was reserved that were reserved since a
	// time and are not published; the zero time if there are none.
	Reserved(ctx context.Context, since time.Time) (time.Time, error)

	// Packs lists all packs, Unused all objects noted.
	Packs(ctx context.Context) ([]Pack, error)
	Unused(ctx context.Context) ([]Unused, error)
	// NoteUnused notes objects that are not noted. NoteUsed forgets notes from before a
	// time, of objects that are not doomed. Doom dooms those of some objects that are
	// unused since before a time, forgets what lies in them, and returns them. Deleted
	// forgets a doomed object.
	NoteUnused(ctx context.Context, objects []content.Digest) error
	NoteUsed(ctx context.Context, objects []content.Digest, before time.Time) error
	Doom(ctx context.Context, objects []content.Digest, before time.Time) ([]content.Digest, error)
	Deleted(ctx context.Context, object content.Digest) error
}
