//go:build linux

package main

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kept "github.com/sitecast/sitecast/e2e/bench/book"
	"github.com/sitecast/sitecast/e2e/netlab"
)

// pairs are every two values that a cell brings together.
func pairs(cells []cell) map[[4]any]bool {
	met := map[[4]any]bool{}
	for _, c := range cells {
		values := []any{c.mbit, c.rtt, c.queue, c.foreground}
		for i := range values {
			for j := range i {
				met[[4]any{j, i, values[j], values[i]}] = true
			}
		}
	}
	return met
}

func TestShortSetBringsTogetherAsManyPairsAsTwelveCellsCan(t *testing.T) {
	all, got := pairs(full()), pairs(short)
	if len(full()) != 90 || len(short) != 12 {
		t.Fatalf("%d and %d cells, want 90 and 12", len(full()), len(short))
	}
	left := map[[2]any]int{}
	for p := range all {
		if !got[p] {
			left[[2]any{p[0], p[1]}]++
		}
	}
	for which, n := range left {
		// A queue meets 3 rates and 3 round trips: 15 pairs, of which 12 cells hold 12.
		if withQueue := which[0] == 2 || which[1] == 2; !withQueue || n > 3 {
			t.Errorf("%d pairs of parameters %v are not in the short set", n, which)
		}
	}
	if !slices.Contains(short, cell{20, 40 * time.Millisecond, oneBDP, "cubic"}) {
		t.Error("the cell that most is known of is not in the short set")
	}
}

func TestEveryCellHasANetworkThatCanBeBuilt(t *testing.T) {
	for _, c := range append(full(), reference...) {
		l := c.link()
		if bdp := float64(c.rate()) / 8 * c.rtt.Seconds(); c.queue == oneBDP && math.Abs(float64(l.Queue)-bdp) > 1 {
			t.Errorf("%v: queue of %d bytes, want %.0f", c, l.Queue, bdp)
		}
		managed := map[queue]netlab.AQM{codel: netlab.CoDel, fair: netlab.FairQueue}[c.queue]
		if l.Delay != c.rtt/2 || l.Rate != c.rate() || l.AQM != managed || c.cable().Rate < c.rate() {
			t.Errorf("%v: %+v", c, l)
		}
		if c.queue != codel && l.Queue < 2*fullFrame {
			t.Errorf("%v: a queue of %d bytes holds no two packets", c, l.Queue)
		}
	}
}

// good is what a cell of 20 Mbit/s and 40 ms has when nothing is disturbed.
var good20 = struct {
	solo   solo
	beside beside
}{
	solo{BPS: 19e6, ProbeP95: 0.040, BesideP95: 0.080, WebP95: 0.300},
	beside{IdleUse: 0.93, IdleP95: 0.0449, BPS: 18.62e6, BesideP95: 0.0849, Share: 0.02, Yield: 0.6, Back: 5, WebP95: 0.330},
}

func TestCellIsJudgedByEveryBound(t *testing.T) {
	tail := cell{20, 40 * time.Millisecond, oneBDP, "cubic"}
	half, fq, slow := tail, tail, tail
	half.queue, fq.queue, slow.mbit = halfBDP, fair, 5
	far := tail
	far.rtt = 200 * time.Millisecond
	for name, c := range map[string]struct {
		cell   cell
		change func(b *beside)
		want   string
	}{
		"at the bounds":                      {tail, func(*beside) {}, ""},
		"foreground loses":                   {tail, func(b *beside) { b.BPS = 18.6e6 }, "kept"},
		"foreground loses at half a BDP":     {half, func(b *beside) { b.BPS = 18.0e6 }, "kept"},
		"foreground may lose at half a BDP":  {half, func(b *beside) { b.BPS = 18.1e6 }, ""},
		"foreground loses behind fair queue": {fq, func(b *beside) { b.BPS = 15e6; b.Share = 0.25 }, ""},
		"share behind fair queue":            {fq, func(b *beside) { b.Share = 0.26 }, "share"},
		"share behind a tail":                {tail, func(b *beside) { b.Share = 0.26 }, ""},
		"late":                               {tail, func(b *beside) { b.Yield = 0.61 }, "yield"},
		"as late on a long way":              {far, func(b *beside) { b.Yield = 0.79 }, ""},
		"never yields":                       {tail, func(b *beside) { b.Yield = never }, "yield"},
		"never back":                         {tail, func(b *beside) { b.Back = never }, "back"},
		"not back at half a BDP":             {half, func(b *beside) { b.Back = never }, ""},
		"delay beside both":                  {tail, func(b *beside) { b.BesideP95 = 0.0851 }, "p95"},
		"delay while idle":                   {tail, func(b *beside) { b.IdleP95 = 0.0451 }, "idle p95"},
		"four packets of a slow link":        {slow, func(b *beside) { b.IdleP95, b.BesideP95 = 0.0496, 0.0896 }, ""},
		"web":                                {tail, func(b *beside) { b.WebP95 = 0.331 }, "web"},
		"idle link not used":                 {tail, func(b *beside) { b.IdleUse = 0.929 }, "idle use"},
	} {
		b := good20.beside
		c.change(&b)
		if got := strings.Join(missed(judge(c.cell, good20.solo, b)), ","); got != c.want {
			t.Errorf("%s: missed %q, want %q", name, got, c.want)
		}
	}
}

// flow makes a timeline of a second for each pair of rates, in bytes per second.
func flow(from time.Time, rates ...[2]float64) (l timeline) {
	l = timeline{{at: from}}
	for _, r := range rates {
		for range int(time.Second / sampleEvery) {
			last := l[len(l)-1]
			part := sampleEvery.Seconds()
			l = append(l, tally{last.at.Add(sampleEvery), last.total + part*(r[0]+r[1]), last.bystander + part*r[1]})
		}
	}
	return l
}

func TestTimelineTellsWhenWeYieldAndComeBack(t *testing.T) {
	from := time.Unix(1000, 0)
	// We have all; the bystander comes; a second later we yield; it goes; we are back.
	l := flow(from, [2]float64{1e6, 1e4}, [2]float64{5e5, 5e5}, [2]float64{1e4, 1e6}, [2]float64{1e4, 0}, [2]float64{1e6, 0})
	end := from.Add(5 * time.Second)
	first, last := l.busy(from, end)
	if d := first.Sub(from); d != time.Second {
		t.Errorf("the bystander came after %v, want 1 s", d)
	}
	if d := last.Sub(from); d != 3*time.Second {
		t.Errorf("the bystander went after %v, want 3 s", d)
	}
	if got := l.falls(first, last, 1e5); got < 0.9 || got > 1 {
		t.Errorf("yielded after %v s, want about 1", got)
	}
	if got := l.rises(last, end, 9e5); got < 0.9 || got > 1 {
		t.Errorf("back after %v s, want about 1", got)
	}
	if got := l.falls(first, last, 1e3); got != never {
		t.Errorf("yielded to nothing after %v s, want never", got)
	}
	ours, theirs := l.between(first, last)
	if math.Abs(ours-5.1e5) > 1 || math.Abs(theirs-1.5e6) > 1 {
		t.Errorf("%v and %v bytes, want 510,000 and 1,500,000", ours, theirs)
	}
}

func TestDipIsNoYielding(t *testing.T) {
	from := time.Unix(1000, 0)
	l := flow(from, [2]float64{1e6, 1e6}, [2]float64{1e6, 1e6})
	for i := 10; i < 14; i++ { // 200 ms without a byte of ours
		lost := l[i].ours() - l[9].ours()
		l[i].total -= lost
	}
	if got := l.falls(from, from.Add(2*time.Second), 1e5); got != never {
		t.Errorf("yielded after %v s, want never", got)
	}
}

func TestQuantileIsTheValueThatSoManyDoNotExceed(t *testing.T) {
	var all []time.Duration
	for i := range 100 {
		all = append(all, time.Duration(100-i)*time.Second)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 50, 0.95: 95, 1: 100} {
		if got := quantile(all, q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != never {
		t.Errorf("quantile of nothing is %v", got)
	}
}

func TestBookIsContinuedByTheSameBuild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book")
	c := short[0]
	b, err := openBook(path, "one", "bbr", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range []string{phaseSolo, phaseSitecast, phaseCurl} {
		if err := b.note(record{Mark: kept.Begin(c, phase, "one"), Beside: &beside{BPS: 7}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []struct {
		build, sender        string
		fresh                bool
		solo, sitecast, curl bool
	}{
		{"one", "bbr", false, true, true, true},
		{"two", "bbr", false, true, false, true},    // what others get alone does not depend on the build
		{"one", "cubic", false, true, false, false}, // what it does depends on how the origin sends
		{"one", "bbr", true, false, false, false},
		{"one", "bbr", false, false, false, false}, // the old file was laid aside
	} {
		b, err := openBook(path, want.build, want.sender, want.fresh)
		if err != nil {
			t.Fatal(err)
		}
		_, gotSolo := b.find(c, phaseSolo)
		_, gotSitecast := b.find(c, phaseSitecast)
		r, gotCurl := b.find(c, phaseCurl)
		if gotSolo != want.solo || gotSitecast != want.sitecast || gotCurl != want.curl {
			t.Errorf("build %s, fresh %v: knows %v, %v, %v", want.build, want.fresh, gotSolo, gotSitecast, gotCurl)
		}
		if gotCurl && r.Beside.BPS != 7 {
			t.Errorf("read %+v", r.Beside)
		}
	}
}

func TestTablePrintsEveryCellGoodOrBad(t *testing.T) {
	c := cell{20, 40 * time.Millisecond, oneBDP, "cubic"}
	bad := good20.beside
	bad.BPS, bad.Yield = 10e6, never
	outcomes := []outcome{
		{Cell: "good", Solo: &good20.solo, Beside: &good20.beside, Bounds: judge(c, good20.solo, good20.beside), cell: c},
		{Cell: "bad", Solo: &good20.solo, Beside: &bad, Bounds: judge(c, good20.solo, bad), Missed: []string{"kept", "yield"}, cell: c},
		{Cell: "broken", Failure: "no luck", cell: c},
		{Cell: "unknown", cell: c},
	}
	var out bytes.Buffer
	printTable(&out, outcomes)
	for _, want := range []string{"| good | 19.00 | 98.0 | 2.0 | 600 |", "| bad | 19.00 | 52.6 ! | 2.0 | never ! |",
		"| broken | failed: no luck |", "| unknown | not measured yet |", "1 of 2 measured cells met all bounds; 2 are not measured."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, &out)
		}
	}
	if err := verdict(outcomes); err == nil {
		t.Error("a bench that is not done is called good")
	}
	if err := verdict(outcomes[:1]); err != nil {
		t.Errorf("a good bench is called bad: %v", err)
	}
	if err := verdict(outcomes[:2]); err == nil {
		t.Error("a missed bound is called good")
	}
}

func TestFetchersAreComparedWithTheirGrantSecondBySecond(t *testing.T) {
	from := time.Unix(1000, 0)
	var log []allowance
	taken := 0.0
	for i := range 31 { // 3 s, ten looks a second; in the second one a fifth too much is taken
		log = append(log, allowance{at: from.Add(time.Duration(i) * 100 * time.Millisecond), grant: 1000, taken: taken})
		if taken += 100; i >= 10 && i < 20 {
			taken += 20
		}
	}
	got, changed := deviations(log, from)
	if changed != 0 || len(got) != 3 || math.Abs(got[0]) > 1e-6 || math.Abs(got[1]-0.2) > 1e-6 || math.Abs(got[2]) > 1e-6 {
		t.Errorf("deviations %v, %d changed, want 0, 0.2, 0", got, changed)
	}
	log[18].grant = 5000
	if got, changed = deviations(log, from); len(got) != 1 || changed != 2 {
		t.Errorf("%d seconds compared and %d not, want one before the grant changed, and two not", len(got), changed)
	}
}
