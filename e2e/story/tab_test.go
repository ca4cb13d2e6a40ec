//go:build linux

package story

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/browser"
	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
)

// fastSite has a line that is soon done with the first copy, and a LAN that nothing
// holds back.
func fastSite(endpoints int) netlab.Plan { return oneSite(endpoints, 800) }

// stocked starts an agent that has app before anybody else comes.
func (s *stage) stocked(k int) *rig.Agent {
	s.t.Helper()
	a, err := s.StartAgent(s.ctx, 0, k)
	s.must(err)
	s.must(s.Online(s.ctx))
	s.sitecast("distribute", "app@1", "--all", "--wait")
	return a
}

// A tab holds next to nothing of large content in memory, neither while it comes nor while
// the next endpoint takes from there: page and worker together, with what their array
// buffers hold.
func TestLargeContentTakesLittleMemoryInATab(t *testing.T) {
	long(t)
	const size, taken, bound = 32 * mib, 6 * mib, 64 * mib
	s := open(t, fastSite(3), size)
	first := s.stocked(0)
	tb := s.browse(1, t.TempDir())
	var most browser.Memory
	look := func() {
		m, err := tb.page.Memory(s.ctx)
		s.must(err)
		if m.All() > most.All() {
			most = m
		}
	}
	tb.until("the tab to be complete", func(shown map[string]string) bool {
		look()
		return complete(shown)
	})
	t.Logf("while it came %d MiB of objects and %d MiB of buffers at most", most.Objects/mib, most.Buffers/mib)
	s.must(first.Stop())
	next, err := s.StartAgent(s.ctx, 0, 2)
	s.must(err)
	s.must(rig.Poll(s.ctx, "the next endpoint to take from the tab", func() (bool, error) {
		look()
		var st engine.Status
		if next.Status(s.ctx, &st) != nil || len(st.Flows) == 0 { // it just begins
			return false, nil
		}
		return st.Flows[0].Bytes.Peer > taken, nil
	}))
	t.Logf("and with serving %d MiB of objects and %d MiB of buffers", most.Objects/mib, most.Buffers/mib)
	if most.All() > bound {
		t.Errorf("a tab held %d MiB of objects and %d MiB in buffers for %d MiB of content, want %d together at most",
			most.Objects/mib, most.Buffers/mib, size/mib, bound/mib)
	}
}

// A tab behind another takes content as fast as one that is looked at, but for a fifth.
func TestAHiddenTabIsHardlySlower(t *testing.T) {
	long(t)
	const size = 24 * mib
	s := open(t, fastSite(2), size)
	s.stocked(0)
	tb := s.browse(1, t.TempDir())
	before := tb.rate(0, size*3/10)
	front, err := tb.c.Open(s.ctx, "about:blank")
	s.must(err)
	s.must(front.Front(s.ctx))
	if state := tb.visibility(); state != "hidden" {
		t.Fatalf("the tab behind another is %q", state)
	}
	hidden := tb.rate(size*35/100, size*65/100)
	s.must(tb.page.Front(s.ctx))
	if state := tb.visibility(); state != "visible" {
		t.Fatalf("the tab in front is %q", state)
	}
	after := tb.rate(size*7/10, size)
	t.Logf("%.1f MB/s before, %.1f hidden, %.1f after", before/1e6, hidden/1e6, after/1e6)
	if visible := min(before, after); hidden < 0.8*visible {
		t.Errorf("a hidden tab takes %.1f MB/s, want 0.8 of %.1f at least", hidden/1e6, visible/1e6)
	}
}

func (tb *tab) visibility() (state string) {
	tb.s.must(tb.page.Eval(tb.s.ctx, "document.visibilityState", &state))
	return state
}

// rate is how many bytes a second come from peers between two marks.
func (tb *tab) rate(from, to int64) float64 {
	tb.s.t.Helper()
	var first, last int64
	var began, ended time.Time
	tb.until("a mark to be passed", func(map[string]string) bool {
		first, began = tb.bytes("peer"), time.Now()
		return first > from
	})
	tb.until("the next mark to be passed", func(map[string]string) bool {
		last, ended = tb.bytes("peer"), time.Now()
		return last >= to
	})
	return float64(last-first) / ended.Sub(began).Seconds()
}
