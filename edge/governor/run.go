package governor

import "time"

// run keeps the line full but for a little headroom, and now and then feels for its
// end: what others begin to send then finds an empty queue. At the first packet of a
// queue that is not its own it flinches, and stands back when the next comes.
func (c *Controller) run(now time.Time, fresh bool) {
	// The queue that our own start or step made needs time to go.
	settled := now.Sub(c.ranFrom) > 3*c.round()+100*time.Millisecond
	got, asked, ok := c.arrivals.over(now, max(4*c.base, shortSpan, c.span(45)), c.lag())
	ok = ok && now.Sub(c.flinched) > shortSpan+c.round()
	alert := now.Sub(c.flinched) < alertFor(c.base)
	if settled && fresh && c.queue.least(2) >= c.alarm() {
		if !alert {
			c.flinched, c.signs = now, 0
		} else {
			c.signs++
		}
	}
	switch {
	case settled && c.queue.least(4) >= c.busy() && ok && !c.proven && got < 0.95*asked && c.tries < maxTries:
		c.tries++ // what was learned was too much
		c.capacity = doubtShare * got
		c.goOn(now, false)
		return
	case settled && (c.queue.least(4) >= c.busy() || alert && c.signs >= 3):
		c.standBack(now, "other traffic makes a queue")
		return
	case settled && ok && got < pushedShare*min(c.capacity, asked):
		c.standBack(now, "other traffic takes a part of the line")
		return
	}
	c.ranAt = now
	if now.Sub(c.ranFrom) > shortRun {
		c.proven, c.tries = true, 0
	}
	if settled && c.feeling && c.queue.least(4) > c.target() {
		c.felt(now, 0.995*c.level)
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
	if now.Sub(c.flinched) < c.round() {
		c.rate = flinchShare * c.level
	}
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
	count(&c.shorts, ok && got < 0.92*asked)
	full, short := c.fulls >= fullRounds, c.shorts >= shortRounds
	switch {
	case c.feeling && short:
		c.felt(now, max(got, MinRate))
	case c.feeling && c.fulls == 0:
		c.level += c.gain * c.capacity
		switch {
		case now.Sub(c.feltAt) > feelEvery+feelLong: // the line carries much more than was known
			c.gain = min(c.gain*(1+c.round().Seconds()), maxGain)
		case !c.sure:
			// A queue is seen a round late: what grew since is its length.
			late := min(unsureRound.Seconds()/c.round().Seconds(), 1)
			c.gain = max(unsureGain*late, minGain)
		}
		if ok {
			c.capacity = max(c.capacity, min(got, asked))
		}
	case !c.feeling && full:
		c.level -= 0.005 * c.capacity
	case !c.feeling && now.Sub(c.feltAt) > feelEvery:
		c.feeling, c.shorts = true, 0
	}
}

// felt ends a feel at the end of the line.
func (c *Controller) felt(now time.Time, capacity float64) {
	c.capacity, c.sure = capacity, true
	c.level = headroom * c.capacity
	c.feeling, c.feltAt, c.gain = false, now, minGain
}
