//go:build unix

package ingest

import (
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"
)

// A folder is open to be listed, and to open what lies in it by its name there: to
// resolve a long path anew for each file takes longer than to read a small one, and an
// os.File or os.Root twice as many system calls, since it asks the poller about each.
type folder struct {
	fd   int
	base string
}

// openFolder opens the folder at a path, which may lead through links.
func openFolder(path string) (folder, error) {
	return opened(unix.AT_FDCWD, path, unix.O_DIRECTORY)
}

// enter opens a folder in a folder. A link is not followed: when there is one now, the
// folder was replaced since it was listed.
func (f folder) enter(base string) (folder, error) {
	return opened(f.fd, base, unix.O_DIRECTORY|unix.O_NOFOLLOW)
}

func opened(at int, name string, flags int) (folder, error) {
	fd, err := retried(func() (int, error) {
		return unix.Openat(at, name, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
	})
	if err != nil {
		return folder{}, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return folder{fd, name}, nil
}

var listBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// names returns the names of what lies in the folder, in any order.
func (f folder) names() (out []string, err error) {
	buffer := listBuffers.Get().(*[32 << 10]byte)
	defer listBuffers.Put(buffer)
	for {
		n, err := retried(func() (int, error) { return unix.ReadDirent(f.fd, buffer[:]) })
		if err != nil {
			return nil, &fs.PathError{Op: "list", Path: f.base, Err: err}
		}
		if n == 0 {
			return out, nil
		}
		_, _, out = unix.ParseDirent(buffer[:n], -1, out)
	}
}

// look returns what is to be known of a file in the folder, and of a link itself.
func (f folder) look(base string) (seen, error) {
	var st unix.Stat_t
	if _, err := retried(func() (int, error) { return 0, unix.Fstatat(f.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW) }); err != nil {
		return seen{}, &fs.PathError{Op: "stat", Path: base, Err: err}
	}
	return seenIn(&st), nil
}

func (f folder) close() error { return unix.Close(f.fd) }

// open opens a file to be read. A link is not followed, and a pipe not waited for: when
// there is one now, the file was replaced since it was listed.
func (f folder) open(base string) (*plain, error) {
	fd, err := retried(func() (int, error) {
		return unix.Openat(f.fd, base, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: base, Err: err}
	}
	return &plain{fd: fd, base: base}, nil
}

// plain is a file that is open to be read.
type plain struct {
	fd   int
	base string
}

// look returns what is to be known of the file now.
func (p *plain) look() (seen, error) {
	var st unix.Stat_t
	if _, err := retried(func() (int, error) { return 0, unix.Fstat(p.fd, &st) }); err != nil {
		return seen{}, &fs.PathError{Op: "stat", Path: p.base, Err: err}
	}
	return seenIn(&st), nil
}

func seenIn(st *unix.Stat_t) seen {
	return seen{mode: modeOf(uint32(st.Mode)), size: st.Size, modified: st.Mtim.Nano()}
}

func modeOf(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits) & fs.ModePerm
	switch bits & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular
	}
	if bits&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if bits&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if bits&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

func (p *plain) Read(b []byte) (int, error) {
	n, err := retried(func() (int, error) { return unix.Read(p.fd, b) })
	switch {
	case err != nil:
		return 0, &fs.PathError{Op: "read", Path: p.base, Err: err}
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}

func (p *plain) close() error { return unix.Close(p.fd) }

// retried repeats a call that a signal interrupted.
func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
