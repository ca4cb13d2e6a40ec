package lab_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/operator"
)

// kiosks makes every endpoint of a site a kiosk that shows app, with clocks that are off.
func kiosks(s *lab.Site, off ...time.Duration) {
	for i, e := range s.Endpoints {
		e.Stop()
		e.Show("app")
		if i < len(off) {
			e.Off = off[i]
		}
		e.Start()
	}
}

// wantActive checks what all kiosks show.
func wantActive(t *testing.T, s *lab.Site, version string) {
	t.Helper()
	for _, e := range s.Endpoints {
		if got := e.Active(); got != version {
			t.Errorf("%s shows %q, want %q", e.Name, got, version)
		}
	}
}

// Three kiosks, whose clocks are wrong by ten minutes either way, have a version and the
// instant that its publisher signed. The server is gone long before that comes; one
// kiosk is booted meanwhile, one is started anew. All change within a second of the server's
// time.
func TestSignedInstantHoldsWithoutANetworkAndWithWrongClocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 256 << 10
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		kiosks(s, 10*time.Minute, 0, -10*time.Minute)
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, time.Minute)
		time.Sleep(10 * time.Second)
		wantActive(t, s, "1")

		at := time.Now().Add(2 * time.Hour).Truncate(time.Second)
		l.Publish("app", "2", size)
		l.DistributeHeld("app@2", at)
		time.Sleep(time.Minute)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "2", size)
		}
		wantActive(t, s, "1")
		l.StopServer()
		time.Sleep(30 * time.Minute)
		for i, e := range s.Endpoints[:2] {
			e.Stop()
			e.Boots += 1 - i // the first is booted
			e.Start()
		}
		time.Sleep(time.Until(at.Add(-100 * time.Millisecond)))
		synctest.Wait()
		wantActive(t, s, "1")
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		wantActive(t, s, "2")
		l.StartServer()
		time.Sleep(2 * time.Minute)
		wantActive(t, s, "2")
		if f := l.Flow("app", s); f.Version != "2" || f.Held {
			t.Errorf("the server has %+v", f)
		}
	})
}

func TestVersionIsHeldUntilItIsActivated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 256 << 10
		l := lab.New(t, lab.Plan{Sites: []int{2, 2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		here, there := l.Sites[0], l.Sites[1]
		kiosks(here)
		kiosks(there)
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", here, time.Minute)
		l.AwaitComplete("app", there, time.Minute)
		l.Publish("app", "2", size)
		l.DistributeHeld("app@2", time.Time{})
		time.Sleep(time.Hour)
		for _, e := range slices.Concat(here.Endpoints, there.Endpoints) {
			e.WantDelivered("app", "2", size)
		}
		wantActive(t, here, "1")
		wantActive(t, there, "1")
		activate := func(c operator.Activate) error {
			c.Remote, c.Ref = l.Remote(io.Discard), "app@2"
			return c.Run(t.Context())
		}
		if err := activate(operator.Activate{Site: []string{here.Name}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantActive(t, here, "2")
		wantActive(t, there, "1")
		stranger := filepath.Join(t.TempDir(), "stranger.key")
		if err := (operator.PublisherKey{Remote: l.Remote(io.Discard), File: stranger}).Run(); err != nil {
			t.Fatal(err)
		}
		forged := operator.Activate{All: true, Key: stranger}
		if err := forged.At.UnmarshalText([]byte("1h")); err != nil {
			t.Fatal(err)
		}
		if err := activate(forged); err == nil {
			t.Error("the server took an instant that a stranger signed")
		}
		if err := activate(operator.Activate{All: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		wantActive(t, there, "2")
	})
}

// onDisk is how much of the content lies in an endpoint's store.
func onDisk(t *testing.T, e *lab.Endpoint, largerThan int64) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(e.Data, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() >= largerThan {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// blockedSites times blockedEach endpoints lose what is blocked; SITECAST_LAB_SITES says
// otherwise, as `make test-many` does for 200 endpoints.
const blockedSites, blockedEach = 4, 5

func TestBlockRemovesContentFromEveryEndpoint(t *testing.T) {
	sites := blockedSites
	if text := os.Getenv("SITECAST_LAB_SITES"); text != "" {
		var err error
		if sites, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		const size = 64 << 10
		l := lab.New(t, lab.Plan{Sites: slices.Repeat([]int{blockedEach}, sites), Path: wan, LAN: time.Millisecond})
		defer l.Close()
		kiosks(l.Sites[1])
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		for _, s := range l.Sites {
			l.AwaitComplete("app", s, time.Minute)
		}
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		for _, s := range l.Sites {
			l.AwaitComplete("app", s, time.Minute)
		}
		time.Sleep(10 * time.Second)
		wantActive(t, l.Sites[1], "2")
		away := l.Sites[0].Endpoints[0]
		away.Stop()
		start := time.Now()
		block := operator.Block{Remote: l.Remote(io.Discard), Kept: operator.Kept{Content: "app@2"}, Reason: "wrong prices", Wait: true, Timeout: time.Minute}
		if err := block.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("gone from %d endpoints after %v", sites*blockedEach-1, time.Since(start))
		check := func(e *lab.Endpoint) {
			t.Helper()
			if delivered(e, "app", "2") || onDisk(t, e, size/2) >= 2*size {
				t.Errorf("%s holds %d bytes", e.Name, onDisk(t, e, size/2))
			}
			e.WantDelivered("app", "1", size)
		}
		for _, s := range l.Sites {
			for _, e := range s.Endpoints {
				if e != away {
					check(e)
				}
			}
		}
		wantActive(t, l.Sites[1], "1")
		if !delivered(away, "app", "2") {
			t.Error("who is offline lost it")
		}
		away.Start()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		check(away)
		if err := (operator.Distribute{Remote: l.Remote(io.Discard), Ref: "app@2", All: true, Priority: "normal"}).Run(t.Context()); err == nil {
			t.Error("what is blocked was ordered")
		}
	})
}
