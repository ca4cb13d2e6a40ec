package disk

import (
	"fmt"
	"os"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// Check implements [chunk.Version]. The files are opened beside those in use, so that
// what passes through leaves the cache again.
func (v *version) Check(i uint32) error {
	if !v.holds(i) {
		return chunk.ErrNotHeld
	}
	aside := newPassing(maxAside)
	defer aside.drop(v, func(int) bool { return true })
	b := make([]byte, v.body.Chunks[i].Length)
	for _, place := range placesOf(v.layout.Segments(i), len(b)) {
		file, err := v.look(aside, place, b)
		if err != nil && !isLost(err) {
			return fmt.Errorf("check chunk %d of %s: %w", i, v.head.Ref(), err)
		}
		if got := content.Sum(b); err != nil || got != v.body.Chunks[i].Digest {
			return v.damaged(i, got, file, err)
		}
	}
	return nil
}

// maxAside bounds the files that a check has open.
const maxAside = 4

// look reads a chunk from one of its places, where it lies, or says which file has no
// such bytes.
func (v *version) look(aside *files, place []content.Segment, b []byte) (file int, err error) {
	v.moving.RLock()
	defer v.moving.RUnlock()
	if v.tree == nil {
		return 0, errClosed
	}
	for _, s := range place {
		open := func() (*os.File, error) { return v.tree.Open(v.onDisk[s.File].Path) }
		if err := v.readAt(aside, s, open, b); err != nil {
			return s.File, err
		}
	}
	return 0, nil
}

// damaged forgets a chunk that is not on the disk as it should be. lost, where there
// is one, is why a file has no such bytes at all.
func (v *version) damaged(i uint32, got content.Digest, file int, lost error) error {
	v.store.log.Warn("stored chunk is damaged", "content", v.head.Ref().String(), "chunk", i, "err", lost)
	v.forget(i)
	if lost != nil {
		v.forgetFile(file)
	}
	return &chunk.CorruptError{Chunk: i, Want: v.body.Chunks[i].Digest, Got: got}
}
