package uplink

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

// serve reads and writes one socket until it breaks or ctx ends.
func (u *Uplink) serve(ctx context.Context, c *conn) error {
	u.opened(true)
	defer u.opened(false)
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(time.Second, func() { _ = c.ws.Close() }) // frees a writer that is stuck
	})()
	ctx, stop := context.WithCancelCause(ctx)
	if c.tunnelled() {
		defer time.AfterFunc(time.Until(c.until), func() { stop(errBetterWay) }).Stop()
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		stop(u.write(ctx, c))
		_ = c.ws.Close()
	})
	stop(u.read(c)) // keeps the cause of whoever was first
	wg.Wait()
	return context.Cause(ctx)
}

// errBetterWay ends a socket so that another is opened in a better way.
var errBetterWay = errors.New("a WebSocket is tried again")

// read hears the server until the socket breaks.
func (u *Uplink) read(c *conn) error {
	pong := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error {
		u.touch(c)
		return pong(data)
	})
	c.ws.SetPongHandler(func(payload string) error {
		u.touch(c)
		u.pong(payload, stamp.Newest(c.ws.NetConn()))
		return nil
	})
	for {
		kind, text, err := c.ws.ReadMessage()
		if errors.Is(err, websocket.ErrReadLimit) {
			return u.breach(wire.CodeTooLarge, err.Error())
		}
		if err != nil {
			return lost(err)
		}
		if kind != websocket.TextMessage {
			return u.breach(wire.CodeProtocol, "messages are text")
		}
		u.touch(c)
		env, body, err := wire.Decode(text)
		why := new(wire.RefusedError)
		if errors.As(err, &why) && why.Code == wire.CodeUnknownType {
			// Refused, but no reason to part: the server is told, and nothing else is lost.
			u.cfg.Refused.Add(wire.DoorSocket, why.Code)
			u.Send(wire.KindReport, wire.Report{Code: why.Code, Detail: wire.Clip(why.Detail)})
			err = nil
		}
		if err != nil {
			return u.breach(why.Code, why.Detail)
		}
		if err := u.hear(env, body); err != nil {
			return err
		}
	}
}

// lost gives a broken socket's error its meaning.
func lost(err error) error {
	var timeout interface{ Timeout() bool }
	switch closed := new(websocket.CloseError); {
	case errors.As(err, &closed) && closed.Text != "":
		return &wire.RefusedError{Code: closed.Text, Detail: "the server closed the socket"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("nothing came from the server for " + DeadAfter.String() + ": the path is dead")
	}
	return err
}

// breach ends a session in which the server broke the rules: resuming it would
// bring the same message again.
func (u *Uplink) breach(code, detail string) error {
	u.cfg.Refused.Add(wire.DoorSocket, code)
	err := &wire.RefusedError{Code: code, Detail: detail}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(err)
	return err
}

// hear does the book-keeping of one message and hands it on if it is new.
func (u *Uplink) hear(env wire.Envelope, body any) error {
	u.mu.Lock()
	err := u.out.Acked(env.Ack)
	fresh := false
	if err == nil {
		fresh, err = u.in.Take(env.ID)
	}
	now := time.Now()
	switch {
	case err != nil:
	case env.ID == 0:
	case !fresh || u.in.Owed() >= wire.MaxAckOwed:
		u.ackBy = now
		u.poke()
	case u.ackBy.IsZero():
		u.ackBy = now.Add(wire.AckDelay)
		u.poke()
	}
	u.mu.Unlock()
	if err != nil {
		return u.breach(wire.CodeProtocol, err.Error())
	}
	if !fresh {
		u.cfg.Refused.Add(wire.DoorSocket, wire.CodeReplayed)
	}
	if !fresh || body == nil {
		return nil
	}
	switch b := body.(type) {
	case *wire.Error:
		return &wire.RefusedError{Code: b.Code, Detail: b.Detail}
	case *wire.Hello, *wire.Welcome, *wire.Obeyed, *wire.Stock, *wire.Linked, *wire.Progress, *wire.Report:
		return u.breach(wire.CodeProtocol, string(env.Kind)+" may not come here")
	case *wire.Renew:
		u.renewed(b)
	}
	u.cfg.Handler.Heard(env.Kind, body)
	return nil
}

// renewed takes in the next token.
func (u *Uplink) renewed(r *wire.Renew) {
	if r.Token == "" {
		return
	}
	u.token = r.Token
	u.mu.Lock()
	defer u.mu.Unlock()
	u.setExpiry(time.Now(), r.Expires)
	u.poke()
}

func (u *Uplink) touch(c *conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.alive(c, time.Now())
}

// alive notes that something came from the server. mu is held.
func (u *Uplink) alive(c *conn, now time.Time) {
	u.pingAt = now.Add(PingAfter)
	_ = c.ws.SetReadDeadline(now.Add(DeadAfter)) // fails only on a socket that is closed
}

// write writes what is due until ctx ends, and then says goodbye.
func (u *Uplink) write(ctx context.Context, c *conn) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		kind, data, until, err := u.next(c)
		if err != nil {
			return err
		}
		if kind == 0 {
			timer.Reset(time.Until(until))
			select {
			case <-u.wake:
			case <-timer.C:
			case <-ctx.Done():
				if err := context.Cause(ctx); errors.Is(err, host.ErrChanged) {
					return err // without a goodbye: the session may go on over another socket
				}
				goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
				_ = c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
				return ctx.Err()
			}
			continue
		}
		by := time.Now().Add(writeTimeout)
		if kind == websocket.TextMessage {
			err = errors.Join(c.ws.SetWriteDeadline(by), c.ws.WriteMessage(kind, data))
		} else {
			err = c.ws.WriteControl(kind, data, by)
			if len(data) > 0 && c.tunnelled() {
				u.departed(time.Now())
			}
		}
		if err != nil {
			return err
		}
	}
}

// next picks what the socket carries next; with kind 0 there is nothing until
// then.
func (u *Uplink) next(c *conn) (kind int, data []byte, until time.Time, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.session == "" {
		return 0, nil, now, u.broken
	}
	if passed(u.renewAt, now) {
		u.renewAt = now.Add(max(u.life/10, time.Second)) // to ask again, if there is no answer
		u.out.Add(wire.KindRenew, []byte("{}"))
	}
	kept, more := u.out.After(c.sent)
	switch {
	case more:
		c.sent = kept.ID
		data, err = u.text(kept.Kind, kept.ID, kept.Body)
		return websocket.TextMessage, data, now, err
	case passed(u.ackBy, now):
		data, err = u.text(wire.KindAck, 0, nil)
		return websocket.TextMessage, data, now, err
	case u.echo.unsent:
		return websocket.PingMessage, u.echo.ping(now), now, nil
	case passed(u.pingAt, now):
		u.pingAt = now.Add(PingAfter)
		return websocket.PingMessage, nil, now, nil
	}
	until = u.pingAt
	for _, t := range []time.Time{u.renewAt, u.ackBy} {
		if !t.IsZero() && t.Before(until) {
			until = t
		}
	}
	return 0, nil, until, nil
}

func passed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// text makes a message, with the acknowledgement that every message carries. mu
// is held.
func (u *Uplink) text(kind wire.Kind, id uint64, body any) ([]byte, error) {
	u.ackBy = time.Time{}
	return wire.Encode(kind, id, u.in.Ack(), body)
}
