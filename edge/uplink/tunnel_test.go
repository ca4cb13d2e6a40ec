package uplink_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/tunnel"
	"github.com/sitecast/sitecast/signaling/wire"
)

// middle lets WebSockets pass or not.
type middle struct {
	mu      sync.Mutex
	refuses bool
	polls   int
}

func (m *middle) set(refuses bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuses = refuses
}

// tunnelled runs an uplink against a server with tunnels, behind m. Sockets are
// served by serve, tunnelled or not.
func tunnelled(t *testing.T, m *middle, serve func(ws *websocket.Conn, through bool)) *stand {
	s := &stand{t: t, net: memnet.New(memnet.Path{Delay: 5 * time.Millisecond})}
	l, err := s.net.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	socket := func(through bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			wg.Add(1) // net/http does not wait for sockets
			defer wg.Done()
			serve(ws, through)
			_ = ws.Close()
		})
	}
	tunnels := tunnel.New(tunnel.Config{Addr: l.Addr(), Authenticate: func(*http.Request) (wire.EndpointID, error) { return "a", nil }})
	inner := &http.Server{Handler: socket(true)}
	outer := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		refuses := m.refuses
		m.polls++
		m.mu.Unlock()
		switch {
		case strings.HasPrefix(r.URL.Path, wire.PathTunnel):
			tunnels.ServeHTTP(w, r)
		case refuses:
			http.Error(w, "no upgrades here", http.StatusForbidden)
		default:
			socket(false).ServeHTTP(w, r)
		}
	})}
	s.up, err = uplink.New(uplink.Config{URL: "ws://" + address + "/signal", Dial: func(ctx context.Context, n, a string) (net.Conn, error) { return s.net.DialContext(ctx, n, a) },
		Token: func(context.Context) (string, error) { return "token", nil },
		Hello: func() wire.Hello { return wire.Hello{Version: 1} }, Handler: s, Refused: &s.refused, Log: slog.New(slog.NewTextHandler(s, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	wg.Go(func() { _ = outer.Serve(l) })
	wg.Go(func() { _ = inner.Serve(tunnels) })
	wg.Go(func() { _ = s.up.Run(ctx) })
	s.end = func() {
		stop()
		time.Sleep(5 * time.Second) // it says goodbye
		_ = tunnels.Close()
		_ = inner.Close()
		_ = outer.Close()
		wg.Wait()
	}
	return s
}

func TestASocketGoesOverPlainRequestsWhereNoWebSocketPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &middle{refuses: true}
		heard := make(chan wire.Kind, 1000)
		s := tunnelled(t, m, func(ws *websocket.Conn, through bool) {
			if !through {
				t.Error("a WebSocket passed")
			}
			greet(ws, "one")
			say(ws, wire.KindDial, 1, wire.Dial{Peer: wire.EndpointID(strings.Repeat("c", 32)), Attempt: 1})
			for {
				env, body := next(ws)
				if _, broken := body.(error); broken {
					return
				}
				heard <- env.Kind
			}
		})
		time.Sleep(time.Second)
		if !s.saw("connected one false") || !s.saw("heard dial") || !s.saw("plain requests carry the socket instead") {
			t.Errorf("got %q, want a session over plain requests", s.log)
		}
		start := time.Now()
		s.up.Send(wire.KindReport, wire.Report{Code: "test"})
		for kind := range heard {
			if kind == wire.KindReport {
				break
			}
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("a message took %v", took)
		}
		m.mu.Lock()
		before := m.polls
		m.mu.Unlock()
		time.Sleep(30 * time.Minute)
		m.mu.Lock()
		if n := m.polls - before; n > 30*60/4*2 {
			t.Errorf("%d requests in half an hour in which nothing happened", n)
		}
		m.mu.Unlock()
		if s.saw("disconnected") {
			t.Errorf("got %q, want a socket that stands", s.log)
		}
		s.end()
	})
}

// One to a request, messages would queue behind each other on a slow way, and each
// request has a kilobyte of its own.
func TestWhatWaitsForARequestSharesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &middle{refuses: true}
		heard := make(chan time.Time, 1000)
		s := tunnelled(t, m, func(ws *websocket.Conn, _ bool) {
			greet(ws, "one")
			for {
				env, body := next(ws)
				if _, broken := body.(error); broken {
					return
				}
				if env.Kind == wire.KindPace {
					heard <- time.Now()
				}
			}
		})
		time.Sleep(time.Second)
		m.mu.Lock()
		before := m.polls
		m.mu.Unlock()
		const said = 100 // a thousand a second, where a request takes 10 ms
		for range said {
			s.up.Send(wire.KindPace, wire.Pace{Key: strings.Repeat("a", wire.PaceKeyBytes), BytesPerSecond: 1})
			time.Sleep(time.Millisecond)
		}
		last := time.Now()
		for range said {
			if at := <-heard; at.Sub(last) > 50*time.Millisecond {
				t.Errorf("a message arrived %v after the last was said", at.Sub(last))
			}
		}
		m.mu.Lock()
		if n := m.polls - before; n > said/3 {
			t.Errorf("%d messages took %d requests, want a third of that at most", said, n)
		}
		m.mu.Unlock()
		s.end()
	})
}

// A ping waits for the request before it, and its answer for the next one that asks: that
// is no queue on the line, though it is as long as a round trip.
func TestPingInATunnelIsTheRoundTripAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lie := time.Duration(0)
		s := tunnelled(t, &middle{refuses: true}, func(ws *websocket.Conn, _ bool) {
			greet(ws, "one")
			pong := ws.PingHandler()
			id := uint64(0)
			ws.SetPingHandler(func(payload string) error {
				id++
				say(ws, wire.KindDial, id, wire.Dial{Peer: wire.EndpointID(strings.Repeat("c", 32)), Attempt: 1})
				time.Sleep(lie) // so that the request that waits takes only that along
				return pong(payload)
			})
			drain(ws)
		})
		time.Sleep(time.Second)
		const way = 10*time.Millisecond + 2*time.Millisecond // and what it is held for others to join it
		for _, said := range []time.Duration{0, time.Millisecond, 4 * time.Millisecond, 9 * time.Millisecond} {
			s.up.Send(wire.KindReport, wire.Report{Code: "test"}) // on its way, a ping has to wait
			time.Sleep(said)
			lie = time.Millisecond
			if rtt, err := ping(s.up, time.Minute); err != nil || rtt > way+lie || rtt < way-2*time.Millisecond {
				t.Errorf("%v after a message a ping took %v and ended with %v, want %v and %v at the server", said, rtt, err, way, lie)
			}
			time.Sleep(time.Second)
		}
		s.end()
	})
}

func TestAWebSocketIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &middle{refuses: true}
		var ways []bool
		s := tunnelled(t, m, func(ws *websocket.Conn, through bool) {
			m.mu.Lock()
			ways = append(ways, through)
			m.mu.Unlock()
			greet(ws, "one")
			drain(ws)
		})
		time.Sleep(30 * time.Minute)
		m.set(false)
		seen := func() []bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return slices.Clone(ways)
		}
		time.Sleep(29 * time.Minute)
		if got := seen(); !slices.Equal(got, []bool{true}) {
			t.Errorf("sockets through a tunnel: %v, want one", got)
		}
		time.Sleep(2 * time.Minute)
		if got := seen(); !slices.Equal(got, []bool{true, false}) {
			t.Errorf("sockets through a tunnel: %v, want a WebSocket in place of the first", got)
		}
		s.end()
	})
}
