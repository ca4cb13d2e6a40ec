// Package pace sends a download no faster than its receiver asks for. A receiver
// can slow TCP only by its window, which is coarse and late; a sender that leaves
// gaps between packets shapes it to the packet. So where the origin is a Sitecast
// server, a request names a key and a rate, and the endpoint changes the rate over
// its control socket while the answer is on its way. On Linux the kernel paces
// (SO_MAX_PACING_RATE, socket(7)); elsewhere nothing is promised, and the receiver
// shapes by itself.
package pace

import (
	"context"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
)

// maxPaced bounds the answers that are paced at once; more are not.
const maxPaced = 1 << 16

// Pacer knows the connections whose answers are paced. Its zero value is ready.
type Pacer struct {
	// mu guards the rest.
	mu    sync.Mutex
	byKey map[string]net.Conn
}

type connKey struct{}

// Context is for [http.Server.ConnContext].
func (p *Pacer) Context(ctx context.Context, conn net.Conn) context.Context {
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return context.WithValue(ctx, connKey{}, conn)
		}
		conn = inner.NetConn()
	}
}

// Begin paces the answer to r, if it asks for that and it can be done, and says so
// in header. The caller must call end when the answer was sent.
func (p *Pacer) Begin(r *http.Request, header http.Header) (end func()) {
	conn, ok := r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key, rate, asks := wish(r.Header.Get(wire.PaceHeader))
	if !asks || p.byKey[key] != nil || len(p.byKey) >= maxPaced {
		set(conn, wire.Unlimited) // an earlier answer may have been paced
		return func() {}
	}
	if !set(conn, rate) {
		return func() {}
	}
	if p.byKey == nil {
		p.byKey = map[string]net.Conn{}
	}
	p.byKey[key] = conn
	header.Set(wire.PacedHeader, "1")
	return func() { p.end(key) }
}

// wish reads what a request asks for: a key and a rate.
func wish(text string) (key string, rate int64, ok bool) {
	key, number, _ := strings.Cut(text, " ")
	if _, err := hex.DecodeString(key); err != nil || len(key) != wire.PaceKeyBytes {
		return "", 0, false
	}
	rate, err := strconv.ParseInt(number, 10, 64)
	return key, rate, err == nil && rate >= 0
}

// end forgets a key. The connection keeps its last rate until its next request.
func (p *Pacer) end(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byKey, key)
}

// Set changes the rate of the answer that a key was named for. An answer that
// ended needs no rate.
func (p *Pacer) Set(pace *wire.Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if conn := p.byKey[pace.Key]; conn != nil {
		set(conn, pace.BytesPerSecond)
	}
}
