package lab_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
)

// traffic is what one endpoint heard on its LAN: packets of content only.
type traffic struct {
	mu    sync.Mutex
	bytes int64
	last  time.Time
	gap   time.Duration // the longest wait for the next packet so far
}

func watch(s *lab.Site, e *lab.Endpoint) *traffic {
	w := &traffic{last: time.Now()}
	s.Heard(e, func(n int) {
		if n < 1000 {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.gap, w.last = max(w.gap, time.Since(w.last)), time.Now()
		w.bytes += int64(n)
	})
	return w
}

// take returns all bytes, and the longest wait since it was last called.
func (w *traffic) take() (bytes int64, gap time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	gap = w.gap
	w.gap, w.last = 0, time.Now()
	return w.bytes, gap
}

// downloading is a site where one endpoint fetched a version, and the other is getting
// it from the first, at 10 MB/s or so.
func downloading(t *testing.T, plan lab.Plan, size int64, do func(l *lab.Lab, s *lab.Site, from, to *lab.Endpoint, heard *traffic)) {
	synctest.Test(t, func(t *testing.T) {
		plan.Sites, plan.Path, plan.LAN = []int{2}, wan, 50*time.Millisecond
		l := lab.New(t, plan)
		defer l.Close()
		s := l.Sites[0]
		from, to := s.Endpoints[0], s.Endpoints[1]
		to.Stop()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, time.Minute)
		served := l.Served()
		heard := watch(s, to)
		to.Start()
		for l.Flow("app", s).BytesPeer+l.Flow("app", s).BytesRelay == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		do(l, s, from, to, heard)
		l.AwaitComplete("app", s, time.Minute)
		to.WantDelivered("app", "1", size)
		if again := l.Served() - served; again > 0 {
			t.Errorf("%d bytes crossed the WAN again, want none: a peer has all of it", again)
		}
	})
}

// An endpoint that goes from radio to cable in the middle of a download goes on within
// five seconds, and hardly anything is sent twice.
func TestDownloadGoesOnWhenAnEndpointMoves(t *testing.T) {
	long(t)
	const size = 8 * mib
	bytes := map[string]int64{}
	for _, who := range []string{"nobody", "who sends", "who receives"} {
		t.Run(who, func(t *testing.T) {
			downloading(t, lab.Plan{}, size, func(l *lab.Lab, s *lab.Site, from, to *lab.Endpoint, heard *traffic) {
				before, _ := heard.take()
				if e := map[string]*lab.Endpoint{"who sends": from, "who receives": to}[who]; e != nil {
					e.Move("10.1.0.77")
				}
				l.AwaitComplete("app", s, time.Minute)
				all, gap := heard.take()
				bytes[who] = all
				t.Logf("moved after %d bytes; no packet for %v; %d bytes more than when nobody moved", before, gap, all-bytes["nobody"])
				if before > size/2 || gap > 5*time.Second || all-bytes["nobody"] > mib {
					t.Errorf("%d bytes were heard before and %d in all, nothing for %v", before, all, gap)
				}
				if l.Flow("app", s).Groups != 1 {
					t.Error("the two count as apart")
				}
			})
		})
	}
}

// A link through the relay is tried directly from time to time, and changes over without
// a pause.
func TestRelayedLinkBecomesDirectWhenThereIsAWay(t *testing.T) {
	long(t)
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond, NATs: []lab.NAT{{}, {}}, Isolated: true})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", 1000)
		l.Distribute("app@1")
		time.Sleep(time.Minute)
		if f, ends := l.Flow("app", s), l.Endpoints(s); f.Groups != 2 || ends[0].Links != 1 {
			t.Fatalf("%d groups, %d links; want the two linked through the relay", f.Groups, ends[0].Links)
		}
		time.Sleep(10 * time.Minute) // in vain
		if ends := l.Endpoints(s); ends[0].Links != 1 || ends[1].Links != 1 {
			t.Fatalf("%d and %d links after tries that failed, want the relayed one", ends[0].Links, ends[1].Links)
		}
		s.Isolate(false)
		for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			ends := l.Endpoints(s)
			if ends[0].Links != 1 || ends[1].Links != 1 {
				t.Fatalf("%d and %d links while it changes over, want one all along", ends[0].Links, ends[1].Links)
			}
			if l.Flow("app", s).Groups == 1 {
				t.Logf("direct after %v", time.Since(begin))
				break
			}
			if time.Since(begin) > 11*time.Minute {
				t.Fatal("still relayed")
			}
		}
		l.Publish("app", "2", mib)
		l.Distribute("app@2")
		if f := l.AwaitComplete("app", s, time.Minute); f.BytesRelay != 0 || f.BytesOrigin != mib {
			t.Errorf("%d bytes by relay and %d from the origin, want one copy and the rest direct", f.BytesRelay, f.BytesOrigin)
		}
	})
}

// Radio is for those who have no cable: an endpoint that goes from one to the other is
// asked to fetch for the site, or spared, from then on.
func TestWhoFetchesChangesWithWhoHasACable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		for i, c := range []struct{ radio, cable *lab.Endpoint }{{s.Endpoints[0], s.Endpoints[1]}, {s.Endpoints[1], s.Endpoints[0]}} {
			c.radio.Radio(true)
			c.cable.Radio(false)
			time.Sleep(10 * time.Second)
			name := []string{"one", "two"}[i]
			l.Publish(name, "1", mib)
			watched := l.Watch(s)
			l.Distribute(name + "@1")
			l.AwaitComplete(name, s, time.Minute)
			time.Sleep(2 * time.Second)
			of := map[*lab.Endpoint]int64{}
			for _, second := range watched() {
				for e, n := range second.Of {
					of[e] += n
				}
			}
			if of[c.cable] < mib || of[c.radio] > mib/4 {
				t.Errorf("%s: %d bytes came to who has a cable and %d to who has radio, want all to the first", name, of[c.cable], of[c.radio])
			}
		}
	})
}
