package board

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// items makes some of "key=view" words.
func items(words ...string) (out []Item[string]) {
	for _, w := range words {
		key, view, _ := strings.Cut(w, "=")
		out = append(out, Item[string]{Key: key, View: view, Seq: 1})
	}
	return out
}

func TestWhatIsAsItWasKeepsItsNumber(t *testing.T) {
	same := func(a, b string) bool { return a == b }
	for name, c := range map[string]struct {
		was, now []Item[string]
		want     string // keys and numbers
		gone     string
		changed  bool
	}{
		"nothing":       {nil, nil, "", "", false},
		"the first":     {nil, items("a=1", "b=1"), "a2 b2 ", "", true},
		"all the same":  {items("a=1", "b=1"), items("a=1", "b=1"), "a1 b1 ", "", false},
		"one changed":   {items("a=1", "b=1"), items("a=1", "b=2"), "a1 b2 ", "", true},
		"one came":      {items("a=1", "c=1"), items("a=1", "b=1", "c=1"), "a1 b2 c1 ", "", true},
		"one went":      {items("a=1", "b=1", "c=1"), items("a=1", "c=1"), "a1 c1 ", "b", true},
		"the last went": {items("a=1", "b=1"), items("a=1"), "a1 ", "b", true},
		"all went":      {items("a=1", "b=1"), nil, "", "a b", true},
		"others":        {items("a=1", "c=1"), items("b=1", "d=1"), "b2 d2 ", "a c", true},
	} {
		t.Run(name, func(t *testing.T) {
			gone, changed := merge(c.was, c.now, same, 2)
			got := ""
			for _, item := range c.now {
				got += fmt.Sprintf("%s%d ", item.Key, item.Seq)
			}
			if got != c.want || strings.Join(gone, " ") != c.gone || changed != c.changed {
				t.Errorf("got %q, gone %q, changed %v; want %q, %q, %v", got, gone, changed, c.want, c.gone, c.changed)
			}
		})
	}
}

// show puts what a site shows: flows as "content@version state".
func show(b *Board, name string, stirs uint64, flows ...string) {
	s := &Shown{Site: name, stirs: stirs}
	for _, f := range flows {
		key, state, _ := strings.Cut(f, " ")
		content, version, _ := strings.Cut(key, "@")
		s.Flows = append(s.Flows, Item[site.FlowView]{Key: key, View: site.FlowView{Site: name, Content: content, Version: version, State: state}})
	}
	byKey(s.Flows)
	b.put(s)
}

// since reads what came after a number, as words.
func since(b *Board, seq uint64, name, content string) (string, bool) {
	c, ok := b.Flows(seq, name, content)
	var words []string
	for _, f := range c.Set {
		words = append(words, f.Site+"/"+FlowKey(f)+" "+f.State)
	}
	for _, key := range c.Gone {
		words = append(words, "-"+key)
	}
	return strings.Join(words, "; "), ok
}

func TestWhoSawAllUpToANumberIsToldWhatCameAfter(t *testing.T) {
	b := New(nil)
	show(b, "b", 1, "app@1 running")
	show(b, "a", 1, "app@1 running", "film@1 waiting")
	seq := b.seq
	show(b, "a", 2, "app@1 running", "film@1 waiting") // asked again: nothing is new
	if got, ok := since(b, seq, "", ""); got != "" || !ok || b.seq != seq {
		t.Errorf("got %q, %v at %d, want nothing at %d", got, ok, b.seq, seq)
	}
	show(b, "a", 3, "app@2 running", "film@1 complete")
	show(b, "a", 2, "app@1 running") // who asked before that is late
	for _, c := range []struct {
		seq           uint64
		name, content string
		want          string
	}{
		{seq, "", "", "a/app@2 running; a/film@1 complete; -a/app@1"},
		{seq, "b", "", ""},
		{seq, "a", "film", "a/film@1 complete"},
		{seq, "", "app", "a/app@2 running; -a/app@1"},
		{0, "", "", "a/app@2 running; a/film@1 complete; b/app@1 running"},
		{0, "b", "", "b/app@1 running"},
		{b.seq, "", "", ""},
	} {
		if got, ok := since(b, c.seq, c.name, c.content); got != c.want || !ok {
			t.Errorf("since %d of %q %q: got %q, %v, want %q", c.seq, c.name, c.content, got, ok, c.want)
		}
	}
	if _, ok := since(b, b.seq+1, "", ""); ok {
		t.Error("a number that was never given is known")
	}
}

func TestWhoMissedTooMuchHasToReadAgain(t *testing.T) {
	b := New(nil)
	show(b, "a", 1, "app@1 running")
	seq := b.seq
	for i := range maxGone + 1 {
		show(b, "a", uint64(2+i), fmt.Sprintf("app@%d running", 2+i))
	}
	if len(b.gone) != maxGone {
		t.Errorf("%d that ended are remembered, want %d", len(b.gone), maxGone)
	}
	if _, ok := since(b, seq, "", ""); ok {
		t.Error("what ended is told from a number before what is remembered")
	}
	if got, ok := since(b, b.lost, "", ""); !ok || strings.Count(got, "-") != maxGone {
		t.Errorf("from the last that was dropped on: %v, want %d that ended", ok, maxGone)
	}
}

func TestWhatWantsAttentionIsSaidInWordsTheWorstFirst(t *testing.T) {
	view := site.View{
		Flows: []site.FlowView{
			{Site: "shop", Content: "a", Version: "1", State: site.StateRunning, WANBPS: 5, PeerBPS: 7, ForecastCause: "the line is too slow"},
			{Site: "shop", Content: "b", Version: "1", State: site.StateFailed, Reason: "till-1: disk full"},
			{Site: "shop", Content: "c", Version: "1", State: site.StateComplete, WANBPS: 1},
			{Site: "shop", Content: "d", Version: "1", State: site.StateHalted, Reason: "too much"},
		},
		Endpoints: []site.EndpointView{
			{ID: "k", Name: "kiosk", Site: "shop", Activation: &wire.Activation{Content: "a", Version: "1", State: "rolled_back", Reason: "2 failed"}},
			{ID: "s", Name: "sick", Site: "shop", Activation: &wire.Activation{Content: "a", Version: "1", State: "unhealthy", Reason: "1 does its work no more"}},
			{ID: "l", Name: "liar", Site: "shop", ReportedBy: []string{"x: bad_chunk"}},
			{ID: "p", Kind: wire.DeviceBrowser, Site: "shop"},
		},
	}
	sum := summarize(view)
	var got []string
	for _, a := range sum.Attention {
		got = append(got, a.Code+": "+a.Text)
	}
	want := []string{"halted: d@1 at shop is halted: too much", "failed: b@1 at shop can't go on: till-1: disk full",
		"late: a@1 at shop will be late: the line is too slow", "reported: liar at shop is reported by its peers: x: bad_chunk",
		"kiosk: kiosk at shop, rolled back: 2 failed", "kiosk: sick at shop, unhealthy: 1 does its work no more"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if sum.Online != 3 || sum.Browsers != 1 || sum.WANBPS != 6 || sum.PeerBPS != 7 || sum.States[site.StateFailed] != 1 {
		t.Errorf("got %+v", sum)
	}
	all := Summary{States: states()}
	for range 10 {
		all.add(sum)
	}
	all.cut(12)
	if len(all.Attention) != 12 || all.AttentionMore != 48 || all.Attention[9].Code != AttentionHalted || all.States[site.StateComplete] != 10 {
		t.Errorf("of ten sites got %+v", all)
	}
}

func TestLookingAtManySitesTakesAPartOfTheTime(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: Every, 10 * time.Millisecond: Every, 50 * time.Millisecond: 2 * time.Second, time.Second: timely, time.Minute: timely,
	} {
		if got := restAfter(took); got != want {
			t.Errorf("after %v: the next one in %v, want %v", took, got, want)
		}
	}
}
