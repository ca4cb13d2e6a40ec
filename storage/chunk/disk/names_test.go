//go:build unix

package disk

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"
)

// Names are as durable as the folders they are in: until these are synced, a power
// cut may undo what was done to them, from the last on.

func (p *powered) create(root *os.Root, name string, flag int, mode fs.FileMode) (f *os.File, err error) {
	err = p.step("create", name, func(fails error) error {
		if fails != nil {
			return fails
		}
		_, missing := root.Lstat(name)
		var wrong error
		if f, wrong = root.OpenFile(name, flag, mode); wrong != nil {
			return wrong
		}
		if errors.Is(missing, fs.ErrNotExist) {
			p.came(root, name)
		}
		return nil
	})
	return f, err
}

func (p *powered) mkdir(root *os.Root, name string, mode fs.FileMode) error {
	return p.step("mkdir", name, func(fails error) error {
		if fails != nil {
			return fails
		}
		var fresh []string // the deepest first
		for folder := name; folder != "."; folder = path.Dir(folder) {
			if _, err := root.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
				fresh = append(fresh, folder)
			}
		}
		if err := root.MkdirAll(name, mode); err != nil {
			return err
		}
		for i := range fresh {
			p.came(root, fresh[len(fresh)-1-i])
		}
		return nil
	})
}

// came notes a new name. Its folder is kept open: it may have another name by the
// time that the power goes.
func (p *powered) came(root *os.Root, name string) {
	parent, err := root.OpenRoot(path.Dir(name))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = parent.Close() })
	p.names = append(p.names, naming{
		dirs: []uint64{inode(p.t, name, func() (os.FileInfo, error) { return parent.Stat(".") })},
		undo: func() { _ = parent.RemoveAll(path.Base(name)) }, // it may be gone already
	})
}

func (p *powered) rename(root *os.Root, from, to string) error {
	return p.step("rename", to, func(err error) error {
		if err != nil {
			return err
		}
		oldName, newName, replaced := filepath.Join(root.Name(), from), filepath.Join(root.Name(), to), ""
		if info, err := os.Lstat(newName); err == nil && info.Mode().IsRegular() {
			replaced = filepath.Join(MemoryDir(p.t), "replaced") // a second name of it
			if err := os.Link(newName, replaced); err != nil {
				p.t.Fatal(err)
			}
		}
		if err := root.Rename(from, to); err != nil {
			return err
		}
		p.names = append(p.names, naming{dirs: []uint64{p.folder(oldName), p.folder(newName)}, undo: func() {
			_ = os.Rename(newName, oldName) // it may have been deleted since
			if replaced != "" {
				_ = os.Rename(replaced, newName)
			}
		}})
		return nil
	})
}

// trash moves away what is to be removed, so that the removal can be undone.
func (p *powered) trash(root *os.Root, name string, remove func(string) error) error {
	full := filepath.Join(root.Name(), name)
	info, err := os.Lstat(full)
	if err != nil {
		return remove(name)
	}
	if entries, err := os.ReadDir(full); info.IsDir() && err == nil && len(entries) > 0 && p.calls[len(p.calls)-1] == "remove" {
		return remove(name) // which fails
	}
	away := filepath.Join(MemoryDir(p.t), "removed")
	if err := os.Rename(full, away); err != nil {
		p.t.Fatal(err)
	}
	p.names = append(p.names, naming{dirs: []uint64{p.folder(full)}, undo: func() { _ = os.Rename(away, full) }})
	return nil
}

// removeSome removes every second file, as a removal does that is interrupted.
func removeSome(folder string) {
	n := 0
	_ = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if n++; err == nil && d.Type().IsRegular() && n%2 == 0 {
			return os.Remove(name)
		}
		return err
	})
}

// folder identifies the folder that a name is in.
func (p *powered) folder(name string) uint64 {
	dir := filepath.Dir(name)
	return inode(p.t, dir, func() (os.FileInfo, error) { return os.Stat(dir) })
}

func TestNamesAreLostUntilTheirFolderIsSynced(t *testing.T) {
	dir := MemoryDir(t)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	p := newPowered(t, fault{})
	sys := p.system()
	steps := []func() error{
		func() error { return sys.mkdir(root, "a/b", 0o700) },
		func() error { return sys.writeNew(root, "a/kept", []byte("kept")) },
		func() error { return sys.syncDir(root, ".") },
		func() error { return sys.syncDir(root, "a") },
		func() error { return sys.writeNew(root, "a/b/lost", []byte("lost")) },
		func() error { return sys.rename(root, "a/kept", "a/b/moved") },
		func() error { return sys.removeAll(root, "a/b") },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	p.lose(cuts["nothing"])
	text, err := os.ReadFile(filepath.Join(dir, "a/kept"))
	if left, listed := os.ReadDir(filepath.Join(dir, "a/b")); err != nil || string(text) != "kept" || listed != nil || len(left) > 0 {
		t.Errorf("after a power cut a/kept is %q (%v), and a/b holds %v (%v), want what was synced and no more", text, err, left, listed)
	}
}
