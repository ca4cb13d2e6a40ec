package uplink

import (
	"context"
	"errors"
	"strconv"
)

var (
	// errNoSocket means that there is nothing to ping over, or no longer.
	errNoSocket = errors.New("no socket to the server")
	// errPinging means that somebody else waits for a ping.
	errPinging = errors.New("another ping is on its way")
)

// echo is a ping that somebody waits for.
type echo struct {
	number  uint64
	waiting chan error // hears how it went; nil while none is out
	unsent  bool
}

// Ping returns when the server has answered a ping over the socket, so that the
// caller learns how long a round trip over TCP takes. One at a time: with a second
// one neither would be told of its own.
func (u *Uplink) Ping(ctx context.Context) error {
	u.mu.Lock()
	if !u.open || u.echo.waiting != nil {
		defer u.mu.Unlock()
		if !u.open {
			return errNoSocket
		}
		return errPinging
	}
	back := make(chan error, 1)
	u.echo = echo{number: u.echo.number + 1, waiting: back, unsent: true}
	u.poke()
	u.mu.Unlock()
	select {
	case err := <-back:
		return err
	case <-ctx.Done():
		u.mu.Lock()
		defer u.mu.Unlock()
		u.echo.end(nil) // nobody waits any more
		return context.Cause(ctx)
	}
}

// ping is the payload of the ping at hand. mu is held.
func (e *echo) ping() []byte {
	e.unsent = false
	return strconv.AppendUint(nil, e.number, 10)
}

// end tells who waits how it went. mu is held.
func (e *echo) end(err error) {
	if e.waiting != nil {
		e.waiting <- err
	}
	e.waiting, e.unsent = nil, false
}

// pong takes in a payload that came back.
func (u *Uplink) pong(payload string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.echo.waiting != nil && payload == strconv.FormatUint(u.echo.number, 10) {
		u.echo.end(nil)
	}
}

// opened notes whether there is a socket. A ping that it took along is lost.
func (u *Uplink) opened(yes bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open = yes
	u.echo.end(errNoSocket)
}
