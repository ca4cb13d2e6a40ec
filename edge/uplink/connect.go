package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/wire"
)

// conn is one socket. Sent is owned by its writer.
type conn struct {
	ws    *websocket.Conn
	sent  uint64    // the highest message written
	until time.Time // when a better way is looked for; zero for never
}

// connect opens a socket and exchanges hello and welcome.
func (u *Uplink) connect(ctx context.Context) (*conn, wire.Welcome, error) {
	if err := u.freshToken(ctx); err != nil {
		return nil, wire.Welcome{}, err
	}
	ws, until, err := u.dial(ctx)
	if err != nil {
		return nil, wire.Welcome{}, fmt.Errorf("connect to %s: %w", u.cfg.URL, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	c, welcome, err := u.greet(ws)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = ws.Close()
		return nil, wire.Welcome{}, fmt.Errorf("greet %s: %w", u.cfg.URL, err)
	}
	c.until = until
	return c, welcome, nil
}

// freshToken sees to it that there is a token that the server may accept.
func (u *Uplink) freshToken(ctx context.Context) error {
	u.mu.Lock()
	lapsed := !u.expires.IsZero() && u.expires.Sub(u.now()) < tokenMargin
	u.mu.Unlock()
	if u.token != "" && !lapsed {
		return nil
	}
	token, err := u.cfg.Token(ctx)
	if err != nil {
		return fmt.Errorf("get a token: %w", err)
	}
	u.token = token
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expires = time.Time{} // the welcome tells
	return nil
}

// greet says hello and adopts the session of the welcome.
func (u *Uplink) greet(ws *websocket.Conn) (*conn, wire.Welcome, error) {
	ws.SetReadLimit(wire.MaxMessageBytes)
	hello := u.cfg.Hello()
	u.mu.Lock()
	hello.Session = u.session
	ack := u.in.Ack()
	u.mu.Unlock()
	text, err := wire.Encode(wire.KindHello, 0, ack, hello)
	if err != nil {
		return nil, wire.Welcome{}, err
	}
	start := time.Now()
	if err := errors.Join(ws.SetWriteDeadline(start.Add(writeTimeout)), ws.SetReadDeadline(start.Add(wire.HelloTimeout))); err != nil {
		return nil, wire.Welcome{}, err
	}
	if err := ws.WriteMessage(websocket.TextMessage, text); err != nil {
		return nil, wire.Welcome{}, err
	}
	if _, text, err = ws.ReadMessage(); err != nil {
		return nil, wire.Welcome{}, err
	}
	env, body, err := wire.Decode(text)
	if why := new(wire.RefusedError); errors.As(err, &why) {
		u.cfg.Refused.Add(wire.DoorSocket, why.Code)
		return nil, wire.Welcome{}, err
	}
	switch b := body.(type) {
	case *wire.Welcome:
		c := &conn{ws: ws}
		return c, *b, u.adopt(c, env.Ack, *b, start)
	case *wire.Error:
		return nil, wire.Welcome{}, &wire.RefusedError{Code: b.Code, Detail: b.Detail}
	}
	u.cfg.Refused.Add(wire.DoorSocket, wire.CodeProtocol)
	return nil, wire.Welcome{}, &wire.RefusedError{Code: wire.CodeProtocol, Detail: "the answer to hello was " + string(env.Kind)}
}

// adopt goes on with the session, or begins the one of the welcome.
func (u *Uplink) adopt(c *conn, ack uint64, w wire.Welcome, helloAt time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if w.Resumed {
		err := u.out.Acked(ack)
		if err == nil && w.Session != u.session {
			err = &wire.RefusedError{Code: wire.CodeProtocol, Detail: "the server resumed another session"}
		}
		if err != nil {
			u.cfg.Refused.Add(wire.DoorSocket, wire.CodeProtocol)
			u.drop(err)
			return err
		}
		c.sent = ack
	} else {
		said := u.out.Unacked()
		u.session, u.out, u.in = w.Session, wire.Outbox{}, wire.Inbox{}
		u.carry(said, now)
	}
	// The server read its clock between hello and welcome; the middle is off by half
	// a round trip at most.
	u.server, u.measured = w.ServerTime.Add(now.Sub(helloAt)/2), now
	u.ackBy = time.Time{}
	u.setExpiry(now, w.Expires)
	u.alive(c, now)
	return nil
}

// setExpiry plans the renewal of a token. mu is held.
func (u *Uplink) setExpiry(now, expires time.Time) {
	u.expires, u.renewAt = expires, time.Time{}
	if u.life = expires.Sub(u.now()); !expires.IsZero() && u.life > 0 {
		u.renewAt = now.Add(u.life * 2 / 3)
	}
}

// explain says what a person can do about a connection that failed.
func explain(resp *http.Response, err error) error {
	var authority x509.UnknownAuthorityError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("%w: this system does not trust the server's certificate; enrol with a token of that server, which names its key, or install its authority", err)
	case errors.As(err, &plain):
		return fmt.Errorf("%w: the server does not speak TLS on this port; check the server's URL", err)
	case resp == nil:
		return err
	case resp.StatusCode == http.StatusUnauthorized:
		return &wire.RefusedError{Code: wire.CodeUnauthorized, Detail: "the server refused the token; a new one will be fetched"}
	case resp.StatusCode == http.StatusServiceUnavailable:
		return &wire.RefusedError{Code: wire.CodeOverloaded, Detail: "the server is not available now"}
	case resp.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: nothing of Sitecast answers there (404); check the server's URL", err)
	}
	return fmt.Errorf("%w: the server answered %s", err, resp.Status)
}
