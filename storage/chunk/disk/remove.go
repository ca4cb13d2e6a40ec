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
		return fmt.Errorf("remove %s: %w", id, named(err))
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
	// An earlier removal may have failed half-way.
	if err := s.sweep(gone); err != nil {
		return err
	}
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
		var err error
		switch {
		case strings.HasSuffix(name, newSuffix):
			err = s.sys.removeAll(s.root, name)
		case strings.HasSuffix(name, goneSuffix):
			err = s.sweep(name)
		}
		if err != nil {
			// It takes room, but is in nobody's way: whoever needs its name or its
			// place tries again.
			s.log.Warn("cannot clear away what was left half-way", "folder", name, "err", err)
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
	return s.sweepPlace(gone)
}

// sweepAll deletes what failed removals left of versions whose place is that of
// ref, before another takes it. It needs places.
func (s *Store) sweepAll(ref content.Ref) error {
	entries, err := fs.ReadDir(s.root.FS(), storeName)
	if err != nil {
		return err
	}
	for _, e := range entries {
		gone := path.Join(storeName, e.Name())
		if !strings.HasSuffix(gone, goneSuffix) {
			continue
		}
		// Without its head it claims no place.
		if head, err := s.headOfGone(gone); err == nil && head.Ref() == ref {
			if err := s.sweepPlace(gone); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepPlace needs places.
func (s *Store) sweepPlace(gone string) error {
	_, err := s.root.ReadFile(path.Join(gone, headName))
	if err == nil {
		err = s.unplace(gone)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.sys.removeAll(s.root, gone)
}

func (s *Store) unplace(gone string) error {
	tree := path.Join(gone, treeName)
	_, err := s.root.Stat(tree)
	head, damaged := s.headOfGone(gone)
	if errors.Is(err, fs.ErrNotExist) && damaged == nil {
		place := s.placeOf(head.Ref())
		// The place is vacated at once, and the files deleted one by one.
		if err = s.sys.rename(s.root, place, tree); err == nil {
			// Before files are deleted, so that no power cut shows a part of them.
			err = s.sys.syncDir(s.root, path.Dir(place))
		}
		_ = s.sys.remove(s.root, path.Dir(place)) // unless other versions are there
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.sys.remove(s.root, path.Join(gone, headName))
}

// headOfGone reads the head of a version that is being removed.
func (s *Store) headOfGone(gone string) (content.Head, error) {
	var id content.VersionID
	if err := id.UnmarshalText([]byte(strings.TrimSuffix(path.Base(gone), goneSuffix))); err != nil {
		return content.Head{}, err
	}
	return s.headIn(gone, id)
}
