// Package uplink keeps an endpoint's control socket to the server: it connects
// and reconnects with jittered back-off, resumes the session so that no message
// is lost or heard twice, renews the token inside the open socket, notices a dead
// path within [DeadAfter], and estimates the server's time. What the messages
// mean is for its [Handler].
package uplink

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/signaling/wire/stamp"
)

// Times of the socket. Those that both sides share stand in package wire.
const (
	// PingAfter is how long nothing may come from the server before it is pinged,
	// and DeadAfter how long before the path counts as dead.
	PingAfter = 8 * time.Second
	DeadAfter = 18 * time.Second
	// Stable is how long a socket must hold before the back-off begins anew.
	Stable = time.Minute

	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	// tokenMargin is the life a token must have left to connect with it.
	tokenMargin = 10 * time.Second
)

// Handler hears what the server says, one call at a time. Heard comes only
// between Connected and Disconnected.
type Handler interface {
	// Connected tells of a socket. Unless it was Resumed the server knows nothing of
	// this endpoint, and everything is to be announced anew.
	Connected(wire.Welcome)
	Disconnected(error)
	// Heard brings a message; body is the pointer that wire.Decode made.
	Heard(kind wire.Kind, body any)
}

// Config is what an Uplink is made of. Dial, TLS and Refused may be nil.
type Config struct {
	URL  string // ws:// or wss://
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	TLS  *tls.Config
	// Token fetches a token. It is called for the first socket, and again when the
	// last token lapsed or was refused.
	Token   func(context.Context) (string, error)
	Hello   func() wire.Hello // what to say of this endpoint; the session is filled in
	Handler Handler
	Refused *wire.Refusals // counts what is refused of the server's messages
	// Diagnose says in words why an attempt may have failed, or nothing; it may take some
	// seconds. It is not asked when the server itself refused. Nil: nobody knows.
	Diagnose func(ctx context.Context) string
	Log      *slog.Logger
}

// Uplink is the endpoint's side of the control socket.
type Uplink struct {
	// Set by New, then constant.
	cfg     Config
	at      *url.URL
	dialer  websocket.Dialer
	tunnels *tunnels
	wake    chan struct{} // tells the writer to look again
	again   chan struct{} // cuts the wait for the next attempt short

	// Owned by Run.
	token string

	// mu guards the rest.
	mu       sync.Mutex
	session  string // empty while there is none
	broken   error  // why the session of the socket at hand can't go on
	out      wire.Outbox
	in       wire.Inbox
	expires  time.Time     // of the token, in server time
	life     time.Duration // of the token when it came
	renewAt  time.Time     // zero for never
	ackBy    time.Time     // zero for never
	pingAt   time.Time
	server   time.Time // the server's time at measured
	measured time.Time
	open     bool                    // a socket is served
	changed  time.Time               // when the network of the host was another; zero for never
	trouble  string                  // why there is no socket
	end      context.CancelCauseFunc // ends the attempt or the socket at hand; nil while there is none
	over     *conn                   // the socket that is served, or nil
	echo     echo
}

// New returns an uplink that does nothing until Run.
func New(cfg Config) (*Uplink, error) {
	at, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("read the server's URL: %w", err)
	}
	if at.Scheme != "ws" && at.Scheme != "wss" || at.Host == "" {
		return nil, fmt.Errorf("%q is not a URL of a socket such as wss://sitecast.example:8443/api/v1/signal", cfg.URL)
	}
	return &Uplink{
		cfg: cfg, at: at, tunnels: newTunnels(at, cfg.Dial, cfg.TLS), wake: make(chan struct{}, 1), again: make(chan struct{}, 1),
		dialer: websocket.Dialer{NetDialContext: stamped(cfg.Dial), TLSClientConfig: cfg.TLS, HandshakeTimeout: dialTimeout,
			ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{}},
	}, nil
}

// stamped notes when what the server says came, for the sake of [Uplink.Ping].
func stamped(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return stamp.Conn(conn), nil
	}
}

// Run keeps the socket until ctx ends, and then says goodbye. It returns nil.
func (u *Uplink) Run(ctx context.Context) error {
	var wait backoff
	said := ""
	for ctx.Err() == nil {
		lasted, err := u.once(ctx)
		if ctx.Err() != nil {
			break
		}
		wait.after(lasted, err)
		err = u.diagnosed(ctx, err)
		delay := wait.next()
		if lasted > 0 || err.Error() != said { // an outage is told once
			u.cfg.Log.Warn("no socket to the server", "err", err, "retry", delay)
			said = err.Error()
		}
		if u.rest(ctx, delay) {
			wait = backoff{}
			pause(ctx, wait.next()) // others of the site may have heard of it, too
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// once connects and serves one socket. It returns how long that held.
func (u *Uplink) once(ctx context.Context) (time.Duration, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	u.begun(end, nil)
	defer u.begun(nil, nil)
	c, welcome, err := u.connect(ctx)
	if err != nil {
		u.refused(err)
		return 0, cmp.Or(context.Cause(ctx), err)
	}
	start := time.Now()
	u.cfg.Log.Info("connected to the server", "site", welcome.Site, "resumed", welcome.Resumed, "quarantine", welcome.Quarantine)
	u.begun(end, c)
	u.cfg.Handler.Connected(welcome)
	err = u.serve(ctx, c)
	u.refused(err)
	u.cfg.Handler.Disconnected(err)
	return time.Since(start), err
}

// refused drops a token that the server does not want.
func (u *Uplink) refused(err error) {
	if why := new(wire.RefusedError); errors.As(err, &why) && why.Code == wire.CodeUnauthorized {
		u.token = ""
	}
}

// Send queues a message without blocking. It is repeated when a socket breaks.
// False means that there is no session: once there is one, Connected tells, and
// everything is to be announced anew.
func (u *Uplink) Send(kind wire.Kind, body any) bool {
	raw, err := wire.EncodeBody(kind, body)
	if err != nil {
		u.cfg.Log.Error("sending a message that is not valid", "err", err)
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.session == "" {
		return false
	}
	if !u.out.Add(kind, raw) {
		u.drop(&wire.RefusedError{Code: wire.CodeOverloaded, Detail: "the server does not read what it is sent"})
	}
	u.poke()
	return u.session != ""
}

// drop gives the session up: the writer closes the socket, and the next one
// begins anew. mu is held.
func (u *Uplink) drop(why error) { u.session, u.broken = "", why }

// Now estimates the server's time, whatever the clock of this device says. Before
// the first welcome it is the device's.
func (u *Uplink) Now() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.now()
}

// Known reports whether that is the server's time, and not this computer's.
func (u *Uplink) Known() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.measured.IsZero()
}

func (u *Uplink) now() time.Time {
	if u.measured.IsZero() {
		return time.Now()
	}
	return u.server.Add(time.Since(u.measured))
}

// poke makes the writer look again. It never blocks.
func (u *Uplink) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}
