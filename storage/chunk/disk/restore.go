package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
)

// restore begins the tree anew that somebody deleted as a whole. Nothing of it is
// held any more, and what was counted stays so.
func (v *version) restore() error {
	v.durable.Lock()
	defer v.durable.Unlock()
	return v.restoreTree()
}

// restoreTree does nothing where the tree is there. It needs durable.
func (v *version) restoreTree() error {
	s, folder := v.store, v.folder()
	if v.tree == nil {
		return errClosed
	}
	there, err := s.root.Stat(folder)
	if err == nil {
		mine, err := v.tree.Stat(".")
		if err == nil && os.SameFile(mine, there) {
			return nil
		}
		return v.reopen(folder) // moved away, and this one put there
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.log.Warn("making a deleted tree anew", "content", v.head.Ref().String(), "folder", folder)
	if err := v.check(0, nil); err != nil {
		return err
	}
	// Nobody reads or writes until the new tree is there.
	v.moving.Lock()
	defer v.moving.Unlock()
	v.forgetAll()
	// First of all the journal, which must not say of the new tree what was true of
	// the old one.
	if err := v.commit(); err != nil {
		return err
	}
	if err := v.plantAgain(); err != nil {
		return err
	}
	v.placed, v.settled = false, false
	return v.openTree(path.Join(folderOf(v.id), treeName))
}

// folder is where the tree lies. It needs durable or moving.
func (v *version) folder() string {
	if v.placed {
		return v.store.placeOf(v.head.Ref())
	}
	return path.Join(folderOf(v.id), treeName)
}

// forgetAll makes every chunk wanted again, and no file worth a sync.
func (v *version) forgetAll() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.state.have)
	clear(v.touched)
	v.held, v.fresh = 0, nil
}

// plantAgain makes an empty tree beside, and then gives it its name.
func (v *version) plantAgain() error {
	s, tree := v.store, path.Join(folderOf(v.id), treeName)
	beside := tree + newSuffix
	for _, left := range []string{beside, tree} { // by an earlier attempt
		if err := s.sys.removeAll(s.root, left); err != nil {
			return err
		}
	}
	if err := s.sys.mkdir(s.root, beside, 0o755); err != nil {
		return err
	}
	root, err := s.root.OpenRoot(beside)
	if err != nil {
		return err
	}
	if err := errors.Join(v.plant(context.Background(), root, nil), root.Close()); err != nil {
		return errors.Join(err, s.sys.removeAll(s.root, beside))
	}
	if err := s.sys.rename(s.root, beside, tree); err != nil {
		return err
	}
	return s.sys.syncDir(s.root, folderOf(v.id))
}

// reopen goes on with the tree in a folder. It needs durable.
func (v *version) reopen(folder string) error {
	v.moving.Lock()
	defer v.moving.Unlock()
	return v.openTree(folder)
}

// openTree needs durable and moving.
func (v *version) openTree(folder string) error {
	v.store.files.drop(v, func(int) bool { return true })
	old := v.tree
	tree, err := v.store.root.OpenRoot(folder)
	if err != nil {
		return err
	}
	v.tree = tree
	return old.Close()
}
