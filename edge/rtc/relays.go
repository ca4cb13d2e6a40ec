package rtc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v5"
)

// relayDialTimeout bounds a connection to a relay over TCP, and over TLS.
const relayDialTimeout = 5 * time.Second

// relays are the sockets through which one attempt asked relays for allocations.
// A link that came up directly lets go of them: otherwise each would hold a port of
// the relay for as long as it lives.
type relays struct {
	Net
	ctx  context.Context // of the session
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	tls  map[string]bool // relays that are asked over TLS

	// mu guards the rest.
	mu    sync.Mutex
	socks []interface{ Close() error }
	done  bool
}

// ListenPacket opens a socket; ICE opens only those to relays this way.
func (r *relays) ListenPacket(network, address string) (net.PacketConn, error) {
	sock, err := r.Net.ListenPacket(network, address)
	if err == nil && !r.keep(sock) {
		return nil, net.ErrClosed
	}
	return sock, err
}

// errOneSocket refuses a socket that pion opens to learn the own address: it is asked
// for through the socket that all links share, see reflexive.
var errOneSocket = errors.New("links share one socket")

// ListenUDP opens nothing; only what is sent to relays has sockets of its own.
func (*relays) ListenUDP(string, *net.UDPAddr) (transport.UDPConn, error) { return nil, errOneSocket }

// Dial connects to a relay over TCP, for ICE. TLS is there to get through networks
// that let nothing else pass, whoever opens it on the way: what is relayed is
// encrypted from end to end, and a password is not sent (RFC 8489, 9.2). So the
// certificate proves nothing that matters here.
func (r *relays) Dial(network, addr string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(r.ctx, relayDialTimeout)
	defer stop()
	conn, err := r.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if r.tls[addr] {
		host, _, _ := net.SplitHostPort(addr) // it was dialed
		secure := tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: true})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	if !r.keep(conn) {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// keep remembers a socket; one that comes too late is closed.
func (r *relays) keep(sock interface{ Close() error }) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		_ = sock.Close()
		return false
	}
	r.socks = append(r.socks, sock)
	return true
}

// release closes them. The relay ends an allocation that nobody refreshes.
func (r *relays) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sock := range r.socks {
		_ = sock.Close() // ICE may have closed it already
	}
	r.socks, r.done = nil, true
}
