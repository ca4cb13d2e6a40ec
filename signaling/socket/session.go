package socket

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Session is one endpoint's presence. Its socket may break; when the endpoint is
// back within [wire.ResumeGrace] the session goes on as if nothing had been.
type Session struct {
	// Set when it began, then constant.
	ID     wire.EndpointID
	Site   string // empty: in quarantine
	Home   string // the site where it enrolled, once it was placed
	Roams  bool
	Visit  *wire.Visit // of a browser; its end may be a later one's by now
	Hello  wire.Hello  // as first said
	Remote netip.Addr
	server *Server
	key    string
	left   chan struct{} // closed when Left was told

	// hearing is held while a message is taken and handed on, so that they stay in
	// order when two sockets overlap. It is taken before mu.
	hearing sync.Mutex
	gone    bool // Left was told

	// mu guards the rest.
	mu    sync.Mutex
	out   wire.Outbox
	in    wire.Inbox
	sock  *sock // nil while lost
	lost  time.Time
	why   string   // it was lost
	who   Identity // as proved last
	ended *wire.Error
	timer *time.Timer
	armed time.Time // when timer fires
}

// sock is one socket of a session. The fields after limit are guarded by the
// session's mu.
type sock struct {
	ws    *websocket.Conn
	limit *rate.Limiter

	ack     uint64 // of the hello
	welcome []byte // to be written first
	sent    uint64 // the highest message written
	writing bool   // there is a writer
	ackBy   time.Time
	pingAt  time.Time
	said    int // parts of the farewell
}

func newLimiter() *rate.Limiter { return rate.NewLimiter(messagesPerSecond, messageBurst) }

func newSession(server *Server, who Identity, hello wire.Hello, from netip.Addr) *Session {
	s := &Session{ID: who.ID, Site: who.Site, Home: who.Enrolled, Roams: who.Roaming, Visit: who.Visit, Hello: hello, Remote: from,
		server: server, key: newKey(), left: make(chan struct{}), who: who}
	s.timer = time.AfterFunc(time.Hour, s.tick)
	s.timer.Stop()
	return s
}

// resumable reports whether a hello goes on with this session. An endpoint whose
// circumstances changed begins anew, so that everything is decided again.
func (s *Session) resumable(who Identity, hello wire.Hello, from netip.Addr) bool {
	was := s.Hello
	return hello.Session == s.key && who.bound(Identity{Site: s.Site, Enrolled: s.Home, Roaming: s.Roams, Visit: s.Visit}) && from == s.Remote && hello.Version == was.Version &&
		hello.Name == was.Name && hello.Device == was.Device && hello.Battery == was.Battery &&
		hello.Wireless == was.Wireless && slices.Equal(hello.Subnets, was.Subnets) && slices.Equal(hello.Aside, was.Aside) && hello.Tunnelled == was.Tunnelled
}

// attach makes k the session's socket and starts to serve it. It reports false
// when the session has ended or does not fit what the endpoint acknowledges.
func (s *Session) attach(k *sock, who Identity, welcome wire.Welcome, resumed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil || resumed && s.out.Acked(k.ack) != nil {
		return false
	}
	if resumed {
		k.sent = k.ack
	}
	now := time.Now()
	welcome.Session, welcome.Resumed, welcome.ServerTime = s.key, resumed, now.UTC()
	text, err := wire.Encode(wire.KindWelcome, 0, s.in.Ack(), welcome)
	if err != nil {
		s.server.cfg.Log.Error("making a welcome", "endpoint", s.ID.Short(), "err", err)
		return false
	}
	if dead := s.sock; dead != nil { // the new socket proves it
		s.server.wg.Go(func() { _ = dead.ws.Close() }) // TLS may take seconds over it
	}
	k.welcome = text
	s.sock, s.who = k, who
	s.alive(k, now)
	s.arm(now, s.who.Expires)
	s.server.wg.Go(func() { s.read(k) })
	s.kick(now)
	return true
}

// Send queues a message without blocking. It reports false when the session is
// over; one whose endpoint can't keep up ends here.
func (s *Session) Send(kind wire.Kind, body any) bool {
	raw, err := wire.EncodeBody(kind, body)
	if err != nil {
		s.server.cfg.Log.Error("sending a message that is not valid", "endpoint", s.ID.Short(), "err", err)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return false
	}
	if !s.out.Add(kind, raw) {
		s.end(wire.CodeOverloaded, "the endpoint does not read what it is sent")
		return false
	}
	s.kick(time.Now())
	return true
}

// Close ends the session without blocking; the endpoint is told why. Left
// follows.
func (s *Session) Close(code, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(code, detail)
}

// end ends the session. mu is held.
func (s *Session) end(code, detail string) {
	if s.ended != nil {
		return
	}
	s.ended = &wire.Error{Code: code, Detail: wire.Clip(detail)}
	s.timer.Stop()
	go s.finish() // counted by the session itself
}

// finish tells the handler, then the endpoint.
func (s *Session) finish() {
	defer s.server.wg.Done()
	s.mu.Lock()
	k, why := s.sock, *s.ended
	s.kick(time.Now())
	s.mu.Unlock()
	if k != nil {
		// A writer that is stuck, or an endpoint that does not hang up, ends here.
		time.AfterFunc(farewellTimeout, func() { _ = k.ws.Close() })
	}
	s.hearing.Lock()
	s.gone = true
	s.server.cfg.Handler.Left(s, why.Code+": "+why.Detail)
	s.hearing.Unlock()
	s.server.forget(s)
	close(s.left)
}

// tick does what has become due.
func (s *Session) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.armed = time.Time{}
	switch {
	case s.ended != nil:
		return
	case !now.Before(s.who.Expires):
		s.server.refused(wire.CodeUnauthorized)
		s.end(wire.CodeUnauthorized, "the token lapsed and was not renewed")
		return
	case s.sock == nil && !now.Before(s.lost.Add(wire.ResumeGrace)):
		s.end(codeLost, s.why)
		return
	case s.sock == nil:
		s.arm(now, s.lost.Add(wire.ResumeGrace))
	default:
		s.kick(now)
		s.rearm(s.sock, now)
	}
	s.arm(now, s.who.Expires)
}

// rearm makes tick run when k has something to write next. While somebody writes
// that is left to him: what is due already would only make the timer spin. mu is
// held.
func (s *Session) rearm(k *sock, now time.Time) {
	if k.writing {
		return
	}
	if !k.ackBy.IsZero() {
		s.arm(now, k.ackBy)
	}
	s.arm(now, k.pingAt)
}

// codeLost stands in the reason of Left; it is never sent.
const codeLost = "lost"

// arm makes tick run no later than at. mu is held.
func (s *Session) arm(now, at time.Time) {
	if s.ended == nil && (s.armed.IsZero() || at.Before(s.armed)) {
		s.armed = at
		s.timer.Reset(max(at.Sub(now), 0))
	}
}

// alive notes that something came from the endpoint. mu is held.
func (s *Session) alive(k *sock, now time.Time) {
	if s.ended != nil {
		return // the farewell has its own deadline
	}
	k.pingAt = now.Add(PingAfter)
	s.arm(now, k.pingAt)
	_ = k.ws.SetReadDeadline(now.Add(ReadTimeout)) // fails only on a socket that is closed
}

// hear takes in one message.
func (s *Session) hear(k *sock, env wire.Envelope, body any) {
	s.hearing.Lock()
	defer s.hearing.Unlock()
	if s.gone || !s.take(k, env) {
		return
	}
	switch env.Kind {
	case wire.KindAck:
	case wire.KindRenew:
		s.renew()
	case wire.KindHello, wire.KindWelcome, wire.KindError:
		s.breach(wire.CodeProtocol, string(env.Kind)+" may not come here")
	default:
		s.server.cfg.Handler.Heard(s, env.Kind, body)
	}
}

// take does the book-keeping of one message and reports whether it is new.
func (s *Session) take(k *sock, env wire.Envelope) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.out.Acked(env.Ack)
	fresh := false
	if err == nil {
		fresh, err = s.in.Take(env.ID)
	}
	if err != nil {
		s.server.refused(wire.CodeProtocol)
		s.end(wire.CodeProtocol, err.Error())
		return false
	}
	if !fresh {
		s.server.refused(wire.CodeReplayed)
	}
	now := time.Now()
	switch {
	case env.ID == 0:
	case !fresh || s.in.Owed() >= wire.MaxAckOwed:
		k.ackBy = now
		s.kick(now)
	case k.ackBy.IsZero():
		k.ackBy = now.Add(wire.AckDelay)
		s.arm(now, k.ackBy)
	}
	return fresh && s.ended == nil
}

// renew issues the endpoint's next token.
func (s *Session) renew() {
	ctx, stop := context.WithTimeout(s.server.ctx, renewTimeout)
	defer stop()
	s.mu.Lock()
	who := s.who
	s.mu.Unlock()
	next, err := s.server.cfg.Renew(ctx, who)
	switch {
	case errors.Is(err, ErrUnavailable) || ctx.Err() != nil:
		s.server.cfg.Log.Warn("renewing a token", "endpoint", s.ID.Short(), "err", err)
		return // the endpoint asks again
	case err != nil:
		s.breach(wire.CodeUnauthorized, "the token is not renewed")
		return
	}
	s.mu.Lock()
	s.who.Expires = next.Expires
	s.mu.Unlock() // a tick that was armed for the old expiry finds the new one
	s.Send(wire.KindRenew, next)
}
