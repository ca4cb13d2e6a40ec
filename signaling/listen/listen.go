// Package listen serves TLS and what is not TLS on one address: each connection's
// first byte says which it is. So one port in a firewall is enough, and who asks in
// plain http is told what to do instead of seeing a broken handshake.
package listen

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

const (
	// FirstByteTimeout bounds the wait for a connection's first byte.
	FirstByteTimeout = 10 * time.Second
	// minPause and maxPause bound the wait before accepting again after a shortage.
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// shortages are reasons not to accept that pass: no descriptors or memory just now,
// or a connection that went away before it was accepted.
var shortages = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED}

// tlsRecord is the first byte of a TLS handshake (RFC 8446, 5.1).
const tlsRecord = 0x16

// split is a listener for both.
type split struct {
	net.Listener
	config   *tls.Config
	anywhere bool // plain from any address

	ready chan net.Conn
	stop  context.CancelFunc
	wg    sync.WaitGroup
	err   error // why accepting ended, once ready is closed
}

// New begins to accept on l; closing the returned listener ends it. What is not TLS
// is accepted from loopback, and from anywhere only when the caller says so.
func New(l net.Listener, config *tls.Config, anywhere bool) net.Listener {
	ctx, stop := context.WithCancel(context.Background())
	s := &split{Listener: l, config: config, anywhere: anywhere, ready: make(chan net.Conn), stop: stop}
	s.wg.Go(func() { s.accept(ctx) })
	return s
}

func (s *split) accept(ctx context.Context) {
	defer close(s.ready)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer s.stop()
	pause := time.Duration(0)
	for {
		conn, err := s.Listener.Accept()
		switch {
		case err == nil:
			pause = 0
		case slices.ContainsFunc(shortages, func(e error) bool { return errors.Is(err, e) }):
			pause = min(max(2*pause, minPause), maxPause)
			select {
			case <-ctx.Done(): // the next Accept says that the listener is closed
			case <-time.After(pause):
			}
			continue
		default:
			s.err = err
			return
		}
		looking.Go(func() {
			conn := s.look(ctx, conn)
			if conn == nil {
				return
			}
			select {
			case s.ready <- conn:
			case <-ctx.Done():
				_ = conn.Close() // nobody serves any more
			}
		})
	}
}

// look decides what a connection is; nil when it was refused. Who has said nothing
// when ctx ends is not waited for.
func (s *split) look(ctx context.Context, conn net.Conn) net.Conn {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(FirstByteTimeout)) // a dead connection fails the read
	stamped := stamp.Conn(conn)                                // conn may be closed meanwhile
	peeked := &peekedConn{Conn: stamped, r: bufio.NewReaderSize(stamped, 1<<10)}
	first, err := peeked.r.Peek(1)
	if err != nil {
		_ = conn.Close()
		return nil
	}
	_ = conn.SetReadDeadline(time.Time{})
	switch {
	case first[0] == tlsRecord:
		return tls.Server(peeked, s.config)
	case s.anywhere || fromLoopback(conn):
		return peeked
	}
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n" +
		"This server speaks plain http on loopback only: use https://\n"))
	_ = conn.Close()
	return nil
}

func fromLoopback(conn net.Conn) bool {
	tcp, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Accept implements net.Listener.
func (s *split) Accept() (net.Conn, error) {
	conn, ok := <-s.ready
	if !ok {
		return nil, s.err
	}
	return conn, nil
}

// Close implements net.Listener.
func (s *split) Close() error {
	err := s.Listener.Close()
	s.stop()
	s.wg.Wait()
	return err
}

// peekedConn gives back the byte that was looked at.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

// NetConn is the connection beneath, as of a [tls.Conn].
func (c *peekedConn) NetConn() net.Conn { return c.Conn }

func (c *peekedConn) Read(b []byte) (int, error) { return c.r.Read(b) }
