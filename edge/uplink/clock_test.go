package uplink_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sitecast/sitecast/signaling/wire"
)

// clocked is a server whose clock is off from the device's by some time.
type clocked struct {
	// mu guards the rest.
	mu     sync.Mutex
	off    time.Duration
	asked  []time.Time // for another token, by the device's clock
	socket *websocket.Conn
}

func (c *clocked) serve(ws *websocket.Conn) {
	_, _, _ = ws.ReadMessage()
	c.mu.Lock()
	now := time.Now().Add(c.off)
	c.socket = ws
	c.mu.Unlock()
	say(ws, wire.KindWelcome, 0, wire.Welcome{Version: 1, Session: "one", Epoch: 1, ServerTime: now,
		Endpoint: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Site: "shop-12", Expires: now.Add(10 * time.Minute)})
	for id := uint64(1); ; {
		env, body := next(ws)
		if _, failed := body.(error); failed {
			return
		}
		if env.Kind == wire.KindRenew {
			c.mu.Lock()
			c.asked = append(c.asked, time.Now())
			expires := time.Now().Add(c.off + 10*time.Minute)
			c.mu.Unlock()
			say(ws, wire.KindRenew, id, wire.Renew{Token: "next", Expires: expires})
			id++
		}
	}
}

// set moves the server's clock, and has it start anew.
func (c *clocked) set(off time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off, c.asked = off, nil
	_ = c.socket.Close()
}

func (c *clocked) forget() { c.mu.Lock(); c.asked = nil; c.mu.Unlock() }

// Tokens are renewed in time and the server's time is known, whatever year the device
// or the server thinks it is, and when that changes between two sessions.
func TestTokensLastWhateverTheClocksSay(t *testing.T) {
	const year = 365 * 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		c := &clocked{off: year}
		s := newStand(t, admitAll, c.serve)
		for _, off := range []time.Duration{year, -year, 0, year} {
			if off != c.off {
				c.set(off)
			}
			time.Sleep(time.Minute) // the socket is open by then, whatever was waited for
			synctest.Wait()
			c.forget()
			begun := time.Now()
			time.Sleep(time.Hour)
			synctest.Wait()
			if known := time.Until(s.up.Now().Add(-off)).Abs(); known > 20*time.Millisecond {
				t.Errorf("clocks apart by %v: the server's time is off by %v", off, known)
			}
			c.mu.Lock()
			if n := len(c.asked); n != 9 && n != 8 {
				t.Errorf("clocks apart by %v: asked for %d tokens of ten minutes in an hour, want one each 6:40: %v", off, n, c.asked)
			}
			for i := 1; i < len(c.asked); i++ {
				if d := c.asked[i].Sub(c.asked[i-1]); d < 6*time.Minute || d > 7*time.Minute {
					t.Errorf("clocks apart by %v: asked again after %v", off, d)
				}
			}
			if len(c.asked) > 0 && c.asked[0].Sub(begun) > 7*time.Minute {
				t.Errorf("clocks apart by %v: asked first after %v", off, c.asked[0].Sub(begun))
			}
			c.mu.Unlock()
		}
		s.end()
	})
}
