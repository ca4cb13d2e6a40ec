//go:build !unix

package ingest

import "os"

// A folder opens the files in it.
type folder struct{ *os.Root }

func openFolder(root *os.Root, dir string) (folder, error) {
	f, err := root.OpenRoot(dir)
	return folder{f}, err
}

func (f folder) open(base string) (*plain, error) {
	file, err := f.Open(base)
	return &plain{file}, err
}

// plain is a file that is open to be read.
type plain struct{ *os.File }

// look returns what is to be known of the file now.
func (p *plain) look() (seen, error) {
	info, err := p.Stat()
	if err != nil {
		return seen{}, err
	}
	return seen{mode: info.Mode(), size: info.Size(), modified: info.ModTime().UnixNano()}, nil
}

func (p *plain) close() error { return p.Close() }
