//go:build linux

package standby

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// balancer passes connections on, as they are, to whichever server says that it is ready. It
// does what a balancer does that people have: it asks each of them now and then.
type balancer struct {
	// Set by balance, then constant.
	listener net.Listener
	servers  []string
	client   *http.Client
	stop     context.CancelFunc
	wg       sync.WaitGroup

	// mu guards the rest.
	mu    sync.Mutex
	ready string
	conns map[net.Conn]bool
}

const (
	checkEvery   = 50 * time.Millisecond
	checkTimeout = time.Second
)

func balance(servers ...string) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &balancer{listener: l, servers: servers, stop: stop, conns: map[net.Conn]bool{},
		client: &http.Client{Timeout: checkTimeout, Transport: &http.Transport{DisableKeepAlives: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}} // it checks, and passes on what it can't read
	b.wg.Go(func() { b.check(ctx) })
	b.wg.Go(b.accept)
	return b, nil
}

func (b *balancer) addr() string { return b.listener.Addr().String() }

// serving is the server that is ready; "" for none.
func (b *balancer) serving() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready
}

func (b *balancer) check(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		found := ""
		for _, addr := range b.servers {
			if b.asks(ctx, addr) {
				found = addr
			}
		}
		b.mu.Lock()
		b.ready = found
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (b *balancer) asks(ctx context.Context, addr string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+addr+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // nothing of it is wanted
	return resp.StatusCode == http.StatusOK
}

func (b *balancer) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.wg.Go(func() { b.pass(conn) })
	}
}

// pass copies both ways until one side ends.
func (b *balancer) pass(conn net.Conn) {
	defer conn.Close()
	server, err := net.DialTimeout("tcp", b.serving(), checkTimeout)
	if err != nil {
		return // nobody serves: who comes is hung up on
	}
	defer server.Close()
	b.mu.Lock()
	b.conns[conn], b.conns[server] = true, true
	b.mu.Unlock()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{conn, server}, {server, conn}} {
		go func() {
			_, _ = io.Copy(way[0], way[1]) // either end may go at any time
			done <- struct{}{}
		}()
	}
	<-done
	_, _ = conn.Close(), server.Close() // which ends the other way
	<-done
	b.mu.Lock()
	delete(b.conns, conn)
	delete(b.conns, server)
	b.mu.Unlock()
}

func (b *balancer) close() {
	b.stop()
	_ = b.listener.Close()
	b.mu.Lock()
	for conn := range b.conns {
		_ = conn.Close()
	}
	b.mu.Unlock()
	b.wg.Wait()
	b.client.CloseIdleConnections()
}
