package uplink

import (
	"context"
	"errors"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

var (
	// errNoSocket means that there is nothing to ping over, or no longer.
	errNoSocket = errors.New("no socket to the server")
	// errPinging means that somebody else waits for a ping.
	errPinging = errors.New("another ping is on its way")
	// errLay means that the server says that it had the ping for longer than it was away.
	errLay = errors.New("the answer to a ping is not true")
)

// echo is a ping that somebody waits for.
type echo struct {
	number  uint64
	waiting chan outcome // hears how it went; nil while none is out
	unsent  bool
	sent    time.Time
	lay     time.Duration // with the server
}

// outcome is how a ping went.
type outcome struct {
	rtt time.Duration
	err error
}

// Ping measures a round trip to the server over TCP: a ping over the socket, less the
// time for which it lay at either end because a host was busy. One at a time: with a
// second one neither would be told of its own.
func (u *Uplink) Ping(ctx context.Context) (time.Duration, error) {
	u.mu.Lock()
	if !u.open || u.echo.waiting != nil {
		defer u.mu.Unlock()
		if !u.open {
			return 0, errNoSocket
		}
		return 0, errPinging
	}
	back := make(chan outcome, 1)
	u.echo = echo{number: u.echo.number + 1, waiting: back, unsent: true}
	u.poke()
	u.mu.Unlock()
	select {
	case o := <-back:
		return o.rtt, o.err
	case <-ctx.Done():
		u.mu.Lock()
		defer u.mu.Unlock()
		u.echo.end(outcome{}) // nobody waits any more
		return 0, context.Cause(ctx)
	}
}

// ping is the payload of the ping at hand, which goes out now. mu is held.
func (e *echo) ping(now time.Time) []byte {
	e.unsent, e.sent = false, now
	return wire.PingPayload(e.number)
}

// departed notes that the ping at hand goes out only now: in a tunnel it had to wait for
// the request before it.
func (u *Uplink) departed(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.echo.waiting != nil && !u.echo.unsent {
		u.echo.sent = now
	}
}

// end tells who waits how it went. mu is held.
func (e *echo) end(o outcome) {
	if e.waiting != nil {
		e.waiting <- o
	}
	e.waiting, e.unsent = nil, false
}

// pong takes in a payload that came.
func (u *Uplink) pong(payload string, came time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	e := &u.echo
	number, lay, isLay := wire.ParsePong(payload)
	if e.waiting == nil || e.unsent || number != e.number {
		return
	}
	away := came.Sub(e.sent)
	switch {
	case isLay:
		e.lay = lay
	case e.lay >= away:
		e.end(outcome{err: errLay})
	default:
		e.end(outcome{rtt: away - e.lay})
	}
}

// opened notes whether there is a socket. A ping that it took along is lost.
func (u *Uplink) opened(yes bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open = yes
	u.echo.end(outcome{err: errNoSocket})
}
