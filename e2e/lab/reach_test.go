package lab_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestEndpointsBehindAWallGetTheirOwnCopyAndTheFlowSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 * mib
		l := lab.New(t, lab.Plan{Sites: []int{5}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		s.Part(s.Endpoints[:2], s.Endpoints[2:])
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(30 * time.Second)
		if f := l.Flow("app", s); f.Groups != 2 || f.Complete < 5 && !strings.Contains(f.Reason, "2 groups") {
			t.Errorf("flow %+v, want it to say that there are 2 groups", f)
		}
		f := l.AwaitComplete("app", s, 2*time.Minute)
		// Each group has one copy; until it is clear that they can't link, one waits.
		if extra := f.BytesOrigin - 2*size; extra < 0 || extra > 256<<10 || f.BytesPeer+f.BytesOrigin != 5*size {
			t.Errorf("%d bytes from the origin and %d from peers, want two copies of %d and the rest", f.BytesOrigin, f.BytesPeer, size)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
		s.Part()
		time.Sleep(10 * time.Minute) // links that failed are tried again
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		time.Sleep(time.Minute)
		if f := l.AwaitComplete("app", s, 5*time.Minute); f.Groups != 1 {
			t.Errorf("%d groups after the wall fell, want one", f.Groups)
		}
	})
}

// A relay beyond the WAN takes twice what the origin takes of the line: it is for
// endpoints that get nothing from the origin.
func TestContentComesThroughTheRelayOnlyWhereTheOriginIsOutOfReach(t *testing.T) {
	const size = mib
	for name, c := range map[string]struct {
		fenced        bool
		origin, relay int64
		why           wire.Relay
	}{
		"InReach":    {false, 2 * size, 0, wire.RelayNever},
		"OutOfReach": {true, size, size, wire.RelayUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// A copy takes 20 s, so that there is time to grow impatient.
				l := lab.New(t, lab.Plan{Sites: []int{2}, Path: memnet.Path{Delay: 20 * time.Millisecond, BytesPerSecond: size / 20},
					LAN: 5 * time.Millisecond, NATs: []lab.NAT{lab.NATs[0], lab.NATs[0]}, Isolated: true})
				defer l.Close()
				s := l.Sites[0]
				l.Publish("app", "1", size)
				s.Endpoints[1].Fence(c.fenced)
				l.Distribute("app@1")
				said := map[wire.Relay]bool{}
				for start := time.Now(); l.Flow("app", s).Complete < 2 && time.Since(start) < 4*time.Minute; time.Sleep(time.Second) {
					said[l.Flow("app", s).Relay] = true
				}
				f := l.AwaitComplete("app", s, time.Minute)
				if f.BytesOrigin != c.origin || f.BytesRelay != c.relay || !said[c.why] {
					t.Errorf("%d bytes from the origin and %d by relay, and the flow said %v; want %d, %d and %q", f.BytesOrigin, f.BytesRelay, said, c.origin, c.relay, c.why)
				}
				s.Endpoints[1].WantDelivered("app", "1", size)
			})
		})
	}
}

func TestSiteThatIsPartedHalfWayGoesOnInBothParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 * mib
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(2 * time.Second)
		half := l.Flow("app", s).BytesOrigin
		s.Part(s.Endpoints[:2], s.Endpoints[2:])
		f := l.AwaitComplete("app", s, 3*time.Minute)
		if half == 0 || half >= size || f.BytesOrigin > 2*size-half+mib {
			t.Errorf("%d bytes from the origin, %d before the site was parted: want no more than the rest twice", f.BytesOrigin, half)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

// Nobody who is awake holds it, so it crosses the WAN again, under a lease.
func TestSiteWhoseOnlyHolderSleepsFetchesFromTheOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		s.Endpoints[1].Stop()
		s.Endpoints[2].Stop()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, 30*time.Second)
		s.Endpoints[0].Stop()
		s.Endpoints[1].Start()
		s.Endpoints[2].Start()
		l.Settle()
		if f := l.AwaitComplete("app", s, time.Minute); f.BytesOrigin != 2*size || f.BytesPeer != size {
			t.Errorf("%d bytes from the origin and %d from peers, want one more copy and one from a peer", f.BytesOrigin, f.BytesPeer)
		}
	})
}

func TestLargeMeshSurvivesTheLossOfAnyTwo(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		const size, n = 4 * mib, 14
		l := lab.New(t, lab.Plan{Sites: []int{n}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(1500 * time.Millisecond)
		for _, e := range l.Endpoints(s) {
			if e.Links < 3 || e.Links > 12 { // 10 for the fetcher, 2 more for bridges
				t.Errorf("%s has %d links, want its degree of 8 to 10", e.Name, e.Links)
			}
		}
		// The fetcher and one more, at once and in the middle.
		names := l.Flow("app", s).Fetchers
		gone := 0
		for _, e := range s.Endpoints {
			if gone < 2 && (gone == 1 || len(names) > 0 && e.Name == names[0]) {
				e.Stop()
				gone++
			}
		}
		if gone != 2 {
			t.Fatalf("%d stopped, fetchers %v", gone, names)
		}
		f := l.AwaitComplete("app", s, time.Minute)
		// The last words of those who left are missing from the flow's sum.
		if extra := l.Served() - size; extra < 0 || extra > mib || f.Groups != 1 {
			t.Errorf("the origin served %d bytes to %d groups, want one copy of %d", l.Served(), f.Groups, size)
		}
	})
}
