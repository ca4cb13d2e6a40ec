package governor_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
)

// One start is enough, whatever the line and its queue.
func TestOneStartLearnsTheLine(t *testing.T) {
	for _, c := range []cell{
		{5, 10 * time.Millisecond, "0.5", false, 0},
		{5, 40 * time.Millisecond, "fair", false, 0},
		{20, 40 * time.Millisecond, "1", false, 0},
		{20, 120 * time.Millisecond, "4", false, 0}, // its queue needs long to go
		{20, 120 * time.Millisecond, "codel", false, 0},
	} {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(c.bench(), governor.Limits{})
			var modes []governor.Mode
			for s.now < 12*time.Second {
				s.bench.run(s.now + 50*time.Millisecond)
				if mode, _ := s.c.Mode(); len(modes) == 0 || modes[len(modes)-1] != mode {
					modes = append(modes, mode)
				}
			}
			content := c.mbit * 1e6 / 8 * segment / onWire
			if got := s.c.Capacity() / content; len(modes) != 2 || got < 0.9 || got > 1.06 {
				t.Errorf("it was in %v and believes in %.3f of what the line carries, want start, run and all", modes, got)
			}
		})
	}
}

// On a host that is short of CPU probes come late now and then, which is no end of the
// line, and no others.
func TestNoiseDoesNotHideWhatALineCarries(t *testing.T) {
	for _, c := range []cell{
		{20, 40 * time.Millisecond, "1", false, 0},
		{20, 40 * time.Millisecond, "codel", false, 0},
	} {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			const seeds = 4
			sum := 0.0
			for seed := range uint64(seeds) {
				s := newScene(c.bench(), governor.Limits{})
				s.random, s.spikes = rand.New(rand.NewPCG(seed, 4)), 0.25
				s.bench.run(5 * time.Second)
				at := s.ours.acked
				s.bench.run(10 * time.Second)
				sum += s.shareSince(at, 5*time.Second)
			}
			if got := sum / seeds; got < 0.91 {
				t.Errorf("from 5 to 10 s after its start it uses %.3f of an idle line, want 0.91", got)
			}
		})
	}
}

// Behind a short queue the overload of a start loses packets, and what came behind
// them is read later: the line carries more than what came meanwhile.
func TestAStartThatLosesPacketsStillLearnsTheLine(t *testing.T) {
	const line, step = 590e3, 25 * time.Millisecond
	c := governor.NewController(governor.Limits{})
	now, waits := time.Unix(0, 0), 0.0
	feed := func(taken float64, queue time.Duration) governor.Mode {
		now = now.Add(step)
		c.Step(governor.Sample{Now: now, Fresh: true, Queue: queue, Base: 120 * time.Millisecond, Taken: int64(taken), Wants: true})
		mode, _ := c.Mode()
		return mode
	}
	asked := make([]float64, 6) // what comes was asked for a round trip before
	for range 200 {
		asked = append(asked, c.Rate())
		if rate := asked[len(asked)-6]; rate < line {
			feed(rate*step.Seconds(), 0)
			continue
		}
		break
	}
	for i := range 40 {
		taken, queue := line*step.Seconds(), time.Duration(min(i, 12))*10*time.Millisecond
		switch {
		case i >= 8 && i < 18: // something is missing
			waits, taken = waits+0.6*taken, 0
			queue = time.Duration(18-i) * 11 * time.Millisecond
		case i == 18:
			taken, queue = waits, 0
		case i > 18:
			taken, queue = c.Rate()*step.Seconds(), 0
		}
		if feed(taken, queue) == governor.Run {
			break
		}
	}
	if mode, _ := c.Mode(); mode != governor.Run || c.Capacity() < 0.8*line || c.Capacity() > line {
		t.Errorf("it is in %s and believes in %.2f of what the line carries, want to run with 0.8 at least", mode, c.Capacity()/line)
	}
}

func TestALineLearnedEarlierIsFullWithinARoundTripOrTwo(t *testing.T) {
	c := cell{50, 40 * time.Millisecond, "1", false, 0}
	s := newScene(c.bench(), governor.Limits{Capacity: 50e6 / 8 * segment / onWire})
	s.bench.run(400 * time.Millisecond)
	at := s.ours.acked
	s.bench.run(600 * time.Millisecond)
	if got := s.shareSince(at, 200*time.Millisecond); got < 0.9 {
		t.Errorf("after 0.4 s it has %.2f of the line, want 0.9", got)
	}
}

// A sender or a receiver that stands still now and then is nobody else's traffic.
func TestASenderThatPausesIsNotPushed(t *testing.T) {
	c := cell{20, 40 * time.Millisecond, "1", false, 0}
	s := newScene(c.bench(), governor.Limits{})
	s.bench.run(5 * time.Second)
	capacity := s.c.Capacity()
	for range 10 {
		s.pause = true
		s.bench.run(s.now + 350*time.Millisecond)
		s.pause = false
		s.step(false, 0) // whose rate takes effect
		s.bench.run(s.now + 650*time.Millisecond)
		if mode, why := s.c.Mode(); mode != governor.Run {
			t.Fatalf("after %v of pauses it is in %s: %s", s.now-5*time.Second, mode, why)
		}
	}
	if got := s.c.Capacity() / capacity; got < 0.97 || got > 1.05 {
		t.Errorf("it believes in %.3f of what it did before the pauses", got)
	}
}

// Somebody who uses a part of the line for ever, and makes no queue that stands, is
// waited for, but not for ever.
func TestSteadyTrafficThatLeavesRoomDoesNotStarveIt(t *testing.T) {
	c := governor.NewController(governor.Limits{Capacity: 1e6})
	at := time.Unix(0, 0)
	step := func(queue time.Duration) governor.Mode {
		at = at.Add(50 * time.Millisecond)
		c.Step(governor.Sample{Now: at, Fresh: true, Queue: queue, Base: 40 * time.Millisecond, Taken: int64(c.Rate() / 20), Wants: true})
		mode, _ := c.Mode()
		return mode
	}
	for range 20 * 10 {
		step(0)
	}
	for step(30*time.Millisecond) != governor.Yield {
	}
	began := at
	for i := 0; step(time.Duration(i%2)*3*time.Millisecond) == governor.Yield; i++ {
		if at.Sub(began) > 15*time.Second {
			t.Fatal("it still waits after 15 s")
		}
	}
	if waited := at.Sub(began); waited < 5*time.Second {
		t.Errorf("it looked whether the line is free after %v, though every second probe met a packet", waited)
	}
}
