package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/sitecast/sitecast/storage/chunk"
)

// system is every call with which the store changes something on the disk, so that
// tests can make each of them fail.
type system struct {
	create    func(root *os.Root, name string, flag int, mode fs.FileMode) (*os.File, error) // opens for writing
	write     func(f *os.File, b []byte, at int64) (int, error)
	truncate  func(f *os.File, size int64) error
	allocate  func(f *os.File, at, bytes int64) error                  // reserves blocks, and makes f at least so long
	clone     func(to, from *os.File, toAt, fromAt, bytes int64) error // shares blocks, or fails; see clone.go
	sync      func(f *os.File) error
	syncAll   func(f *os.File) error                                   // the whole file system of f, or errors.ErrUnsupported
	mkdir     func(root *os.Root, name string, mode fs.FileMode) error // and what it lies in
	chmod     func(root *os.Root, name string, mode fs.FileMode) error
	rename    func(root *os.Root, from, to string) error
	remove    func(root *os.Root, name string) error
	removeAll func(root *os.Root, name string) error
	room      func(dir string) (int64, error) // bytes free for this process
}

func realSystem() system {
	return system{
		create:    (*os.Root).OpenFile,
		write:     (*os.File).WriteAt,
		truncate:  (*os.File).Truncate,
		allocate:  allocate,
		clone:     cloneRange,
		sync:      (*os.File).Sync,
		syncAll:   syncFileSystem,
		mkdir:     (*os.Root).MkdirAll,
		chmod:     (*os.Root).Chmod,
		rename:    (*os.Root).Rename,
		remove:    (*os.Root).Remove,
		removeAll: (*os.Root).RemoveAll,
		room:      freeBytes,
	}
}

// writeAt writes all of b.
func (s *system) writeAt(f *os.File, b []byte, at int64) error {
	n, err := s.write(f, b, at)
	if err == nil && n < len(b) {
		err = fmt.Errorf("%d of %d bytes written", n, len(b))
	}
	return err
}

// lengthen makes a file that is shorter so long.
func lengthen(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	return f.Truncate(size)
}

// named calls a full disk what the contract calls it, and says of a read-only one what
// to do. Everything that the store returns passes it, because any call may be the one
// that finds no room.
func named(err error) error {
	if isReadOnly(err) {
		return fmt.Errorf("the file system is read-only; mount it so that it can be written to (mount -o remount,rw), or see what the system's log says about the disk: %w", err)
	}
	if isFull(err) && !errors.Is(err, chunk.ErrNoRoom) {
		return fmt.Errorf("%w: %w", chunk.ErrNoRoom, err)
	}
	return err
}

// writeNew writes a file under root that is not there yet, durably but for its name.
func (s *system) writeNew(root *os.Root, name string, data []byte) (err error) {
	f, err := s.create(root, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := s.writeAt(f, data, 0); err != nil {
		return err
	}
	return s.sync(f)
}

// replace makes data the content of a file under root: the old or the new
// survives a crash.
func (s *system) replace(root *os.Root, name string, data []byte) error {
	if err := s.writeNew(root, name+".new", data); err != nil {
		return err
	}
	if err := s.rename(root, name+".new", name); err != nil {
		return err
	}
	return s.syncDir(root, ".")
}

// syncDir makes the names in a folder durable. Windows cannot and need not.
func (s *system) syncDir(root *os.Root, name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(s.sync(dir), dir.Close())
}
