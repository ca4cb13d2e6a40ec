// Package memnet is TCP in memory, for tests in fake time: listeners, dialers and
// buffered full-duplex connections with deadlines and half close, on hosts that
// can be slowed down and cut off. Every wait is on a condition variable or a
// timer, so that a testing/synctest bubble sees when all is quiet. It leaves
// packet loss and reordering to networks that carry packets.
package memnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Path is what lies between two hosts, in each direction.
type Path struct {
	Delay          time.Duration // one way
	BytesPerSecond int64         // of each connection and direction; 0 for no bound
}

// Network joins hosts that are named by their addresses. Its zero value has no
// use; make one with [New].
type Network struct {
	path Path

	// mu guards the rest. It is taken before the mutex of a pipe.
	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	conns     map[*Conn]struct{} // one of each pair
	cut       map[netip.Addr]bool
	healed    chan struct{} // closed and replaced by each Heal
	nextPort  uint16
	received  map[netip.Addr]int64
}

// New returns a network whose hosts are all joined by the same path.
func New(path Path) *Network {
	return &Network{path: path, listeners: map[netip.AddrPort]*listener{}, conns: map[*Conn]struct{}{},
		cut: map[netip.Addr]bool{}, healed: make(chan struct{}), nextPort: 49152, received: map[netip.Addr]int64{}}
}

// Listen listens on addr, such as "10.0.0.1:443".
func (n *Network) Listen(addr string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[at] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Addr: net.TCPAddrFromAddrPort(at), Err: syscall.EADDRINUSE}
	}
	l := &listener{net: n, at: at, backlog: make(chan *Conn, 128), closed: make(chan struct{})}
	n.listeners[at] = l
	return l, nil
}

// Dialer returns a dial function for the host with that address.
func (n *Network) Dialer(host string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	from := netip.MustParseAddr(host)
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		to, err := netip.ParseAddrPort(addr)
		if err != nil {
			return nil, fmt.Errorf("dial: %w", err)
		}
		conn, err := n.dial(ctx, from, to)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
		}
		return conn, nil
	}
}

// DialContext dials from a host of its own, 192.0.2.1.
func (n *Network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return n.Dialer("192.0.2.1")(ctx, network, addr)
}

// dial takes one round trip, like the handshake of TCP, and waits while either
// host is cut off.
func (n *Network) dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (*Conn, error) {
	if err := sleep(ctx, 2*n.path.Delay); err != nil {
		return nil, err
	}
	for {
		n.mu.Lock()
		if !n.cut[from] && !n.cut[to.Addr()] {
			break
		}
		healed := n.healed
		n.mu.Unlock()
		select {
		case <-healed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer n.mu.Unlock()
	l := n.listeners[to]
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	n.nextPort = max(n.nextPort+1, 49152)
	near, far := n.pair(netip.AddrPortFrom(from, n.nextPort), to)
	select {
	case l.backlog <- far:
		n.conns[near] = struct{}{}
		return near, nil
	default:
		return nil, syscall.ECONNREFUSED
	}
}

func (n *Network) pair(near, far netip.AddrPort) (*Conn, *Conn) {
	out, in := newPipe(n.path), newPipe(n.path)
	a := &Conn{net: n, local: near, remote: far, in: in, out: out}
	b := &Conn{net: n, local: far, remote: near, in: out, out: in}
	a.key, b.key = a, a
	return a, b
}

// Cut takes a host off the network: its connections stall, without an error, and
// dials from and to it wait. Nothing that was sent is lost.
func (n *Network) Cut(host string) { n.set(netip.MustParseAddr(host), true) }

// Heal puts a host back: stalled bytes arrive.
func (n *Network) Heal(host string) { n.set(netip.MustParseAddr(host), false) }

func (n *Network) set(host netip.Addr, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[host] = cut
	if !cut {
		close(n.healed)
		n.healed = make(chan struct{})
	}
	for c := range n.conns {
		stalled := n.cut[c.local.Addr()] || n.cut[c.remote.Addr()]
		c.in.stall(stalled)
		c.out.stall(stalled)
	}
}

// Reset breaks every connection of a host at once; both sides see an error and
// lose what was on its way.
func (n *Network) Reset(host string) {
	at := netip.MustParseAddr(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		if c.local.Addr() == at || c.remote.Addr() == at {
			c.in.fail(syscall.ECONNRESET)
			c.out.fail(syscall.ECONNRESET)
		}
	}
}

// Conns returns how many connections are open at both ends or one.
func (n *Network) Conns() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// Received returns how many bytes were read on a host so far.
func (n *Network) Received(host string) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.received[netip.MustParseAddr(host)]
}

func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type listener struct {
	net     *Network
	at      netip.AddrPort
	backlog chan *Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: net.ErrClosed}
	}
}

// Close stops listening and resets what nobody accepted.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.at)
		l.net.mu.Unlock()
		close(l.closed)
		for {
			select {
			case c := <-l.backlog:
				c.in.fail(syscall.ECONNRESET)
				c.out.fail(syscall.ECONNRESET)
			default:
				return
			}
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.at) }

// Conn is one end of a connection.
type Conn struct {
	net           *Network
	key           *Conn // what the pair is known by in Network.conns
	local, remote netip.AddrPort
	in, out       *pipe
}

// Read reads what arrived. It returns io.EOF after the other end closed its side.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	if n > 0 {
		c.net.mu.Lock()
		c.net.received[c.local.Addr()] += int64(n)
		c.net.mu.Unlock()
	}
	return n, c.wrap("read", err)
}

// Write queues b, and waits while the window is full.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

// CloseWrite ends this end's half; the other half goes on.
func (c *Conn) CloseWrite() error {
	c.out.end()
	return nil
}

// Close ends both halves. What was written still arrives; what the other end
// writes from now on is refused.
func (c *Conn) Close() error {
	c.out.end()
	c.in.abandon()
	if c.in.done() && c.out.done() {
		c.net.mu.Lock()
		delete(c.net.conns, c.key)
		c.net.mu.Unlock()
	}
	return nil
}

// LocalAddr is a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr is a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds reads, also one that waits already.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

// SetWriteDeadline bounds writes, also one that waits already.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}
