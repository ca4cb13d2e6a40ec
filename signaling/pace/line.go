package pace

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// line is a connection over which answers go, one after the other. It lives as long as
// the connection: what one answer finds out about losses serves the next.
type line struct {
	pacer *Pacer
	conn  net.Conn
	to    netip.Addr

	// mu guards the rest.
	mu     sync.Mutex
	pace   int64 // of the kernel
	losses losses
	looked time.Time
}

// begin sets the pace of a new answer, and reports whether it can be kept.
func (l *line) begin(bytesPerSecond int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace = bytesPerSecond
	return set(l.conn, bytesPerSecond, l.losses.lossy)
}

// change sets the pace of an answer under way.
func (l *line) change(bytesPerSecond int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytesPerSecond == wire.Unlimited || l.pace != wire.Unlimited && float64(bytesPerSecond) >= growth*float64(l.pace) {
		grow(l.conn, l.losses.lossy)
	}
	l.pace = bytesPerSecond
	set(l.conn, bytesPerSecond, l.losses.lossy)
}

// look finds out now and then whether the line loses packets by itself, and has the
// kernel send accordingly.
func (l *line) look(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.looked) < lookEvery {
		return
	}
	l.looked = now
	c, ok := look(l.conn)
	if !ok {
		return
	}
	before := l.losses.lossy
	if l.losses.see(c); l.losses.lossy != before {
		use(l.conn, l.losses.lossy)
		l.pacer.remember(l.to, l.losses.lossy)
	}
}
