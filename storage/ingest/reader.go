package ingest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/content"
)

// reader reads files of an input. It belongs to one goroutine, and keeps the folders
// open that lead to the last file, for the next lies in one of them or beside it.
type reader struct {
	in  *input
	way []step // from the input's folder to that of the last file
}

type step struct {
	name   string
	folder folder
}

// read reads an object once, in order, and appends it to dst.
func (r *reader) read(files []content.File, dst []byte) ([]byte, error) {
	object := &objectReader{from: r, files: files}
	room := int(bytesOf(files)) + 1 // one more, so that its end is read too
	dst = slices.Grow(dst, room)
	n, err := io.ReadFull(object, dst[len(dst):len(dst)+room])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return dst[:len(dst)+n], errors.Join(err, object.close())
}

// cut reads an object once, in order, and gives its chunks to emit.
func (r *reader) cut(files []content.File, emit func([]byte) error) error {
	object := &objectReader{from: r, files: files}
	return errors.Join(content.Split(object, emit), object.close())
}

func (r *reader) open(file content.File) (*plain, error) {
	if r.in.kind == content.KindFile {
		return r.in.root.open(r.in.disk)
	}
	dir, base := path.Split(file.Path)
	folder, err := r.into(strings.TrimSuffix(dir, "/"))
	if err != nil {
		return nil, err
	}
	return folder.open(base)
}

// into opens a folder, from the last one that leads to it and is open.
func (r *reader) into(dir string) (folder, error) {
	kept := 0
	for ; kept < len(r.way) && dir != ""; kept++ {
		name, rest, _ := strings.Cut(dir, "/")
		if name != r.way[kept].name {
			break
		}
		dir = rest
	}
	if err := r.leave(kept); err != nil {
		return folder{}, err
	}
	at := r.in.root
	if kept > 0 {
		at = r.way[kept-1].folder
	}
	for dir != "" {
		name, rest, _ := strings.Cut(dir, "/")
		inner, err := at.enter(name)
		if err != nil {
			return folder{}, err
		}
		r.way = append(r.way, step{name, inner})
		at, dir = inner, rest
	}
	return at, nil
}

// leave closes all folders but the first kept.
func (r *reader) leave(kept int) error {
	var errs []error
	for _, s := range r.way[kept:] {
		errs = append(errs, s.folder.close())
	}
	r.way = r.way[:kept]
	return errors.Join(errs...)
}

func (r *reader) close() error { return r.leave(0) }

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
