package rtc

import (
	"testing"
	"time"
)

// way is a link's way in the smallest of models: what is on it is acknowledged a round
// trip later, no faster than its rate, and all that may be buffered is.
type way struct {
	rate float64 // bytes per second
	trip time.Duration

	at        time.Time
	delivered float64
	most      float64 // that was ever on it
}

// run lets a window fill the way for a time, a millisecond at a step.
func (y *way) run(w *window, during time.Duration) {
	const step = time.Millisecond
	for until := y.at.Add(during); y.at.Before(until); y.at = y.at.Add(step) {
		w.heard(y.trip)
		on := float64(w.size(1 << 30))
		y.most = max(y.most, on)
		y.delivered += min(on/y.trip.Seconds(), y.rate) * step.Seconds()
		w.saw(y.at, int64(y.delivered), true)
	}
}

// holds is what the way holds, bytes.
func (y *way) holds() float64 { return y.rate * y.trip.Seconds() }

func TestLongWayIsFilledWithoutOverflowing(t *testing.T) {
	for name, y := range map[string]way{
		"100 Mbit/s, 80 ms": {rate: 12.5e6, trip: 80 * time.Millisecond},
		"20 Mbit/s, 600 ms": {rate: 2.5e6, trip: 600 * time.Millisecond},
		"20 Mbit/s, 150 ms": {rate: 2.5e6, trip: 150 * time.Millisecond},
	} {
		var w window
		y.at = time.Now()
		y.run(&w, 15*y.trip)
		if on := float64(w.size(1 << 30)); on < y.holds() {
			t.Errorf("%s: %.0f kB after 15 round trips, the way holds %.0f", name, on/1e3, y.holds()/1e3)
		}
		y.run(&w, 20*y.trip)
		if y.most > 2*y.holds() {
			t.Errorf("%s: %.0f kB were on it, with its queue it holds %.0f", name, y.most/1e3, 2*y.holds()/1e3)
		}
		if most := steadyGain*y.holds() + y.rate*slack.Seconds(); float64(w.size(1<<30)) > 1.05*most {
			t.Errorf("%s: %d kB at last, want at most %.0f", name, w.size(1<<30)/1e3, most/1e3)
		}
	}
}

func TestWindowFollowsAWayThatChanges(t *testing.T) {
	y, w := way{rate: 10e6, trip: 50 * time.Millisecond, at: time.Now()}, window{}
	y.run(&w, 2*time.Second)
	y.rate = 4e6
	y.run(&w, 2*time.Second)
	if got := w.rate(); got > 4.4e6 {
		t.Errorf("believes in %.1f MB/s, the way carries 4", got/1e6)
	}
	y.rate = 8e6
	y.run(&w, 2*time.Second)
	if got := w.rate(); got < 7.6e6 {
		t.Errorf("believes in %.1f MB/s, the way carries 8", got/1e6)
	}
}

func TestWhoHasLittleToSendForgetsNothing(t *testing.T) {
	y, w := way{rate: 10e6, trip: 50 * time.Millisecond, at: time.Now()}, window{}
	y.run(&w, 2*time.Second)
	before, now := w.rate(), y.at
	for range 1000 { // a trickle, and pauses
		now = now.Add(60 * time.Millisecond)
		y.delivered += 1000
		w.saw(now, int64(y.delivered), false)
	}
	if got := w.rate(); got != before {
		t.Errorf("believes in %.1f MB/s after a quiet minute, want %.1f", got/1e6, before/1e6)
	}
}

func TestWindowHasBounds(t *testing.T) {
	var w window
	if got := w.size(1 << 30); got != minWindow {
		t.Errorf("%d bytes at first, want %d", got, minWindow)
	}
	y := way{rate: 1e9, trip: time.Second, at: time.Now()}
	y.run(&w, 30*time.Second)
	if got := w.size(1 << 30); got != maxWindow {
		t.Errorf("%d bytes on a way that holds more, want %d", got, maxWindow)
	}
	if got := w.size(1000); got != 1000+maxAhead {
		t.Errorf("%d bytes where SCTP sends 1000, want %d more", got, maxAhead)
	}
}
