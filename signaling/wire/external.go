package wire

import (
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/external"
)

// CodeExternal says in [LeaseState.Code] that what is at somebody else's URL is not what was
// published.
const CodeExternal = "external_changed"

// External is what was seen of a file at somebody else's URL when it was published. An
// answer that is of another file ends the lease with CodeExternal.
type External struct {
	ETag     string `json:"etag,omitempty"`     // a strong one, for If-Range
	Modified string `json:"modified,omitempty"` // without one: Last-Modified, for If-Unmodified-Since
	Bytes    int64  `json:"bytes"`              // of the whole file
}

// File is what the lease's range is of.
func (l Lease) File() external.File {
	return external.File{URL: l.URL, ETag: l.External.ETag, Modified: l.External.Modified, Bytes: l.External.Bytes}
}

// check reports what is wrong with where a lease is fetched, if that is not the origin.
func (e *External) check(l Lease) error {
	if e == nil {
		return nil
	}
	if l.Patch != nil {
		return errors.New("a lease at somebody else's URL has no patches")
	}
	if err := l.File().Check(); err != nil {
		return err
	}
	if l.To > e.Bytes {
		return fmt.Errorf("range up to %d of a file of %d bytes", l.To, e.Bytes)
	}
	for _, p := range l.Parts {
		if p.Encoding != 0 {
			return fmt.Errorf("part of chunk %d in encoding %d, where chunks lie plain", p.Chunk, p.Encoding)
		}
	}
	return nil
}
