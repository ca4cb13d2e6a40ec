package uplink_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/signaling/wire"
)

// here is the address that stands dial from.
const here = "192.0.2.1"

func gone(address string) host.Change {
	return host.Change{Gone: []netip.Addr{netip.MustParseAddr(address)}}
}

// A socket from an address that has gone hears nothing, and would be found dead after
// DeadAfter only.
func TestSocketOfAnAddressThatHasGoneIsReplacedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		change host.Change
		ends   bool
	}{
		"its address":  {gone(here), true},
		"another":      {gone("192.0.2.9"), false},
		"one more":     {host.Change{}, false},
		"a long sleep": {host.Change{Away: true}, true},
		"now by radio": {host.Change{Turned: true, Radio: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var hellos []string
				goodbyes := 0
				s := newStand(t, admitAll, func(ws *websocket.Conn) {
					_, text, _ := ws.ReadMessage()
					hellos = append(hellos, string(text))
					ws.SetCloseHandler(func(int, string) error { goodbyes++; return nil })
					say(ws, wire.KindWelcome, 0, wire.Welcome{Version: 1, Session: "one", Resumed: len(hellos) > 1, ServerTime: time.Now(),
						Endpoint: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"})
					drain(ws)
				})
				time.Sleep(5 * time.Minute)
				s.up.Changed(c.change)
				time.Sleep(300 * time.Millisecond)
				synctest.Wait()
				want := 1
				if c.ends {
					want = 2
				}
				if len(hellos) != want || goodbyes != 0 {
					t.Fatalf("%d sockets and %d goodbyes, want %d and none: %q", len(hellos), goodbyes, want, s.log)
				}
				if why := s.up.Trouble(); why != "" {
					t.Errorf("there is a socket, and the trouble is %q", why)
				}
				if c.ends && (!strings.Contains(hellos[1], `"one"`) || !s.saw("connected one true")) {
					t.Errorf("the session was not resumed: %s", hellos[1])
				}
				s.end()
			})
		})
	}
}

func TestAnAttemptBeginsAnewWhenTheNetworkChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sockets := 0
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			if sockets++; sockets == 1 {
				drain(ws) // and never answers
				return
			}
			greet(ws, "one")
			drain(ws)
		})
		time.Sleep(time.Second)
		s.up.Changed(host.Change{})
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		if !s.saw("connected one") {
			t.Errorf("%d sockets, %q", sockets, s.log)
		}
		s.end()
	})
}

func TestNobodyWaitsWhenTheNetworkIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int64
		s := newStand(t, func(string) int { tries.Add(1); return http.StatusServiceUnavailable }, func(*websocket.Conn) {})
		time.Sleep(time.Hour)
		if why := s.up.Trouble(); !strings.Contains(why, "not available") {
			t.Errorf("the trouble is %q, want what the server said", why)
		}
		for range 20 { // of waits of up to 30 s most are longer than what is waited here
			time.Sleep(time.Minute)
			before := tries.Load()
			s.up.Changed(host.Change{})
			time.Sleep(200 * time.Millisecond)
			if tries.Load() == before {
				t.Fatal("still waiting")
			}
		}
		s.end()
	})
}

// A tunnel's requests are dead, whichever of the addresses they went out from.
func TestTunnelIsReplacedWhenAnAddressHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sockets atomic.Int64
		s := tunnelled(t, &middle{refuses: true}, func(ws *websocket.Conn, _ bool) {
			sockets.Add(1)
			greet(ws, "one")
			drain(ws)
		})
		time.Sleep(time.Minute)
		before := sockets.Load()
		s.up.Changed(gone("192.0.2.9"))
		time.Sleep(5 * time.Second) // it says goodbye to the old tunnel
		if n := sockets.Load(); before != 1 || n != 2 {
			t.Errorf("%d sockets, %d before: %q", n, before, s.log)
		}
		s.end()
	})
}

// A host that moves makes its links anew at once, while it has no socket; its session
// begins anew, too, when its address or subnets are others. What it says to its peers is
// not lost with the old one.
func TestWhatWasSaidToPeersIsCarriedIntoTheNextSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		sessions := 0
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			sessions++
			if greet(ws, fmt.Sprint("session-", sessions)); sessions == 1 {
				drain(ws)
				return
			}
			for {
				env, body := next(ws)
				if _, broken := body.(error); broken {
					return
				}
				heard = append(heard, string(env.Kind))
			}
		})
		time.Sleep(time.Minute)
		peer := wire.EndpointID("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
		s.up.Changed(gone(here))
		s.up.Send(wire.KindSignal, wire.Signal{To: peer, Link: "l", Candidate: "candidate:1 1 udp 1 10.0.0.9 40000 typ host"})
		s.up.Send(wire.KindReport, wire.Report{Code: wire.CodeBadChunk}) // of the old session
		time.Sleep(time.Second)
		synctest.Wait()
		if sessions != 2 || len(heard) != 1 || heard[0] != string(wire.KindSignal) {
			t.Errorf("%d sessions, heard %q, want the signal alone in the second; %q", sessions, heard, s.log)
		}
		s.end()
	})
}
