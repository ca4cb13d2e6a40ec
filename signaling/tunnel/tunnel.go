// Package tunnel accepts control sockets that come over plain requests (HTTPS long
// polling, see [wire.PathTunnel]): to whoever serves them it is a listener like any
// other, and each tunnel a connection.
package tunnel

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// maxTunnels bounds the tunnels at once.
	maxTunnels = 1 << 14
	// maxWaiting bounds the bytes of a tunnel that its endpoint has not fetched.
	maxWaiting = 256 << 10
	// takeTimeout bounds the wait until whoever serves the socket takes a byte.
	takeTimeout = 10 * time.Second
	// lingerTimeout is how long an endpoint may take to fetch the last bytes.
	lingerTimeout = 2 * time.Second
	// answerTimeout bounds the writing of an answer.
	answerTimeout = 10 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	// Authenticate names the endpoint that asks for a tunnel.
	Authenticate func(*http.Request) (wire.EndpointID, error)
	Addr         net.Addr // of the listener
}

// Server is an http.Handler for [wire.PathTunnel] and what is below it, and the
// net.Listener that the tunnels come out of.
type Server struct {
	cfg      Config
	mux      *http.ServeMux
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
	wg       sync.WaitGroup

	// mu guards the rest.
	mu   sync.Mutex
	byID map[string]*tunnel
	of   map[wire.EndpointID]*tunnel // an endpoint has one
}

// New returns a server that waits for Accept.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, mux: http.NewServeMux(), accepted: make(chan net.Conn), closed: make(chan struct{}),
		byID: map[string]*tunnel{}, of: map[wire.EndpointID]*tunnel{}}
	s.mux.HandleFunc("POST "+wire.PathTunnel, s.open)
	s.mux.HandleFunc("POST "+wire.PathTunnel+"/{id}", s.on(s.up))
	s.mux.HandleFunc("GET "+wire.PathTunnel+"/{id}", s.on(s.down))
	s.mux.HandleFunc("DELETE "+wire.PathTunnel+"/{id}", s.on(func(_ http.ResponseWriter, _ *http.Request, t *tunnel) { t.end() }))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

// Accept implements net.Listener.
func (s *Server) Accept() (net.Conn, error) {
	select {
	case conn := <-s.accepted:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (s *Server) Addr() net.Addr { return s.cfg.Addr }

// Close ends all tunnels and returns when they have.
func (s *Server) Close() error {
	s.once.Do(func() { close(s.closed) })
	s.mu.Lock()
	for _, t := range s.byID {
		t.end()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// open makes a tunnel. An endpoint that had one has lost it.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	who, err := s.cfg.Authenticate(r)
	if err != nil {
		http.Error(w, "the token is not valid", http.StatusUnauthorized)
		return
	}
	near, far := net.Pipe()
	t := &tunnel{id: rand.Text(), far: far, changed: make(chan struct{})}
	if !s.add(who, t) {
		http.Error(w, "there are too many tunnels, or the server stops", http.StatusServiceUnavailable)
		return
	}
	select {
	case s.accepted <- conn{near, s.cfg.Addr, address(r.RemoteAddr)}:
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, t.id)
	case <-s.closed:
		t.end()
		http.Error(w, "the server stops", http.StatusServiceUnavailable)
	case <-r.Context().Done():
		t.end()
	}
}

// add takes a tunnel in and begins it, if there is room.
func (s *Server) add(who wire.EndpointID, t *tunnel) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return false
	default:
	}
	if len(s.byID) >= maxTunnels {
		return false
	}
	if old := s.of[who]; old != nil {
		old.end()
	}
	s.byID[t.id], s.of[who] = t, t
	t.idle = time.AfterFunc(wire.TunnelIdle, t.end)
	s.wg.Go(func() { // here, lest Close has stopped waiting
		t.pump(s.closed)
		s.forget(who, t)
	})
	return true
}

func (s *Server) forget(who wire.EndpointID, t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[who] == t {
		delete(s.of, who)
	}
	delete(s.byID, t.id)
}

// on finds the tunnel that a request is about. Its id is known to its endpoint only.
func (s *Server) on(do func(http.ResponseWriter, *http.Request, *tunnel)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		t := s.byID[r.PathValue("id")]
		s.mu.Unlock()
		if t == nil {
			http.Error(w, "no such tunnel", http.StatusNotFound)
			return
		}
		t.idle.Reset(wire.TunnelIdle)
		do(w, r, t)
	}
}

// offset reads where a request's bytes begin.
func offset(w http.ResponseWriter, r *http.Request) (int64, bool) {
	at, err := strconv.ParseInt(r.URL.Query().Get("at"), 10, 64)
	if err != nil || at < 0 {
		http.Error(w, "at: want the number of the first byte", http.StatusUnprocessableEntity)
		return 0, false
	}
	return at, true
}

func (s *Server) up(w http.ResponseWriter, r *http.Request, t *tunnel) {
	at, ok := offset(w, r)
	if !ok {
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxTunnelBytes))
	if err != nil {
		http.Error(w, "a request holds 64 KiB at most", http.StatusRequestEntityTooLarge)
		return
	}
	switch err := t.bring(at, data); {
	case errors.Is(err, errGap):
		http.Error(w, err.Error(), http.StatusConflict)
	case err != nil:
		http.Error(w, "the tunnel has ended", http.StatusGone)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) down(w http.ResponseWriter, r *http.Request, t *tunnel) {
	at, ok := offset(w, r)
	if !ok {
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wire.TunnelWait + answerTimeout)) // not all writers can
	wait := time.NewTimer(wire.TunnelWait)
	defer wait.Stop()
	for {
		data, lay, changed, err := t.fetch(at)
		switch {
		case errors.Is(err, errGap):
			http.Error(w, err.Error(), http.StatusConflict)
			return
		case err != nil:
			http.Error(w, "the tunnel has ended", http.StatusGone)
			return
		case len(data) > 0:
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set(wire.TunnelLay, strconv.FormatInt(lay.Microseconds(), 10))
			_, _ = w.Write(data)
			return
		}
		select {
		case <-changed:
		case <-wait.C:
			w.WriteHeader(http.StatusOK)
			return
		case <-r.Context().Done():
			return
		}
	}
}
