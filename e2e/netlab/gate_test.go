package netlab

import (
	"math"
	"testing"
	"time"
)

func TestShaperLosesItsShare(t *testing.T) {
	const frames, loss = 100_000, 0.03
	tr := newTrial(t, Link{Loss: loss})
	for now := range time.Duration(frames) {
		tr.send(now, 1, 100)
	}
	sigma := math.Sqrt(frames * loss * (1 - loss))
	if off := math.Abs(float64(len(tr.gone)) - frames*loss); off > 5*sigma {
		t.Errorf("lost %d of %d, want %g within %.0f", len(tr.gone), frames, frames*loss, 5*sigma)
	}
	for _, g := range tr.gone {
		if g.why != lost {
			t.Fatalf("frame %d has fate %d, want lost", g.id, g.why)
		}
	}
}

func TestLossComesInRunsOfTheLengthAskedFor(t *testing.T) {
	for _, c := range []struct{ loss, run float64 }{{0.01, 1}, {0.02, 5}, {0.1, 20}, {0.5, 1.5}} {
		const frames = 500_000
		l := Link{Loss: c.loss, LossRun: c.run}
		if err := l.check(); err != nil {
			t.Fatal(err)
		}
		s := newShaper(0, l, 1, nil)
		gone, runs := 0, 0
		before := carried
		for now := range int64(frames) {
			why := s.gate.judge(now, 100)
			if why == lost {
				gone++
				if before != lost {
					runs++
				}
			}
			before = why
		}
		// What is drawn is a chain with two states: its mean varies by more than that
		// of independent draws, by how long it remembers.
		begin := c.loss / (1 - c.loss) / c.run
		memory := 1 - begin - 1/c.run
		sigma := math.Sqrt(frames * c.loss * (1 - c.loss) * (1 + memory) / (1 - memory))
		if off := math.Abs(float64(gone) - frames*c.loss); off > 5*sigma {
			t.Errorf("loss %g in runs of %g: lost %d, want %g within %.0f", c.loss, c.run, gone, frames*c.loss, 5*sigma)
		}
		mean := float64(gone) / float64(runs)
		bound := 5 * math.Sqrt(c.run*(c.run-1)/float64(runs))
		if off := math.Abs(mean - c.run); off > bound+1e-9 {
			t.Errorf("loss %g in runs of %g: %d runs of %.3f, want within %.3f", c.loss, c.run, runs, mean, bound)
		}
	}
}

func TestPolicerPassesABurstAndThenItsRate(t *testing.T) {
	// 1000 bytes a millisecond, and ten frames at once.
	tr := newTrial(t, Link{Policer: Policer{Rate: 8e6, Burst: 10_000}})
	for range 100 {
		tr.send(0, 1, 1000)
	}
	if len(tr.out) != 10 || len(tr.gone) != 90 {
		t.Fatalf("%d of 100 frames at once passed, want the burst of 10", len(tr.out))
	}
	tr.flood(500*time.Microsecond, 100*time.Millisecond, 500*time.Microsecond, 1000)
	for i, a := range tr.out[10:] {
		if want := time.Duration(i+1) * time.Millisecond; a.at != want || a.came != want {
			t.Fatalf("frame %d passed at %v, want %v and no wait", a.id, a.at, want)
		}
	}
	if got := len(tr.out) - 10; got != 99 {
		t.Errorf("%d frames passed in 99 ms, want one a millisecond", got)
	}
	if tr.gone[0].why != policed {
		t.Errorf("excess has fate %d, want policed", tr.gone[0].why)
	}
	// A long pause earns the burst and no more.
	passed := len(tr.out)
	for range 100 {
		tr.send(10*time.Second, 1, 1000)
	}
	if got := len(tr.out) - passed; got != 10 {
		t.Errorf("%d frames passed at once after a pause, want 10", got)
	}
}

func TestPolicerStandsBeforeTheQueue(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e6, Queue: 1 << 20, Policer: Policer{Rate: 4e6, Burst: 5000}})
	tr.flood(0, time.Second, 250*time.Microsecond, 1000)
	tr.drain()
	worst := time.Duration(0)
	for _, a := range tr.out {
		worst = max(worst, a.at-a.came)
	}
	// The burst goes through at the wire's rate, and then every frame finds it free.
	if want := 5 * time.Millisecond; worst > want {
		t.Errorf("a frame took %v behind a policer below the rate, want %v", worst, want)
	}
	if got := sum(tr.out, 1); got < 503_000 || got > 505_000 {
		t.Errorf("%d bytes passed in a second, want 500000 and the burst of 5000", got)
	}
}
