package server_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/listen"
	"github.com/sitecast/sitecast/signaling/server"
)

func TestOnePortSpeaksTLSToAllAndPlainHTTPOnLoopbackOnly(t *testing.T) {
	for _, c := range []struct {
		name, host, scheme string
		anywhere           bool
		want               int
	}{
		{"TLS from elsewhere", "10.0.0.2", "https", false, http.StatusOK},
		{"TLS from loopback", "127.0.0.1", "https", false, http.StatusOK},
		{"plain from loopback", "127.0.0.1", "http", false, http.StatusOK},
		{"plain from loopback over IPv6", "::1", "http", false, http.StatusOK},
		{"plain from elsewhere", "10.0.0.2", "http", false, http.StatusBadRequest},
		{"plain from what looks like loopback", "10.127.0.1", "http", false, http.StatusBadRequest},
		{"plain from elsewhere, allowed", "10.0.0.2", "http", true, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, t.TempDir(), func(cfg *server.Config) { cfg.InsecureHTTP = c.anywhere })
				resp, text, err := s.do(c.host, http.MethodGet, c.scheme+"://"+address+"/healthz", "", nil)
				s.must(err)
				if resp.StatusCode != c.want {
					t.Errorf("answered %d %s, want %d", resp.StatusCode, text, c.want)
				}
				if c.want != http.StatusOK && !strings.Contains(string(text), "https://") {
					t.Errorf("the refusal %q does not say what to do", text)
				}
				s.end()
			})
		})
	}
}

func TestPacksGoOverHTTP1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		conn, err := s.net.DialContext(t.Context(), "tcp", address)
		s.must(err)
		cfg := s.tls()
		cfg.NextProtos = []string{"h2", "http/1.1"}
		client := tls.Client(conn, cfg)
		s.must(client.Handshake())
		if got := client.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("protocol = %q, want http/1.1", got)
		}
		s.must(client.Close())
		s.end()
	})
}

// TestASilentConnectionEndsByItself also holds that it keeps nobody waiting.
func TestASilentConnectionEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		conn, err := s.net.DialContext(t.Context(), "tcp", address)
		s.must(err)
		s.call("GET", "/healthz", "", nil, nil)
		begun := time.Now()
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the silent connection ended with %v, want EOF", err)
		}
		if took := time.Since(begun); took != listen.FirstByteTimeout {
			t.Errorf("it ended after %v, want %v", took, listen.FirstByteTimeout)
		}
		s.must(conn.Close())
		s.end()
	})
}

func TestASilentConnectionDoesNotDelayTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir())
		conn, err := s.net.DialContext(t.Context(), "tcp", address)
		s.must(err)
		synctest.Wait()
		begun := time.Now()
		s.end()
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the server took %v to end, want no wait for who says nothing", took)
		}
		s.must(conn.Close())
	})
}

// scarce is a listener that has no descriptors for a while.
type scarce struct {
	net.Listener

	mu    sync.Mutex
	fails int
	err   error
}

func (s *scarce) Accept() (net.Conn, error) {
	s.mu.Lock()
	fails := s.fails
	s.fails--
	s.mu.Unlock()
	if fails > 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: s.err}
	}
	return s.Listener.Accept()
}

func TestAServerOutOfDescriptorsAcceptsAgainLater(t *testing.T) {
	for _, cause := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED} {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, t.TempDir(), func(cfg *server.Config) { cfg.Listener = &scarce{Listener: cfg.Listener, fails: 20, err: cause} })
			s.call("GET", "/healthz", "", nil, nil)
			s.end()
		})
	}
}

func TestAServerWhoseListenerBreaksEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir(), func(cfg *server.Config) {
			cfg.Listener = &scarce{Listener: cfg.Listener, fails: 20, err: syscall.EINVAL}
		})
		s.wg.Wait()
		s.stop()
		if s.err == nil || !strings.Contains(s.err.Error(), syscall.EINVAL.Error()) {
			t.Errorf("ended with %v, want what broke the listener", s.err)
		}
	})
}
