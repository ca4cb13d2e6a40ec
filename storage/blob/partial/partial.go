// Package partial keeps what came of objects whose upload was interrupted, in a folder
// beside whatever store they go to, so that the rest is enough the next time:
//
//	DIGEST   the beginning of an object
//
// What is kept is not synced: after a power cut some of it may be other bytes. Then the
// store refuses the object, and the next upload begins anew.
package partial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/content"
)

// Limits and delays.
const (
	// MaxParts bounds the objects that are kept.
	MaxParts = 64
	// Abandoned is when what nobody went on with is deleted.
	Abandoned = 24 * time.Hour
	// idle is how long an upload that brings nothing is waited for, when another one of the
	// same object comes: mostly it is the same publisher, on a new connection.
	idle = 5 * time.Second
	// takeOver bounds the wait for an upload to end that was told to.
	takeOver = 10 * time.Second
)

// Answers that callers branch on.
var (
	// ErrBusy means that another upload of the object goes on.
	ErrBusy = errors.New("the object is being uploaded by somebody else")
	// ErrFull means that too many objects are kept.
	ErrFull = fmt.Errorf("%d uploads are unfinished", MaxParts)
)

// An OffsetError refuses bytes that do not begin where those end that are there.
type OffsetError struct{ Want, Got int64 }

func (e *OffsetError) Error() string {
	return fmt.Sprintf("%d bytes of the object are there, and not %d", e.Want, e.Got)
}

// Parts is a folder of them. Its methods may be called from several goroutines.
type Parts struct {
	root  *os.Root
	store blob.Store

	// mu guards the rest.
	mu   sync.Mutex
	busy map[content.Digest]*upload
}

// upload is one that goes on.
type upload struct {
	interrupt func()
	ended     chan struct{}
	moved     atomic.Int64 // when it last brought something, in nanoseconds
}

// Open opens or makes a folder for what goes to a store.
func Open(dir string, store blob.Store) (*Parts, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open folder of uploads: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder of uploads: %w", err)
	}
	return &Parts{root: root, store: store, busy: map[content.Digest]*upload{}}, nil
}

// Close releases the folder. What is in it stays.
func (p *Parts) Close() error { return p.root.Close() }

// Held is how many bytes are there of an object that is not in the store.
func (p *Parts) Held(digest content.Digest) (int64, error) {
	info, err := p.root.Stat(digest.String())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for a part of object %s: %w", digest, err)
	}
	return info.Size(), nil
}

// Append adds what r brings to an object of size bytes, of which offset bytes are there.
// When all are it is put into the store. It returns how many bytes are there; with an
// error, too, but for a *blob.MismatchError, after which none are. interrupt makes
// reading from r end; it is called when another upload of the object comes and this one
// brings nothing.
func (p *Parts) Append(ctx context.Context, digest content.Digest, size, offset int64, r io.Reader, interrupt func()) (held int64, err error) {
	u, err := p.begin(ctx, digest, interrupt)
	if err != nil {
		return 0, fmt.Errorf("go on with object %s: %w", digest, err)
	}
	defer p.end(digest, u)
	held, err = p.add(ctx, digest, size, offset, moving{r, u})
	if wrong := new(blob.MismatchError); err == nil && held == size || errors.As(err, &wrong) {
		if gone := p.root.Remove(digest.String()); !errors.Is(gone, fs.ErrNotExist) { // the store may have taken it
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return held, fmt.Errorf("go on with object %s: %w", digest, err)
	}
	return held, nil
}

// add is Append but for what surrounds it.
func (p *Parts) add(ctx context.Context, digest content.Digest, size, offset int64, r io.Reader) (held int64, err error) {
	if err := p.room(digest); err != nil {
		return 0, err
	}
	file, err := p.root.OpenFile(digest.String(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	held = info.Size()
	if held != offset {
		return held, &OffsetError{Want: held, Got: offset}
	}
	n, err := io.Copy(file, io.LimitReader(r, max(size-held, 0)+1)) // one more tells what is too long
	held += n
	if held > size {
		return 0, &blob.MismatchError{Want: digest, WantBytes: size, GotBytes: held}
	}
	if err != nil || held < size {
		return held, err
	}
	// Hashed as it is read; the store has the last word.
	if store, ok := p.store.(blob.Adopter); ok {
		return held, store.Adopt(ctx, digest, size, filepath.Join(p.root.Name(), digest.String()))
	}
	return held, p.store.Put(ctx, digest, size, io.NewSectionReader(file, 0, size))
}

// begin makes an upload the only one of its object.
func (p *Parts) begin(ctx context.Context, digest content.Digest, interrupt func()) (*upload, error) {
	u := &upload{interrupt: interrupt, ended: make(chan struct{})}
	u.moved.Store(time.Now().UnixNano())
	timeout := time.NewTimer(takeOver)
	defer timeout.Stop()
	for {
		p.mu.Lock()
		other := p.busy[digest]
		if other == nil {
			p.busy[digest] = u
			p.mu.Unlock()
			return u, nil
		}
		p.mu.Unlock()
		if time.Since(time.Unix(0, other.moved.Load())) < idle {
			return nil, ErrBusy
		}
		other.interrupt()
		select {
		case <-other.ended:
		case <-timeout.C:
			return nil, ErrBusy
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *Parts) end(digest content.Digest, u *upload) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, digest)
	close(u.ended)
}

// room makes room for an object, unless it has some: what was abandoned goes.
func (p *Parts) room(digest content.Digest) error {
	if _, err := p.root.Stat(digest.String()); err == nil {
		return nil
	}
	entries, err := fs.ReadDir(p.root.FS(), ".")
	if err != nil {
		return err
	}
	kept := 0
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is complete
		}
		if err != nil {
			return err
		}
		if time.Since(info.ModTime()) < Abandoned || p.goesOn(e.Name()) {
			kept++
			continue
		}
		if err := p.root.Remove(e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if kept >= MaxParts {
		return ErrFull
	}
	return nil
}

func (p *Parts) goesOn(name string) bool {
	digest, err := content.ParseDigest(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	return err == nil && p.busy[digest] != nil
}

// moving notes when something came.
type moving struct {
	io.Reader
	upload *upload
}

func (m moving) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	if n > 0 {
		m.upload.moved.Store(time.Now().UnixNano())
	}
	return n, err
}
