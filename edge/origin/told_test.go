package origin_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestAPaceIsToldWhereItMatters(t *testing.T) {
	const was = 1_000_000
	begin := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		name        string
		rate        int64
		lossy       bool
		after       time.Duration
		plain, dear bool
	}{
		{"the same", was, false, time.Hour, false, false},
		{"hardly another", was + 4000, false, time.Hour, false, false},
		{"a little more", was + 20_000, false, 0, true, false},
		{"a little more for long", was + 20_000, false, 2 * time.Second, true, true},
		{"more, soon after the last", was + 100_000, false, 100 * time.Millisecond, true, false},
		{"more, a while after the last", was + 100_000, false, 250 * time.Millisecond, true, true},
		{"a little less", was - 10_000, false, time.Second, true, false},
		{"a little less for long", was - 10_000, false, 2 * time.Second, true, true},
		{"less, which others wait for", was - 30_000, false, 0, true, true},
		{"next to nothing", 8_000, false, 0, true, true},
		{"no bound", wire.Unlimited, false, 0, true, true},
		{"a line that loses", was, true, 0, true, true},
	} {
		told := origin.Told{Pace: wire.Pace{Key: "k", BytesPerSecond: was}, At: begin}
		next := wire.Pace{Key: "k", BytesPerSecond: c.rate, Lossy: c.lossy}
		for dear, want := range map[bool]bool{false: c.plain, true: c.dear} {
			if got := told.Worth(begin.Add(c.after), next, dear); got != want {
				t.Errorf("%s, dear %v: told %v, want %v", c.name, dear, got, want)
			}
		}
	}
	unbound := origin.Told{Pace: wire.Pace{BytesPerSecond: wire.Unlimited}, At: begin}
	if !unbound.Worth(begin, wire.Pace{BytesPerSecond: was}, true) || unbound.Worth(begin.Add(time.Hour), wire.Pace{BytesPerSecond: wire.Unlimited}, false) {
		t.Error("a bound is told at once, and no bound once")
	}
	stopped := origin.Told{Pace: wire.Pace{}, At: begin}
	if !stopped.Worth(begin.Add(time.Second), wire.Pace{BytesPerSecond: 1}, true) {
		t.Error("who was stopped is told that it may go on")
	}
}
