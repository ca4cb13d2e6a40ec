//go:build linux

package story

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/e2e/rig"
)

// What a tab stores, and what becomes of it: these run in a real browser, whose storage
// ends, is taken away, or was never there.

// third waits until a third of the content has come.
func (tb *tab) third(size int64) {
	tb.s.t.Helper()
	tb.until("a third to come", func(shown map[string]string) bool { return number(shown["bytesOrigin"]) > size/3 })
}

func TestATabWhoseQuotaEndsGoesOnInMemoryAndSaysSo(t *testing.T) {
	long(t)
	const size, quota = 8 * mib, 6 * mib // of which a browser sets some aside for each file
	s := open(t, oneSite(1, 20), size)
	tb := s.blank(0, t.TempDir())
	s.must(tb.page.SetQuota(s.ctx, tb.origin(), quota))
	s.must(tb.page.Go(s.ctx, tb.link))
	tb.notes("the rest is kept in memory")
	tb.until("the tab to be complete", complete)
	tb.wantSaved(size)
	s.wantOneCopy(size, 1.02)
	s.must(tb.page.SetQuota(s.ctx, tb.origin(), 0))
	s.must(tb.page.Reload(s.ctx))
	tb.until("the tab to be complete again", complete)
	tb.wantSaved(size)
	s.wantOneCopy(size, 1.8) // what was not on disk once more
}

func TestATabWhoseStorageIsTakenAwayGoesOnAndSaysSo(t *testing.T) {
	long(t)
	const size = 8 * mib
	s := open(t, oneSite(1, 20), size)
	tb := s.browse(0, t.TempDir())
	tb.third(size)
	s.must(tb.page.Evict(s.ctx, tb.origin()))
	tb.until("the tab to be complete", complete)
	tb.notes("has removed")
	tb.wantSaved(size)
	s.wantOneCopy(size, 1.02)
	s.must(tb.page.Reload(s.ctx))
	tb.until("the tab to be complete again", complete)
	tb.wantSaved(size)
	s.wantOneCopy(size, 2.04)
}

func TestATabThatIsGivenNoStorageKeepsItInMemoryAndSaysSo(t *testing.T) {
	long(t)
	const size = 4 * mib
	s := open(t, oneSite(1, 20), size)
	tb := s.browse(0, t.TempDir(), "--disable-blink-features=FileSystemAccessOriginPrivate")
	tb.notes("gives pages no disk")
	tb.until("the tab to be complete", complete)
	tb.wantSaved(size)
}

func TestATabThatComesBackFromTheBackForwardCacheGoesOn(t *testing.T) {
	long(t)
	const size = 8 * mib
	s := open(t, oneSite(1, 20), size)
	tb := s.browse(0, t.TempDir())
	tb.third(size)
	s.must(tb.page.Eval(s.ctx, "globalThis.before = true", nil))
	s.must(tb.page.Go(s.ctx, tb.origin()+"/check"))
	s.must(rig.Wait(s.ctx, "the tab to leave", func() bool {
		online, err := s.Endpoints(s.ctx)
		return err == nil && len(online) == 0
	}))
	s.must(tb.page.Eval(s.ctx, "history.back()", nil))
	tb.until("the tab to be complete", complete)
	var same bool
	s.must(tb.page.Eval(s.ctx, "globalThis.before ?? false", &same))
	if !same {
		t.Error("the page was loaded anew: it can't be kept while another is shown")
	}
	tb.wantSaved(size)
	s.wantOneCopy(size, 1.1) // and what was in flight
}

// A tab that holds a version takes from it what the next one shares: while it is open, and
// at a later visit.
func TestATabTakesFromItsOlderVersionWhatTheNewOneShares(t *testing.T) {
	long(t)
	const size, changed = 8 * mib, mib
	s := open(t, oneSite(1, 20), size)
	tb := s.browse(0, t.TempDir())
	tb.until("the tab to be complete", complete)
	now := random(size, "app1")
	for _, c := range []struct {
		version string
		at      int
		open    bool
	}{{"2", 3 * mib, true}, {"3", 5 * mib, false}} {
		if !c.open {
			s.must(tb.page.Go(s.ctx, "about:blank"))
		}
		before, err := s.Served(s.ctx)
		s.must(err)
		old := now
		now = bytes.Clone(old)
		copy(now[c.at:c.at+changed], random(changed, c.version))
		path := filepath.Join(t.TempDir(), "app")
		s.must(os.WriteFile(path, now, 0o600))
		s.must(s.Publish(s.ctx, path, "app", c.version))
		if !c.open {
			s.must(tb.page.Go(s.ctx, tb.link))
		}
		fresh := delta(t, old, now)
		tb.until("the tab to have version "+c.version, func(shown map[string]string) bool {
			return complete(shown) && strings.HasPrefix(shown["version"], c.version+" ") && number(shown["bytesReused"]) > 0
		})
		served, err := s.Served(s.ctx)
		s.must(err)
		t.Logf("%d bytes are new, %d were served; %d were reused", fresh, served-before, tb.bytes("reused"))
		if served-before > fresh*102/100 {
			t.Errorf("the origin served %d bytes of version %s, want the %d that are new", served-before, c.version, fresh)
		}
	}
	if got, err := os.ReadFile(tb.save()); err != nil || !bytes.Equal(got, now) {
		t.Errorf("the page offers other bytes than were published (%v)", err)
	}
}
