package lab_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/pack"
)

const mib = 1 << 20

func TestMain(m *testing.M) {
	// zstd's coders belong to the whole process: they are made outside any bubble.
	plain := bytes.Repeat([]byte("a"), 32<<10)
	encoded, encoding := pack.Encode(plain, nil)
	if _, err := pack.Decode(encoding, encoded, uint32(len(plain)), nil); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// wan is 20 Mbit/s with 40 ms there and back.
var wan = memnet.Path{Delay: 20 * time.Millisecond, BytesPerSecond: 2_500_000}

func TestOneDownloadServesASite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 * mib
		l := lab.New(t, lab.Plan{Sites: []int{5, 2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		for _, s := range l.Sites {
			f := l.AwaitComplete("app", s, 30*time.Second)
			if n := int64(len(s.Endpoints)); f.BytesOrigin != size || f.BytesPeer != (n-1)*size {
				t.Errorf("%s: %d bytes from the origin and %d from peers, want %d and %d", s.Name, f.BytesOrigin, f.BytesPeer, size, (n-1)*size)
			}
			for _, e := range s.Endpoints {
				e.WantDelivered("app", "1", size)
			}
		}
	})
}

func TestAgentThatWasOffForADayConvergesFromItsPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		s.Endpoints[2].Stop()
		l.Distribute("app@1")
		l.AwaitComplete("app", s, 30*time.Second)
		time.Sleep(24 * time.Hour)
		s.Endpoints[2].Start()
		l.Settle()
		f := l.AwaitComplete("app", s, 30*time.Second)
		if f.Endpoints != 3 || f.BytesOrigin != size {
			t.Errorf("%d endpoints, %d bytes from the origin, want 3 and one copy of %d", f.Endpoints, f.BytesOrigin, size)
		}
		s.Endpoints[2].WantDelivered("app", "1", size)
	})
}

func TestIdleSiteKeepsTwoLinksEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{6}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", mib)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, 30*time.Second)
		for _, e := range l.Endpoints(s) {
			if e.Links != 5 {
				t.Errorf("%s has %d links while there is work, want one to each of the others", e.Name, e.Links)
			}
		}
		time.Sleep(time.Hour)
		for _, e := range l.Endpoints(s) {
			if e.Links != 2 || !e.Online {
				t.Errorf("%s has %d links after an idle hour (online %v), want two", e.Name, e.Links, e.Online)
			}
		}
		l.Publish("app", "2", mib)
		l.Distribute("app@2")
		l.Settle()
		if f := l.AwaitComplete("app", s, 30*time.Second); f.Version != "2" || f.BytesOrigin != mib {
			t.Errorf("flow %+v, want one copy of version 2", f)
		}
	})
}

func TestLostSocketsCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 * mib
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(time.Second)
		for _, e := range s.Endpoints { // one after the other, so that one has it while it fetches
			l.WAN.Reset(e.Host)
			time.Sleep(700 * time.Millisecond)
		}
		f := l.AwaitComplete("app", s, 60*time.Second)
		// What was on the wire when a connection broke is fetched again.
		if extra := f.BytesOrigin - size; f.BytesOrigin < size || extra > mib {
			t.Errorf("%d bytes from the origin, want %d and at most 1 MiB more", f.BytesOrigin, size)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}

func TestRestartedServerGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 * mib
		l := lab.New(t, lab.Plan{Sites: []int{4}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		time.Sleep(2 * time.Second)
		l.StopServer()
		time.Sleep(10 * time.Second)
		l.StartServer()
		l.Settle()
		f := l.AwaitComplete("app", s, 60*time.Second)
		if extra := f.BytesOrigin - size; f.BytesOrigin < size || extra > mib {
			t.Errorf("%d bytes from the origin, want %d and at most 1 MiB more", f.BytesOrigin, size)
		}
		if f.State != site.StateComplete {
			t.Errorf("state %s, want complete", f.State)
		}
	})
}
