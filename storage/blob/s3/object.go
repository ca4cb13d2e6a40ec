package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"

	"github.com/sitecast/sitecast/storage/content"
)

const (
	// firstWindow is how much is asked for at a new place; what is read on from there is
	// asked for in windows that double, up to maxWindow. So who wants little moves little,
	// and who wants all makes few requests.
	firstWindow = 256 << 10
	maxWindow   = 8 << 20
	// maxGap is what is rather read over than asked for anew.
	maxGap = 64 << 10
	// maxResumed is how often in a row a window that breaks off is asked for again, from
	// where it broke.
	maxResumed = 3
)

// object reads one of the bucket's: Read and Seek have a place of their own, and all
// read through one window. It makes no request before something is read.
type object struct {
	*io.SectionReader
	window *window
}

// Close implements io.Closer.
func (o object) Close() error {
	o.window.mu.Lock()
	defer o.window.mu.Unlock()
	o.window.closed = true
	return o.window.drop()
}

func newObject(ctx context.Context, s *Store, digest content.Digest, size int64) object {
	w := &window{ctx: ctx, store: s, digest: digest, size: size}
	return object{io.NewSectionReader(w, 0, size), w}
}

var errClosed = errors.New("the object is closed")

// window is an answer of the service that is being read.
type window struct {
	// Constant.
	ctx    context.Context
	store  *Store
	digest content.Digest
	size   int64

	// mu guards the rest.
	mu     sync.Mutex
	closed bool
	body   io.ReadCloser // nil: none is open
	at     int64         // the place of the next byte in the object
	end    int64         // up to where body goes
	length int64         // of the window
}

// ReadAt implements io.ReaderAt. Those who read at once wait for each other.
func (w *window) ReadAt(b []byte, off int64) (n int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for broken := 0; n < len(b) && err == nil; {
		if err = w.move(off + int64(n)); err != nil {
			break
		}
		var got int
		got, err = w.body.Read(b[n:min(int64(len(b)), int64(n)+w.end-w.at)])
		n, w.at = n+got, w.at+int64(got)
		if got > 0 {
			broken = 0
		}
		if err == nil || err == io.EOF && w.at == w.end {
			err = nil
			continue
		}
		if broken++; broken <= maxResumed && w.ctx.Err() == nil {
			err = w.drop()
		} else if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read object %s: %w", w.digest, explain(err))
	}
	return n, err
}

// move has body begin at off.
func (w *window) move(off int64) error {
	if w.closed {
		return errClosed
	}
	if off >= w.size {
		return io.EOF
	}
	goes := w.body != nil && off >= w.at && off-w.at <= maxGap
	if goes && off < w.end {
		if n, err := io.CopyN(io.Discard, w.body, off-w.at); err == nil {
			w.at += n
			return nil
		}
	}
	length := int64(firstWindow)
	if goes {
		length = min(2*w.length, maxWindow)
	}
	if err := w.drop(); err != nil {
		return err
	}
	var opts minio.GetObjectOptions
	end := min(off+length, w.size)
	if err := opts.SetRange(off, end-1); err != nil {
		return err
	}
	body, _, header, err := w.store.core.GetObject(w.ctx, w.store.at.Bucket, w.store.name(w.digest), opts)
	if err != nil {
		return err
	}
	w.body, w.at, w.end, w.length = body, off, end, length
	want := fmt.Sprintf("bytes %d-%d/", off, end-1)
	if got := header.Get("Content-Range"); !strings.HasPrefix(got, want) && (got != "" || end-off != w.size) {
		return errors.Join(fmt.Errorf("the service answered %q when asked for %s", got, want), w.drop())
	}
	return nil
}

// drop ends the answer that is open. mu is held.
func (w *window) drop() error {
	if w.body == nil {
		return nil
	}
	err := w.body.Close()
	w.body = nil
	return err
}
