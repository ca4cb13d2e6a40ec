package governor_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/edge/governor"
)

// drawLimits and drawSamples make stories of any kind, possible or not.
func drawLimits(t *rapid.T) governor.Limits {
	return governor.Limits{
		Bound:    rapid.SampledFrom([]float64{0, 1, 500, 50_000, 1e6, 1e9}).Draw(t, "bound"),
		Capacity: rapid.SampledFrom([]float64{0, 1000, 1e6}).Draw(t, "capacity"),
		Busy:     rapid.Float64Range(0, 1).Draw(t, "busy"),
		Lag:      rapid.SampledFrom([]time.Duration{0, 150 * time.Millisecond}).Draw(t, "lag"),
	}
}

func drawSamples(t *rapid.T) []governor.Sample {
	at := time.Unix(0, 0)
	samples := make([]governor.Sample, rapid.IntRange(1, 300).Draw(t, "samples"))
	for i := range samples {
		at = at.Add(time.Duration(rapid.SampledFrom([]int{1, 25, 25, 25, 50, 50, 200, 2000, 100_000}).Draw(t, "ms")) * time.Millisecond)
		samples[i] = governor.Sample{Now: at, Fresh: rapid.Bool().Draw(t, "fresh"), Again: rapid.Bool().Draw(t, "again"),
			Queue: time.Duration(rapid.SampledFrom([]int{0, 0, 1, 4, 6, 20, 500}).Draw(t, "queue")) * time.Millisecond,
			Base:  time.Duration(rapid.SampledFrom([]int{0, 1, 40, 600}).Draw(t, "base")) * time.Millisecond,
			Loss:  rapid.SampledFrom([]float64{0, 0, 0, 0.02, 0.5, 1}).Draw(t, "loss"),
			Taken: rapid.SampledFrom([]int64{0, 1448, 50_000, 1 << 40}).Draw(t, "taken"), Wants: rapid.Bool().Draw(t, "wants")}
	}
	return samples
}

func play(limits governor.Limits, samples []governor.Sample) (c *governor.Controller, rates []float64) {
	c = governor.NewController(limits)
	for _, s := range samples {
		rates = append(rates, c.Step(s))
	}
	return c, rates
}

func TestRateIsNeverAboveTheBoundNorBelowTheFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := drawLimits(t)
		c := governor.NewController(limits)
		for _, s := range drawSamples(t) {
			rate := c.Step(s)
			if limits.Bound > 0 && rate > limits.Bound || rate < c.Floor() || rate <= 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
				t.Fatalf("%v bytes/s, bound %v, floor %v", rate, limits.Bound, c.Floor())
			}
		}
	})
}

func TestTheSameSamplesGiveTheSameRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits, samples := drawLimits(t), drawSamples(t)
		_, one := play(limits, samples)
		_, two := play(limits, samples)
		if !slices.Equal(one, two) {
			t.Fatalf("%v and %v", one, two)
		}
	})
}

func TestALongerQueueNeverGivesAHigherRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits, samples := drawLimits(t), drawSamples(t)
		last := samples[len(samples)-1]
		last.Fresh, last.Again = true, false
		rate := func(queue time.Duration) float64 {
			last.Queue = queue
			_, rates := play(limits, append(slices.Clone(samples[:len(samples)-1]), last))
			return rates[len(rates)-1]
		}
		if short, long := rate(0), rate(time.Second); long > short {
			t.Fatalf("%v bytes/s without a queue, %v with a long one", short, long)
		}
	})
}

// Whatever was, once the line is free most of it is used again.
func TestNothingStarvesForGood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := governor.Limits{Capacity: rapid.SampledFrom([]float64{0, 20_000, 1e6, 1e7}).Draw(t, "capacity")}
		c, _ := play(limits, drawSamples(t))
		const line, base, step = 2e6, 40 * time.Millisecond, 50 * time.Millisecond
		at, queued, sum, n := time.Unix(1e6, 0), 0.0, 0.0, 0
		pipe := []float64{0, 0, 0} // rates on their way
		for i := range int(6 * time.Minute / step) {
			pipe = append(pipe[1:], c.Rate())
			queued = max(queued+(pipe[0]-line)*step.Seconds(), 0)
			came := min(pipe[0], line)
			if queued > 0 {
				came = line
			}
			queued = min(queued, line/10)
			c.Step(governor.Sample{Now: at, Fresh: true, Queue: time.Duration(queued / line * float64(time.Second)), Base: base,
				Taken: int64(came * step.Seconds()), Wants: true})
			at = at.Add(step)
			if i > int(5*time.Minute/step) {
				sum, n = sum+came, n+1
			}
		}
		if use := sum / float64(n) / line; use < 0.9 {
			mode, why := c.Mode()
			t.Fatalf("after 5 minutes on a free line %.3f of it is used, mode %s: %s, capacity %v", use, mode, why, c.Capacity())
		}
	})
}

func TestWithoutProbesALineWithTrafficIsLeftToIt(t *testing.T) {
	c := governor.NewController(governor.Limits{Capacity: 1e6})
	at := time.Unix(0, 0)
	for range 200 { // what it asks for comes
		at = at.Add(50 * time.Millisecond)
		c.Step(governor.Sample{Now: at, Fresh: true, Base: 40 * time.Millisecond, Taken: int64(c.Rate() / 20), Wants: true})
	}
	before := c.Rate()
	for range 20 * 10 { // and nothing is known of queues for ten seconds
		at = at.Add(50 * time.Millisecond)
		c.Step(governor.Sample{Now: at, Taken: int64(c.Rate() / 20), Wants: true})
	}
	if got := c.Rate(); got > before/4 {
		t.Errorf("ten seconds without an answer to a probe change the rate from %.0f to %.0f, want a quarter at most", before, got)
	}
}

func FuzzController(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Fuzz(func(t *testing.T, story []byte) {
		c := governor.NewController(governor.Limits{Bound: 1e7})
		at := time.Unix(0, 0)
		for ; len(story) >= 8; story = story[8:] {
			n := binary.BigEndian.Uint64(story)
			at = at.Add(time.Duration(n&0xfff) * time.Millisecond)
			rate := c.Step(governor.Sample{Now: at, Fresh: n>>12&1 == 1, Again: n>>13&1 == 1, Wants: n>>14&1 == 1, Loss: float64(n>>15&1) / 10,
				Queue: time.Duration(n >> 16 & 0xffff * 1000), Base: time.Duration(n >> 32 & 0xff * 1e6), Taken: int64(n >> 40)})
			if !(rate > 0 && rate <= 1e7) {
				t.Fatalf("%v bytes/s", rate)
			}
		}
	})
}
