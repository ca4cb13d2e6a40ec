package lab_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/site"
)

// cutOff takes a whole site off the WAN, as when its line is down; its LAN goes on.
func cutOff(l *lab.Lab, s *lab.Site, cut bool) {
	for _, e := range s.Endpoints {
		if cut {
			l.WAN.Cut(e.Host)
		} else {
			l.WAN.Heal(e.Host)
		}
	}
}

// onTheWay is what an interruption may cost: what the line held, and the chunk at
// which it came. Half a per cent of what follows would be far less, and 8 MiB more.
const onTheWay = mib

// wantOnce fails when more came twice than what so many interruptions may cost, and
// when anything was kept that was there already.
func wantOnce(t *testing.T, l *lab.Lab, f site.FlowView, size int64, interruptions int64) {
	t.Helper()
	again := l.Served() - size // the list of chunks is among it
	t.Logf("%d bytes served beyond one copy in %d interruptions", again, interruptions)
	if f.State != site.StateComplete || f.BytesOrigin != size || again < 0 || again > interruptions*onTheWay {
		t.Errorf("state %s, %d bytes from the origin and %d served beyond one copy, want complete, %d and at most %d",
			f.State, f.BytesOrigin, again, size, interruptions*onTheWay)
	}
}

// TestALineThatComesAndGoesDelivers: half of the time there is no line, and never
// for longer than 5 s is there one.
func TestALineThatComesAndGoesDelivers(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		const size, every = 8 * mib, 5 * time.Second
		// 2 Mbit/s: half a minute of it, and one with what is missing.
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: memnet.Path{Delay: 20 * time.Millisecond, BytesPerSecond: 250_000}, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		start, flaps := time.Now(), 0
		l.Distribute("app@1")
		for l.Flow("app", s).Complete < len(s.Endpoints) {
			time.Sleep(every)
			flaps++
			cutOff(l, s, flaps%2 == 1)
			if time.Since(start) > 10*time.Minute {
				t.Fatalf("not complete after %v: %+v", time.Since(start), l.Flow("app", s))
			}
		}
		cutOff(l, s, false)
		f := l.AwaitComplete("app", s, time.Minute)
		wantOnce(t, l, f, size, 1) // not one for each flap: what waited arrives
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestADayWithoutALineCostsWhatWasOnItsWay: the session, its token, the leases and
// their addresses are all long over when the line is back.
func TestADayWithoutALineCostsWhatWasOnItsWay(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		const size = 32 * mib
		l := lab.New(t, lab.Plan{Sites: []int{1}, Path: wan}) // a day of links would take minutes
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(4 * time.Second)
		cutOff(l, s, true)
		before := l.Flow("app", s)
		time.Sleep(24 * time.Hour)
		for _, e := range s.Endpoints {
			l.WAN.Reset(e.Host) // no router keeps a connection for so long
		}
		cutOff(l, s, false)
		f := l.AwaitComplete("app", s, time.Minute)
		if before.BytesOrigin == 0 || before.BytesOrigin == size {
			t.Errorf("%d bytes came before, want some", before.BytesOrigin)
		}
		wantOnce(t, l, f, size, 1)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestAServerThatRestartsAgainAndAgainDelivers: leases that still run are taken over
// by each server that follows.
func TestAServerThatRestartsAgainAndAgainDelivers(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		const size, restarts = 32 * mib, 5
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		for range restarts {
			time.Sleep(2500 * time.Millisecond)
			l.StopServer()
			time.Sleep(3 * time.Second)
			l.StartServer()
		}
		f := l.AwaitComplete("app", s, 5*time.Minute)
		wantOnce(t, l, f, size, restarts)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// long is for what takes so long that only `make test-long` runs it.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("SITECAST_LONG") == "" {
		t.Skip("it takes long: make test-long")
	}
}
