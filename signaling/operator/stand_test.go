package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/pack"
)

func TestMain(m *testing.M) {
	// The coders of packs start goroutines when they are used first, and those must
	// not belong to the bubble of a test.
	plain := bytes.Repeat([]byte("warm"), 1000)
	encoded, encoding := pack.Encode(plain, nil)
	if _, err := pack.Decode(encoding, encoded, uint32(len(plain)), nil); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// output takes what a command prints, also while it is read.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// take returns what was printed since the last time.
func (o *output) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.buf.String()
	o.buf.Reset()
	return text
}

// stand is a server in memory and a terminal of its operator.
type stand struct {
	t        *testing.T
	net      *memnet.Network
	data     string
	remote   operator.Remote
	out, err *output
	end      func()
}

const serverAddr = "10.0.0.1:443"

func emptyStand(t *testing.T) *stand { return emptyStandOn(t, t.TempDir()) }

func emptyStandOn(t *testing.T, data string) *stand {
	s := &stand{t: t, net: memnet.New(memnet.Path{}), data: data, out: new(output), err: new(output)}
	s.remote = operator.Remote{Server: "https://" + serverAddr, TokenFile: filepath.Join(s.data, "admin.token"),
		Stdout: s.out, Stderr: s.err, Dial: s.net.DialContext}
	return s
}

// newStand starts a whole server.
func newStand(t *testing.T) *stand { return newStandOn(t, t.TempDir()) }

// newStandOn starts one on the data of an earlier one.
func newStandOn(t *testing.T, data string) *stand {
	t.Helper()
	s := emptyStandOn(t, data)
	sqlitetest.Put(t, filepath.Join(data, "sitecast.db"))
	l, err := s.net.Listen(serverAddr)
	s.must(err)
	made, err := server.New(t.Context(), server.Config{Data: s.data, Packs: filepath.Join(s.data, "packs"),
		PublicURL: &url.URL{Scheme: "https", Host: serverAddr}, Listener: l, Dial: s.net.Dialer("10.0.0.1"), PrivateVendors: true, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := made.Run(ctx); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	s.end = func() {
		stop()
		wg.Wait()
	}
	return s
}

// newFake starts what answers like a server, on loopback without TLS.
func newFake(t *testing.T, handler http.HandlerFunc) *stand {
	t.Helper()
	s := emptyStand(t)
	s.remote.Server = "http://127.0.0.1:80"
	s.must(os.WriteFile(s.remote.TokenFile, []byte("sca1.test\n"), 0o600))
	s.serve(handler)
	return s
}

// serve answers from now on; end ends it.
func (s *stand) serve(handler http.HandlerFunc) {
	s.t.Helper()
	l, err := s.net.Listen("127.0.0.1:80")
	s.must(err)
	web := &http.Server{Handler: handler}
	var wg sync.WaitGroup
	wg.Go(func() { _ = web.Serve(l) })
	s.end = func() {
		_ = web.Close()
		wg.Wait()
	}
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// command is one of the operator's.
type command interface {
	Run(ctx context.Context) error
}

// run runs a command that must succeed and returns what it printed to stdout.
func (s *stand) run(c command) string {
	s.t.Helper()
	if v, ok := c.(interface{ Validate() error }); ok {
		s.must(v.Validate())
	}
	if err := c.Run(s.t.Context()); err != nil {
		s.t.Fatalf("%T: %v", c, err)
	}
	return s.out.take()
}

// decode reads JSON that a command printed.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	return v
}

// refuse is a dialer that reaches nobody.
func refuse(err error) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
}
