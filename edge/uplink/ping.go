package uplink

import (
	"context"
	"errors"
	"strconv"
)

// errNoSocket means that there is nothing to ping over.
var errNoSocket = errors.New("no socket to the server")

// echo is a ping that somebody waits for.
type echo struct {
	number  uint64
	waiting chan struct{} // closed when it came back; nil while none is out
	unsent  bool
}

// Ping returns when the server has answered a ping over the socket, so that the
// caller learns how long a round trip over TCP takes. One at a time.
func (u *Uplink) Ping(ctx context.Context) error {
	u.mu.Lock()
	if u.session == "" {
		u.mu.Unlock()
		return errNoSocket
	}
	back := make(chan struct{})
	u.echo = echo{number: u.echo.number + 1, waiting: back, unsent: true}
	u.poke()
	u.mu.Unlock()
	select {
	case <-back:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ping is the payload of the ping at hand. mu is held.
func (e *echo) ping() []byte {
	e.unsent = false
	return strconv.AppendUint(nil, e.number, 10)
}

// pong takes in a payload that came back.
func (u *Uplink) pong(payload string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.echo.waiting != nil && payload == strconv.FormatUint(u.echo.number, 10) {
		close(u.echo.waiting)
		u.echo.waiting = nil
	}
}
