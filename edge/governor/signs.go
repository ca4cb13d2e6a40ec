package governor

import "time"

// packets is the time that n packets take on the line, at what came over it at most
// while its capacity is not known.
func (c *Controller) packets(n float64) time.Duration {
	rate := c.capacity
	if rate == 0 {
		rate = c.best
	}
	if rate == 0 {
		return 0
	}
	return packetsAt(rate, n)
}

// packetsAt is the time that n packets take at a rate.
func packetsAt(rate, n float64) time.Duration {
	return time.Duration(n * packet / rate * float64(time.Second))
}

// quiet is the queue that means nothing: our own short one, and noise.
func (c *Controller) quiet() time.Duration { return max(3*time.Millisecond, c.packets(3), c.blur) }

// busy is the queue that means that somebody else sends.
func (c *Controller) busy() time.Duration {
	return c.tolerated(max(5*time.Millisecond, c.packets(5), c.blur, min(c.noise.percentile(90), maxBusy)))
}

// tolerated is a queue as long as experience says that it has to be.
func (c *Controller) tolerated(d time.Duration) time.Duration {
	own := 1.0
	if c.feeling || c.draining { // it makes a queue of its own
		own = feelTolerance
		if c.gain > minGain {
			own = unsureTolerance
		}
	}
	return time.Duration(c.tolerance * own * float64(d))
}

// alarm is the queue that may mean that somebody begins to send: the sooner it is seen
// the less a TCP that starts notices of us (HyStart ends it at a few milliseconds).
// Where measuring is noisy, as on a host that is short of CPU, it takes more.
func (c *Controller) alarm() time.Duration {
	least := maxLeastAlarm
	if c.noise.n >= minNoise {
		least = minAlarm
	}
	return time.Duration(c.tolerance * float64(max(least, c.packets(4), c.blur, min(2*c.noise.percentile(90), maxAlarm))))
}

// target is the queue that tells Run that it found the end of the line.
func (c *Controller) target() time.Duration {
	noise := maxTarget
	if c.noise.n >= minNoise {
		noise = min(3*c.noise.median()/2+time.Millisecond, maxTarget)
	}
	return max(2500*time.Microsecond, c.packets(3), c.blur, noise)
}
