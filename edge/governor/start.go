package governor

import "time"

// fallsShort reports whether much less arrives than was asked for, while the rate
// still climbs, over so many packets that no record of TLS and no buffer on the way
// explains it.
func (c *Controller) fallsShort(now time.Time) bool {
	return now.After(c.patient) && c.arrivals.short(now, c.shortSpan(), c.lag(), 0.6)
}

// start doubles the rate each round trip. At the first sign of a queue it goes back
// to a quarter and watches: if clearly less arrived than was asked for, that is what
// the line carries; if the queue stays, it is somebody else's; and if neither, it was
// noise.
func (c *Controller) start(now time.Time) {
	got, asked, ok := c.arrivals.over(now, c.round(), c.lag())
	c.noteBest(now)
	if !c.doubted.IsZero() {
		c.judgeStart(now, got, asked, ok)
		return
	}
	switch {
	case c.queue.least(2) >= c.busy(), c.fallsShort(now):
		c.doubt(now)
	case now.Sub(c.stepAt) >= c.round() && c.queue.least(1) < c.quiet() && got > 0.6*asked:
		c.rate = min(2*c.rate, stepOver*got, c.bound())
		c.stepAt = now
		if c.capacity > 0 && c.rate >= 0.9*c.capacity { // it was learned before
			c.goOn(now, true)
		}
	}
}

// noteBest remembers the most that came over bestSpan. Some of it may have waited for
// this host to look, so that it counts no more than was asked for.
func (c *Controller) noteBest(now time.Time) {
	if got, asked, ok := c.arrivals.over(now, bestSpan, c.lag()); ok {
		c.best = max(c.best, min(got, asked))
	}
}

func (c *Controller) doubt(now time.Time) {
	c.most = 0
	c.doubted, c.peak, c.worst, c.ratio = now, c.rate, c.queue.least(1), 1
	c.rate /= 4
}

// judgeStart finds out what the queue was. What arrives in the first round trip was
// still asked for at the peak.
func (c *Controller) judgeStart(now time.Time, got, asked float64, ok bool) {
	if ok && asked > 0.6*c.peak {
		c.ratio = min(c.ratio, got/asked)
		c.most = max(c.most, min(got, asked))
	}
	c.worst = max(c.worst, c.queue.least(1))
	if c.queue.least(2) < c.quiet() && c.full.time > c.round()/2 && c.full.rate() > c.peak/5 {
		// The queue came with us, and went with us. Where it was so short that packets were
		// lost, what came behind them was read when they had been sent again: then the best
		// time tells more than all of it.
		c.learn(now, max(c.full.rate(), trustedBest*c.best), minGain)
		return
	}
	// At a quarter of the peak, which was twice the capacity at most, the queue goes in
	// twice the time that it takes to serve.
	if now.Sub(c.doubted) < 4*c.round()+2*c.worst {
		return
	}
	switch {
	case c.queue.least(2) >= max(c.busy(), c.worst/2):
		c.doubted = time.Time{}
		c.standBack(now, whyQueue)
	case c.ratio < 0.85: // no queue: a fair queue, a policer, or the sender was slow
		c.learn(now, c.most, maxGain)
	default: // noise
		c.doubted, c.rate, c.stepAt = time.Time{}, c.peak/2, now
	}
}

// learn takes what arrived in an overload for the capacity, and runs. The gain is for
// feeling for the end of the line at first.
func (c *Controller) learn(now time.Time, most, gain float64) {
	c.doubted = time.Time{}
	c.capacity, c.sure = max(doubtShare*min(most, c.peak), MinRate), false
	c.learned, c.proven, c.tries, c.feels = c.capacity/doubtShare, false, 0, 0
	c.goOn(now, true)
	c.gain = gain
}

// goOn begins to run.
func (c *Controller) goOn(now time.Time, feeling bool) {
	c.level = headroom * c.capacity
	c.ranFrom, c.ranAt, c.gain, c.feeling, c.feltAt = now, now, minGain, feeling, now
	c.draining = false
	c.rate = c.level
	c.enter(now, Run, "the line is free")
}

// span is the time to look at arrivals over: a round, and n packets at least.
func (c *Controller) span(n float64) time.Duration {
	return max(c.round(), packetsAt(c.Rate(), n))
}

// shortSpan is the time over which a shortfall counts.
func (c *Controller) shortSpan() time.Duration {
	span := max(4*c.base, minShortSpan, c.span(45))
	if c.loss > 0 { // what waits for a packet that is sent again comes late, and then at once
		span *= 2
	}
	return span
}

// lag is how long after a change of rate its first packets arrive.
func (c *Controller) lag() time.Duration { return c.base + actsWithin/2 + c.limits.Lag }
