package listen_test

import (
	"crypto/tls"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAClosedListenerAcceptsNothing also closes while a connection waits for
// somebody to take it.
func TestAClosedListenerAcceptsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New(memnet.Path{})
		inner, err := network.Listen("10.0.0.1:443")
		if err != nil {
			t.Fatal(err)
		}
		l := listen.New(inner, &tls.Config{MinVersion: tls.VersionTLS12}, true)
		conn, err := network.DialContext(t.Context(), "tcp", "10.0.0.1:443")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("G"))
		synctest.Wait() // looked at, and taken by nobody
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if got, err := l.Accept(); err == nil {
			t.Errorf("accepted %v, want an error", got)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the connection nobody took is still open")
		}
		_ = conn.Close()
	})
}
