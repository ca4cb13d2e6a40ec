package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/sitecast/sitecast/storage/content"
)

// reader reads files of an input. It belongs to one goroutine, and keeps the folder
// of the last file open for the next: to resolve a long path anew for each takes
// longer than to read a small file.
type reader struct {
	in     *input
	folder folder
	name   string // of the folder; empty: none is open
}

// cut reads an object once, in order, and gives its chunks to emit.
func (r *reader) cut(files []content.File, emit func([]byte) error) error {
	object := &objectReader{from: r, files: files}
	return errors.Join(content.Split(object, emit), object.close())
}

func (r *reader) open(file content.File) (*plain, error) {
	dir, base := path.Split(file.Path)
	if r.in.kind == content.KindFile {
		dir, base = "", r.in.disk
	}
	if dir = path.Clean(dir); r.name != dir {
		if err := r.close(); err != nil {
			return nil, err
		}
		folder, err := openFolder(r.in.root, dir)
		if err != nil {
			return nil, err
		}
		r.folder, r.name = folder, dir
	}
	return r.folder.open(base)
}

func (r *reader) close() error {
	if r.name == "" {
		return nil
	}
	r.name = ""
	return r.folder.Close()
}

// seen is what is known of a file before and after it is read.
type seen struct {
	mode     fs.FileMode
	size     int64
	modified int64 // nanoseconds since 1970
}

// objectReader reads the files of one object as one stream.
type objectReader struct {
	from  *reader
	files []content.File // those not read to their end

	// The first of files, once it is open.
	open *plain
	seen seen
	left int64 // bytes to read of it
}

// Read implements io.Reader. A file that is not, from its beginning to its end,
// what was listed is refused.
func (r *objectReader) Read(b []byte) (int, error) {
	for len(r.files) > 0 {
		if r.open == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.open.Read(b[:min(int64(len(b)), r.left)])
		r.left -= int64(n)
		if r.left == 0 || errors.Is(err, io.EOF) {
			err = r.end()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

// next opens the next file; folders have nothing to read.
func (r *objectReader) next() error {
	for len(r.files) > 0 && r.files[0].Dir {
		r.files = r.files[1:]
	}
	if len(r.files) == 0 {
		return io.EOF
	}
	file, err := r.from.open(r.files[0])
	if err != nil {
		return err
	}
	r.open, r.left = file, r.files[0].Size
	if r.seen, err = file.look(); err != nil {
		return err
	}
	if _, err := describe(r.files[0].Path, r.seen.mode, r.seen.size); err != nil {
		return err
	}
	if r.seen.size != r.files[0].Size {
		return &ChangedError{r.files[0].Path}
	}
	return nil
}

// end closes a file that is read to its end.
func (r *objectReader) end() error {
	file := r.files[0]
	now, err := r.open.look()
	if err != nil {
		return err
	}
	if r.left != 0 || now.size != file.Size || now.modified != r.seen.modified {
		return &ChangedError{file.Path}
	}
	r.files = r.files[1:]
	return r.close()
}

func (r *objectReader) close() error {
	if r.open == nil {
		return nil
	}
	file := r.open
	r.open = nil
	return file.close()
}

// A ChangedError means that a file changed between being listed and being read to
// its end.
type ChangedError struct{ Path string }

func (e *ChangedError) Error() string { return fmt.Sprintf("%.200q changed while it was read", e.Path) }
