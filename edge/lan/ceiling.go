package lan

import (
	"math"
	"time"
)

const (
	// nearCeiling is how near to it the rate must be for a queue to say something of it.
	nearCeiling = 0.98
	// raiseEvery and raiseBy lift a ceiling beneath which no queue is seen.
	raiseEvery = time.Second
	raiseBy    = 1.02
	// ceilingQueue is a queue that says that a ceiling is too high, and keepFor how long
	// it is then left as it was before.
	ceilingQueue = 2 * time.Millisecond
	keepFor      = time.Minute
)

// ceiling bounds the rate by what the LAN was seen to carry while uploads filled it.
// The controller would find that out as well, but by overshooting it, and its
// arrivals come in lumps where the peers' processors are busy. The LAN may also
// carry more than was seen, since others may have used it then: so it rises slowly
// while no queue is seen. It is pure.
type ceiling struct {
	rate    float64 // +Inf for none
	raised  time.Time
	lowered time.Time
	kept    time.Time // not raised until then
}

// bound returns what of the rate that the controller wants is allowed; running says
// that it holds the LAN full.
func (c *ceiling) bound(now time.Time, rate float64, running bool, queue time.Duration) float64 {
	switch {
	case math.IsInf(c.rate, 1):
		return rate
	case !running || rate < nearCeiling*c.rate:
		c.raised = now
	case queue > ceilingQueue:
		// One step may not do, and while its queue drains another would be too many.
		if now.Sub(c.lowered) >= raiseEvery {
			c.rate = min(c.rate, rate) / raiseBy
			c.lowered = now
		}
		c.kept, c.raised = now.Add(keepFor), now
	case rate < c.rate: // it holds nothing back
		c.raised = now
	case now.After(c.kept) && now.Sub(c.raised) >= raiseEvery:
		c.rate *= raiseBy
		c.raised = now
	}
	return min(rate, c.rate)
}

// evenTime is over how long deliveries are evened out.
const evenTime = 100 * time.Millisecond

// even spreads deliveries, which peers acknowledge in lumps, over time.
type even struct {
	owed float64
	at   time.Time
}

// spread takes in what was delivered and returns what counts as delivered by now.
func (e *even) spread(now time.Time, bytes int64) int64 {
	share := 1 - math.Exp(-now.Sub(e.at).Seconds()/evenTime.Seconds())
	e.owed += float64(bytes)
	out := math.Floor(e.owed * min(max(share, 0), 1))
	e.owed, e.at = e.owed-out, now
	return int64(out)
}
