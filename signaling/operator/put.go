package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
)

const (
	// resumable is the least size of an object that goes on where it was interrupted: a
	// smaller one is sent as fast as it is asked how much of it is there.
	resumable = 8 << 20
	// stallTimeout is how long an upload may not move, and storeTimeout how long the
	// server may take to keep what it has got.
	stallTimeout = time.Minute
	storeTimeout = 10 * time.Minute
)

var errStalled = errors.New("the upload stands still")

// put uploads one object, however long it takes, and goes on where it was interrupted,
// this time or an earlier one. at is told how much of it is there; sent is what was sent.
func (c *client) put(ctx context.Context, o object, at func(n int64)) (sent int64, err error) {
	file, err := o.open()
	if err != nil {
		return 0, err
	}
	defer file.Close()
	most := int64(0)
	err = c.retries.retry(ctx, func() (moved bool, err error) {
		method, held := http.MethodPut, int64(0)
		if o.size >= resumable {
			var complete bool
			if method, held, complete, err = c.held(ctx, o); err != nil || complete {
				return false, err
			}
		}
		moved, most = held > most, max(held, most)
		n, err := c.send(ctx, method, o, file, held, at)
		sent += n
		if refused := new(Refusal); held > 0 && errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity {
			n, err = c.send(ctx, method, o, file, 0, at) // what was there was damaged, and is gone
			sent += n
		}
		return moved, err
	})
	if err != nil {
		return sent, fmt.Errorf("object %s: %w", o.digest, err)
	}
	at(o.size)
	return sent, nil
}

// held asks how much of an object is there, and says how to send the rest.
func (c *client) held(ctx context.Context, o object) (method string, held int64, complete bool, err error) {
	ctx, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	req, err := c.request(ctx, http.MethodHead, "/objects/"+o.digest.String(), nil, nil)
	if err != nil {
		return "", 0, false, err
	}
	header, err := c.header(req, nil)
	if refused := new(Refusal); errors.As(err, &refused) && refused.Status == http.StatusMethodNotAllowed {
		return http.MethodPut, 0, false, nil // a server from before that could be asked
	}
	if err != nil {
		return "", 0, false, err
	}
	held, err = strconv.ParseInt(header.Get(api.OffsetHeader), 10, 64)
	if err != nil || held < 0 || held > o.size {
		return "", 0, false, fmt.Errorf("the server says that %.20q of %d bytes are there", header.Get(api.OffsetHeader), o.size)
	}
	return http.MethodPatch, held, header.Get(api.CompleteHeader) == "true", nil
}

// send sends an object from an offset on.
func (c *client) send(ctx context.Context, method string, o object, file io.ReadSeeker, from int64, at func(n int64)) (sent int64, err error) {
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stall := time.AfterFunc(stallTimeout, func() { stop(errStalled) })
	defer stall.Stop()
	body := &counted{Reader: io.LimitReader(file, o.size-from), read: func(n int64) {
		sent = n
		at(from + n)
		stall.Reset(stallTimeout)
		if from+n == o.size {
			stall.Reset(storeTimeout)
		}
	}}
	req, err := c.request(ctx, method, "/objects/"+o.digest.String(), nil, body)
	if err != nil {
		return 0, err
	}
	req.ContentLength = o.size - from
	if req.ContentLength == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if method == http.MethodPatch {
		req.Header.Set(api.OffsetHeader, strconv.FormatInt(from, 10))
		req.Header.Set(api.LengthHeader, strconv.FormatInt(o.size, 10))
	}
	header, err := c.header(req, nil)
	body.end() // the transport may still be at it
	switch {
	case context.Cause(ctx) == errStalled:
		return sent, errStalled
	case err == nil && method == http.MethodPatch && header.Get(api.CompleteHeader) != "true":
		return sent, errors.New("the server got less than was sent")
	}
	return sent, err
}

// counted tells how much was read in all, until it is ended.
type counted struct {
	io.Reader
	read func(n int64)

	// mu guards the rest, and read.
	mu    sync.Mutex
	n     int64
	ended bool
}

var errEnded = errors.New("the request has ended")

func (c *counted) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return 0, errEnded
	}
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	c.read(c.n)
	return n, err
}

// end has nothing read or told any more.
func (c *counted) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}
