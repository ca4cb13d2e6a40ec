package tunnel_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/signaling/tunnel"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a server of tunnels whose sockets are collected.
type stand struct {
	t     *testing.T
	s     *tunnel.Server
	conns chan net.Conn
}

func onStand(t *testing.T, do func(*stand)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t, tunnel.New(tunnel.Config{Addr: &net.TCPAddr{}, Authenticate: func(r *http.Request) (wire.EndpointID, error) {
			id, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !ok {
				return "", errors.New("no token")
			}
			return wire.EndpointID(id), nil
		}}), make(chan net.Conn, 10)}
		go func() {
			for {
				conn, err := s.s.Accept()
				if err != nil {
					return
				}
				s.conns <- conn
			}
		}()
		do(s)
		if err := s.s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (s *stand) do(method, path string, body []byte, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(s.t.Context(), method, wire.PathTunnel+path, bytes.NewReader(body))
	r.RemoteAddr = "192.0.2.7:1234"
	if len(header) > 0 {
		r.Header.Set("Authorization", header[0])
	}
	w := httptest.NewRecorder()
	s.s.ServeHTTP(w, r)
	return w
}

// open opens a tunnel and returns its path and the socket's side.
func (s *stand) open(who string) (path string, conn net.Conn) {
	s.t.Helper()
	w := s.do("POST", "", nil, "Bearer "+who)
	if w.Code != http.StatusCreated {
		s.t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return "/" + w.Body.String(), <-s.conns
}

func (s *stand) want(w *httptest.ResponseRecorder, code int, body string) {
	s.t.Helper()
	if w.Code != code || code == http.StatusOK && w.Body.String() != body {
		s.t.Errorf("answered %d %.60q, want %d %q", w.Code, w.Body, code, body)
	}
}

func TestBytesGoBothWaysOnceThoughRequestsAreRepeated(t *testing.T) {
	onStand(t, func(s *stand) {
		path, conn := s.open("alice")
		if got := conn.RemoteAddr().String(); got != "192.0.2.7:1234" {
			t.Errorf("the socket comes from %s", got)
		}
		got := make([]byte, 10)
		go func() { _, _ = io.ReadFull(conn, got) }()
		s.want(s.do("POST", path+"?at=0", []byte("hello")), http.StatusNoContent, "")
		s.want(s.do("POST", path+"?at=0", []byte("hello")), http.StatusNoContent, "")
		s.want(s.do("POST", path+"?at=3", []byte("lo you")), http.StatusNoContent, "")
		s.want(s.do("POST", path+"?at=12", []byte("x")), http.StatusConflict, "")
		go func() { _, _ = io.WriteString(conn, "welcome") }()
		s.want(s.do("GET", path+"?at=0", nil), http.StatusOK, "welcome")
		s.want(s.do("GET", path+"?at=0", nil), http.StatusOK, "welcome")
		s.want(s.do("GET", path+"?at=3", nil), http.StatusOK, "come")
		s.want(s.do("GET", path+"?at=2", nil), http.StatusConflict, "")
		s.want(s.do("GET", path+"?at=8", nil), http.StatusConflict, "")
		s.want(s.do("POST", path+"?at=9", []byte("!")), http.StatusNoContent, "")
		synctest.Wait()
		if string(got) != "hello you!" {
			t.Errorf("the socket read %q", got)
		}
		_ = conn.Close()
		synctest.Wait()
		s.want(s.do("GET", path+"?at=3", nil), http.StatusOK, "come") // it was not said to have come
		s.want(s.do("GET", path+"?at=7", nil), http.StatusGone, "")
	})
}

func TestAGetWaitsForAByte(t *testing.T) {
	onStand(t, func(s *stand) {
		path, conn := s.open("alice")
		start := time.Now()
		s.want(s.do("GET", path+"?at=0", nil), http.StatusOK, "")
		if took := time.Since(start); took != wire.TunnelWait {
			t.Errorf("it waited %v, want %v", took, wire.TunnelWait)
		}
		time.AfterFunc(3*time.Second, func() { _, _ = io.WriteString(conn, "x") })
		start = time.Now()
		s.want(s.do("GET", path+"?at=0", nil), http.StatusOK, "x")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it waited %v, want until there was a byte", took)
		}
	})
}

func TestAnAnswerTellsForHowLongItLay(t *testing.T) {
	onStand(t, func(s *stand) {
		path, conn := s.open("alice")
		_, _ = io.WriteString(conn, "x")
		time.Sleep(30 * time.Millisecond)
		_, _ = io.WriteString(conn, "y")
		time.Sleep(20 * time.Millisecond)
		w := s.do("GET", path+"?at=0", nil)
		if s.want(w, http.StatusOK, "xy"); w.Header().Get(wire.TunnelLay) != "20000" {
			t.Errorf("the last byte lay for %s us, want 20000", w.Header().Get(wire.TunnelLay))
		}
		time.AfterFunc(time.Second, func() { _, _ = io.WriteString(conn, "z") })
		w = s.do("GET", path+"?at=2", nil)
		if s.want(w, http.StatusOK, "z"); w.Header().Get(wire.TunnelLay) != "0" {
			t.Errorf("it lay for %s us while it was waited for", w.Header().Get(wire.TunnelLay))
		}
	})
}

func TestATunnelEnds(t *testing.T) {
	ended := func(s *stand, conn net.Conn) {
		s.t.Helper()
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			s.t.Error("the socket goes on")
		}
	}
	for what, end := range map[string]func(s *stand, path string){
		"when it is ended":                func(s *stand, path string) { s.do("DELETE", path, nil) },
		"when its endpoint opens another": func(s *stand, path string) { s.open("alice") },
		"when nobody asks for it":         func(s *stand, path string) { time.Sleep(wire.TunnelIdle + 1) },
		"when the socket takes no byte":   func(s *stand, path string) { s.want(s.do("POST", path+"?at=0", []byte("x")), http.StatusGone, "") },
		"when the server closes":          func(s *stand, path string) { _ = s.s.Close() },
	} {
		t.Run(what, func(t *testing.T) {
			onStand(t, func(s *stand) {
				path, conn := s.open("alice")
				_, other := s.open("bob")
				end(s, path)
				ended(s, conn)
				_ = other
				time.Sleep(3 * time.Second) // the last bytes were waited for
				if w := s.do("GET", path+"?at=0", nil); w.Code != http.StatusNotFound {
					t.Errorf("answered %d, want 404", w.Code)
				}
			})
		})
	}
}

func TestWhoDoesNotFetchHoldsUpNobody(t *testing.T) {
	onStand(t, func(s *stand) {
		_, conn := s.open("alice")
		start, sent := time.Now(), 0
		var err error
		for err == nil {
			var n int
			n, err = conn.Write(make([]byte, 16<<10))
			sent += n
		}
		if took := time.Since(start); sent > 400<<10 || took > 11*time.Second {
			t.Errorf("%d bytes were taken in %v for somebody who fetches none", sent, took)
		}
	})
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want(s.do("POST", "", nil), http.StatusUnauthorized, "")
		path, _ := s.open("alice")
		for _, at := range []string{"", "?at=", "?at=-1", "?at=x", "?at=99999999999999999999"} {
			s.want(s.do("GET", path+at, nil), http.StatusUnprocessableEntity, "")
			s.want(s.do("POST", path+at, nil), http.StatusUnprocessableEntity, "")
		}
		s.want(s.do("POST", path+"?at=0", make([]byte, wire.MaxTunnelBytes+1)), http.StatusRequestEntityTooLarge, "")
		s.want(s.do("GET", "/another?at=0", nil), http.StatusNotFound, "")
		s.want(s.do("PUT", path, nil), http.StatusMethodNotAllowed, "")
	})
}

func ExampleServer() {
	s := tunnel.New(tunnel.Config{Addr: &net.TCPAddr{}, Authenticate: func(*http.Request) (wire.EndpointID, error) { return "alice", nil }})
	go func() {
		conn, err := s.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, "hello")
		}
	}()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", wire.PathTunnel, nil))
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, httptest.NewRequest("GET", wire.PathTunnel+"/"+w.Body.String()+"?at=0", nil))
	fmt.Println(answer.Body)
	_ = s.Close()
	// Output: hello
}
