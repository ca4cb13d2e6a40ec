//go:build linux

package main

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestShortSetHoldsEachValue(t *testing.T) {
	all := full()
	for _, c := range short {
		if !slices.Contains(all, c) {
			t.Errorf("%v is not in the grid", c)
		}
	}
	for _, c := range all {
		has := func(same func(cell) bool) bool { return slices.ContainsFunc(short, same) }
		if !has(func(s cell) bool { return s.mbit == c.mbit }) || !has(func(s cell) bool { return s.rtt == c.rtt }) ||
			!has(func(s cell) bool { return s.loss == c.loss }) {
			t.Errorf("the short set lacks a value of %v", c)
		}
	}
}

func TestWatchFindsTheLongestStandstill(t *testing.T) {
	start := time.Now()
	w := newWatch(start)
	for _, look := range []struct{ second, bytes int64 }{{1, 0}, {3, 10}, {4, 20}, {9, 20}, {10, 21}, {12, 21}} {
		w.saw(start.Add(time.Duration(look.second)*time.Second), look.bytes)
	}
	if w.longest != 6*time.Second {
		t.Errorf("longest standstill %v, want the 6 s between 20 and 21 bytes", w.longest)
	}
}

func TestBookKeepsWhatIsOfThisBuild(t *testing.T) {
	path, c := filepath.Join(t.TempDir(), "book"), short[0]
	b, err := openBook(path, "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range phases {
		if err := b.note(c, phase, figures{Complete: true, Seconds: 2, Bytes: 1000}); err != nil {
			t.Fatal(err)
		}
	}
	for build, want := range map[string]bool{"a": true, "b": false} {
		b, err := openBook(path, build)
		if err != nil {
			t.Fatal(err)
		}
		r, known := b.find(c, phaseSitecast)
		if known != want || known && r.goodput() != 4000 {
			t.Errorf("build %s finds %+v: %v, want %v", build, r, known, want)
		}
		if _, known := b.find(c, phaseCubic); !known {
			t.Errorf("build %s does not find curl's figures, which are of no build", build)
		}
	}
}

func TestBoundsOfTerribleLoss(t *testing.T) {
	bad, fair := cell{1, time.Millisecond, terrible}, short[0]
	slow := figures{Complete: true, Seconds: 2000, Standstill: 121}
	if got := missed(bad, slow); !slices.Equal(got, []string{"seconds", "standstill"}) {
		t.Errorf("missed %q at terrible loss", got)
	}
	if got := missed(fair, slow); got != nil {
		t.Errorf("missed %q without loss", got)
	}
	if got := missed(fair, figures{}); !slices.Equal(got, []string{"complete"}) {
		t.Errorf("missed %q where nothing came", got)
	}
}
