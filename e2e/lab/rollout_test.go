package lab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/storage/catalog"
)

// till uses the newest version of app that is delivered to it, at once. Those that are bad
// fail it, and are not tried again before an operator wishes so.
type till struct {
	changed chan struct{}

	// mu guards the rest.
	mu     sync.Mutex
	bad    map[string]bool
	tried  map[string]uint64 // the wish after which a version was tried last
	tries  int
	uses   engine.Uses
	active string
}

func newTill(bad ...string) *till {
	u := &till{changed: make(chan struct{}, 1), bad: map[string]bool{}, tried: map[string]uint64{}}
	for _, version := range bad {
		u.bad[version] = true
	}
	return u
}

// Delivered implements engine.User.
func (u *till) Delivered(d engine.Delivered) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var next engine.Delivery
	for _, v := range d.Versions {
		if v.Complete && v.Wanted && v.Head.Serial > next.Head.Serial {
			next = v
		}
	}
	version := next.Head.Version
	wish, known := u.tried[version]
	if version == "" || version == u.active || known && next.Retry <= wish {
		return
	}
	u.tried[version] = next.Retry
	u.tries++
	a := &engine.Activation{Content: "app", Version: version, State: "active"}
	entry := engine.Activated{At: d.Now.UTC().Truncate(time.Second), Version: version, From: u.active, Outcome: "activated"}
	if u.bad[version] {
		a.Version, a.State, a.Staged, a.Reason = u.active, "rolled_back", version, version+" failed: no printer"
		entry.Outcome, entry.Reason = "rolled_back", "no printer"
	} else {
		u.active = version
	}
	a.History = append([]engine.Activated{entry}, historyOf(u.uses)...)
	u.uses.Activation = a
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

func historyOf(uses engine.Uses) []engine.Activated {
	if uses.Activation == nil {
		return nil
	}
	return uses.Activation.History[:min(len(uses.Activation.History), engine.MaxActivated-1)]
}

// Uses implements engine.User.
func (u *till) Uses() engine.Uses {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.uses
}

// Changed implements engine.User.
func (u *till) Changed() <-chan struct{} { return u.changed }

// mend has a version work from now on.
func (u *till) mend(version string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.bad, version)
}

func (u *till) now() (active string, tries int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.active, u.tries
}

// tag gives sites a tag.
func tag(t *testing.T, l *lab.Lab, name string, sites ...*lab.Site) {
	t.Helper()
	c := operator.TagAdd{Remote: l.Remote(io.Discard), Name: name}
	for _, s := range sites {
		c.Site = append(c.Site, s.Name)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// inRings orders a version everywhere, in rings.
func inRings(t *testing.T, l *lab.Lab, ref string, rings ...string) {
	t.Helper()
	c := operator.Distribute{Remote: l.Remote(io.Discard), Ref: ref, All: true, Priority: "normal", Aiming: operator.Aiming{Ring: rings}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// rolloutOf shows a distribution.
func rolloutOf(t *testing.T, l *lab.Lab, id int64) (v api.RolloutView) {
	t.Helper()
	var out bytes.Buffer
	if err := (operator.RolloutShow{Remote: l.Remote(&out), One: operator.One{ID: id}, JSON: true}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// versionAt is the version that a site is ordered.
func versionAt(l *lab.Lab, s *lab.Site) string { return l.Flow("app", s).Version }

func TestACanaryThatFailsHaltsTheRolloutUntilItIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 256 << 10
		l := lab.New(t, lab.Plan{Sites: []int{2, 1, 1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		var tills []*till
		for _, s := range l.Sites {
			for _, e := range s.Endpoints {
				e.Stop()
				u := newTill("2")
				e.User = u
				tills = append(tills, u)
				e.Start()
			}
		}
		tag(t, l, "canary", l.Sites[0])
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		for _, s := range l.Sites {
			l.AwaitComplete("app", s, time.Minute)
		}
		l.Publish("app", "2", size)
		inRings(t, l, "app@2", "canary=tag:canary; soak 1h", "rest=rest")
		time.Sleep(time.Minute)
		v := rolloutOf(t, l, 2)
		if want := "ring canary: of 2 endpoints 2 failed to activate it; it halts at 10 %"; v.State != catalog.RolloutHalted || v.Reason != want || v.Open != 1 {
			t.Fatalf("got %+v, want it halted as %q", v, want)
		}
		l.StopServer() // how far it is outlives the server
		l.StartServer()
		served := l.Served()
		time.Sleep(2 * time.Hour)
		if v := rolloutOf(t, l, 2); v.State != catalog.RolloutHalted || l.Served() != served || versionAt(l, l.Sites[0]) != "2" || versionAt(l, l.Sites[1]) != "1" {
			t.Errorf("two hours later it is %s, %d bytes were served, and the sites have %s and %s", v.State, l.Served()-served, versionAt(l, l.Sites[0]), versionAt(l, l.Sites[1]))
		}
		for _, u := range tills {
			if active, _ := u.now(); active != "1" {
				t.Errorf("%s is active where 2 failed or never came", active)
			}
			u.mend("2")
		}
		two := operator.One{ID: 2}
		if err := (operator.RolloutRetry{Remote: l.Remote(io.Discard), One: two}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := (operator.RolloutContinue{Remote: l.Remote(io.Discard), One: two}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if v := rolloutOf(t, l, 2); v.State != catalog.RolloutWaiting || !strings.Contains(v.Reason, "soaks until") {
			t.Errorf("mended it is %+v, want that it soaks", v)
		}
		time.Sleep(time.Hour + time.Minute)
		if v := rolloutOf(t, l, 2); v.State != catalog.RolloutDone {
			t.Errorf("in the end it is %+v", v)
		}
		for i, u := range tills {
			active, tries := u.now()
			want := 2 // of 1 and of 2
			if i < len(l.Sites[0].Endpoints) {
				want = 3
			}
			if active != "2" || tries != want {
				t.Errorf("till %d has %s active after %d tries, want 2 after %d", i, active, tries, want)
			}
		}
	})
}

func TestSitesThatMissTheirTimeAreNamedWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lab.New(t, lab.Plan{Sites: []int{1, 1, 1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		if err := (operator.Cap{Remote: l.Remote(io.Discard), Site: "site-2", WAN: 80_000}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Sites[2].Endpoints[0].Stop()
		l.Publish("app", "1", 2*mib)
		readyIn(t, l, "app@1", "60s")
		time.Sleep(90 * time.Second)
		var out bytes.Buffer
		if err := (operator.RolloutShow{Remote: l.Remote(&out), One: operator.One{ID: 1}}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := out.String()
		if strings.Contains(got, "site-1") || !strings.Contains(got, "site-2 missed its time: 0 of 1 online have it; it came at ") || !strings.Contains(got, "site-3 missed its time: no endpoint of the site is online") {
			t.Errorf("it printed %q, want site-2 and site-3 with their reasons, and nothing of site-1", got)
		}
	})
}

// TestAnEndpointThatWasAwayForAQuarterGetsTheNewest: and nothing of what came and went
// meanwhile.
func TestAnEndpointThatWasAwayForAQuarterGetsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 128 << 10
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		stays, away := s.Endpoints[0], s.Endpoints[1]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, time.Minute)
		away.Stop()
		for _, v := range []string{"2", "3"} {
			l.Publish("app", v, size)
			inRings(t, l, "app@"+v, "rest=rest")
			l.Settle()
			l.Settle()
			l.AwaitComplete("app", s, time.Minute)
		}
		stays.Stop()
		l.StopServer()
		time.Sleep(90 * 24 * time.Hour)
		l.StartServer()
		stays.Start()
		away.Start()
		l.Settle()
		served := l.Served()
		l.AwaitComplete("app", s, time.Minute)
		away.WantDelivered("app", "3", size)
		if _, err := os.Stat(filepath.Join(away.Data, "content", "app", "2")); err == nil {
			t.Error("it has a version that came and went while it was away")
		}
		if got := l.Served() - served; got > 0 {
			t.Errorf("%d bytes came over the WAN that a peer had", got)
		}
		if e := l.Endpoints(s); len(e) != 2 || len(e[0].Holds) != 1 || len(e[1].Holds) != 1 {
			t.Errorf("got %+v", e)
		}
	})
}

// TestARollbackWhileRingsRunNeedsNothingOverTheWAN: it goes to where the bad version went,
// and that goes nowhere any more.
func TestARollbackWhileRingsRunNeedsNothingOverTheWAN(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 512 << 10
		l := lab.New(t, lab.Plan{Sites: []int{2, 1}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		tag(t, l, "canary", l.Sites[0])
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		for _, s := range l.Sites {
			l.AwaitComplete("app", s, time.Minute)
		}
		l.Publish("app", "2", size)
		inRings(t, l, "app@2", "canary=tag:canary; soak 1h", "rest=rest")
		l.Settle()
		l.Settle()
		l.AwaitComplete("app", l.Sites[0], time.Minute)
		if at := versionAt(l, l.Sites[0]); at != "2" {
			t.Fatalf("the canary has %s", at)
		}
		served := l.Served()
		c := operator.RolloutRollback{Remote: l.Remote(io.Discard), One: operator.One{ID: 2},
			Backward: operator.Backward{To: "1", Key: l.Key(), Priority: "high"}}
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		f := l.AwaitComplete("app", l.Sites[0], time.Minute)
		if f.Version != "1+rollback.1" || f.BytesReused != 2*size || l.Served() != served {
			t.Errorf("the canary has %s with %d bytes reused, and %d were served, want all of it reused and none served", f.Version, f.BytesReused, l.Served()-served)
		}
		got, err := os.ReadFile(filepath.Join(l.Sites[0].Endpoints[0].Data, "content", "app", "1+rollback.1", "app"))
		if err != nil || !bytes.Equal(got, lab.Bytes("app", "1", size)) {
			t.Errorf("it is not version 1 again (%v)", err)
		}
		tag(t, l, "canary", l.Sites[1])
		time.Sleep(2 * time.Hour)
		if v := rolloutOf(t, l, 2); v.State != catalog.RolloutRolledBack || versionAt(l, l.Sites[1]) != "1" {
			t.Errorf("two hours later it is %s, and the other site has %s", v.State, versionAt(l, l.Sites[1]))
		}
		if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "rolled back already") {
			t.Errorf("again it got %v", err)
		}
	})
}

func TestNothingOfADistributionIsFetchedBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 128 << 10
		l := lab.New(t, lab.Plan{Sites: []int{2}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		l.Publish("app", "1", size)
		c := operator.Distribute{Remote: l.Remote(io.Discard), Ref: "app@1", Priority: "normal", Aiming: operator.Aiming{Query: "name:site-*"}}
		if err := c.NotBefore.UnmarshalText([]byte("1h")); err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		served := l.Served()
		time.Sleep(59 * time.Minute)
		if f := l.Flow("app", s); f.State != "waiting" || !strings.HasPrefix(f.Reason, "it does not begin before ") || l.Served() != served {
			t.Errorf("before its time it is %s (%s), and %d bytes were served", f.State, f.Reason, l.Served()-served)
		}
		time.Sleep(time.Minute)
		l.AwaitComplete("app", s, time.Minute)
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
	})
}
