package lab_test

import (
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

// TestALineThatComesAndGoesDelivers: half of the time there is no line, and never
// for longer than 5 s is there one.
func TestALineThatComesAndGoesDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, every = 16 * mib, 5 * time.Second
		// 2 Mbit/s: a minute of it, and two with what is missing.
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
		t.Logf("%v, %d flaps, %d bytes more from the origin, %d served", time.Since(start), flaps, f.BytesOrigin-size, l.Served()-size)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestADayWithoutALineCostsWhatWasOnItsWay: the session, its token, the leases and
// their addresses are all long over when the line is back.
func TestADayWithoutALineCostsWhatWasOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 32 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
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
		back := time.Now()
		f := l.AwaitComplete("app", s, 5*time.Minute)
		t.Logf("before %d, %v after, %d bytes more from the origin, %d served", before.BytesOrigin, time.Since(back), f.BytesOrigin-size, l.Served()-size)
		if f.State != site.StateComplete {
			t.Errorf("state %s, want complete", f.State)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// TestAServerThatRestartsAgainAndAgainDelivers
func TestAServerThatRestartsAgainAndAgainDelivers(t *testing.T) {
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
		t.Logf("%d bytes more from the origin, %d served", f.BytesOrigin-size, l.Served()-size)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}
