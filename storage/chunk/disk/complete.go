package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// replacedName is where a tree that no version owns waits to be deleted.
const replacedName = "replaced"

// Complete implements [chunk.Version].
func (v *version) Complete() error {
	v.durable.Lock()
	defer v.durable.Unlock()
	if err := v.complete(); err != nil {
		return fmt.Errorf("complete %s: %w", v.head.Ref(), named(err))
	}
	return nil
}

// complete needs durable.
func (v *version) complete() error {
	if err := v.restoreTree(); err != nil {
		return err
	}
	if err := v.commit(); err != nil {
		return err
	}
	if n := v.missing(); n > 0 {
		return fmt.Errorf("%w: %d of %d are missing", chunk.ErrNotHeld, n, v.chunks())
	}
	if v.placed {
		return v.settle()
	}
	if err := v.finish(); err != nil {
		return err
	}
	return v.place()
}

// finish gives files and folders the modes they are delivered with, and makes
// durable what no commit has: modes, and files and folders that are empty.
func (v *version) finish() error {
	for i, f := range v.onDisk {
		info, err := v.tree.Lstat(f.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && v.obstacle(i) == "" {
			return err
		}
		if err != nil || info.IsDir() != f.Dir || !f.Dir && (!info.Mode().IsRegular() || info.Size() != f.Size) {
			if err := v.replant(i); err != nil {
				return err
			}
		}
		if f.Dir {
			continue
		}
		if err := v.store.sys.chmod(v.tree, f.Path, finalMode(f)); err != nil {
			return err
		}
	}
	if n := v.missing(); n > 0 {
		return fmt.Errorf("%w: files of %d chunks were changed by somebody", chunk.ErrNotHeld, n)
	}
	folders := foldersOf(v.onDisk)
	for _, folder := range folders {
		if err := v.store.sys.chmod(v.tree, folder, 0o755); err != nil {
			return err
		}
	}
	if err := v.store.sys.syncTree(v.tree, v.onDisk, folders); err != nil {
		v.distrust(nil)
		return err
	}
	return nil
}

// replant makes a file or an empty folder anew that somebody deleted or changed.
func (v *version) replant(i int) error {
	f := v.onDisk[i]
	v.forgetFile(i)
	v.store.log.Warn("making anew what somebody changed", "content", v.head.Ref().String(), "file", f.Path)
	inWay := f.Path
	if o := v.obstacle(i); o != "" {
		inWay = o
	}
	if err := v.store.sys.removeAll(v.tree, inWay); err != nil {
		return err
	}
	if f.Dir {
		return v.store.sys.mkdir(v.tree, f.Path, 0o755)
	}
	file, err := v.openWritable(i)
	if err != nil {
		return err
	}
	return errors.Join(v.store.sys.truncate(file, f.Size), file.Close())
}

func finalMode(f content.File) fs.FileMode {
	if f.Executable {
		return 0o555
	}
	return 0o444
}

// foldersOf lists every folder of a tree, "." included, the deeper before those
// they lie in.
func foldersOf(files []content.File) []string {
	seen := map[string]bool{".": true}
	for _, f := range files {
		folder := path.Dir(f.Path)
		if f.Dir {
			folder = f.Path
		}
		for ; !seen[folder]; folder = path.Dir(folder) {
			seen[folder] = true
		}
	}
	folders := make([]string, 0, len(seen))
	for folder := range seen {
		folders = append(folders, folder)
	}
	slices.Sort(folders) // "." < names, and a folder < what lies in it
	slices.Reverse(folders)
	return folders
}

// syncTree makes files, folders and their names and modes durable. Windows does
// not sync files that are read-only, and need not: their content was committed.
func (s *system) syncTree(root *os.Root, files []content.File, folders []string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if len(files) > manyFiles {
		top, err := root.Open(".")
		if err != nil {
			return err
		}
		err = errors.Join(s.syncAll(top), top.Close())
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for _, f := range files {
		if f.Dir {
			continue
		}
		file, err := root.Open(f.Path)
		if err != nil {
			return err
		}
		if err := errors.Join(s.sync(file), file.Close()); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		if err := s.syncDir(root, folder); err != nil {
			return err
		}
	}
	return nil
}

// place moves the finished tree to where it is visible. It needs durable.
func (v *version) place() error {
	s, ref := v.store, v.head.Ref()
	s.places.Lock()
	defer s.places.Unlock()
	if err := v.vacate(); err != nil {
		return err
	}
	if err := s.sys.mkdir(s.root, path.Dir(s.placeOf(ref)), 0o755); err != nil {
		return err
	}
	if err := v.move(s.placeOf(ref)); err != nil {
		return err
	}
	return v.settle()
}

// settle makes the place of the tree durable. If the power goes before it is, the
// tree is found where it was. It needs durable.
func (v *version) settle() error {
	if v.settled {
		return nil
	}
	s, place := v.store, v.store.placeOf(v.head.Ref())
	places, _ := s.placesName()
	for _, folder := range []string{path.Dir(place), places, folderOf(v.id)} {
		if err := s.sys.syncDir(s.root, folder); err != nil {
			return err
		}
	}
	v.settled = true
	return s.sys.removeAll(s.root, path.Join(folderOf(v.id), replacedName))
}

// vacate clears the place of v of a tree whose version is not known any more. It
// needs places.
func (v *version) vacate() error {
	s, ref := v.store, v.head.Ref()
	if err := s.sweepAll(ref); err != nil {
		return err
	}
	_, err := s.root.Lstat(s.placeOf(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	other, found, err := s.otherAt(ref, v.id)
	if err != nil {
		return err
	}
	if found {
		return fmt.Errorf("version %s is there under the same name", other)
	}
	replaced := path.Join(folderOf(v.id), replacedName)
	if err := s.sys.removeAll(s.root, replaced); err != nil { // of an earlier attempt
		return err
	}
	return s.sys.rename(s.root, s.placeOf(ref), replaced)
}

// unplace takes the tree back from where it is visible: it is not what it should be.
func (v *version) unplace() error {
	v.durable.Lock()
	defer v.durable.Unlock()
	s, place := v.store, v.store.placeOf(v.head.Ref())
	s.places.Lock()
	defer s.places.Unlock()
	if err := v.move(path.Join(folderOf(v.id), treeName)); err != nil {
		return err
	}
	v.settled = false
	return errors.Join(s.sys.syncDir(s.root, path.Dir(place)), s.sys.syncDir(s.root, folderOf(v.id)))
}

// trim cuts files that somebody made longer: what they held before is still there.
func (v *version) trim() error {
	for i, f := range v.onDisk {
		info, err := v.tree.Lstat(f.Path)
		if err != nil || !info.Mode().IsRegular() || info.Size() <= f.Size {
			continue // Complete makes it anew
		}
		file, err := v.openWritable(i)
		if err != nil {
			return err
		}
		if err := errors.Join(v.store.sys.truncate(file, f.Size), file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// move renames the tree between the version's folder and its place. Readers and
// writers wait, and go on where it is then.
func (v *version) move(to string) error {
	s, from := v.store, v.folder()
	v.moving.Lock()
	defer v.moving.Unlock()
	// Windows does not rename folders in which something is open.
	s.files.drop(v, func(int) bool { return true })
	err := v.tree.Close()
	if moved := s.sys.rename(s.root, from, to); moved == nil {
		v.placed = !v.placed
	} else {
		err, to = errors.Join(err, moved), from
	}
	tree, opened := s.root.OpenRoot(to)
	v.tree = tree
	return errors.Join(err, opened)
}
