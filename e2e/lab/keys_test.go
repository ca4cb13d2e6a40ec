package lab_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/e2e/lab"
	"github.com/sitecast/sitecast/signaling/site"
)

// until waits for a flow to be in some state.
func until(t *testing.T, l *lab.Lab, name string, s *lab.Site, reached func(site.FlowView) bool) site.FlowView {
	t.Helper()
	for range 600 {
		f := l.Flow(name, s)
		if reached(f) {
			return f
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("it never came to that: %+v", l.Flow(name, s))
	panic("not reached")
}

func delivered(e *lab.Endpoint, name, version string) bool {
	_, err := os.Stat(filepath.Join(e.Data, "content", name, version))
	return err == nil
}

func TestRevokedEndpointIsLeftAloneUntilItHasAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 2 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		thief := s.Endpoints[0]
		l.Publish("app", "1", size)
		l.Distribute("app@1")
		l.AwaitComplete("app", s, 30*time.Second)
		thief.Revoke()
		l.Settle()
		for _, e := range l.Endpoints(s) {
			switch {
			case e.Name == thief.Name && (e.Online || e.Revoked == ""):
				t.Errorf("the thief is %+v", e)
			case e.Name != thief.Name && (!e.Online || e.Links != 1):
				t.Errorf("%s has %d links, want one", e.Name, e.Links)
			}
		}
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		until(t, l, "app", s, func(f site.FlowView) bool { return f.Version == "2" && f.Complete == 2 })
		time.Sleep(time.Hour)
		if f := l.Flow("app", s); f.Endpoints != 2 || delivered(thief, "app", "2") {
			t.Errorf("%d endpoints, and the thief has it: %t", f.Endpoints, delivered(thief, "app", "2"))
		}
		thief.Stop()
		thief.Start() // with the token of before
		time.Sleep(10 * time.Minute)
		if f := l.Flow("app", s); f.Endpoints != 2 {
			t.Errorf("%d endpoints after it was started anew", f.Endpoints)
		}
		thief.Enrol(s)
		thief.Stop()
		thief.Start()
		f := l.AwaitComplete("app", s, time.Minute)
		if f.BytesOrigin != size {
			t.Errorf("%d bytes from the origin, want %d once", f.BytesOrigin, size)
		}
		thief.WantDelivered("app", "2", size)
	})
}

func TestVersionOfARevokedKeyStopsAndGoesOnWhenItIsSignedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8 * mib
		l := lab.New(t, lab.Plan{Sites: []int{3}, Path: wan, LAN: time.Millisecond})
		defer l.Close()
		s := l.Sites[0]
		away := s.Endpoints[2]
		l.AddPublisher("ana")
		l.Publish("app", "1", size)
		away.Stop()
		l.Distribute("app@1")
		until(t, l, "app", s, func(f site.FlowView) bool { return f.BytesOrigin > size/4 })
		l.RevokePublisher("ana")
		l.Settle()
		f := l.Flow("app", s)
		if f.State != site.StatePaused || f.PausedBy != "the key of ana was revoked (sitecast resign)" || f.BytesOrigin >= size {
			t.Errorf("the flow is %s by %q, with %d bytes", f.State, f.PausedBy, f.BytesOrigin)
		}
		away.Start() // it knows the old trust document
		time.Sleep(time.Hour)
		if again := l.Flow("app", s); again.BytesOrigin != f.BytesOrigin || again.Complete > 0 || delivered(away, "app", "1") {
			t.Errorf("%d bytes and %d complete an hour later", again.BytesOrigin, again.Complete)
		}
		l.AddPublisher("ben")
		l.Resign("app@1")
		f = l.AwaitComplete("app", s, time.Minute)
		if f.BytesOrigin != size {
			t.Errorf("%d bytes from the origin, want %d once", f.BytesOrigin, size)
		}
		for _, e := range s.Endpoints {
			e.WantDelivered("app", "1", size)
		}
		// What is complete stays, and the next version comes by the new key.
		l.RevokePublisher("ben")
		l.Settle()
		if f := l.Flow("app", s); f.State != site.StatePaused || f.Complete != 3 {
			t.Errorf("the flow is %s, complete at %d", f.State, f.Complete)
		}
		l.AddPublisher("cho")
		l.Publish("app", "2", size)
		l.Distribute("app@2")
		until(t, l, "app", s, func(f site.FlowView) bool { return f.Version == "2" && f.Complete == 3 })
		s.Endpoints[0].WantDelivered("app", "1", size)
	})
}
