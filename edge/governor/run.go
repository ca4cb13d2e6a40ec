package governor

import (
	"math"
	"time"
)

// run keeps the line full but for a little headroom, and now and then feels for its
// end: what others begin to send then finds an empty queue. At the first packet of a
// queue that is not its own it flinches, and stands back when the next comes.
func (c *Controller) run(now time.Time, fresh bool) {
	// The queue that our own start or step made needs time to go.
	settled := now.Sub(c.ranFrom) > 3*c.round()+100*time.Millisecond &&
		(c.proven || !c.draining || now.Sub(c.feltAt) > 3*c.round())
	got, asked, ok := c.arrivals.over(now, c.shortSpan(), c.lag())
	ok = ok && now.Sub(c.flinched) > minShortSpan+c.round()
	alert := now.Sub(c.flinched) < alertFor(c.base)
	flinches := false
	if settled && fresh && c.queue.least(2) >= c.alarm() {
		if !alert {
			c.flinched, c.signs, flinches = now, 0, true
		} else if !c.draining || now.Sub(c.feltAt) > c.round()+actsWithin {
			c.signs++
		}
	}
	alarmed := settled && (c.queue.least(4) >= c.busy() || alert && c.signs >= 3) ||
		c.tries == maxTries && !c.proven && c.queue.least(3) >= surely*c.busy() // it ran at this before
	pushed := settled && ok && got < pushedShare*min(c.capacity, asked) && c.arrivals.short(now, c.shortSpan(), c.lag(), shortest)
	switch {
	case !c.proven && c.tries < maxTries && (alarmed && (c.loss > 0 || c.queue.least(1) < ownShare*c.busy()) || !alarmed && pushed):
		c.correct(now, got, asked, ok)
		return
	case alarmed:
		c.standBack(now, whyQueue)
		return
	case pushed:
		c.standBack(now, "other traffic takes a part of the line")
		return
	}
	c.ranAt = now
	if now.Sub(latest(c.ranFrom, c.grewAt)) > shortRun {
		c.proven, c.tries = true, 0
	}
	if settled && c.feeling && (flinches || c.queue.least(4) > c.target() || c.queue.least(2) > surely*c.target()) {
		end := c.level - c.overshot()*c.capacity
		if ok { // what comes while a queue stands is all that the line carries
			end = max(min(end, max(got, c.capacity)), carried*c.capacity)
		}
		c.felt(now, end)
		c.draining = true
	}
	if c.draining && (c.queue.least(1) < 2*c.target()/3 || now.Sub(c.feltAt) > 4*c.round()) {
		c.draining, c.gain = false, minGain
	}
	if now.Sub(c.stepAt) >= c.round() {
		c.stepAt = now
		c.feel(now, got, asked, ok && settled)
		if c.level < pushedShare*c.capacity {
			c.standBack(now, "other traffic pushes slowly")
			return
		}
	}
	excess := (c.queue.least(2) - c.target()).Seconds() / max(4*c.round(), 200*time.Millisecond).Seconds()
	c.rate = c.level * (1 - min(max(excess, 0), 0.5))
	if c.draining {
		c.rate = drainShare * c.level
	}
	if now.Sub(c.flinched) < c.round() {
		c.rate = flinchShare * c.level
	}
}

// correct goes on with less: what was learned was too much.
func (c *Controller) correct(now time.Time, got, asked float64, ok bool) {
	c.tries++
	c.capacity *= corrected
	if ok && got < doubtShare*asked {
		c.capacity = min(c.capacity, doubtShare*got)
	}
	c.goOn(now, false)
	c.draining = true
}

// overshot is the share of the capacity by which the level passed the end of the line
// before that showed: the queue had to grow to be seen, was late to be seen, and grew
// with the square of time, as what made it did with time.
func (c *Controller) overshot() float64 {
	round := c.round().Seconds()
	grew := math.Sqrt(2 * c.target().Seconds() * round / c.gain)
	return c.gain * (grew/round + 1)
}

// alertFor is how long after a flinch further signs count.
func alertFor(base time.Duration) time.Duration { return max(8*base, 400*time.Millisecond) }

// Alert reports whether others could be disturbed, so that probes matter more than
// usual.
func (c *Controller) Alert() bool { return c.mode != Yield }

// feel moves the level: up in small steps until a queue shows the end of the line, or
// no more comes; then to a little below what came.
func (c *Controller) feel(now time.Time, got, asked float64, ok bool) {
	count := func(n *int, is bool) {
		if *n++; !is {
			*n = 0
		}
	}
	count(&c.fulls, c.queue.least(4) > c.target())
	count(&c.shorts, ok && got < 0.92*asked && c.arrivals.short(now, c.shortSpan(), c.lag(), 1))
	full, short := c.fulls >= fullRounds, c.shorts >= shortRounds
	switch {
	case c.feeling && short:
		c.felt(now, max(got, MinRate))
	case c.feeling && c.queue.least(1) > c.target(): // the next tells
	case c.feeling && got >= usedShare*asked:
		c.level += c.gain * c.capacity
		switch {
		case now.Sub(c.feltAt) > feelEvery+feelLong: // the line carries much more than was known
			c.gain = min(c.gain*(1+c.round().Seconds()), maxGain)
		case !c.sure && c.level > c.learned:
			c.gain = min(c.gain*gainStep, maxGain)
		case !c.sure:
			// A queue is seen a round late: what grew since is its length.
			late := min(unsureRound.Seconds()/c.round().Seconds(), 1)
			c.gain = max(unsureGain*late, c.gain)
		}
		// What waited for a packet that was lost comes at once: the time before counts, too.
		if longer, _, known := c.arrivals.over(now, 2*c.shortSpan(), c.lag()); ok && known {
			c.capacity = max(c.capacity, min(got, longer, asked))
		}
	case !c.feeling && full:
		c.level -= 0.005 * c.capacity
	case !c.feeling:
		every, gain := feelEvery, minGain
		if c.feels < firstFeels {
			// A queue is seen a round late, and grew with the square of that time.
			late := min(firstRound.Seconds()/c.round().Seconds(), 1)
			every, gain = feelSoon, max(firstGain*late*late, laterGain)
		}
		if now.Sub(c.feltAt) > every {
			c.feeling, c.shorts, c.gain = true, 0, gain
		}
	}
}

// felt ends a feel at the end of the line.
func (c *Controller) felt(now time.Time, capacity float64) {
	if capacity > 1.01*c.capacity {
		c.proven, c.tries, c.grewAt = false, 0, now
	}
	c.capacity, c.sure = capacity, true
	c.level = headroom * c.capacity
	c.feeling, c.feltAt = false, now
	c.feels++
}
