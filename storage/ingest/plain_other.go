//go:build !unix

package ingest

import (
	"errors"
	"io/fs"
	"os"
)

// A folder is open to be listed, and to open what lies in it by its name there.
type folder struct{ *os.Root }

func openFolder(path string) (folder, error) {
	f, err := os.OpenRoot(path)
	return folder{f}, err
}

func (f folder) enter(base string) (folder, error) {
	inner, err := f.OpenRoot(base)
	return folder{inner}, err
}

// names returns the names of what lies in the folder, in any order.
func (f folder) names() ([]string, error) {
	file, err := f.Open(".")
	if err != nil {
		return nil, err
	}
	names, err := file.Readdirnames(-1)
	return names, errors.Join(err, file.Close())
}

// look returns what is to be known of a file in the folder, and of a link itself.
func (f folder) look(base string) (seen, error) {
	info, err := f.Lstat(base)
	return seenIn(info, err)
}

func (f folder) open(base string) (*plain, error) {
	file, err := f.Open(base)
	return &plain{file}, err
}

func (f folder) close() error { return f.Close() }

// plain is a file that is open to be read.
type plain struct{ *os.File }

// look returns what is to be known of the file now.
func (p *plain) look() (seen, error) {
	info, err := p.Stat()
	return seenIn(info, err)
}

func seenIn(info fs.FileInfo, err error) (seen, error) {
	if err != nil {
		return seen{}, err
	}
	return seen{mode: info.Mode(), size: info.Size(), modified: info.ModTime().UnixNano()}, nil
}

func (p *plain) close() error { return p.Close() }
