package lab_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
)

// TestAPauseEverywhereEndsByItselfAndHoldsForWhoWasAway has an endpoint that is off when all
// is paused and comes back later, a server that is started anew meanwhile, and nobody who
// resumes.
func TestAPauseEverywhereEndsByItselfAndHoldsForWhoWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 << 20
		slow := memnet.Path{Delay: 20 * time.Millisecond, BytesPerSecond: 100_000}
		l := lab.New(t, lab.Plan{Sites: []int{3, 2}, Path: slow, LAN: time.Millisecond})
		defer l.Close()
		l.Publish("app", "1", size)
		away := l.Sites[0].Endpoints[2]
		away.Stop()
		l.Distribute("app@1")
		time.Sleep(10 * time.Second)
		for _, s := range l.Sites {
			if f := l.Flow("app", s); f.State != site.StateRunning || f.BytesPeer == 0 {
				t.Fatalf("%s: %+v, want that it moves", s.Name, f)
			}
		}
		var said bytes.Buffer
		paused := time.Now()
		c := operator.Pause{Remote: l.Remote(&said), Selector: operator.Selector{Everywhere: true}, Lasting: operator.Lasting{For: 30 * time.Minute, Reason: "card terminals are slow"}}
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if text := said.String(); !strings.Contains(text, "Stopped at 2 sites with 4 endpoints, last byte after 0.") {
			t.Errorf("pause printed %q, want when the last byte came in", text)
		}
		time.Sleep(time.Second)
		served, still := l.Served(), map[string]int64{}
		for _, s := range l.Sites {
			f := l.Flow("app", s)
			still[s.Name] = f.BytesOrigin + f.BytesPeer
			if f.State != site.StatePaused || !strings.HasSuffix(f.PausedBy, ": card terminals are slow") || f.PausedUntil.Sub(paused) > 30*time.Minute+time.Second {
				t.Errorf("%s: %s by %q until %v, want who, until when and why", s.Name, f.State, f.PausedBy, f.PausedUntil)
			}
		}
		away.Start()
		time.Sleep(5 * time.Minute)
		l.StopServer()
		l.StartServer()
		time.Sleep(20 * time.Minute)
		for _, s := range l.Sites {
			if f := l.Flow("app", s); f.State != site.StatePaused || f.Endpoints != len(s.Endpoints) || f.BytesOrigin+f.BytesPeer > still[s.Name] {
				t.Errorf("%s, later: %s, %d endpoints, %d bytes, want all of them paused at %d", s.Name, f.State, f.Endpoints, f.BytesOrigin+f.BytesPeer, still[s.Name])
			}
		}
		// What the origin was about to send when all was paused has long been sent.
		if got := l.Served(); got > served {
			t.Errorf("the origin served %d bytes while all was paused", got-served)
		}
		for _, s := range l.Sites {
			l.AwaitComplete("app", s, time.Hour)
		}
		if took := time.Since(paused); took < 30*time.Minute {
			t.Errorf("complete %v after the pause, want not before it ended", took)
		}
	})
}

// TestAFlowKeepsToItsCapBesideOthers caps one content at a site, on a line that carries much
// more.
func TestAFlowKeepsToItsCapBesideOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, limit = 6 << 20, 50_000
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: memnet.Path{Delay: 10 * time.Millisecond, BytesPerSecond: 2_000_000}, LAN: time.Millisecond})
		defer l.Close()
		l.Publish("slow", "1", size)
		l.Publish("free", "1", size)
		c := operator.Cap{Remote: l.Remote(new(bytes.Buffer)), Content: "slow", WAN: 8 * limit, Lasting: operator.Lasting{For: time.Minute}}
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		l.Distribute("slow@1")
		l.Distribute("free@1")
		shop := l.Sites[0]
		if l.AwaitComplete("free", shop, 30*time.Second); time.Since(begun) > 20*time.Second {
			t.Errorf("what is not capped took %v", time.Since(begun))
		}
		time.Sleep(time.Until(begun.Add(50 * time.Second)))
		// A lease, and one ahead, and its body.
		if f := l.Flow("slow", shop); f.WANBytes > limit*(50+8)+(100<<10) || f.WANBytes < limit*30 {
			t.Errorf("what is capped at %d bytes a second took %d in 50 s", limit, f.WANBytes)
		}
		l.AwaitComplete("slow", shop, time.Minute) // the cap has ended by itself
	})
}
