package memnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// window is how many bytes one direction holds before a writer waits.
	window = 256 << 10
	// segmentBytes arrive together.
	segmentBytes = 16 << 10
)

// pipe is one direction of a connection.
type pipe struct {
	path Path

	// mu guards the rest; changed is told of everything a waiting side may want.
	mu              sync.Mutex
	changed         *sync.Cond
	queue           []segment
	queued          int       // bytes in queue
	free            time.Time // when the path has carried all that was written
	ended           bool      // the writer is done
	abandoned       bool      // the reader is done
	err             error     // the connection broke
	stalled         bool
	readBy, writeBy time.Time
}

// segment is bytes of one write, and when they arrive.
type segment struct {
	at   time.Time
	data []byte
}

func newPipe(path Path) *pipe {
	p := &pipe{path: path}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		var arrival time.Time
		switch {
		case p.abandoned:
			return 0, net.ErrClosed
		case p.err != nil:
			return 0, p.err
		case passed(p.readBy, now):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case p.stalled:
		case len(p.queue) == 0 && p.ended && !now.Before(p.free.Add(p.path.Delay)):
			return 0, io.EOF
		case len(p.queue) == 0 && p.ended:
			arrival = p.free.Add(p.path.Delay)
		case len(p.queue) > 0 && !now.Before(p.queue[0].at):
			return p.take(b), nil
		case len(p.queue) > 0:
			arrival = p.queue[0].at
		}
		p.wait(now, arrival, p.readBy)
	}
}

// take copies from the first segment.
func (p *pipe) take(b []byte) int {
	first := &p.queue[0]
	n := copy(b, first.data)
	if first.data = first.data[n:]; len(first.data) == 0 {
		p.queue[0] = segment{}
		if p.queue = p.queue[1:]; len(p.queue) == 0 {
			p.queue = nil
		}
	}
	p.queued -= n
	p.changed.Broadcast()
	return n
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	written := 0
	for {
		now := time.Now()
		switch {
		case p.ended:
			return written, net.ErrClosed
		case p.err != nil:
			return written, p.err
		case passed(p.writeBy, now):
			return written, os.ErrDeadlineExceeded
		case p.abandoned && !p.stalled:
			return written, syscall.EPIPE
		case written == len(b):
			return written, nil
		case p.queued < window:
			n := min(len(b)-written, window-p.queued, segmentBytes)
			p.put(now, b[written:written+n])
			written += n
			continue
		}
		p.wait(now, time.Time{}, p.writeBy)
	}
}

func (p *pipe) put(now time.Time, b []byte) {
	if p.free.Before(now) {
		p.free = now
	}
	if rate := p.path.BytesPerSecond; rate > 0 {
		p.free = p.free.Add(time.Duration(int64(len(b)) * int64(time.Second) / rate))
	}
	p.queue = append(p.queue, segment{p.free.Add(p.path.Delay), append([]byte(nil), b...)})
	p.queued += len(b)
	p.changed.Broadcast()
}

// wait waits for a change, or the earlier of two times that are not zero.
func (p *pipe) wait(now, a, b time.Time) {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		a = b
	}
	if a.IsZero() {
		p.changed.Wait()
		return
	}
	timer := time.AfterFunc(a.Sub(now), p.wake)
	p.changed.Wait()
	timer.Stop()
}

// wake takes the mutex so that it cannot come between a check and its wait.
func (p *pipe) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

func passed(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

func (p *pipe) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.changed.Broadcast()
}

func (p *pipe) setDeadline(which *time.Time, t time.Time) { p.change(func() { *which = t }) }
func (p *pipe) stall(stalled bool)                        { p.change(func() { p.stalled = stalled }) }

// end is called when the writer closes: the end travels like bytes.
func (p *pipe) end() {
	p.change(func() {
		if now := time.Now(); !p.ended && p.free.Before(now) {
			p.free = now
		}
		p.ended = true
	})
}

// abandon is called when the reader closes: what is queued goes nowhere.
func (p *pipe) abandon() { p.change(func() { p.abandoned, p.queue, p.queued = true, nil, 0 }) }

func (p *pipe) fail(err error) { p.change(func() { p.err, p.queue, p.queued = err, nil, 0 }) }

// done reports that neither end waits for anything more.
func (p *pipe) done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended && p.abandoned
}

// wrap gives errors the shape that package net gives them.
func (c *Conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
