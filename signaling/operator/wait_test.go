package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/operator"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/content"
)

// flow makes a flow of app@2 as the server tells it.
func flow(name, state string, endpoints, complete int, received int64) site.FlowView {
	return site.FlowView{Site: name, Content: "app", Version: "2", State: state, Endpoints: endpoints, Complete: complete,
		BytesTotal: 1000, BytesOrigin: received, Priority: "normal"}
}

func failed(name, reason string, received int64) site.FlowView {
	f := flow(name, site.StateFailed, 2, 1, received)
	f.Reason = reason
	return f
}

func older(name string, received int64) site.FlowView {
	f := flow(name, site.StateRunning, 2, 0, received)
	f.Version = "1"
	return f
}

// withPages is a flow of one endpoint, and pages in browsers.
func withPages(state string, complete, pages, pagesComplete int, received int64) site.FlowView {
	f := flow("a", state, 1+pages, complete+pagesComplete, received)
	f.Browsers, f.BrowsersComplete = pages, pagesComplete
	if state == site.StateFailed {
		f.Reason = "download page: no room"
	}
	return f
}

func pagesAlone() site.FlowView {
	f := flow("a", site.StateComplete, 2, 2, 1000)
	f.Browsers, f.BrowsersComplete = 2, 2
	return f
}

// aheadOf is a flow that is placed at a few endpoints.
func aheadOf(name string, endpoints, complete int) site.FlowView {
	f := flow(name, site.StateRunning, endpoints, complete, int64(complete))
	f.PreStage = 2
	if endpoints == 0 {
		f.State, f.Reason = site.StateWaiting, "no room"
	}
	return f
}

// look is what the server tells at a time, and what shall be decided then: "" to go
// on, "done", or a part of the error.
type look struct {
	at    time.Duration
	flows []site.FlowView
	want  string
}

const late = operator.Patience

func TestAWaitEndsWhenItCanAndNoSooner(t *testing.T) {
	type flows = []site.FlowView
	for name, c := range map[string]struct {
		sites []string
		looks []look
	}{
		"everybody has it": {[]string{"a"}, []look{{0, flows{flow("a", site.StateComplete, 2, 2, 1000)}, "done"}}},
		"it arrives": {[]string{"a"}, []look{
			{0, flows{flow("a", site.StateRunning, 2, 0, 0)}, ""},
			{time.Hour, flows{flow("a", site.StateRunning, 2, 1, 700)}, ""},
			{2 * time.Hour, flows{flow("a", site.StateComplete, 2, 2, 1000)}, "done"}}},
		"pages are not waited for": {[]string{"a"}, []look{
			{0, flows{withPages(site.StateRunning, 0, 2, 1, 300)}, ""},
			{time.Hour, flows{withPages(site.StateRunning, 1, 2, 1, 900)}, "done"}}},
		"nor is their trouble ours": {[]string{"a"}, []look{{0, flows{withPages(site.StateFailed, 1, 1, 0, 900)}, "done"}}},
		"nobody but pages is online": {[]string{"a"}, []look{
			{0, flows{pagesAlone()}, ""},
			{late, flows{pagesAlone()}, "nobody is online at a"}}},
		"one site of two": {[]string{"a", "b"}, []look{
			{0, flows{flow("a", site.StateComplete, 1, 1, 9), flow("b", site.StateRunning, 1, 0, 5)}, ""},
			{time.Hour, flows{flow("a", site.StateComplete, 1, 1, 9), flow("b", site.StateComplete, 1, 1, 9)}, "done"}}},
		"a flow that comes a moment late": {[]string{"a", "b"}, []look{
			{0, flows{flow("a", site.StateComplete, 1, 1, 9)}, ""},
			{time.Second, flows{flow("a", site.StateComplete, 1, 1, 9), flow("b", site.StateComplete, 1, 1, 9)}, "done"}}},
		"placed ahead of need beside an older version": {[]string{"a"}, []look{
			{0, flows{older("a", 10), aheadOf("a", 0, 0)}, ""},
			{late - 1, flows{older("a", 10), aheadOf("a", 2, 1)}, ""},
			{time.Hour, flows{older("a", 10), aheadOf("a", 2, 2)}, "done"}}},
		"nowhere to place it": {[]string{"a"}, []look{
			{0, flows{aheadOf("a", 0, 0)}, ""}, {late, flows{aheadOf("a", 0, 0)}, "no copy of app@2 could be placed at a: no room"}}},
		"flows of other sites and contents": {[]string{"a"}, []look{
			{0, flows{flow("a", site.StateComplete, 1, 1, 9), flow("z", site.StateRunning, 1, 0, 0),
				{Site: "a", Content: "film", Version: "7", State: site.StateFailed, Endpoints: 1}}, "done"}}},
		"all sites": {nil, []look{
			{0, flows{flow("a", site.StateComplete, 1, 1, 9), flow("z", site.StateRunning, 1, 0, 0)}, ""},
			{1, flows{flow("a", site.StateComplete, 1, 1, 9), flow("z", site.StateComplete, 1, 1, 9)}, "done"}}},
		"nobody is online": {[]string{"a", "b"}, []look{
			{0, flows{flow("a", site.StateWaiting, 0, 0, 0), flow("b", site.StateWaiting, 0, 0, 0)}, ""},
			{late - 1, flows{flow("a", site.StateWaiting, 0, 0, 0), flow("b", site.StateWaiting, 0, 0, 0)}, ""},
			{late, flows{flow("a", site.StateWaiting, 0, 0, 0), flow("b", site.StateWaiting, 0, 0, 0)}, "nobody is online at a, b"}}},
		"somebody comes online in time": {[]string{"a"}, []look{
			{0, flows{flow("a", site.StateWaiting, 0, 0, 0)}, ""},
			{late - 1, flows{flow("a", site.StateRunning, 1, 0, 0)}, ""},
			{late, flows{flow("a", site.StateComplete, 1, 1, 9)}, "done"}}},
		"one site is offline and the other has it": {[]string{"a", "b"}, []look{
			{0, flows{flow("a", site.StateComplete, 1, 1, 9), flow("b", site.StateWaiting, 0, 0, 0)}, "done"}}},
		"no site has it": {nil, []look{{0, nil, ""}, {late, nil, "no site has a flow of app@2"}}},
		"somebody fails for good": {[]string{"a"}, []look{
			{0, flows{failed("a", "till-1: disk full", 5)}, ""},
			{late - 1, flows{failed("a", "till-1: disk full", 5)}, ""},
			{late, flows{failed("a", "till-1: disk full", 5)}, "a: till-1: disk full"}}},
		"somebody fails while others go on": {[]string{"a"}, []look{
			{0, flows{failed("a", "till-1: disk full", 5)}, ""},
			{late - 1, flows{failed("a", "till-1: disk full", 6)}, ""},
			{late + 1, flows{failed("a", "till-1: disk full", 6)}, ""},
			{2*late - 1, flows{failed("a", "till-1: disk full", 6)}, "disk full"}}},
		"somebody fails and recovers": {[]string{"a"}, []look{
			{0, flows{failed("a", "till-1: disk full", 5)}, ""},
			{late / 2, flows{flow("a", site.StateRunning, 2, 1, 5)}, ""},
			{late, flows{flow("a", site.StateComplete, 2, 2, 9)}, "done"}}},
		"a pause is waited out": {[]string{"a"}, []look{
			{0, flows{flow("a", site.StatePaused, 2, 0, 5)}, ""},
			{time.Hour, flows{flow("a", site.StatePaused, 2, 0, 5)}, ""},
			{2 * time.Hour, flows{flow("a", site.StateComplete, 2, 2, 9)}, "done"}}},
		"the site has not heard of the new version yet": {[]string{"a"}, []look{
			{0, flows{older("a", 5)}, ""},
			{time.Second, flows{flow("a", site.StateRunning, 2, 0, 0)}, ""},
			{2 * time.Second, flows{flow("a", site.StateComplete, 2, 2, 9)}, "done"}}},
		"an older version that is not complete does not count as ours": {[]string{"a"}, []look{
			{0, flows{func() site.FlowView { f := older("a", 9); f.State, f.Complete = site.StateComplete, 2; return f }()}, ""}}},
		"another version supersedes ours": {[]string{"a"}, []look{
			{0, flows{older("a", 5)}, ""},
			{late - 1, flows{older("a", 6)}, ""}, // its bytes move, and that is no progress of ours
			{late, flows{older("a", 7)}, "a was ordered app@1"}}},
		"another version supersedes ours later": {[]string{"a"}, []look{
			{0, flows{flow("a", site.StateRunning, 2, 0, 0)}, ""},
			{time.Hour, flows{older("a", 5)}, ""},
			{time.Hour + late, flows{older("a", 6)}, "supersedes"}}},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Unix(1_700_000_000, 0)
			w := operator.NewWait(begin, content.Ref{Name: "app", Version: "2"}, c.sites...)
			for _, l := range c.looks {
				done, err := w.Look(begin.Add(l.at), l.flows)
				switch {
				case l.want == "" && (done || err != nil):
					t.Errorf("after %v: done %v, %v; want to go on", l.at, done, err)
				case l.want == "done" && (!done || err != nil):
					t.Errorf("after %v: done %v, %v; want done", l.at, done, err)
				case l.want != "" && l.want != "done" && (done || err == nil || !strings.Contains(err.Error(), l.want)):
					t.Errorf("after %v: done %v, %v; want an error with %q", l.at, done, err, l.want)
				}
			}
		})
	}
}

func TestAWaitShowsWhereEachSiteStands(t *testing.T) {
	begin := time.Unix(1_700_000_000, 0)
	w := operator.NewWait(begin, content.Ref{Name: "app", Version: "2"})
	running := flow("shop-1", site.StateRunning, 4, 1, 500)
	running.WANBPS, running.PeerBPS, running.ETASeconds = 5_000_000, 40_000_000, 90
	complete := flow("shop-12", site.StateComplete, 2, 2, 1000)
	complete.Seconds, complete.BytesPeer = 12.34, 3000
	paused := flow("shop-3", site.StatePaused, 2, 0, 0)
	paused.PausedBy = "admin paused everything at shop-3"
	broken := failed("shop-4", "till-\x1b[2J: disk full", 5)
	if _, err := w.Look(begin, []site.FlowView{running, complete, paused, broken}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"shop-1   ██████████░░░░░░░░░░  50%  1 of 4 endpoints  WAN 5.0 Mbit/s  peers 40.0 Mbit/s  ETA 1m30s",
		"shop-12  ████████████████████ 100%  2 of 2 endpoints  in 12.3 s: 1.0 kB over the WAN, 3.0 kB from peers",
		"shop-3   ░░░░░░░░░░░░░░░░░░░░   0%  0 of 2 endpoints  waits: admin paused everything at shop-3",
		"shop-4   ▏░░░░░░░░░░░░░░░░░░░   0%  1 of 2 endpoints  failed: till-?[2J: disk full",
	}
	got := w.Lines()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("line %d of\n%s\nwant\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
			break
		}
	}
}

func TestAWaitForAllIsNotOverWhenOnlyTheCopiesAheadOfNeedAreThere(t *testing.T) {
	now := time.Now()
	w := operator.NewWait(now, content.Ref{Name: "app", Version: "2"}, "a")
	w.Open()
	if done, err := w.Look(now, []site.FlowView{aheadOf("a", 2, 2)}); done || err != nil {
		t.Errorf("got %v, %v before the site heard of the order, want to go on", done, err)
	}
	if done, err := w.Look(now, []site.FlowView{flow("a", site.StateComplete, 3, 3, 9)}); !done || err != nil {
		t.Errorf("got %v, %v, want done", done, err)
	}
}
