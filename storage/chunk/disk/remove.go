package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/sitecast/sitecast/storage/content"
)

// Remove implements [chunk.Store]. The version is forgotten at once; what an
// interruption leaves of it, the next Open of the store deletes.
func (s *Store) Remove(ctx context.Context, id content.VersionID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.remove(id); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	return nil
}

func (s *Store) remove(id content.VersionID) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	s.mu.Lock()
	v, closed := s.versions[id], s.closed
	delete(s.versions, id)
	s.mu.Unlock()
	if closed {
		return errClosed
	}
	if v != nil {
		_ = v.release() // nobody needs its bytes any more
	}
	gone := folderOf(id) + goneSuffix
	err := s.sys.rename(s.root, folderOf(id), gone)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(s.sys.syncDir(s.root, storeName), s.sweep(gone))
}

// tidy clears away what an interrupted process left half-way.
func (s *Store) tidy() error {
	entries, err := fs.ReadDir(s.root.FS(), storeName)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(storeName, e.Name())
		switch {
		case strings.HasSuffix(name, newSuffix):
			err = s.root.RemoveAll(name)
		case strings.HasSuffix(name, goneSuffix):
			err = s.sweep(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes a version that is gone, and its tree at its place. The head, which
// names the place, is deleted before anything else: from then on the place may be
// another's.
func (s *Store) sweep(gone string) error {
	s.places.Lock()
	defer s.places.Unlock()
	envelope, err := s.root.ReadFile(path.Join(gone, headName))
	if err == nil {
		err = s.unplace(gone, envelope)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.RemoveAll(gone)
}

func (s *Store) unplace(gone string, envelope []byte) error {
	tree := path.Join(gone, treeName)
	_, err := s.root.Stat(tree)
	head, _, damaged := content.ReadHead(envelope)
	if errors.Is(err, fs.ErrNotExist) && damaged == nil {
		// The place is vacated at once, and the files deleted one by one.
		err = s.sys.rename(s.root, placeOf(head.Ref()), tree)
		_ = s.root.Remove(path.Dir(placeOf(head.Ref()))) // unless other versions are there
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.root.Remove(path.Join(gone, headName))
}
