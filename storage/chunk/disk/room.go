package disk

import (
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

// Needs returns the bytes that must be free for a version to be opened that the
// store does not have.
func (s *Store) Needs(head content.Head, body *content.Body) int64 {
	return needed(body, head.BodyBytes)
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
