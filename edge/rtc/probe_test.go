package rtc_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// roundTrip probes a link and waits for the answer.
func roundTrip(t *testing.T, l interface {
	Probe(func(time.Duration)) bool
}) time.Duration {
	t.Helper()
	answer := make(chan time.Duration, 1)
	if !l.Probe(func(rtt time.Duration) { answer <- rtt }) {
		t.Fatal("the link can't be probed")
	}
	rtt, err := take(answer, soon)
	if err != nil {
		t.Fatal("no answer to a probe")
	}
	return rtt
}

func TestProbeMeasuresTheWayToThePeerAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, _, la, lb := linked(t)
		for range 5 {
			for name, rtt := range map[string]time.Duration{"a": roundTrip(t, la), "b": roundTrip(t, lb)} {
				if rtt < 2*time.Millisecond || rtt > 2*time.Millisecond+2*time.Millisecond {
					t.Errorf("%s measured %v over a network that delays by a millisecond each way", name, rtt)
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestLinkOutlivesManyProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, b, la, lb := linked(t)
		var answers atomic.Int64
		for range 600 { // a minute
			la.Probe(func(time.Duration) { answers.Add(1) })
			time.Sleep(100 * time.Millisecond)
		}
		if answers.Load() != 600 {
			t.Errorf("%d of 600 probes were answered", answers.Load())
		}
		if err := la.SendCtl(wire.Frame{Kind: wire.FrameHave, Version: version, Payload: []byte{1}}); err != nil {
			t.Fatal(err)
		}
		if _, err := take(b.ctl, soon); err != nil {
			t.Error("the link carries nothing any more")
		}
		select {
		case <-lb.Done():
			t.Error("the probed end closed the link")
		default:
		}
	})
}

func TestDeliveredCountsWhatThePeerAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, _, la, _ := linked(t)
		before := la.Delivered()
		f := wire.Frame{Kind: wire.FrameData, Version: version, Payload: make([]byte, wire.MaxDataBytes)}
		for range 4 {
			if err := la.SendBulk(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		if got := la.Delivered() - before; got >= 4*wire.MaxDataBytes {
			t.Errorf("%d bytes count as delivered that nobody had time to acknowledge", got)
		}
		time.Sleep(soon)
		if got, want := la.Delivered()-before, int64(4*len(wire.AppendFrame(nil, f))); got != want {
			t.Errorf("%d bytes were delivered, want %d", got, want)
		}
	})
}
