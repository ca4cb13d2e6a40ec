package pace

import (
	"net"
	"sync"

	"github.com/sitecast/sitecast/signaling/wire"
)

// line is a connection over which answers go, one after the other.
type line struct {
	conn net.Conn

	// mu guards the rest.
	mu    sync.Mutex
	pace  int64 // of the kernel
	lossy bool
}

// begin sets the pace of a new answer, and reports whether it can be kept.
func (l *line) begin(bytesPerSecond int64, lossy bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pace, l.lossy = bytesPerSecond, lossy
	use(l.conn, lossy)
	return set(l.conn, bytesPerSecond)
}

// change sets the pace of an answer under way, and the sender for it.
func (l *line) change(bytesPerSecond int64, lossy bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	grows := bytesPerSecond == wire.Unlimited || l.pace != wire.Unlimited && float64(bytesPerSecond) >= growth*float64(l.pace)
	switch {
	case lossy != l.lossy:
		use(l.conn, lossy)
	case grows:
		renew(l.conn, lossy)
	}
	l.pace, l.lossy = bytesPerSecond, lossy
	set(l.conn, bytesPerSecond)
}
