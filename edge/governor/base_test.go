package governor_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

var dawn = time.Unix(1_000_000, 0)

// hear adds the round trips of a span, one each 100 ms, and returns its end.
func hear(b *governor.BaseDelay, from time.Time, span time.Duration, rtt func(i int) time.Duration) time.Time {
	for i := range int(span / (100 * time.Millisecond)) {
		b.Add(from, rtt(i))
		from = from.Add(100 * time.Millisecond)
	}
	return from
}

// queue is a round trip behind a queue that others fill and drain.
func queue(base time.Duration) func(int) time.Duration {
	return func(i int) time.Duration { return base + time.Duration(10+i%40)*time.Millisecond }
}

func wantBase(t *testing.T, b *governor.BaseDelay, want time.Duration, when string) {
	t.Helper()
	if got := b.Now(); got != want {
		t.Errorf("%s: the base is %v, want %v", when, got, want)
	}
}

func TestBaseIsTheLeastOfTenMinutes(t *testing.T) {
	b := governor.NewBase(0)
	wantBase(t, b, 0, "before the first")
	b.Add(dawn, 20*time.Millisecond)
	now := hear(b, dawn.Add(time.Second), 9*time.Minute, queue(20*time.Millisecond))
	wantBase(t, b, 20*time.Millisecond, "within ten minutes")
	hear(b, now, 61*time.Second, queue(20*time.Millisecond))
	wantBase(t, b, 30*time.Millisecond, "after ten minutes")
	b.Add(now.Add(2*time.Minute), 5*time.Millisecond)
	wantBase(t, b, 5*time.Millisecond, "with a shorter one")
}

func TestBaseKnownFromEarlierCountsAsASample(t *testing.T) {
	b := governor.NewBase(15 * time.Millisecond)
	wantBase(t, b, 15*time.Millisecond, "before the first")
	b.Add(dawn, 40*time.Millisecond)
	wantBase(t, b, 15*time.Millisecond, "with a longer one")
	hear(b, dawn.Add(time.Second), 10*time.Minute, queue(20*time.Millisecond))
	wantBase(t, b, 30*time.Millisecond, "after ten minutes without it")
}

func TestBaseFollowsAnotherRouteWithinASecondOfHalfAMinute(t *testing.T) {
	b := governor.NewBase(0)
	now := hear(b, dawn, time.Minute, func(int) time.Duration { return 20 * time.Millisecond })
	longer := func(i int) time.Duration { return 50*time.Millisecond + time.Duration(i%3)*100*time.Microsecond }
	now = hear(b, now, 28*time.Second, longer)
	wantBase(t, b, 20*time.Millisecond, "before half a minute")
	hear(b, now, 6*time.Second, longer)
	wantBase(t, b, 50*time.Millisecond, "after half a minute")
}

func TestQueueOfOthersIsNoRoute(t *testing.T) {
	b := governor.NewBase(0)
	now := hear(b, dawn, 10*time.Second, func(int) time.Duration { return 20 * time.Millisecond })
	sawtooth := func(i int) time.Duration { return 25*time.Millisecond + time.Duration(i/20%10)*4*time.Millisecond }
	hear(b, now, 5*time.Minute, sawtooth)
	wantBase(t, b, 20*time.Millisecond, "after five minutes")
}

func TestAShorterRouteCountsAtOnce(t *testing.T) {
	b := governor.NewBase(0)
	now := hear(b, dawn, time.Minute, func(int) time.Duration { return 50 * time.Millisecond })
	b.Add(now, 20*time.Millisecond)
	wantBase(t, b, 20*time.Millisecond, "with the first")
}

func TestLongSilenceForgetsTheBase(t *testing.T) {
	b := governor.NewBase(0)
	now := hear(b, dawn, 9*time.Minute, func(int) time.Duration { return 20 * time.Millisecond })
	b.Add(now.Add(8*time.Minute), 30*time.Millisecond)
	wantBase(t, b, 20*time.Millisecond, "after eight minutes")
	b.Add(now.Add(time.Hour), 35*time.Millisecond)
	wantBase(t, b, 35*time.Millisecond, "after an hour")
}

func TestSilenceInTheMiddleIsNoRoute(t *testing.T) {
	b := governor.NewBase(20 * time.Millisecond)
	for i := range 16 { // all alike, but not half a minute of anything
		b.Add(dawn.Add(time.Duration(i+1)*20*time.Second), 60*time.Millisecond)
	}
	wantBase(t, b, 20*time.Millisecond, "with one round trip each 20 s")
}

func TestClockThatStandsStillMovesNothing(t *testing.T) {
	b := governor.NewBase(0)
	for range 10_000 {
		b.Add(dawn, 60*time.Millisecond)
	}
	wantBase(t, b, 60*time.Millisecond, "standing still")
	b.Add(dawn.Add(-time.Hour), 70*time.Millisecond)
	wantBase(t, b, 60*time.Millisecond, "going back")
	b.Add(dawn.Add(time.Minute), 50*time.Millisecond)
	wantBase(t, b, 50*time.Millisecond, "going on")
}
