package disk

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/sitecast/sitecast/storage/chunk"
)

// system is what the store asks of the operating system where disks fail, so
// that tests can make them fail.
type system struct {
	write    func(f *os.File, b []byte, at int64) (int, error)
	sync     func(f *os.File) error
	syncAll  func(f *os.File) error // the whole file system of f, or errors.ErrUnsupported
	allocate func(f *os.File, size int64) error
	rename   func(root *os.Root, from, to string) error
	room     func(dir string) (int64, error) // bytes free for this process
}

func realSystem() system {
	return system{
		write:    (*os.File).WriteAt,
		sync:     (*os.File).Sync,
		syncAll:  syncFileSystem,
		allocate: allocate,
		rename:   (*os.Root).Rename,
		room:     freeBytes,
	}
}

// writeAt writes all of b, and calls a full disk what the contract calls it.
func (s *system) writeAt(f *os.File, b []byte, at int64) error {
	n, err := s.write(f, b, at)
	if err == nil && n < len(b) {
		err = fmt.Errorf("%d of %d bytes written", n, len(b))
	}
	return full(err)
}

func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", chunk.ErrNoRoom, err)
	}
	return err
}

// writeNew writes a file under root that is not there yet, durably but for its name.
func (s *system) writeNew(root *os.Root, name string, data []byte) (err error) {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return full(err)
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
