//go:build unix

package ingest

import (
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// A folder opens the files in it. An os.File costs eleven system calls to open, look
// at twice, read and close, since it asks the poller about each: for small files that
// took longer than to read, cut and hash them. Five do.
type folder struct{ *os.File }

func openFolder(root *os.Root, dir string) (folder, error) {
	f, err := root.Open(dir)
	return folder{f}, err
}

// open opens a file to be read. A link is not followed, and a pipe not waited for: when
// there is one now, the file was replaced since it was listed.
func (f folder) open(base string) (*plain, error) {
	fd, err := retried(func() (int, error) {
		return unix.Openat(int(f.Fd()), base, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
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
	return seen{mode: modeOf(uint32(st.Mode)), size: st.Size, modified: st.Mtim.Nano()}, nil
}

func modeOf(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits) & fs.ModePerm
	switch bits & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
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
