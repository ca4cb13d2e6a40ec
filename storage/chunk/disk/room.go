package disk

import (
	"context"
	"fmt"

	"github.com/sitecast/sitecast/storage/content"
)

// Room returns the size of the file system that the store is on, and the bytes of it
// that are available to this process.
func (s *Store) Room() (size, free int64, err error) {
	if size, err = sizeBytes(s.dir); err == nil {
		free, err = s.sys.room(s.dir)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the room on the disk of %s: %w", s.dir, err)
	}
	return size, free, nil
}

// Needs returns the bytes that a version takes that the store does not have, and how
// many of them need no room since it shares blocks with others in the store. That
// holds as long as those stay: who evicts any to make room reckons with all.
func (s *Store) Needs(ctx context.Context, head content.Head, body *content.Body) (all, shared int64) {
	v := &version{store: s, head: head, body: body, layout: content.NewLayout(body),
		state: state{have: content.NewBitmap(uint32(len(body.Chunks)))}}
	extents, err := v.savings(ctx)
	if err != nil { // it may take less than is said
		s.log.Debug("looking for blocks to share", "content", head.Ref().String(), "err", err)
	}
	for _, e := range extents {
		shared += e.bytes
	}
	return needed(body, head.BodyBytes), shared
}

// needed sums the files of a version, the blocks they fill partly, and what lies
// beside them.
func needed(body *content.Body, bodyBytes int64) int64 {
	n := bodyBytes + spareBytes
	for _, f := range body.Files {
		n += (f.Size + blockBytes - 1) / blockBytes * blockBytes
	}
	return n
}
