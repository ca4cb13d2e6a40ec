//go:build linux

package main

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/bench/grid"
	"github.com/sitecast/sitecast/e2e/bench/grid/gridtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestShortSetHoldsEachValue(t *testing.T) { gridtest.ShortSetHoldsEachValue(t, cells) }

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

func TestBoundsOfTerribleLoss(t *testing.T) {
	bad, fair := grid.Cell{Mbit: 1, RTT: time.Millisecond, Loss: terrible}, cells.Short[0]
	slow := figures{Complete: true, Seconds: 2000, Standstill: 121}
	if got := slow.Missed(bad); !slices.Equal(got, []string{"seconds", "standstill"}) {
		t.Errorf("missed %q at terrible loss", got)
	}
	if got := slow.Missed(fair); got != nil {
		t.Errorf("missed %q without loss", got)
	}
	if got := (figures{}).Missed(fair); !slices.Equal(got, []string{"complete"}) {
		t.Errorf("missed %q where nothing came", got)
	}
}
