package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/nettest"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const server = "10.0.0.1:80"

// pair makes one connection from 10.0.0.2.
func pair(t testing.TB, n *memnet.Network) (near, far net.Conn) {
	t.Helper()
	l, err := n.Listen(server)
	if err != nil {
		t.Fatal(err)
	}
	near, err = n.Dialer("10.0.0.2")(t.Context(), "tcp", server)
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func closeBoth(t *testing.T, n *memnet.Network, near, far net.Conn) {
	t.Helper()
	if err := errors.Join(near.Close(), far.Close()); err != nil {
		t.Error(err)
	}
	if n.Conns() != 0 {
		t.Errorf("%d connections are left", n.Conns())
	}
}

func TestConnBehavesLikeTheRealOne(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		near, far := pair(t, memnet.New(memnet.Path{}))
		return near, far, func() { _ = errors.Join(near.Close(), far.Close()) }, nil
	})
}

func TestPathDelaysAndPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Path{Delay: 20 * time.Millisecond, BytesPerSecond: 1 << 20})
		near, far := pair(t, n)
		start := time.Now()
		go func() {
			_, _ = near.Write(make([]byte, 1<<20))
			_ = near.(*memnet.Conn).CloseWrite()
		}()
		if b, err := io.ReadAll(far); err != nil || len(b) != 1<<20 {
			t.Errorf("read %d bytes, %v", len(b), err)
		}
		if took := time.Since(start).Round(time.Millisecond); took != time.Second+20*time.Millisecond {
			t.Errorf("1 MiB at 1 MiB/s over 20 ms took %v", took)
		}
		if _, err := far.Write([]byte("the other half goes on")); err != nil {
			t.Error(err)
		}
		closeBoth(t, n, near, far)
	})
}

func TestCutHostStallsUntilItHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Path{})
		near, far := pair(t, n)
		l, err := n.Listen(server)
		if err != nil {
			t.Fatal(err)
		}
		n.Cut("10.0.0.2")
		if _, err := near.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		if err := far.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read across a cut: %v", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := n.Dialer("10.0.0.2")(ctx, "tcp", server); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dial across a cut: %v", err)
		}
		n.Heal("10.0.0.2")
		if err := far.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4)
		if _, err := io.ReadFull(far, b); err != nil || string(b) != "late" {
			t.Errorf("read %q, %v after healing", b, err)
		}
		closeBoth(t, n, near, far)
		_ = l.Close()
	})
}

func TestResetBreaksBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Path{})
		near, far := pair(t, n)
		n.Reset("10.0.0.2")
		for name, c := range map[string]net.Conn{"near": near, "far": far} {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s end: %v", name, err)
			}
		}
		closeBoth(t, n, near, far)
	})
}

func TestNobodyListensMeansRefused(t *testing.T) {
	if _, err := memnet.New(memnet.Path{}).DialContext(t.Context(), "tcp", server); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
}

func TestHTTPRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(memnet.Path{Delay: 5 * time.Millisecond})
		l, err := n.Listen(server)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.RemoteAddr)
		})}
		go func() { _ = srv.Serve(l) }()
		client := &http.Client{Transport: &http.Transport{DialContext: n.Dialer("10.0.0.9")}}
		resp, err := client.Get("http://" + server)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if host, _, _ := net.SplitHostPort(string(b)); err != nil || host != "10.0.0.9" {
			t.Errorf("the server saw %q, %v", b, err)
		}
		_ = resp.Body.Close()
		client.CloseIdleConnections()
		_ = srv.Close()
	})
}
