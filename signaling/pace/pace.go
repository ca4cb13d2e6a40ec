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
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sitecast/sitecast/signaling/wire"
)

// maxPaced bounds the answers that are paced at once; more are not.
const maxPaced = 1 << 16

// slowest is the rate in bytes per second below which the kernel does not pace: it
// would wait up to a second after a packet, whatever rate is set meanwhile. Slower
// answers are held up before they reach the socket, which then holds little.
const (
	slowest = 32 << 10
	// minUnsent and unsentTime bound what a socket holds that was not sent yet: enough to
	// go on while this process waits for the processor.
	minUnsent  = 16 << 10
	unsentTime = 15 * time.Millisecond
	maxUnsent  = 4 << 20
	// growth of a pace is so much that a window may be too small for it.
	growth = 1.5
	// stepTime is how much of a slow answer is read at once.
	stepTime = 50 * time.Millisecond
	minStep  = 1448 // one packet
)

// unsent is how many bytes a socket may hold that were not sent yet.
func unsent(bytesPerSecond int64) int {
	if bytesPerSecond == wire.Unlimited {
		return math.MaxInt32
	}
	return int(min(max(minUnsent, float64(bytesPerSecond)*unsentTime.Seconds()), maxUnsent))
}

// Pacer knows the answers that are paced. Its zero value is ready.
type Pacer struct {
	// mu guards the rest.
	mu    sync.Mutex
	byKey map[string]*Answer
}

// Answer is one that is paced, or not.
type Answer struct {
	pacer *Pacer
	ctx   context.Context
	key   string        // empty: it is not paced
	line  *line         // nil: it is not on a connection that is known
	slow  *rate.Limiter // infinite while the kernel paces
}

type connKey struct{}

// Context is for [http.Server.ConnContext].
func (p *Pacer) Context(ctx context.Context, conn net.Conn) context.Context {
	for {
		inner, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return context.WithValue(ctx, connKey{}, &line{conn: conn})
		}
		conn = inner.NetConn()
	}
}

// Begin paces the answer to r, if it asks for that and it can be done, and says so
// in header. The caller must call End when the answer was sent.
func (p *Pacer) Begin(r *http.Request, header http.Header) *Answer {
	a := &Answer{pacer: p, ctx: r.Context(), slow: rate.NewLimiter(rate.Inf, minStep)}
	a.line, _ = r.Context().Value(connKey{}).(*line)
	if a.line == nil {
		return a
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := wish(r.Header.Get(wire.PaceHeader))
	if !ok || p.byKey[asked.Key] != nil || len(p.byKey) >= maxPaced {
		a.line.begin(wire.Unlimited, false) // an earlier answer may have been paced
		return a
	}
	if !a.line.begin(max(asked.BytesPerSecond, slowest), asked.Lossy) {
		return a
	}
	if p.byKey == nil {
		p.byKey = map[string]*Answer{}
	}
	a.key = asked.Key
	a.hold(asked.BytesPerSecond)
	p.byKey[asked.Key] = a
	header.Set(wire.PacedHeader, "1")
	return a
}

// wish reads what a request asks for.
func wish(text string) (asked wire.Pace, ok bool) {
	key, number, _ := strings.Cut(text, " ")
	if _, err := hex.DecodeString(key); err != nil || len(key) != wire.PaceKeyBytes {
		return wire.Pace{}, false
	}
	number, lossy := strings.CutSuffix(number, " "+wire.PaceLossy)
	pace, err := strconv.ParseInt(number, 10, 64)
	return wire.Pace{Key: key, BytesPerSecond: pace, Lossy: lossy}, err == nil && pace >= 0
}

// End forgets an answer. The connection keeps its last rate until its next request.
func (a *Answer) End() {
	if a.key == "" {
		return
	}
	a.pacer.mu.Lock()
	defer a.pacer.mu.Unlock()
	delete(a.pacer.byKey, a.key)
}

// Set changes the rate of the answer that a key was named for. An answer that
// ended needs no rate.
func (p *Pacer) Set(pace *wire.Pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.byKey[pace.Key]; a != nil {
		a.hold(pace.BytesPerSecond)
		kernel := pace.BytesPerSecond
		if kernel != wire.Unlimited {
			kernel = max(kernel, slowest)
		}
		a.line.change(kernel, pace.Lossy)
	}
}

// hold makes a slow answer wait before it reaches the socket.
func (a *Answer) hold(bytesPerSecond int64) {
	limit, step := rate.Inf, minStep
	if bytesPerSecond != wire.Unlimited && bytesPerSecond < slowest {
		limit, step = rate.Limit(bytesPerSecond), stepOf(bytesPerSecond)
	}
	a.slow.SetBurst(step)
	a.slow.SetLimit(limit)
}

func stepOf(bytesPerSecond int64) int {
	return max(minStep, int(float64(bytesPerSecond)*stepTime.Seconds()))
}

// Step is how many of n bytes may be written at once.
func (a *Answer) Step(n int) int {
	if a.slow.Limit() == rate.Inf {
		return n
	}
	return min(n, a.slow.Burst())
}

// Wait returns when n bytes, as many as Step said, may be written. The rate may
// change meanwhile, so it looks again now and then.
func (a *Answer) Wait(n int) {
	for {
		r := a.slow.ReserveN(time.Now(), min(n, a.slow.Burst()))
		delay := r.Delay()
		if delay <= 0 {
			return
		}
		if delay > stepTime {
			r.Cancel()
		}
		select {
		case <-a.ctx.Done():
			return
		case <-time.After(min(delay, stepTime)):
		}
		if delay <= stepTime {
			return
		}
	}
}
