package rtc_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
	"go.uber.org/goleak"

	edgehost "github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/edge/rtc/rtctest"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	site = "shop"
	// soon is more than any step takes that waits for nobody.
	soon = 5 * time.Second
)

// A server stands between ends and forwards what they say about links.
type server struct {
	// mu guards the rest.
	mu     sync.Mutex
	ends   map[wire.EndpointID]*end
	tamper func(wire.Signal) []wire.Signal // nil: forward as it is
	seen   []wire.Signal                   // as sent
	forget bool                            // keep nothing in seen
}

func newServer() *server { return &server{ends: map[wire.EndpointID]*end{}} }

func (s *server) forward(sig wire.Signal) {
	s.mu.Lock()
	if !s.forget {
		s.seen = append(s.seen, sig)
	}
	out := []wire.Signal{sig}
	if s.tamper != nil {
		out = s.tamper(sig)
	}
	s.mu.Unlock()
	for _, sig := range out {
		s.mu.Lock()
		to := s.ends[sig.To]
		s.mu.Unlock()
		if to != nil {
			to.Transport.Signal(sig)
		}
	}
}

// sent returns the signals that match, in order.
func (s *server) sent(match func(wire.Signal) bool) []wire.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []wire.Signal
	for _, sig := range s.seen {
		if match(sig) {
			out = append(out, sig)
		}
	}
	return out
}

func offers(s wire.Signal) bool  { return s.Offer != nil }
func answers(s wire.Signal) bool { return s.Answer != nil }

// fall is one Down as an end heard it.
type fall struct {
	peer    wire.EndpointID
	link    *rtc.Link
	attempt int
	reason  string
}

// end is a transport and all that it reported.
type end struct {
	*rtc.Transport
	id     wire.EndpointID
	key    ed25519.PrivateKey
	server *server
	close  func() // stops the transport and waits for it

	refused wire.Refusals

	ups      chan *rtc.Link
	falls    chan fall
	ctl      chan wire.Frame
	received atomic.Int64
	onBulk   func(wire.Frame) // replaces counting
	onCtl    func(wire.Frame) // replaces ctl
}

func (e *end) Signal(s wire.Signal) { e.server.forward(s) }
func (e *end) Up(l *rtc.Link)       { e.ups <- l }
func (e *end) Down(peer wire.EndpointID, l *rtc.Link, attempt int, reason string) {
	e.falls <- fall{peer, l, attempt, reason}
}

func (e *end) Ctl(_ *rtc.Link, f wire.Frame) {
	if e.onCtl != nil {
		e.onCtl(f)
		return
	}
	f.Payload = append([]byte(nil), f.Payload...)
	e.ctl <- f
}

func (e *end) Bulk(_ *rtc.Link, f wire.Frame) {
	if e.onBulk != nil {
		e.onBulk(f)
		return
	}
	e.received.Add(int64(len(f.Payload)))
}

func newKey(tb testing.TB) ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// newEnd runs a transport until close, which the test's end calls at the latest.
func newEnd(tb testing.TB, s *server, network rtc.Net, listen string, ice ...wire.ICE) *end {
	tb.Helper()
	e := &end{key: newKey(tb), server: s, ups: make(chan *rtc.Link, 256), falls: make(chan fall, 256), ctl: make(chan wire.Frame, 4096)}
	e.id = wire.IDOf(e.key.Public().(ed25519.PublicKey))
	var err error
	e.Transport, err = rtc.New(rtc.Config{Net: network, Listen: listen, Identity: e.key,
		ICE: func() []wire.ICE { return ice }, Handler: e, Refused: &e.refused, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	e.SetSite(site)
	s.mu.Lock()
	s.ends[e.id] = e
	s.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	watched := make(chan error, 1)
	if moves, ok := network.(*rtctest.Host); ok {
		watch := edgehost.NewWatch(func() []netip.Addr { return rtc.Addresses(moves) }, nil)
		go func() { watched <- watch.Run(ctx, e.Changed) }()
	} else {
		watched <- nil
	}
	e.close = sync.OnceFunc(func() {
		stop()
		if err := errors.Join(<-done, <-watched); err != nil {
			tb.Errorf("Run returned %v, want nil", err)
		}
	})
	tb.Cleanup(e.close)
	return e
}

// lan is a virtual network without loss.
type lan struct {
	router *vnet.Router
	server *server
}

func newLAN(t *testing.T, delay time.Duration) *lan {
	t.Helper()
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", MinDelay: delay, LoggerFactory: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return &lan{router, newServer()}
}

func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

// host adds a host to a router.
func host(t *testing.T, r *vnet.Router, ip string) *vnet.Net {
	t.Helper()
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AddNet(n); err != nil {
		t.Fatal(err)
	}
	return n
}

func start(t *testing.T, r *vnet.Router) {
	t.Helper()
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// pair is two ends on a LAN of their own; a has the lower id.
func pair(t *testing.T, ice ...wire.ICE) (n *lan, a, b *end) {
	t.Helper()
	n = newLAN(t, time.Millisecond)
	hosts := []*vnet.Net{host(t, n.router, "10.0.0.1"), host(t, n.router, "10.0.0.2")}
	start(t, n.router)
	a, b = newEnd(t, n.server, hosts[0], "0.0.0.0:0", ice...), newEnd(t, n.server, hosts[1], "0.0.0.0:0", ice...)
	if a.id > b.id {
		a, b = b, a
	}
	time.Sleep(time.Millisecond) // both run
	return n, a, b
}

// linked is a pair whose link is up, as a and b see it.
func linked(t *testing.T, ice ...wire.ICE) (n *lan, a, b *end, la, lb *rtc.Link) {
	t.Helper()
	n, a, b = pair(t, ice...)
	a.Dial(b.id, 1)
	return n, a, b, up(t, a, soon), up(t, b, soon)
}

var errNothing = errors.New("nothing came")

func take[T any](from <-chan T, limit time.Duration) (T, error) {
	select {
	case v := <-from:
		return v, nil
	default:
	}
	select {
	case v := <-from:
		return v, nil
	case <-time.After(limit):
		var none T
		return none, errNothing
	}
}

// up waits for the next link of e.
func up(t testing.TB, e *end, limit time.Duration) *rtc.Link {
	t.Helper()
	l, err := take(e.ups, limit)
	if err != nil {
		t.Fatalf("%s has no link within %v; downs: %v", e.id.Short(), limit, len(e.falls))
	}
	return l
}

// wantRefused checks that exactly so much was counted, all of one kind.
func wantRefused(t testing.TB, e *end, door wire.Door, code string, n uint64) {
	t.Helper()
	all := uint64(0)
	e.refused.Each(func(k wire.Refusal, n uint64) { all += n })
	if got := e.refused.Count(door, code); got != n || all != n {
		t.Errorf("%s counted %d at %s as %s and %d in all, want %d", e.id.Short(), got, door, code, all, n)
	}
}

// down waits for the next end of a link or attempt of e.
func down(t testing.TB, e *end, limit time.Duration) fall {
	t.Helper()
	f, err := take(e.falls, limit)
	if err != nil {
		t.Fatalf("%s lost no link within %v", e.id.Short(), limit)
	}
	return f
}

// never fails the test when e gets or loses a link within limit.
func never(t testing.TB, e *end, limit time.Duration) {
	t.Helper()
	time.Sleep(limit)
	if len(e.ups)+len(e.falls) > 0 {
		t.Fatalf("%s: got %d links up and %d down, want none", e.id.Short(), len(e.ups), len(e.falls))
	}
}

type chunk = vnet.Chunk

func noChunk(chunk) bool { return false }
