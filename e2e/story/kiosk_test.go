//go:build linux

package story

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/signaling/wire"
)

// shop publishes a folder with a page, and orders it everywhere. A version that is not
// well lacks what its probe asks for.
func (s *stage) shop(version string, well bool) {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "shop")
	s.must(os.Mkdir(dir, 0o700))
	s.must(os.WriteFile(filepath.Join(dir, "index.html"), []byte("version "+version), 0o600))
	if well {
		s.must(os.WriteFile(filepath.Join(dir, "health.txt"), []byte(version), 0o600))
	}
	s.must(s.Publish(s.ctx, dir, "shop", version))
	s.sitecast("distribute", "shop@"+version, "--all")
}

// uses is what the server says that the kiosk uses.
func (s *stage) uses() (a wire.Activation) {
	list, err := s.Endpoints(s.ctx)
	s.must(err)
	if len(list) == 1 && list[0].Activation != nil {
		a = *list[0].Activation
	}
	return a
}

func (s *stage) untilUses(version, state string) wire.Activation {
	s.t.Helper()
	s.must(rig.Wait(s.ctx, version+" "+state, func() bool {
		a := s.uses()
		return a.Version == version && a.State == state
	}))
	return s.uses()
}

// A bad version takes itself back and the server says why; a good one stays. Killed in
// the middle the kiosk shows the old version or the new one, and goes on.
func TestAKioskTakesABadVersionBackByItself(t *testing.T) {
	long(t)
	s := open(t, oneSite(1, 100), mib)
	kiosk, err := s.StartKiosk(s.ctx, 0, 0, "shop", "--probe", "http:/health.txt", "--probe-time", "2s",
		"--before", "echo asked about $SITECAST_VERSION")
	s.must(err)
	page := func() string {
		text, err := kiosk.Page(s.ctx, "/")
		s.must(err)
		return string(text)
	}
	s.shop("1", true)
	s.untilUses("1", "active")
	if got := page(); got != "version 1" {
		t.Errorf("the page is %q", got)
	}

	s.shop("2", false)
	s.untilUses("2", "activating")
	kiosk.Kill()
	s.must(kiosk.Restart())
	s.must(rig.Wait(s.ctx, "the page to be back", func() bool { _, err := kiosk.Page(s.ctx, "/"); return err == nil }))
	if got := page(); got != "version 1" && got != "version 2" {
		t.Errorf("after it was killed the page is %q", got)
	}
	a := s.untilUses("1", "rolled_back")
	if want := "2 failed: http://127.0.0.1:8088/health.txt answers 404 Not Found"; a.Staged != "2" || a.Reason != want {
		t.Errorf("the server knows %+v, want %q", a, want)
	}
	if got := page(); got != "version 1" {
		t.Errorf("the page is %q", got)
	}

	s.shop("3", true)
	a = s.untilUses("3", "active")
	if len(a.History) != 3 || a.History[1].Outcome != "rolled_back" || time.Since(a.History[0].At) > time.Minute {
		t.Errorf("history %+v", a.History)
	}
	var status struct {
		State, Active, Previous, Staged string
		History                         []struct{ Before string }
	}
	s.must(kiosk.KioskStatus(s.ctx, &status))
	if status.State != "active" || status.Active != "3" || status.Previous != "1" || status.History[0].Before != "asked about 3" || page() != "version 3" {
		t.Errorf("it says %+v of itself, and shows %q", status, page())
	}
}
