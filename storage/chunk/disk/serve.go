package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sort"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// A File is a file of a complete version, to be read as it was published: by ranges,
// decrypted, and each chunk hashed before a byte of it is handed out. A chunk that
// does not match ends the reading with a *chunk.CorruptError. It is for one
// goroutine at a time.
type File struct {
	content.File
	ID   content.VersionID
	Head content.Head

	from *lender
	uses []use
	at   int64 // where Read goes on

	chunk uint32
	held  []byte // the chunk read last; nil at first
}

// use is a chunk of a file, and where in the file it begins: the first may begin
// before it.
type use struct {
	chunk uint32
	at    int64
}

// OpenFile opens a file of a complete version, whether the version is open or not.
// fs.ErrNotExist says that there is none. The caller closes it.
func (s *Store) OpenFile(ref content.Ref, name string) (*File, error) {
	l, err := s.lendComplete(ref)
	if err != nil {
		return nil, fmt.Errorf("open %s of %s: %w", name, ref, err)
	}
	for i, f := range l.body.Files {
		if f.Path == name && !f.Dir {
			return &File{File: f, ID: l.id, Head: l.head, from: l, uses: usesOf(l.body, i)}, nil
		}
	}
	l.close()
	return nil, fmt.Errorf("open %s of %s: %w", name, ref, fs.ErrNotExist)
}

// lendComplete opens a complete version to be read.
func (s *Store) lendComplete(ref content.Ref) (*lender, error) {
	ids, err := s.stored()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if s.refOf(id) != ref {
			continue
		}
		l, have, err := s.lend(id)
		if err != nil {
			return nil, err
		}
		if l.placed && have.Count() == l.chunks() {
			return l, nil
		}
		l.close()
	}
	return nil, fmt.Errorf("it is not complete here: %w", fs.ErrNotExist)
}

// refOf returns what a stored version is called, or nothing when it can't be read.
func (s *Store) refOf(id content.VersionID) content.Ref {
	s.mu.Lock()
	open := s.versions[id]
	s.mu.Unlock()
	if open != nil {
		return open.head.Ref()
	}
	head, err := s.headIn(folderOf(id), id)
	if err != nil {
		return content.Ref{}
	}
	return head.Ref()
}

// usesOf lists the chunks that a file consists of, in order.
func usesOf(body *content.Body, file int) (uses []use) {
	var start, at int64
	for _, f := range body.Files[:file] {
		start += f.Size
	}
	end := start + body.Files[file].Size
	for _, r := range body.Runs {
		for c := r.First; c < r.First+r.Count; c++ {
			next := at + int64(body.Chunks[c].Length)
			if at < end && next > start {
				uses = append(uses, use{c, at - start})
			}
			at = next
		}
	}
	return uses
}

// Read implements [io.Reader].
func (f *File) Read(b []byte) (int, error) {
	if f.at >= f.Size {
		return 0, io.EOF
	}
	u := f.uses[sort.Search(len(f.uses), func(i int) bool { return f.uses[i].at > f.at })-1]
	if f.held == nil || f.chunk != u.chunk {
		data, err := f.from.whole(u.chunk, f.held[:0])
		if err != nil {
			f.held = nil
			return 0, fmt.Errorf("read %s of %s: %w", f.Path, f.Head.Ref(), err)
		}
		f.chunk, f.held = u.chunk, data
	}
	n := copy(b, f.held[f.at-u.at:min(int64(len(f.held)), f.Size-u.at)])
	f.at += int64(n)
	return n, nil
}

// Seek implements [io.Seeker].
func (f *File) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.Size
	}
	if offset < 0 {
		return 0, errors.New("seek to before the file")
	}
	f.at = offset
	return offset, nil
}

// Close lets go of the version.
func (f *File) Close() error {
	f.from.close()
	return nil
}

// lent is a lender as others see it.
type lent struct{ from *lender }

// Lend implements [chunk.Store].
func (s *Store) Lend(id content.VersionID) (chunk.Lender, error) {
	l, have, err := s.lend(id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, chunk.ErrNotHeld
	case err != nil:
		return nil, fmt.Errorf("lend %s: %w", id, err)
	case have.Count() != l.chunks():
		l.close()
		return nil, chunk.ErrNotHeld
	}
	return lent{l}, nil
}

// Read implements [chunk.Lender].
func (l lent) Read(i uint32, dst []byte) ([]byte, error) {
	if i >= l.from.chunks() {
		return dst, chunk.ErrNotHeld
	}
	return l.from.whole(i, dst)
}

// Close implements [chunk.Lender].
func (l lent) Close() { l.from.close() }

// whole appends a chunk to dst, checked. One that the open version has is read by it,
// so that damage is mended.
func (l *lender) whole(i uint32, dst []byte) ([]byte, error) {
	s := l.store
	s.mu.Lock()
	open := s.versions[l.id]
	s.mu.Unlock()
	if open != nil {
		if b, err := open.Read(i, dst); !errors.Is(err, errClosed) { // closed since: its flow ended
			return b, err
		}
	}
	c := l.body.Chunks[i]
	b := append(dst, make([]byte, c.Length)...)
	data := b[len(dst):]
	for _, at := range l.firstPlace(i) {
		if err := l.readAt(l.files, at, l.reader(at.File), data); err != nil {
			return dst, err
		}
	}
	if got := content.Sum(data); got != c.Digest {
		return dst, &chunk.CorruptError{Chunk: i, Want: c.Digest, Got: got}
	}
	return b, nil
}
