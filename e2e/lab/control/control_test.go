// Package control tests both ends of the control socket together: the real
// uplink and the real server, over TCP in memory, in fake time.
package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/socket"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	serverHost = "10.0.0.1"
	tokenLife  = 10 * time.Minute
)

// endpointID is the name of endpoint i.
func endpointID(i int) wire.EndpointID {
	return wire.EndpointID(strings.Repeat("a", 29) + string([]byte{'b' + byte(i/400), 'b' + byte(i/20%20), 'b' + byte(i%20)}))
}

// bench is a server, and what its handler heard.
type bench struct {
	t      rapid.TB
	net    *memnet.Network
	stop   context.CancelFunc
	wg     sync.WaitGroup
	server *socket.Server

	// mu guards the rest.
	mu     sync.Mutex
	open   map[wire.EndpointID]*socket.Session
	joined int
	left   []string
	heard  []uint64
	tokens int // issued
}

func newBench(t rapid.TB, path memnet.Path) *bench {
	b := &bench{t: t, net: memnet.New(path), open: map[wire.EndpointID]*socket.Session{}}
	b.start()
	return b
}

// start starts a server; stop ends it.
func (b *bench) start() {
	ctx, stop := context.WithCancel(context.Background())
	b.stop = stop
	b.server = socket.New(socket.Config{
		Authenticate: b.authenticate,
		Welcome:      func(context.Context, socket.Identity) (wire.Welcome, error) { return wire.Welcome{Epoch: 7}, nil },
		Renew: func(_ context.Context, who socket.Identity) (wire.Renew, error) {
			token, expires := b.token(who.ID)
			return wire.Renew{Token: token, Expires: expires}, nil
		},
		Handler: b, Log: slog.New(slog.DiscardHandler),
	})
	l, err := b.net.Listen(serverHost + ":80")
	if err != nil {
		b.t.Fatal(err)
	}
	web := &http.Server{Handler: b.server, ReadHeaderTimeout: 5 * time.Second}
	b.wg.Go(func() { _ = web.Serve(l) })
	b.wg.Go(func() {
		_ = b.server.Run(ctx)
		_ = web.Close()
	})
}

// end stops the server and waits for it.
func (b *bench) end() {
	b.stop()
	b.wg.Wait()
}

// token is "id expiry".
func (b *bench) token(id wire.EndpointID) (string, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens++
	expires := time.Now().Add(tokenLife).UTC()
	return string(id) + "." + expires.Format(time.RFC3339Nano), expires
}

func (b *bench) authenticate(r *http.Request) (socket.Identity, error) {
	id, expiry, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	expires, err := time.Parse(time.RFC3339Nano, expiry)
	if err != nil || !time.Now().Before(expires) {
		return socket.Identity{}, errors.New("token lapsed")
	}
	return socket.Identity{ID: wire.EndpointID(id), Site: "shop-12", Expires: expires}, nil
}

func (b *bench) Joined(s *socket.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[s.ID] != nil {
		b.t.Errorf("%s joined twice", s.ID)
	}
	b.open[s.ID] = s
	b.joined++
}

func (b *bench) Left(s *socket.Session, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[s.ID] != s {
		b.t.Errorf("%s left without having joined", s.ID)
	}
	delete(b.open, s.ID)
	b.left = append(b.left, reason)
}

func (b *bench) Heard(s *socket.Session, _ wire.Kind, body any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[s.ID] != s {
		b.t.Errorf("%s was heard outside its session", s.ID)
	}
	if o, ok := body.(*wire.Obeyed); ok {
		b.heard = append(b.heard, o.Generation)
	}
}

func (b *bench) session(id wire.EndpointID) *socket.Session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open[id]
}

// endpoint is an uplink, and what its handler heard.
type endpoint struct {
	*uplink.Uplink
	id   wire.EndpointID
	host string
	stop context.CancelFunc
	done chan struct{}

	// mu guards the rest.
	mu    sync.Mutex
	fresh int // sessions begun
	resumed, lost,
	asked int // for tokens
	heard []uint64
	why   error // the socket was lost last
}

func (b *bench) endpoint(i int) *endpoint {
	ctx, stop := context.WithCancel(context.Background())
	e := &endpoint{id: endpointID(i), host: fmt.Sprintf("10.1.%d.%d", i/200, i%200+1), stop: stop, done: make(chan struct{})}
	up, err := uplink.New(uplink.Config{
		URL: "ws://" + serverHost + ":80/api/v1/signal", Dial: b.net.Dialer(e.host),
		Token: func(context.Context) (string, error) {
			e.mu.Lock()
			e.asked++
			e.mu.Unlock()
			token, _ := b.token(e.id)
			return token, nil
		},
		Hello:   func() wire.Hello { return wire.Hello{Version: wire.Version, Device: wire.DeviceAgent} },
		Handler: e, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	e.Uplink = up
	go func() {
		defer close(e.done)
		_ = up.Run(ctx)
	}()
	return e
}

func (e *endpoint) end() {
	e.stop()
	<-e.done
}

func (e *endpoint) Connected(w wire.Welcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.Resumed {
		e.resumed++
	} else {
		e.fresh++
	}
}

func (e *endpoint) Disconnected(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost++
	e.why = err
}

func (e *endpoint) Heard(_ wire.Kind, body any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r, ok := body.(*wire.Revoke); ok {
		e.heard = append(e.heard, r.Lease)
	}
}

// counts returns the sessions begun, resumes, losses and tokens asked for.
func (e *endpoint) counts() (fresh, resumed, lost, asked int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fresh, e.resumed, e.lost, e.asked
}

// TestNothingIsLostOrDoubledAcrossCuts resets and stalls the path at random
// while both sides talk.
func TestNothingIsLostOrDoubledAcrossCuts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 40).Draw(rt, "steps")
		delay := rapid.IntRange(0, 40).Draw(rt, "delay")
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, memnet.Path{Delay: time.Duration(delay) * time.Millisecond})
			e := b.endpoint(0)
			time.Sleep(time.Second)
			s := b.session(e.id)
			up, down := uint64(0), uint64(0)
			for _, step := range steps {
				switch {
				case step == 0:
					b.net.Reset(e.host)
				case step == 1: // shorter than the grace, so the session must hold
					b.net.Cut(e.host)
					time.Sleep(900 * time.Millisecond)
					b.net.Heal(e.host)
				case step == 2:
					time.Sleep(500 * time.Millisecond)
				case step < 6:
					if up++; !e.Send(wire.KindObeyed, wire.Obeyed{Generation: up}) {
						t.Fatal("the session is gone")
					}
				default:
					if down++; !s.Send(wire.KindRevoke, wire.Revoke{Lease: down}) {
						t.Fatal("the session is gone")
					}
				}
				if step == 0 { // time to come back and settle before the next reset
					time.Sleep(7 * time.Second)
				}
			}
			time.Sleep(10 * time.Second)
			b.mu.Lock()
			inOrder(t, "server", b.heard, up)
			b.mu.Unlock()
			e.mu.Lock()
			inOrder(t, "endpoint", e.heard, down)
			e.mu.Unlock()
			if fresh, _, _, _ := e.counts(); fresh != 1 {
				t.Errorf("%d sessions were begun, want 1", fresh)
			}
			e.end()
			b.end()
		})
	})
}

func inOrder(t *testing.T, who string, heard []uint64, sent uint64) {
	t.Helper()
	if uint64(len(heard)) != sent {
		t.Fatalf("%s heard %d of %d messages: %v", who, len(heard), sent, heard)
	}
	for i, n := range heard {
		if n != uint64(i)+1 {
			t.Fatalf("%s heard %v", who, heard)
		}
	}
}

func TestDeadPathIsNoticedAndASessionBegunAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, memnet.Path{Delay: 10 * time.Millisecond})
		e := b.endpoint(0)
		time.Sleep(3 * time.Second)
		b.net.Cut(e.host)
		start := time.Now()
		for {
			if _, _, lost, _ := e.counts(); lost > 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("a dead path was noticed after %v", took)
		}
		time.Sleep(2 * time.Minute)
		if b.server.Sessions() != 0 {
			t.Error("the server keeps a session without a socket")
		}
		b.net.Heal(e.host)
		time.Sleep(time.Minute)
		if fresh, _, _, _ := e.counts(); fresh != 2 || b.session(e.id) == nil {
			t.Errorf("%d sessions were begun, want 2; online: %v", fresh, b.session(e.id) != nil)
		}
		e.end()
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		if b.server.Sessions() != 0 {
			t.Error("an endpoint that said goodbye is kept")
		}
		b.end()
	})
}

func TestTokensAreRenewedForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, memnet.Path{Delay: 10 * time.Millisecond})
		e := b.endpoint(0)
		time.Sleep(6 * time.Hour)
		fresh, _, lost, asked := e.counts()
		if fresh != 1 || lost != 0 || asked != 1 {
			t.Errorf("in 6 hours: %d sessions, %d losses, %d tokens fetched; want 1, 0, 1 (%v)", fresh, lost, asked, e.why)
		}
		if b.tokens < 6*60/10 {
			t.Errorf("only %d tokens were issued", b.tokens)
		}
		e.end()
		b.end()
	})
}

func TestReconnectStormIsSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const endpoints = 200
		b := newBench(t, memnet.Path{Delay: 10 * time.Millisecond})
		all := make([]*endpoint, endpoints)
		for i := range all {
			all[i] = b.endpoint(i)
		}
		time.Sleep(2 * time.Minute)
		b.end()
		if b.joined != endpoints || len(b.left) != endpoints {
			t.Fatalf("%d joined and %d left, want %d", b.joined, len(b.left), endpoints)
		}
		b.start()
		most, last := 0, endpoints
		for range 80 {
			time.Sleep(100 * time.Millisecond)
			b.mu.Lock()
			most, last = max(most, b.joined-last), b.joined
			b.mu.Unlock()
		}
		if last != 2*endpoints {
			t.Errorf("%d of %d came back within 8 s", last-endpoints, endpoints)
		}
		if most > endpoints/8 {
			t.Errorf("%d of %d endpoints came back in one tenth of a second", most, endpoints)
		}
		for _, e := range all {
			e.end()
		}
		b.end()
	})
}

func TestSecondEndpointOfTheSameNameReplacesTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, memnet.Path{})
		first := b.endpoint(0)
		time.Sleep(2 * time.Minute)
		second := b.endpoint(0)
		time.Sleep(50 * time.Millisecond)
		why := new(wire.RefusedError)
		first.mu.Lock()
		if !errors.As(first.why, &why) || why.Code != wire.CodeReplaced {
			t.Errorf("the first lost its socket because of %v", first.why)
		}
		first.mu.Unlock()
		// They replace each other ever more slowly.
		time.Sleep(10 * time.Minute)
		b.mu.Lock()
		if b.joined > 200 {
			t.Errorf("two endpoints of one name joined %d times in ten minutes", b.joined)
		}
		b.mu.Unlock()
		first.end()
		second.end()
		b.end()
	})
}

func TestServerTimeIsKnownWhateverTheDeviceClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, memnet.Path{Delay: 50 * time.Millisecond})
		e := b.endpoint(0)
		time.Sleep(time.Hour)
		if off := time.Until(e.Now()).Abs(); off > 10*time.Millisecond {
			t.Errorf("the server's time is off by %v", off)
		}
		e.end()
		b.end()
	})
}

func TestFloodOfMessagesEndsInAFreshSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, memnet.Path{})
		e := b.endpoint(0)
		time.Sleep(time.Second)
		b.net.Cut(e.host)
		for n := 0; e.Send(wire.KindObeyed, wire.Obeyed{Generation: 1}); n++ {
			if n > wire.MaxUnacked {
				t.Fatal("messages pile up without a bound")
			}
		}
		b.net.Heal(e.host)
		time.Sleep(time.Minute)
		if fresh, _, _, _ := e.counts(); fresh != 2 {
			t.Errorf("%d sessions were begun, want 2", fresh)
		}
		e.end()
		b.end()
	})
}
