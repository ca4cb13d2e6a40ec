package lan

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func TestBucketHoldsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		b.set(time.Now(), 100_000)
		start, sent := time.Now(), 0
		for time.Since(start) < 10*time.Second {
			if err := b.take(t.Context(), 4092); err != nil {
				t.Fatal(err)
			}
			sent += 4092
			if most := 100_000*time.Since(start).Seconds() + minPiece + 1; float64(sent) > most {
				t.Fatalf("%d bytes went in %v", sent, time.Since(start))
			}
		}
		if sent < 950_000 {
			t.Errorf("%d bytes went in 10 s at 100 kB/s", sent)
		}
	})
}

func TestWhoWaitsFeelsANewRateAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		b.set(time.Now(), 10)
		done := make(chan time.Duration, 1)
		start := time.Now()
		go func() {
			_ = b.take(t.Context(), 4092) // would wait for minutes
			done <- time.Since(start)
		}()
		time.Sleep(time.Second)
		b.set(time.Now(), math.Inf(1))
		if waited := <-done; waited != time.Second {
			t.Errorf("waited %v, want no longer than the low rate lasted", waited)
		}
	})
}

func TestWhoWaitsForTheBucketEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		b.set(time.Now(), 10)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		for range 2 { // one that is next, and one that waits for its turn
			go func() { _ = b.take(ctx, 4092) }()
		}
		if err := b.take(ctx, 4092); err == nil {
			t.Error("bytes went that the rate had no room for")
		}
		synctest.Wait()
	})
}

func TestSuspicionNeedsAPressedSlowLANWithAStandingQueue(t *testing.T) {
	for _, c := range []struct {
		name   string
		rate   float64
		waits  bool
		queues []time.Duration // in turn
		waited float64         // share of the time that programs waited for a processor
		slow   bool
	}{
		{"slow with a queue", 1e6, true, []time.Duration{60 * time.Millisecond, 20 * time.Millisecond}, 0.3, true},
		{"fast with a queue", 50e6, true, []time.Duration{60 * time.Millisecond}, 0, false},
		{"slow with a queue that comes and goes", 1e6, true, []time.Duration{60 * time.Millisecond, time.Millisecond}, 0, false},
		{"slow because little is wanted", 1e6, false, []time.Duration{60 * time.Millisecond}, 0, false},
		{"slow because the processors are busy", 1e6, true, []time.Duration{60 * time.Millisecond}, 0.8, false},
	} {
		var s suspicion
		now, found, waited := time.Unix(0, 0), 0.0, time.Hour
		for i := range 100 {
			now = now.Add(offTick)
			waited += time.Duration(c.waited * float64(offTick))
			l := look{bytes: int64(c.rate * offTick.Seconds()), wants: c.waits, fresh: s.probing, queue: c.queues[i%len(c.queues)]}
			if r := s.look(now, l, waited); r > 0 {
				found = r
			}
		}
		if (found > 0) != c.slow || c.slow && math.Abs(found-c.rate) > 0.15*c.rate {
			t.Errorf("%s: found a slow LAN of %.0f, want %v", c.name, found, c.slow)
		}
	}
}

func TestCeilingRisesUntilAQueueShows(t *testing.T) {
	now := time.Unix(0, 0)
	c := ceiling{rate: 1000, raised: now}
	run := func(span time.Duration, queue time.Duration) float64 {
		got := 0.0
		for range int(span / onTick) {
			now = now.Add(onTick)
			got = c.bound(now, 2000, true, queue)
		}
		return got
	}
	if got := run(100*time.Millisecond, 0); got != 1000 {
		t.Errorf("allows %.0f, want what the LAN was seen to carry", got)
	}
	risen := run(20*time.Second, 0)
	if risen < 1300 || risen > 1600 {
		t.Errorf("allows %.0f after 20 s without a queue, want some 1450", risen)
	}
	if got := run(500*time.Millisecond, 10*time.Millisecond); got >= risen || got < risen/1.03 {
		t.Errorf("allows %.0f after a queue at %.0f, want one step less", got, risen)
	}
	if got := run(5*time.Second, 10*time.Millisecond); got > 0.93*risen {
		t.Errorf("allows %.0f after 6 s of a queue at %.0f, want step after step less", got, risen)
	}
	if got := run(30*time.Second, 0); got >= risen {
		t.Errorf("allows %.0f soon after a queue at %.0f, want it to stay below", got, risen)
	}
}

func TestEveningOutLosesNothing(t *testing.T) {
	e := even{at: time.Unix(0, 0)}
	now, in, out := e.at, int64(0), int64(0)
	for i := range 400 {
		now = now.Add(onTick)
		lump := int64(0)
		if i%8 == 0 && i < 200 {
			lump = 100_000
		}
		in += lump
		got := e.spread(now, lump)
		if out += got; got > 50_000 {
			t.Fatalf("a lump of 100 kB counts as %d at once", got)
		}
	}
	if in-out > 100 {
		t.Errorf("%d of %d bytes were never counted", in-out, in)
	}
}
