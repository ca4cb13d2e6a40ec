package origin

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sitecast/sitecast/signaling/wire"
)

// pacer holds all fetches together to a rate. A sender sees a paced reader only
// through the receive window, so while a rate is set the sockets' buffers are kept
// small too: otherwise the kernel would take megabytes at line rate first.
type pacer struct {
	limit *rate.Limiter

	// mu guards the rest.
	mu    sync.Mutex
	rate  int64
	conns map[*pacedConn]bool
}

const (
	minSocketBuffer = 16 << 10
	// socketTime is how much of the rate a socket's buffer holds.
	socketTime = 200 * time.Millisecond
)

func newPacer() *pacer {
	return &pacer{limit: rate.NewLimiter(rate.Inf, readStep), rate: wire.Unlimited, conns: map[*pacedConn]bool{}}
}

func (p *pacer) set(bytesPerSecond int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == bytesPerSecond {
		return
	}
	p.rate = bytesPerSecond
	if bytesPerSecond == wire.Unlimited {
		p.limit.SetLimit(rate.Inf)
	} else {
		p.limit.SetLimit(rate.Limit(bytesPerSecond))
	}
	for c := range p.conns {
		p.size(c)
	}
}

// size sets a socket's receive buffer to what the rate needs. mu is held. A
// buffer once set is not tuned by the kernel any more.
func (p *pacer) size(c *pacedConn) {
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok || p.rate == wire.Unlimited {
		return
	}
	_ = tcp.SetReadBuffer(int(max(minSocketBuffer, float64(p.rate)*socketTime.Seconds()))) // a hint
}

// adopt watches a connection.
func (p *pacer) adopt(conn net.Conn) net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &pacedConn{Conn: conn, pace: p}
	p.conns[c] = true
	p.size(c)
	return c
}

// wait takes n bytes from the budget. A limiter's rate may change while somebody
// waits, so the wait is for a short time at most and then asked again.
func (p *pacer) wait(ctx context.Context, n int) error {
	for {
		r := p.limit.ReserveN(time.Now(), n)
		delay := r.Delay()
		if delay == 0 {
			return nil
		}
		const look = 100 * time.Millisecond
		if delay > look {
			r.Cancel()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(delay, look)):
		}
		if delay <= look {
			return nil
		}
	}
}

// pacedConn forgets itself when it is closed.
type pacedConn struct {
	net.Conn
	pace *pacer
}

func (c *pacedConn) Close() error {
	c.pace.mu.Lock()
	delete(c.pace.conns, c)
	c.pace.mu.Unlock()
	return c.Conn.Close()
}

// pacedReader reads in small steps, each within the rate.
type pacedReader struct {
	ctx     context.Context
	from    io.Reader
	pace    *pacer
	stalled *time.Timer
}

func (r *pacedReader) Read(b []byte) (int, error) {
	n, err := r.from.Read(b[:min(len(b), readStep)])
	if n > 0 {
		r.stalled.Stop() // the wait is ours, not the origin's
		if waitErr := r.pace.wait(r.ctx, n); waitErr != nil {
			return n, waitErr
		}
		r.stalled.Reset(StallTimeout)
	}
	return n, err
}

// handOver gives what was read to f. The time that takes is not the origin's.
func (r *pacedReader) handOver(f func() error) error {
	r.stalled.Stop()
	defer r.stalled.Reset(StallTimeout)
	return f()
}
