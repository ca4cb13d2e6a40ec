package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBehind is how many bytes wait at most for a client over a stream that does not read
	// for a moment, as it or we had no processor, and maxStanding for one that has been behind for
	// longer: there a line is slower than what is sent, and what waits only makes it late.
	// What comes then is lost, as where a line is full.
	maxBehind   = 512 << 10
	maxStanding = 64 << 10
	moment      = time.Second
	// maxBehindAll is how many bytes wait for all clients at most.
	maxBehindAll = 128 << 20
	// answers is how many bytes more wait for a client if TURN itself sends them: who asks
	// over a stream does not ask twice.
	answers = 64 << 10
	// maxWrite is how many bytes are written at once, and writeTimeout how long that may
	// take: a client that takes less of them is gone.
	maxWrite     = 64 << 10
	writeTimeout = time.Minute
	// readBuffer holds some packets, and the largest message that TURN is given.
	readBuffer = 16 << 10
	// handshakeTimeout bounds the wait for who has begun to speak TLS.
	handshakeTimeout = 10 * time.Second
)

// streams accepts clients over TCP, or TLS over it. When it is closed, so are they.
type streams struct {
	net.Listener
	ports *ports
	wg    sync.WaitGroup // of those who write

	// mu guards the rest.
	mu   sync.Mutex
	open map[*stream]bool // nil once it is closed
}

func newStreams(l net.Listener, p *ports) *streams {
	return &streams{Listener: l, ports: p, open: map[*stream]bool{}}
}

// Accept implements [net.Listener].
func (l *streams) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &stream{Conn: conn, of: l, in: bufio.NewReaderSize(conn, readBuffer), wake: make(chan struct{}, 1), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		return nil, errors.Join(net.ErrClosed, conn.Close())
	}
	l.open[s] = true
	l.ports.came(s)
	l.wg.Go(s.write)
	return s, nil
}

// Close implements [net.Listener].
func (l *streams) Close() error {
	err := l.Listener.Close()
	l.mu.Lock()
	open := l.open
	l.open = nil
	l.mu.Unlock()
	for s := range open {
		_ = s.Close() // whoever reads from it hears of it
	}
	l.wg.Wait()
	return err
}

// stream is the connection of a client. What comes by channels is taken out of it and
// handed over as where it comes over UDP, and TURN sees to the rest. What goes to the
// client waits in memory while a write is on its way, and then goes with one: so who sends to it
// waits for nothing, and nothing is lost because a goroutine had no turn.
type stream struct {
	net.Conn
	of     *streams
	wake   chan struct{} // something waits
	closed chan struct{}
	once   sync.Once // closes it

	// Owned by who reads.
	in     *bufio.Reader
	passed int  // bytes of the message that TURN is being given
	shook  bool // hands, over TLS

	// mu guards what waits.
	mu     sync.Mutex
	queue  []byte
	behind int       // bytes in the queue, and being written
	since  time.Time // when there first were some of late
	gone   bool      // nothing is written any more

	client atomic.Pointer[port] // its allocation, nil without one
}

// name is what a stream is known by, as allocations are.
func (s *stream) name() string { return nameOf(s.RemoteAddr(), s.LocalAddr()) }

func nameOf(remote, local net.Addr) string { return remote.String() + " " + local.String() }

// Read implements [net.Conn], without what comes by channels.
func (s *stream) Read(b []byte) (int, error) {
	if err := s.shake(); err != nil {
		return 0, err
	}
	for s.passed == 0 {
		message, err := s.next()
		if err != nil {
			return 0, err
		}
		if p := s.client.Load(); p == nil || !p.forward(message) {
			s.passed = len(message)
			break
		}
		if _, err := s.in.Discard(len(message)); err != nil {
			return 0, err
		}
	}
	n, err := s.in.Read(b[:min(len(b), s.passed)])
	s.passed -= n
	return n, err
}

// shake has who speaks TLS finish the handshake soon.
func (s *stream) shake() error {
	secure, ok := s.Conn.(*tls.Conn)
	if !ok || s.shook {
		return nil
	}
	ctx, stop := context.WithTimeout(context.Background(), handshakeTimeout)
	defer stop()
	if err := secure.HandshakeContext(ctx); err != nil {
		return err
	}
	s.shook = true
	return nil
}

// maxMessage is the largest message over a stream: TURN takes no larger ones.
const maxMessage = 1600

// next returns the message that comes next, without taking it.
func (s *stream) next() ([]byte, error) {
	header, err := s.in.Peek(channelHeader)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(header[2:]))
	switch kind := binary.BigEndian.Uint16(header); {
	case kind >= minChannel && kind <= maxChannel:
		n = channelHeader + padded(n)
	case kind < minChannel: // a message of STUN
		n += stunHeader
	default:
		return nil, fmt.Errorf("neither STUN nor a channel: message of type %#x", kind)
	}
	if n > maxMessage {
		return nil, fmt.Errorf("message of %d bytes, limit %d", n, maxMessage)
	}
	return s.in.Peek(n)
}

// stunHeader is the length of what precedes the attributes of a message, RFC 8489.
const stunHeader = 20

// padded is what n bytes by a channel take in a stream, RFC 8656 section 12.5.
func padded(n int) int { return (n + 3) &^ 3 }

// Write implements [net.Conn], for TURN's answers, and for what goes to a client by
// no channel.
func (s *stream) Write(b []byte) (int, error) {
	s.push(b, answers)
	return len(b), nil
}

// push has a message wait to be written, unless too much would, and so many bytes more.
func (s *stream) push(b []byte, more int) {
	if !s.add(b, more, time.Now()) {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default: // it will see it
	}
}

func (s *stream) add(b []byte, more int, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := maxBehind
	if s.behind == 0 {
		s.since = now
	} else if now.Sub(s.since) > moment {
		limit = maxStanding
	}
	if s.gone || s.behind+len(b) > limit+more {
		return false
	}
	if all := &s.of.ports.behind; all.Add(int64(len(b))) > maxBehindAll {
		all.Add(-int64(len(b)))
		return false
	}
	s.behind += len(b)
	s.queue = append(s.queue, b...)
	return true
}

// write writes what waits, until the stream is closed.
func (s *stream) write() {
	var spare []byte
	for {
		select {
		case <-s.closed:
			s.done(0, true)
			return
		case <-s.wake:
		}
		s.mu.Lock()
		batch := s.queue
		s.queue = spare[:0]
		s.mu.Unlock()
		if err := s.writeAll(batch); err != nil {
			_ = s.Close()
			s.done(0, true)
			return
		}
		s.done(len(batch), false)
		if spare = batch; cap(spare) > maxWrite {
			spare = nil // it was behind, which is rare
		}
	}
}

// done takes off what waits what was written, or all of it as nothing will be.
func (s *stream) done(written int, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone = gone; gone {
		written, s.queue = s.behind, nil
	}
	s.behind -= written
	s.of.ports.behind.Add(-int64(written))
}

// writeAll writes what waited. Who takes some of it in time is not gone.
func (s *stream) writeAll(b []byte) error {
	for len(b) > 0 {
		some := b[:min(len(b), maxWrite)]
		if err := s.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if _, err := s.Conn.Write(some); err != nil {
			return err
		}
		b = b[len(some):]
	}
	return nil
}

// Close implements [net.Conn].
func (s *stream) Close() (err error) {
	s.once.Do(func() {
		close(s.closed)
		err = s.Conn.Close()
		s.of.ports.went(s)
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		delete(s.of.open, s)
	})
	return err
}
