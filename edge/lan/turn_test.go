package lan_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// An endpoint is plugged in while it uploads, and later the cable is pulled.
func TestUploadsAreGovernedAsLongAsTheyGoByRadio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCable(t, 40)
		is := func(rate float64) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.rate, c.long = rate*1e6/8, rate*1e6/8/10
		}
		g := governed(t, true, c)
		time.Sleep(10 * time.Second)
		want := func(when string, governs bool, least float64) {
			t.Helper()
			if s, used := g.Status(), c.share(10*time.Second); s.Governed != governs || used < least {
				t.Errorf("%s: uploads use %.3f, want %.2f; status %+v, want it governed: %v", when, used, least, s, governs)
			}
		}
		want("by radio", true, 0.85)
		is(1000)
		g.SetWireless(false)
		time.Sleep(time.Second)
		want("by cable", false, 0.99)
		is(40)
		g.SetWireless(true)
		time.Sleep(10 * time.Second)
		want("by radio again", true, 0.85)
		is(10)
		g.SetWireless(false)
		time.Sleep(15 * time.Second)
		want("by a slow cable", true, 0.85)
	})
}

// Nobody uploads when it turns: what comes later is governed, or not, from its beginning.
func TestAWayThatTurnsWhileNothingIsUploadedIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := governed(t, false)
		for _, radio := range []bool{true, false, true} {
			g.SetWireless(radio)
			time.Sleep(time.Millisecond)
			if s := g.Status(); s.Governed != radio {
				t.Errorf("by radio: %v, status %+v", radio, s)
			}
		}
	})
}
