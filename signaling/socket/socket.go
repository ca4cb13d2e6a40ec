// Package socket accepts the WebSockets of endpoints and turns them into
// sessions: streams of messages that outlive a socket for a moment, in which
// nothing is lost and nothing comes twice. It checks a token before the upgrade,
// bounds what an endpoint may send and what waits for it, renews tokens inside
// the open socket and closes it when one lapses. What the messages mean is for
// its [Handler].
//
// An idle session costs one goroutine and a few kilobytes: writers live only
// while there is something to write.
package socket

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/lane"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Limits and times. Those that both sides share stand in package wire.
const (
	// PingAfter is how long nothing may come from an endpoint before it is pinged,
	// and ReadTimeout how long before its socket counts as lost.
	PingAfter   = 30 * time.Second
	ReadTimeout = 75 * time.Second
	// WriteTimeout bounds one write.
	WriteTimeout = 10 * time.Second
	// farewellTimeout bounds saying why a socket closes.
	farewellTimeout = time.Second
	// renewTimeout bounds the issue of a token.
	renewTimeout = 5 * time.Second
	// maxTokenBytes bounds the token, and maxAuthorizationBytes the header with it.
	maxTokenBytes         = 4 << 10
	maxAuthorizationBytes = maxTokenBytes + len("Bearer ")
	// maxHandshakes bounds the sockets of one endpoint that have not said hello.
	maxHandshakes = 4
	// messagesPerSecond is how fast one socket is read in the long run, and
	// messageBurst how much it may send at once: a whole resume fits in it.
	messagesPerSecond = 100
	messageBurst      = wire.MaxUnacked
	bufferBytes       = 1 << 10
)

// ErrUnavailable in an error of a callback says that the endpoint did nothing
// wrong and may try again. Any other error refuses it.
var ErrUnavailable = errors.New("not available now")

// ErrOrigin in an error of Authenticate says that the page that asks is of another web
// origin than the token is for.
var ErrOrigin = errors.New("token is for another web origin")

// Identity is whom a token speaks for.
type Identity struct {
	ID      wire.EndpointID
	Site    string // where it is: as the token says or, once it is placed, as Place does
	Expires time.Time
	Visit   *wire.Visit // of a browser; nil for an endpoint that enrolled

	// Set by Place, of an endpoint that enrolled.
	Enrolled   string // the site where it did
	Roaming    bool
	Quarantine string // why there is no site, for people
}

// bound reports whether both tokens bind their holder to the same.
func (i Identity) bound(other Identity) bool {
	if i.Visit == nil || other.Visit == nil {
		return i.Site == other.Site && i.Visit == other.Visit && i.Enrolled == other.Enrolled && i.Roaming == other.Roaming
	}
	return i.Site == other.Site && i.Visit.Origin == other.Visit.Origin && slices.Equal(i.Visit.Contents, other.Visit.Contents)
}

// Bearer returns the token of a request: of its Authorization header or, from a browser,
// which can set none for a WebSocket, of a subprotocol that it offers.
func Bearer(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	for _, offered := range websocket.Subprotocols(r) {
		if token, ok := strings.CutPrefix(offered, wire.SubprotocolBearer); ok {
			return token
		}
	}
	return ""
}

// Handler hears what happens in sessions. For one session Joined comes first,
// then Heard in the order sent, then Left, one at a time; the next session of the
// same endpoint joins after that. Sessions of different endpoints run side by
// side. A handler may block for a moment: it slows the endpoint down.
type Handler interface {
	Joined(s *Session)
	// Heard brings a message; body is the pointer that wire.Decode made.
	Heard(s *Session, kind wire.Kind, body any)
	Left(s *Session, reason string)
}

// Config is what a Server is made of. All fields but Place, Refused and Lane are required.
type Config struct {
	// Authenticate checks the token in a request (see [Bearer]) and where the request
	// comes from, before the upgrade.
	Authenticate func(*http.Request) (Identity, error)
	// Place says at which site an endpoint is that says hello from an address; nil: at that
	// of its token.
	Place func(ctx context.Context, who Identity, hello wire.Hello, from netip.Addr) (Identity, error)
	// Welcome says what stands in the answer to a hello: Epoch and ICE. The rest is
	// filled in.
	Welcome func(context.Context, Identity) (wire.Welcome, error)
	// Renew issues the next token of an endpoint, with fresh ICE credentials.
	Renew   func(context.Context, Identity) (wire.Renew, error)
	Handler Handler
	Refused *wire.Refusals // counts what is refused; nil: nobody does
	Lane    *lane.Lane     // where messages are read; nil: nowhere
	Log     *slog.Logger
}

// Server is an http.Handler for the path of the control socket. The address of an
// endpoint is taken from Request.RemoteAddr.
type Server struct {
	// Set by New, then constant.
	cfg      Config
	upgrader websocket.Upgrader
	ctx      context.Context // ends when Run has been told to end
	stop     context.CancelFunc
	wg       sync.WaitGroup // handshakes, sessions, and their goroutines

	// mu guards the rest. It is never held together with a session's.
	mu         sync.Mutex
	closed     bool
	sessions   map[wire.EndpointID]*Session
	handshakes map[wire.EndpointID]int
}

// New returns a server that accepts sockets until Run ends.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, sessions: map[wire.EndpointID]*Session{}, handshakes: map[wire.EndpointID]int{}}
	s.upgrader = websocket.Upgrader{
		HandshakeTimeout: wire.HelloTimeout,
		ReadBufferSize:   bufferBytes, WriteBufferSize: bufferBytes, WriteBufferPool: &sync.Pool{},
		Subprotocols: []string{wire.Subprotocol},
		CheckOrigin:  func(*http.Request) bool { return true }, // Authenticate has
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Run waits until ctx ends; then it refuses sockets, tells every endpoint that
// the server shuts down, and returns when all have left.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	s.stop()
	s.mu.Lock()
	s.closed = true
	open := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		open = append(open, session)
	}
	s.mu.Unlock()
	for _, session := range open {
		session.Close(wire.CodeShuttingDown, "the server shuts down")
	}
	s.wg.Wait()
	return nil
}

// Sessions returns how many sessions there are, those included that lost their
// socket a moment ago.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// ServeHTTP authenticates, upgrades, and hears the hello; the session goes on
// after it has returned, so that net/http keeps nothing for the socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if len(r.Header.Get("Authorization")) > maxAuthorizationBytes || len(Bearer(r)) > maxTokenBytes {
		s.refused(wire.CodeTooLarge)
		http.Error(w, "the token is too long", http.StatusRequestHeaderFieldsTooLarge)
		return
	}
	who, err := s.cfg.Authenticate(r)
	switch {
	case errors.Is(err, ErrUnavailable):
		s.unavailable(w, err)
		return
	case errors.Is(err, ErrOrigin):
		s.refused(wire.CodeWrongOrigin)
		s.cfg.Log.Debug("refusing a socket", "remote", r.RemoteAddr, "err", err)
		http.Error(w, "the token is for another web origin", http.StatusForbidden)
		return
	case err != nil:
		s.refused(wire.CodeUnauthorized)
		s.cfg.Log.Debug("refusing a socket", "remote", r.RemoteAddr, "err", err)
		if !websocket.IsWebSocketUpgrade(r) { // as it arrived: who looks for faults learns that something took it off
			w.Header().Set("Upgrade", "websocket")
			http.Error(w, "only WebSockets are served here", http.StatusUpgradeRequired)
			return
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "the token was refused; get a new one", http.StatusUnauthorized)
		return
	}
	if err := s.enter(who.ID); err != nil {
		s.refused(wire.CodeOverloaded)
		s.unavailable(w, err)
		return
	}
	defer s.leave(who.ID)
	welcome, err := s.cfg.Welcome(r.Context(), who)
	if err != nil {
		s.unavailable(w, err)
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.refused(wire.CodeProtocol)
		s.cfg.Log.Debug("upgrading a socket", "endpoint", who.ID.Short(), "err", err)
		return // the upgrader has answered
	}
	if err := s.handshake(r.Context(), ws, who, remote(r), welcome); err != nil {
		s.cfg.Log.Info("refusing a socket", "endpoint", who.ID.Short(), "err", err)
		s.refuse(ws, err)
	}
}

// refused counts bad input.
func (s *Server) refused(code string) { s.cfg.Refused.Add(wire.DoorSocket, code) }

func (s *Server) unavailable(w http.ResponseWriter, err error) {
	s.cfg.Log.Warn("refusing a socket for now", "err", err)
	http.Error(w, "not available now; try again", http.StatusServiceUnavailable)
}

// enter counts a handshake.
func (s *Server) enter(id wire.EndpointID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errors.New("the server shuts down")
	case s.handshakes[id] >= maxHandshakes:
		return errors.New("endpoint opens too many sockets at once")
	}
	s.handshakes[id]++
	s.wg.Add(1)
	return nil
}

func (s *Server) leave(id wire.EndpointID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handshakes[id]--; s.handshakes[id] == 0 {
		delete(s.handshakes, id)
	}
	s.wg.Done()
}

// remote is the address that an endpoint is seen under; the zero Addr if it has
// none.
func remote(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// handshake hears the hello and gives the socket to its session.
func (s *Server) handshake(ctx context.Context, ws *websocket.Conn, who Identity, from netip.Addr, welcome wire.Welcome) error {
	if err := ws.SetReadDeadline(time.Now().Add(wire.HelloTimeout)); err != nil {
		return err
	}
	text, err := readMessage(ws)
	if err != nil {
		return err
	}
	env, body, err := wire.Decode(text)
	if err != nil {
		return err
	}
	hello, ok := body.(*wire.Hello)
	if !ok {
		return &wire.RefusedError{Code: wire.CodeProtocol, Detail: "the first message must be hello"}
	}
	if who.Visit != nil && hello.Device != wire.DeviceBrowser {
		return &wire.RefusedError{Code: wire.CodeProtocol, Detail: "with this token the device is " + wire.DeviceBrowser}
	}
	if who, err = s.place(ctx, who, *hello, from, &welcome); err != nil {
		return err
	}
	welcome.Version = min(hello.Version, wire.Version)
	welcome.Endpoint, welcome.Site, welcome.Expires, welcome.Quarantine = who.ID, who.Site, who.Expires.UTC(), wire.Clip(who.Quarantine)
	return s.join(&sock{ws: ws, limit: newLimiter(), ack: env.Ack}, who, *hello, from, welcome)
}

// join resumes the endpoint's session, or replaces it by a new one.
func (s *Server) join(k *sock, who Identity, hello wire.Hello, from netip.Addr, welcome wire.Welcome) error {
	for {
		s.mu.Lock()
		old := s.sessions[who.ID]
		if old == nil && !s.closed {
			session := newSession(s, who, hello, from)
			session.hearing.Lock() // so that Left never comes before Joined
			s.sessions[who.ID] = session
			s.wg.Add(1)
			s.mu.Unlock()
			s.cfg.Handler.Joined(session)
			session.hearing.Unlock()
			if !session.attach(k, who, welcome, false) {
				session.Close(errEnded.Code, errEnded.Detail)
				return errEnded
			}
			return nil
		}
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return &wire.RefusedError{Code: wire.CodeShuttingDown, Detail: "the server shuts down"}
		}
		if old.resumable(who, hello, from) && old.attach(k, who, welcome, true) {
			return nil
		}
		old.Close(wire.CodeReplaced, "the endpoint connected again")
		<-old.left
	}
}

// errEnded means that the handler closed a session as soon as it joined.
var errEnded = &wire.RefusedError{Code: wire.CodeOverloaded, Detail: "the session ended at once"}

// forget takes an ended session out.
func (s *Server) forget(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.ID)
}

// refuse says why there will be no session, and closes the socket.
func (s *Server) refuse(ws *websocket.Conn, why error) {
	refused := new(wire.RefusedError)
	if errors.As(why, &refused) {
		s.refused(refused.Code)
		said := wire.Error{Code: refused.Code, Detail: wire.Clip(refused.Detail)}
		by := time.Now().Add(farewellTimeout)
		if text, err := wire.Encode(wire.KindError, 0, 0, said); err == nil && ws.SetWriteDeadline(by) == nil {
			_ = ws.WriteMessage(websocket.TextMessage, text) // it closes either way
			_ = ws.WriteControl(websocket.CloseMessage, closing(said.Code), by)
		}
	}
	_ = ws.Close()
}

// closing is the close frame for a code.
func closing(code string) []byte {
	number := websocket.ClosePolicyViolation
	switch code {
	case wire.CodeShuttingDown:
		number = websocket.CloseServiceRestart
	case wire.CodeOverloaded:
		number = websocket.CloseTryAgainLater
	case wire.CodeTooLarge:
		number = websocket.CloseMessageTooBig
	}
	return websocket.FormatCloseMessage(number, code)
}

// newKey names a session; to know it is not enough to resume it.
func newKey() string { return rand.Text() }
