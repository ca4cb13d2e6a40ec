package origin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Actuator is what holds a connection to a rate.
type Actuator string

// The actuators, best first.
const (
	// SenderPaces: the origin is a Sitecast server and leaves gaps between packets as
	// told. Exact, and a change takes effect within a round trip.
	SenderPaces Actuator = "sender"
	// WindowClamp: the kernel announces a receive window of rate x round trip (Linux).
	WindowClamp Actuator = "window"
	// PacedReads: the socket is read at the rate, from a small buffer.
	PacedReads Actuator = "reads"
)

const (
	minSocketBuffer = 16 << 10
	// socketTime is how much of the rate a socket's small buffer holds.
	socketTime = 200 * time.Millisecond
	// clampSlack is what a clamped window holds on top of a round trip of the empty
	// line.
	clampSlack = 5 * time.Millisecond
	// minClamp is the least window worth clamping: below some eight packets a window
	// starves TCP, and reads are paced instead.
	minClamp = 12 << 10
)

// shaper holds all fetches together to a rate.
type shaper struct {
	tell  func(wire.Pace) bool // nil: nobody paces for us
	dear  func() bool          // telling takes a request each time; nil: it does not
	limit *rate.Limiter

	taken atomic.Int64 // bytes that came over connections, headers of TLS included
	held  atomic.Int64 // ns that readers were held up by whoever takes their bytes

	// mu guards the rest.
	mu       sync.Mutex
	rate     int64
	rtt      time.Duration
	lossy    bool // the line loses packets by itself
	conns    map[*shapedConn]bool
	answers  map[string]Told // answers paced by their sender, by key: what was told last
	fetching int             // bodies being read
}

func newShaper(tell func(wire.Pace) bool, dear func() bool) *shaper {
	return &shaper{tell: tell, dear: dear, limit: rate.NewLimiter(rate.Inf, readStep), rate: wire.Unlimited,
		conns: map[*shapedConn]bool{}, answers: map[string]Told{}}
}

// set changes the rate, and what is known of the line: the round trip while it is
// empty, 0 for unknown, and whether it loses packets by itself.
func (s *shaper) set(bytesPerSecond int64, rtt time.Duration, lossy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate, s.rtt, s.lossy = bytesPerSecond, rtt, lossy
	s.apply()
}

// apply makes everything obey the rate. mu is held.
func (s *shaper) apply() {
	obeyed := s.fetching > 0 && len(s.answers) == s.fetching
	now, dear := time.Now(), s.dear != nil && len(s.answers) > 0 && s.dear()
	for key, told := range s.answers {
		pace := s.pace(key)
		if !told.Worth(now, pace, dear) {
			continue
		}
		if s.tell(pace) {
			s.answers[key] = Told{pace, now}
		} else {
			obeyed = false
		}
	}
	limit := rate.Inf
	switch {
	case s.rate == wire.Unlimited, obeyed:
		// What a sender that obeys has sent is read at once: it is no longer on the line.
	default: // a clamped window does not do it alone: its slack is much on a short way
		limit = rate.Limit(s.rate)
	}
	if s.limit.Limit() != limit {
		s.limit.SetLimit(limit)
	}
	for c := range s.conns {
		s.shape(c)
	}
}

// pace is what a sender is to do now. mu is held.
func (s *shaper) pace(key string) wire.Pace {
	return wire.Pace{Key: key, BytesPerSecond: s.rate, Lossy: s.lossy}
}

// window is the receive window that the rate needs, 0 where that is not known.
func (s *shaper) window() int {
	if s.rtt == 0 || s.rate == wire.Unlimited {
		return 0
	}
	return int(float64(s.rate) * (s.rtt + clampSlack).Seconds())
}

func (s *shaper) clamps() bool { return canClamp && s.window() >= minClamp }

// shape makes a connection obey the rate, as well as that can be done from here.
// mu is held.
func (s *shaper) shape(c *shapedConn) {
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok || c.sender || s.rate == wire.Unlimited {
		return
	}
	buffer := int(max(minSocketBuffer, float64(s.rate)*socketTime.Seconds()))
	switch {
	case s.clamps():
		clamp(tcp, s.window()) // again each time: the kernel's tuning undoes it
	case canClamp:
		// A buffer once set is not tuned by the kernel any more, and stays too small for
		// a rate that grows. A window bounds what waits as well, and can be opened again.
		clamp(tcp, buffer)
	default:
		_ = tcp.SetReadBuffer(buffer) // a hint
	}
}

// actuator says what holds the rate now, and why not something better.
func (s *shaper) actuator() (Actuator, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fetching > 0 && len(s.answers) == s.fetching:
		return SenderPaces, "the origin is a Sitecast server"
	case s.clamps():
		return WindowClamp, "the origin does not pace"
	case !canClamp:
		return PacedReads, "the origin does not pace, and this system has no window clamp"
	case s.rtt == 0:
		return PacedReads, "the origin does not pace, and no round trip is known"
	}
	return PacedReads, fmt.Sprintf("the origin does not pace, and a window of %d bytes is too small to clamp", s.window())
}

// adopt watches a connection. One to an origin that is expected to pace keeps the
// buffers that the kernel gives it.
func (s *shaper) adopt(conn net.Conn) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &shapedConn{Conn: conn, shaper: s, sender: s.tell != nil}
	s.conns[c] = true
	return c
}

// ask puts the wish for pacing into a request. It returns the zero pace for a sender
// who is not asked.
func (s *shaper) ask(h http.Header) wire.Pace {
	if s.tell == nil {
		return wire.Pace{}
	}
	var b [wire.PaceKeyBytes / 2]byte
	_, _ = rand.Read(b[:]) // never fails
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.pace(hex.EncodeToString(b[:]))
	number := asked.BytesPerSecond
	if number == wire.Unlimited {
		number = wire.MaxNumber
	}
	words := fmt.Sprintf("%s %d", asked.Key, number)
	if asked.Lossy {
		words += " " + wire.PaceLossy
	}
	h.Set(wire.PaceHeader, words)
	return asked
}

// begin notes that an answer comes, and whether its sender paces it. What it does
// not is shaped here from now on.
func (s *shaper) begin(asked wire.Pace, header http.Header) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetching++
	if paced := header.Get(wire.PacedHeader) != ""; paced && asked.Key != "" {
		s.answers[asked.Key] = Told{asked, time.Time{}} // which may not be that of now
	} else {
		for c := range s.conns {
			c.sender = false
		}
	}
	s.apply()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fetching--
		delete(s.answers, asked.Key)
		s.apply()
	}
}

// wait takes n bytes from the budget. A limiter's rate may change while somebody
// waits, so the wait is for a short time at most and then asked again. Who is stopped
// does not wait: it reads what was on the line before.
func (s *shaper) wait(ctx context.Context, n int) {
	for {
		r := s.limit.ReserveN(time.Now(), n)
		delay := r.Delay()
		if delay == 0 {
			return
		}
		const look = 100 * time.Millisecond
		if delay > look {
			r.Cancel()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(delay, look)):
		}
		if delay <= look {
			return
		}
	}
}

// Changed closes connections that the host's change has ended. A fetch that reads from
// one hears of it at once, and its lease goes back.
func (c *Client) Changed(change host.Change) {
	c.shape.mu.Lock()
	var over []*shapedConn
	for conn := range c.shape.conns {
		if change.Ends(conn.LocalAddr()) {
			conn.over.Store(true)
			over = append(over, conn)
		}
	}
	c.shape.mu.Unlock()
	for _, conn := range over {
		_ = conn.Close()
	}
}

// shapedConn counts what it brings, and forgets itself when it is closed.
type shapedConn struct {
	net.Conn
	shaper *shaper
	sender bool        // its sender is thought to pace
	over   atomic.Bool // it was closed because of the host's network
}

func (c *shapedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.shaper.taken.Add(int64(n))
	if err != nil && c.over.Load() {
		err = host.ErrChanged
	}
	return n, err
}

func (c *shapedConn) Close() error {
	c.shaper.mu.Lock()
	delete(c.shaper.conns, c)
	c.shaper.mu.Unlock()
	return c.Conn.Close()
}

// shapedReader reads in small steps, each within the rate.
type shapedReader struct {
	ctx      context.Context
	from     io.Reader
	shaper   *shaper
	stalled  *time.Timer
	patience time.Duration
}

func (r *shapedReader) Read(b []byte) (int, error) {
	n, err := r.from.Read(b[:min(len(b), readStep)])
	if n > 0 {
		r.stalled.Stop() // the wait is ours, not the origin's
		r.shaper.wait(r.ctx, n)
		r.stalled.Reset(r.patience)
	}
	return n, err
}

// handOver gives what was read to f. The time that takes is not the origin's.
func (r *shapedReader) handOver(f func() error) error {
	r.stalled.Stop()
	defer r.stalled.Reset(r.patience)
	start := time.Now()
	defer func() { r.shaper.held.Add(int64(time.Since(start))) }()
	return f()
}
