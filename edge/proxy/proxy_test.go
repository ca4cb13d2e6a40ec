package proxy_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	proxyAt = "10.0.0.8:3128"
	farAt   = "10.0.0.9:443"
)

// stand is a network with a proxy, and an echo that only the proxy reaches.
func stand(t *testing.T, answer func(*http.Request) string) (direct proxy.Dial, asked *[]string) {
	t.Helper()
	network := memnet.New(memnet.Path{Delay: 5 * time.Millisecond})
	asked = new([]string)
	t.Cleanup(func() { time.Sleep(time.Second) }) // what was closed is on its way
	serve := func(at string, do func(net.Conn)) {
		l, err := network.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					do(conn)
				}()
			}
		}()
	}
	serve(farAt, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
	serve(proxyAt, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		*asked = append(*asked, req.Method+" "+req.Host)
		text := answer(req)
		if _, _ = io.WriteString(conn, text); !strings.Contains(text, " 200 ") {
			return
		}
		far, err := network.DialContext(context.Background(), "tcp", req.Host)
		if err != nil {
			return
		}
		defer far.Close()
		go func() { _, _ = io.Copy(conn, far); _ = conn.Close() }()
		_, _ = io.Copy(far, in)
	})
	return func(ctx context.Context, n, addr string) (net.Conn, error) {
		if addr != proxyAt {
			t.Errorf("%s was dialed past the proxy", addr)
		}
		return network.DialContext(ctx, n, addr)
	}, asked
}

func granted(*http.Request) string { return "HTTP/1.1 200 Connection established\r\n\r\n" }

func TestAConnectionGoesThroughTheProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		direct, asked := stand(t, func(r *http.Request) string {
			if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != "till" || password != "p:w" {
				return "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
			}
			return granted(r)
		})
		dial, err := proxy.New("http://till:p%3Aw@"+proxyAt, direct)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dial(t.Context(), "tcp", farAt)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "hello"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
			t.Errorf("got %q back (%v), want hello", got, err)
		}
		if len(*asked) != 1 || (*asked)[0] != "CONNECT "+farAt {
			t.Errorf("the proxy was asked %q", *asked)
		}
	})
}

// TestARefusalSaysWhatToDo for whoever set the endpoint up.
func TestARefusalSaysWhatToDo(t *testing.T) {
	for _, c := range []struct{ setting, answer, want string }{
		{"http://" + proxyAt, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", "--proxy http://USER:PASSWORD@HOST:PORT"},
		{"http://a:b@" + proxyAt, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refuses the name and password"},
		{"http://" + proxyAt, "HTTP/1.1 403 Forbidden\r\n\r\n", "allow CONNECT"},
		{"http://" + proxyAt, "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n", "unexpected EOF"},
		{"http://" + proxyAt, "hello\r\n\r\n", "malformed HTTP response"},
		{"http://" + proxyAt, "", "EOF"},
	} {
		synctest.Test(t, func(t *testing.T) {
			direct, _ := stand(t, func(*http.Request) string { return c.answer })
			dial, err := proxy.New(c.setting, direct)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = dial(t.Context(), "tcp", farAt); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "a:b") {
				t.Errorf("%.40q: got %v, want it to say %q", c.answer, err, c.want)
			}
		})
	}
}

func TestASilentProxyIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		direct, _ := stand(t, func(*http.Request) string { time.Sleep(time.Hour); return "" })
		dial, err := proxy.New("http://"+proxyAt, direct)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := dial(t.Context(), "tcp", farAt); err == nil || time.Since(start) > 16*time.Second {
			t.Errorf("ended with %v after %v", err, time.Since(start))
		}
		time.Sleep(time.Hour)
	})
}

func TestTheEnvironmentNamesTheProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://"+proxyAt)
	t.Setenv("NO_PROXY", "10.0.0.77,.local")
	for _, c := range []struct{ setting, addr, want string }{
		{"", farAt, proxyAt}, {"", "10.0.0.77:443", "10.0.0.77:443"}, {"", "localhost:443", "localhost:443"}, {"", "a.local:443", "a.local:443"},
		{proxy.None, farAt, farAt},
	} {
		var dialed string
		dial, err := proxy.New(c.setting, func(_ context.Context, _, addr string) (net.Conn, error) {
			dialed = addr
			return nil, io.EOF
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t.Context(), "tcp", c.addr); err == nil || dialed != c.want {
			t.Errorf("%q for %s: dialed %s (%v), want %s", c.setting, c.addr, dialed, err, c.want)
		}
		want := c.want
		if want == c.addr {
			want = "" // directly
		}
		if through, err := proxy.For(c.setting, c.addr); err != nil || through != want {
			t.Errorf("%q for %s: said to go through %q (%v), want %q", c.setting, c.addr, through, err, want)
		}
	}
}

func TestASettingThatIsNoProxyIsRefused(t *testing.T) {
	for _, setting := range []string{"proxy:3128", "socks5://till:secret@proxy:1080", "http://", "http://till:secret@%zz"} {
		if _, err := proxy.New(setting, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v, want an error that shows no password", setting, err)
		}
	}
}
