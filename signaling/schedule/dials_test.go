package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
)

func TestRedialGrowsToABound(t *testing.T) {
	for attempt, want := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 5: 5 * time.Minute, 900: 5 * time.Minute,
	} {
		if got := schedule.Redial(attempt); got != want {
			t.Errorf("after attempt %d wait %v, want %v", attempt, got, want)
		}
	}
}

func TestBucketKeepsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := schedule.NewBucket(schedule.DialsPerSecond, schedule.DialBurst)
		start := time.Unix(1000, 0)
		now, taken := start, 0
		for range 300 {
			ok, next := b.Take(now)
			if ok {
				taken++
				now = now.Add(time.Duration(rapid.IntRange(0, 80).Draw(t, "wait")) * time.Millisecond)
			} else if now = next; !next.After(start) {
				t.Fatal("an empty bucket names no later time")
			}
			if most := schedule.DialBurst + schedule.DialsPerSecond*now.Sub(start).Seconds() + 1; float64(taken) > most {
				t.Fatalf("%d taken in %v", taken, now.Sub(start))
			}
		}
	})
}

func TestEmptyBucketSaysWhenToComeBack(t *testing.T) {
	b := schedule.NewBucket(20, 2)
	now := time.Unix(1000, 0)
	b.Take(now)
	b.Take(now)
	ok, next := b.Take(now)
	if ok || next.Sub(now).Round(time.Millisecond) != 50*time.Millisecond {
		t.Fatalf("ok %v, next in %v; want false, 50ms", ok, next.Sub(now))
	}
	if ok, _ := b.Take(next); !ok {
		t.Error("no token at the time that was named")
	}
}
