//go:build linux

package main

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/bench/grid/gridtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestShortSetHoldsEachValue(t *testing.T) { gridtest.ShortSetHoldsEachValue(t, cells) }

// steps is a curve that has a rate of bytes a round trip, one for each.
func steps(trip time.Duration, bytes ...int64) (c curve) {
	sum := int64(0)
	for k, b := range bytes {
		sum += b
		c = append(c, point{time.Duration(k+1) * trip, sum})
	}
	return c
}

func TestRampEndsWithTheTripThatFillsTheLink(t *testing.T) {
	const trip, full = 100 * time.Millisecond, 8_000_000 // 100 kB a round trip
	for name, c := range map[string]struct {
		curve curve
		want  float64
	}{
		"doubling": {steps(trip, 20_000, 40_000, 80_000, 100_000, 100_000), 4},
		"never":    {steps(trip, 20_000, 40_000, 80_000, 80_000, 80_000), 0},
		"at once":  {steps(trip, 100_000, 100_000), 2},
	} {
		if got := c.curve.ramp(trip, full); got != c.want {
			t.Errorf("%s: %g round trips, want %g", name, got, c.want)
		}
	}
}

func TestGoodputIsOfTheTimeAfterSettling(t *testing.T) {
	c := steps(time.Second, 0, 0, 1000, 1000)
	if got := c.goodput(2 * time.Second); got != 8000 {
		t.Errorf("%g bit/s, want 8000", got)
	}
	if got := c.standstill(); got != 3*time.Second {
		t.Errorf("standstill of %v, want 3 s", got)
	}
}

func TestOnlyTheLongCleanWayHasBounds(t *testing.T) {
	if got := (figures{Goodput: 80e6, Ramp: 16}).Missed(bound); !slices.Equal(got, []string{"share", "ramp"}) {
		t.Errorf("missed %q", got)
	}
	if got := (figures{Goodput: 86e6, Ramp: 12}).Missed(bound); got != nil {
		t.Errorf("missed %q where all is well", got)
	}
	if got := (figures{}).Missed(cells.Short[0]); got != nil {
		t.Errorf("missed %q in a cell that has no bound", got)
	}
}
