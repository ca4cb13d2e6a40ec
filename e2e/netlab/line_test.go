package netlab

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestJitterIsHalfNormalWithinItsBound(t *testing.T) {
	const frames, jitter, delay = 50_000, 10 * time.Millisecond, 5 * time.Millisecond
	tr := newTrial(t, Link{Delay: delay, Jitter: jitter})
	for i := range time.Duration(frames) {
		tr.send(i*2*jitter, 1, 1000) // far enough apart to have no effect on one another
	}
	tr.drain()
	further := make([]float64, len(tr.out))
	mean := 0.0
	for i, a := range tr.out {
		further[i] = float64(a.at-a.came-delay) / float64(jitter)
		mean += further[i] / frames
	}
	slices.Sort(further)
	if len(further) != frames || further[0] < 0 || further[frames-1] > 1 {
		t.Fatalf("%d frames were delayed further by %g to %g of the jitter", len(further), further[0], further[frames-1])
	}
	// Kolmogorov's distance from the distribution in the documentation.
	worst := 0.0
	for i, x := range further {
		want := math.Erf(3*x/math.Sqrt2) / math.Erf(3/math.Sqrt2)
		worst = max(worst, math.Abs(want-float64(i)/frames), math.Abs(want-float64(i+1)/frames))
	}
	if bound := 2 / math.Sqrt(frames); worst > bound {
		t.Errorf("distribution is off by %g, want within %g", worst, bound)
	}
	if p95 := further[frames*95/100]; math.Abs(mean-0.265) > 0.005 || math.Abs(p95-0.65) > 0.01 {
		t.Errorf("mean %g and 95%% %g of the jitter, documented are 0.27 and 0.65", mean, p95)
	}
}

func TestJitterReordersNothing(t *testing.T) {
	tr := newTrial(t, Link{Rate: 8e7, Queue: 1 << 20, Jitter: 20 * time.Millisecond})
	tr.flood(0, time.Second, 200*time.Microsecond, 1000)
	tr.drain()
	for i, a := range tr.out {
		if a.id != i {
			t.Fatalf("frame %d came out as the %dth", a.id, i)
		}
	}
	if len(tr.out) != 5000 {
		t.Errorf("%d of 5000 frames came out", len(tr.out))
	}
}

func TestReorderingHoldsItsShareBack(t *testing.T) {
	const frames, share, delay, by, every = 50_000, 0.05, 10 * time.Millisecond, 3500 * time.Microsecond, time.Millisecond
	tr := newTrial(t, Link{Delay: delay, Reorder: Reorder{Share: share, By: by}})
	tr.flood(0, frames*every, every, 1000)
	tr.drain()
	held, highest := 0, -1
	for _, a := range tr.out {
		switch a.at - a.came {
		case delay:
		case delay + by:
			held++
			if a.id < frames-4 && highest < a.id+1 {
				t.Fatalf("frame %d was held back and not overtaken", a.id)
			}
		default:
			t.Fatalf("frame %d took %v", a.id, a.at-a.came)
		}
		highest = max(highest, a.id)
	}
	sigma := math.Sqrt(frames * share * (1 - share))
	if off := math.Abs(float64(held) - frames*share); off > 5*sigma || len(tr.out) != frames {
		t.Errorf("%d of %d frames were held back, want %g within %.0f", held, len(tr.out), frames*share, 5*sigma)
	}
}

func TestFlappingLinkCarriesNothingWhileItStands(t *testing.T) {
	const up, down, delay = 10 * time.Millisecond, 5 * time.Millisecond, 3 * time.Millisecond
	// A millisecond a frame: ten in each period.
	tr := newTrial(t, Link{Rate: 8e6, Queue: 20_000, Delay: delay, Flap: Flap{Up: up, Down: down}})
	for range 20 {
		tr.send(0, 1, 1000)
	}
	tr.send(500*time.Microsecond, 1, 1000)
	tr.drain()
	if len(tr.gone) != 1 || tr.gone[0].id != 20 || tr.gone[0].why != dropped {
		t.Fatalf("gone is %+v, want what the full queue refused", tr.gone)
	}
	for i, a := range tr.out {
		want := time.Duration(i+1)*time.Millisecond + delay
		if i >= 10 { // the second ten wait; what was sent before arrives while the link stands
			want += down
		}
		if a.at != want {
			t.Errorf("frame %d came out at %v, want %v", i, a.at, want)
		}
	}
	// A frame that is half sent when the link stops is finished when it works again.
	tr.send(39500*time.Microsecond, 1, 1000)
	tr.drain()
	if last := tr.out[len(tr.out)-1]; last.at != 45500*time.Microsecond+delay {
		t.Errorf("frame on the wire at the stop came out at %v, want %v", last.at, 45500*time.Microsecond+delay)
	}
	// What comes while it stands waits.
	tr.send(56*time.Millisecond, 1, 1000)
	tr.drain()
	if last := tr.out[len(tr.out)-1]; last.at != 61*time.Millisecond+delay {
		t.Errorf("frame of a standing link came out at %v, want %v", last.at, 61*time.Millisecond+delay)
	}
}

func TestFlappingLinkWithoutARateDelaysUntilItWorks(t *testing.T) {
	tr := newTrial(t, Link{Flap: Flap{Up: 10 * time.Millisecond, Down: 90 * time.Millisecond}})
	tr.flood(0, time.Second, time.Millisecond, 1000)
	tr.drain()
	for _, a := range tr.out {
		phase := a.came % (100 * time.Millisecond)
		want := a.came
		if phase >= 10*time.Millisecond {
			want += 100*time.Millisecond - phase
		}
		if a.at != want {
			t.Fatalf("frame of %v came out at %v, want %v", a.came, a.at, want)
		}
	}
	if len(tr.out) != 1000 {
		t.Errorf("%d of 1000 frames came out", len(tr.out))
	}
}

func TestFlappingCountsOnlyWorkingTime(t *testing.T) {
	f := newFlapping(7, Flap{Up: 3, Down: 2})
	for begin := range int64(40) {
		for while := range int64(30) {
			// Nanosecond by nanosecond.
			end := int64(f.open(float64(7 + begin)))
			if while == 0 {
				end = 7 + begin
			}
			for left := while; left > 0; end++ {
				if (end-7)%5 < 3 {
					left--
				}
			}
			if got := f.after(float64(7+begin), float64(while)); int64(got) != end {
				t.Fatalf("%d ns of work from %d end at %g, want %d", while, 7+begin, got, end)
			}
		}
	}
}
