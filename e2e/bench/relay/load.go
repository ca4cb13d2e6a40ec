//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/wire"
)

// client is one endpoint's side of a relay.
type client struct {
	sock net.PacketConn // or a stream as such
	turn *turn.Client
	conn net.PacketConn // what was allocated
	came atomic.Int64   // packets
}

// clients counts them: each is an endpoint of its own, lest one's quota be met.
var clients atomic.Int64

// clientIP is beside that of the relays, lest clients and relays take ports of each other.
var clientIP = net.IPv4(127, 0, 0, 2)

// socket opens the way to a relay.
func socket(at relay, over transport) (net.PacketConn, error) {
	if over == overUDP {
		sock, err := net.ListenUDP("udp4", &net.UDPAddr{IP: clientIP})
		if err == nil {
			const buffer = 4 << 20 // what is lost here would look as if the relay lost it
			_ = sock.SetReadBuffer(buffer)
		}
		return sock, err
	}
	conn, err := net.DialTCP("tcp4", &net.TCPAddr{IP: clientIP}, net.TCPAddrFromAddrPort(at.addr))
	if err != nil {
		return nil, err
	}
	if over == overTCP {
		return turn.NewSTUNConn(conn), nil
	}
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // as endpoints do
	if err := secure.Handshake(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return turn.NewSTUNConn(secure), nil
}

// dial makes a client that has no allocation yet.
func dial(at relay, over transport) (*client, error) {
	sock, err := socket(at, over)
	if err != nil {
		return nil, err
	}
	id := wire.EndpointID(fmt.Sprintf("%032x", clients.Add(1)))
	user, password := credential.TURN(at.secret, id, "bench", time.Now())
	quiet := logging.NewDefaultLoggerFactory()
	quiet.Writer = io.Discard
	c := &client{sock: sock}
	c.turn, err = turn.NewClient(&turn.ClientConfig{STUNServerAddr: at.addr.String(), TURNServerAddr: at.addr.String(), Conn: sock,
		Username: user, Password: password, LoggerFactory: quiet})
	if err == nil {
		err = c.turn.Listen()
	}
	if err != nil {
		return nil, errors.Join(err, sock.Close())
	}
	return c, nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close() // it tells the relay, which may be gone
	}
	c.turn.Close()
	_ = c.sock.Close()
}

// pair is two clients that speak through a relay.
type pair [2]*client

// open allocates for both ends of a pair, and binds channels: those are bound behind
// the first packets, so some go first.
func open(at relay, over transport) (p pair, err error) {
	for i := range p {
		if p[i], err = dial(at, over); err == nil {
			p[i].conn, err = p[i].turn.Allocate()
		}
		if err != nil {
			p.close()
			return p, err
		}
	}
	for range 3 {
		for i, c := range p {
			if _, err := c.conn.WriteTo([]byte("first"), p[1-i].conn.LocalAddr()); err != nil {
				p.close()
				return p, err
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return p, nil
}

func (p pair) close() {
	for _, c := range p {
		if c != nil {
			c.close()
		}
	}
}

// openAll opens pairs, a few at a time.
func openAll(at relay, over transport, n int) (all []pair, failed error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	gate := make(chan struct{}, 8)
	for range n {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			p, err := open(at, over)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, err)
				return
			}
			all = append(all, p)
		})
	}
	wg.Wait()
	return all, failed
}

// receive counts the packets of a size until the client is closed.
func (c *client) receive(size int) {
	buf := make([]byte, 2000)
	for {
		n, _, err := c.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if n == size {
			c.came.Add(1)
		}
	}
}

// settle is how long what is on its way is waited for.
const settle = 500 * time.Millisecond

// press sends a load through a relay.
func press(ctx context.Context, at relay, l load) (r result, err error) {
	all, err := openAll(at, l.over, l.pairs)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		for _, p := range all {
			p.close()
		}
	}()
	if err != nil {
		return r, err
	}
	for _, p := range all {
		for _, c := range p {
			wg.Go(func() { c.receive(l.bytes) })
		}
	}
	before, err := at.process.CPU()
	if err != nil {
		return r, err
	}
	began := time.Now()
	if r.Sent, err = send(ctx, all, l); err != nil {
		return r, err
	}
	r.PPS = float64(r.Sent) / time.Since(began).Seconds()
	time.Sleep(settle)
	after, err := at.process.CPU()
	for _, p := range all {
		for _, c := range p {
			r.Came += c.came.Load()
		}
	}
	r.CPU, r.Bytes = (after - before).Seconds(), r.Came*int64(l.bytes)
	return r, err
}

// send sends at an even pace, to each in turn. Who woke up late catches up.
func send(ctx context.Context, all []pair, l load) (sent int64, err error) {
	packet := make([]byte, l.bytes)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < span; {
		select {
		case <-ctx.Done():
			return sent, ctx.Err()
		case <-tick.C:
		}
		for due := int64(time.Since(began).Seconds() * float64(l.pps)); sent < due; sent++ {
			i := int(sent) % (2 * len(all))
			p := all[i/2]
			if _, err := p[i%2].conn.WriteTo(packet, p[1-i%2].conn.LocalAddr()); err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// hold opens many allocations, and sees that each end hears the other.
func hold(ctx context.Context, at relay) (r result, err error) {
	warm, err := openAll(at, overUDP, 1) // what the first one takes is not what each takes
	if err != nil {
		return r, err
	}
	before, err := at.process.Anonymous()
	if err != nil {
		return r, err
	}
	for _, p := range warm {
		p.close()
	}
	all, failed := openAll(at, overUDP, many/2)
	defer func() {
		for _, p := range all {
			p.close()
		}
	}()
	var wg sync.WaitGroup
	var works atomic.Int64
	for _, p := range all {
		for i, c := range p {
			wg.Go(func() {
				if hears(c, p[1-i]) {
					works.Add(1)
				}
			})
		}
	}
	wg.Wait()
	if failed != nil {
		fmt.Println("not all could be opened:", failed)
	}
	after, err := at.process.Anonymous()
	r.Allocations, r.Memory = int(works.Load()), after-before
	return r, errors.Join(err, ctx.Err())
}

// hears reports whether a client receives what another sends it now.
func hears(c, from *client) bool {
	const word = "do you hear this?"
	buf := make([]byte, 2000)
	for range 5 { // UDP may lose a packet
		if _, err := from.conn.WriteTo([]byte(word), c.conn.LocalAddr()); err != nil {
			return false
		}
		if err := c.conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return false
		}
		for {
			n, _, err := c.conn.ReadFrom(buf)
			if err != nil {
				break
			}
			if string(buf[:n]) == word {
				return true
			}
		}
	}
	return false
}
