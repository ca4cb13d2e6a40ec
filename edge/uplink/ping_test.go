package uplink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/edge/uplink"
	"github.com/sitecast/sitecast/signaling/wire"
)

// errEnough ends a test's patience.
var errEnough = errors.New("waited long enough")

// ping pings with patience for a while, and says how long it took.
func ping(u *uplink.Uplink, patience time.Duration) (time.Duration, error) {
	ctx, stop := context.WithTimeoutCause(context.Background(), patience, errEnough)
	defer stop()
	start := time.Now()
	rtt, err := u.Ping(ctx)
	if took := time.Since(start); err != nil || rtt == took {
		return took, err
	}
	return rtt, err
}

func TestPingTakesARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, admitAll, func(ws *websocket.Conn) { greet(ws, "one"); drain(ws) })
		time.Sleep(time.Second)
		for range 3 {
			if took, err := ping(s.up, time.Minute); err != nil || took != 10*time.Millisecond {
				t.Errorf("a ping took %v and ended with %v, want 10 ms", took, err)
			}
		}
		s.end()
	})
}

func TestPingNeedsASocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sockets := 0
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			sockets++
			greet(ws, "one")
			if sockets == 1 {
				time.Sleep(10 * time.Second)
				return
			}
			drain(ws)
		})
		if took, err := ping(s.up, time.Minute); err == nil || took != 0 {
			t.Errorf("a ping before the first socket took %v and ended with %v, want an error at once", took, err)
		}
		time.Sleep(5 * time.Second)
		if took, err := ping(s.up, time.Minute); err == nil || errors.Is(err, errEnough) || took > 6*time.Second {
			t.Errorf("a ping took %v and ended with %v though its socket was lost after 5 s", took, err)
		}
		if _, err := ping(s.up, time.Minute); err == nil {
			t.Error("a ping went out while the socket was lost")
		}
		time.Sleep(time.Minute)
		if took, err := ping(s.up, time.Minute); err != nil || took != 10*time.Millisecond {
			t.Errorf("a ping over the next socket took %v and ended with %v, want 10 ms", took, err)
		}
		s.end()
	})
}

// deaf answers no pings until told to.
func deaf(ws *websocket.Conn, hears *bool) {
	greet(ws, "one")
	pong := ws.PingHandler()
	ws.SetPingHandler(func(payload string) error {
		if !*hears {
			return ws.WriteControl(websocket.PongMessage, []byte("99"), time.Now().Add(time.Second)) // of another
		}
		return pong(payload)
	})
	drain(ws)
}

func TestPingThatIsNotAnsweredEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hears := false
		s := newStand(t, admitAll, func(ws *websocket.Conn) { deaf(ws, &hears) })
		time.Sleep(time.Second)
		if took, err := ping(s.up, 3*time.Second); !errors.Is(err, errEnough) || took != 3*time.Second {
			t.Errorf("a ping took %v and ended with %v, want its context's cause after 3 s", took, err)
		}
		hears = true
		if took, err := ping(s.up, 3*time.Second); err != nil || took != 10*time.Millisecond {
			t.Errorf("the next ping took %v and ended with %v, want 10 ms", took, err)
		}
		s.end()
	})
}

// TestTimeAtTheServerIsNoRoundTrip: a server that is short of processor time is not
// a queue on the line.
func TestTimeAtTheServerIsNoRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lay := 70 * time.Millisecond
		s := newStand(t, admitAll, func(ws *websocket.Conn) {
			greet(ws, "one")
			pong := ws.PingHandler()
			ws.SetPingHandler(func(payload string) error {
				time.Sleep(70 * time.Millisecond)
				told, _ := wire.PingLay(payload, lay)
				_ = ws.WriteControl(websocket.PongMessage, told, time.Now().Add(time.Second))
				return pong(payload)
			})
			drain(ws)
		})
		time.Sleep(time.Second)
		if rtt, err := ping(s.up, time.Minute); err != nil || rtt != 10*time.Millisecond {
			t.Errorf("a round trip of %v and %v, want 10 ms", rtt, err)
		}
		lay = 80 * time.Millisecond
		if rtt, err := ping(s.up, time.Minute); err == nil {
			t.Errorf("a round trip of %v though the server says that it had the ping for longer than it was away", rtt)
		}
		s.end()
	})
}

func TestSecondPingDoesNotTakeTheAnswerOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, admitAll, func(ws *websocket.Conn) { greet(ws, "one"); drain(ws) })
		time.Sleep(time.Second)
		first := make(chan error, 1)
		var took time.Duration
		go func() {
			d, err := ping(s.up, time.Minute)
			took = d
			first <- err
		}()
		synctest.Wait()
		if d, err := ping(s.up, time.Minute); err == nil || d != 0 {
			t.Errorf("a second ping took %v and ended with %v, want an error at once", d, err)
		}
		if err := <-first; err != nil || took != 10*time.Millisecond {
			t.Errorf("the first ping took %v and ended with %v, want 10 ms", took, err)
		}
		s.end()
	})
}
