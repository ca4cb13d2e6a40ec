package governor

import (
	"math"
	"time"
)

// Mode is what a controller is doing.
type Mode string

// The modes. A controller begins in Start, and is in Run on an idle line.
const (
	Start Mode = "start" // doubles until the line's queue grows, and so learns its capacity
	Run   Mode = "run"   // holds a short queue, so that the line is full
	Yield Mode = "yield" // stands back, until nobody else has used the line for a while
	Probe Mode = "probe" // climbs in steps, each only after the one before disturbed nobody
)

// Parameters. Times and shares were found in simulations (controller_test.go) and
// on emulated lines; DECISIONS.md says what was tried.
const (
	// FirstRate is bytes per second on a line of which nothing is known: less than the
	// ten packets that TCP begins with (RFC 6928) bring in 50 ms.
	FirstRate = 256 << 10
	// MinRate is the floor on lines so slow that a share of them is nothing.
	MinRate = 4 << 10
	// floorShare of the capacity is what is taken while standing back.
	floorShare = 0.003
	// probeShare of the capacity is the first step of a probe.
	probeShare = 0.08
	probeStep  = 1.5
	// knownShare of a capacity learned earlier is where a start begins.
	knownShare = 0.5

	// packet is the size that short queues are counted in.
	packet = 1514

	// pushedShare of the capacity: getting less for a while means that somebody else
	// gets the rest.
	pushedShare = 0.72
	// lossShare of what other traffic could have had is what failed probes may take.
	lossShare = 0.008

	// minGain and maxGain bound what a round trip without a queue adds to the level.
	minGain = 0.001
	maxGain = 0.03

	// headroom is the share of the capacity that Run takes between two times that it
	// feels for the end of the line.
	headroom = 0.975
	// shortRounds in which less comes than was asked for, and no queue says why, are the
	// end of the line, too: behind a fair queue or a policer.
	shortRounds = 5
	// doubtShare of what arrived at most in the first overload is taken for the
	// capacity: measured over a few round trips, it may be a bit too much.
	doubtShare = 0.95
	// maxTries bounds corrections before others are thought to be there.
	maxTries = 3
	// overestimated is the share of a capacity that is believed after a false alarm.
	overestimated = 0.98
	// fullRounds with a queue are the end of the line; fewer may be noise.
	fullRounds = 2
	feelEvery  = 10 * time.Second
	// flinchShare of the level is left for a round trip at the first sign of others.
	flinchShare = 0.3

	// actsWithin is how long it takes to tell the sender, beyond the way of the packets,
	// and to see what came of it.
	actsWithin = 50 * time.Millisecond

	// maxAlarm bounds what noise may hide.
	maxAlarm = 12 * time.Millisecond

	// shortSpan is the least time over which a shortfall counts.
	shortSpan = 400 * time.Millisecond
	// stalled is a gap between samples that says that this host stood still, and that
	// what was measured meanwhile tells of it and not of the line.
	stalled = 120 * time.Millisecond

	// After an alarm without a cause a queue must be tolerateMore times as long, up to
	// maxTolerance times.
	tolerateMore = 1.4
	maxTolerance = 2

	minHold = 2 * time.Second
	maxHold = 8 * time.Second
	// shortRun and longRun: standing back after a shorter run than one, or a longer one
	// than the other, makes the next wait longer, or short again.
	shortRun = 5 * time.Second
	longRun  = 20 * time.Second

	// maxGap between samples: after a longer one, what was measured is too old.
	maxGap = time.Second
)

// Limits bound a controller from outside.
type Limits struct {
	Bound    float64       // bytes per second, +Inf for none
	Capacity float64       // bytes per second learned earlier, 0 for unknown
	Lag      time.Duration // by which rates take effect late, and arrivals are known late
	Busy     float64       // share of time that others use the line at this hour, 0 to 1
}

// Sample is what was seen since the last one.
type Sample struct {
	Now   time.Time
	Fresh bool          // Queue was measured since the last sample
	Queue time.Duration // how much longer than Base the newest probe took
	// Again says that the probe came back together with the one before: what held
	// them both up was no queue, where each waits its turn. It corrects the last.
	Again bool
	Base  time.Duration // round trip over the empty line, 0 while unknown
	Taken int64         // bytes that came from the origin
	Wants bool          // more would be taken if it came
}

// Controller decides how fast a site may take from the origin. It is a pure
// function of what it was told: the same samples give the same rates.
type Controller struct {
	limits Limits

	mode     Mode
	since    time.Time // in this mode
	rate     float64
	capacity float64 // most that the line was seen to carry; 0 until learned
	level    float64 // what Run holds
	reason   string

	last     time.Time
	queue    delays
	base     time.Duration
	arrivals window
	noise    noise // of queues while nobody seemed to be there

	stepAt        time.Time // of the last change of rate that waits for its effect
	calmAt        time.Time // since when nobody disturbed
	hold          time.Duration
	deaf          time.Time     // until then this host catches up
	tolerance     float64       // of queues, 1 at first
	alarmed, real bool          // it stood back from Run, and others were there indeed
	patient       time.Time     // until then the sender may still wait as the floor asked
	doubted       time.Time     // Start saw a queue then; zero when not
	ratio         float64       // the least share of what was asked for that arrived
	worst         time.Duration // the longest queue since
	fullBytes     float64       // that arrived since while there was a queue
	fullTime      time.Duration
	peak, most    float64 // the rate then, and what arrived at most

	gain             float64 // share of the capacity that Run adds a round trip
	spent            float64 // bytes the present probe took
	ranFrom          time.Time
	flinched, feltAt time.Time
	proven           bool // it ran at about this capacity for a while
	tries            int  // to correct a capacity that was not
	fulls, shorts    int  // rounds in a row with a queue, and with less than was asked for
	signs            int  // of others since it flinched
	feeling          bool
}

// NewController returns a controller for a line of which limits says what is known.
func NewController(limits Limits) *Controller {
	c := &Controller{mode: Start, rate: FirstRate, hold: minHold, tolerance: 1}
	c.SetLimits(limits)
	if limits.Capacity > 0 {
		c.capacity = limits.Capacity
		c.rate = max(c.rate, knownShare*(1-limits.Busy)*limits.Capacity)
	}
	return c
}

// Resume begins at a rate that was granted before by somebody else.
func (c *Controller) Resume(rate float64) { c.rate = max(rate, MinRate) }

// SetLimits changes the limits; the capacity is only taken in by NewController.
func (c *Controller) SetLimits(l Limits) { c.limits = l }

// Mode is what the controller is doing, with the reason in words.
func (c *Controller) Mode() (Mode, string) { return c.mode, c.reason }

// Capacity is what the line was seen to carry, or 0.
func (c *Controller) Capacity() float64 { return c.capacity }

// Floor is what the controller never goes below.
func (c *Controller) Floor() float64 { return min(max(floorShare*c.capacity, MinRate), c.bound()) }

// Rate is the bytes per second allowed now.
func (c *Controller) Rate() float64 {
	return min(max(c.rate, c.Floor()), c.bound())
}

func (c *Controller) bound() float64 {
	if c.limits.Bound > 0 {
		return c.limits.Bound
	}
	return math.Inf(1)
}

// Step takes in a sample and returns the rate from now on.
func (c *Controller) Step(s Sample) float64 {
	c.take(s)
	switch c.mode {
	case Start:
		c.start(s.Now)
	case Run:
		c.run(s.Now, s.Fresh)
	case Yield:
		c.yield(s.Now)
	case Probe:
		c.probe(s.Now)
	}
	return c.Rate()
}

func (c *Controller) take(s Sample) {
	if c.last.IsZero() || s.Now.Sub(c.last) > maxGap {
		c.queue = delays{}
		c.arrivals = window{}
		c.since, c.calmAt, c.stepAt = s.Now, s.Now, s.Now
		c.patient = s.Now.Add(6 * c.round())
	}
	if s.Now.Sub(c.last) > stalled {
		c.deaf, c.arrivals = s.Now.Add(stalled), window{}
	}
	gap := s.Now.Sub(c.last)
	c.last = s.Now
	if !c.doubted.IsZero() && c.queue.least(1) > c.quiet() { // the line is full
		c.fullBytes += float64(s.Taken)
		c.fullTime += gap
	}
	if s.Now.Before(c.deaf) {
		s.Fresh = false
	}
	if s.Base > 0 {
		c.base = s.Base
	}
	if s.Fresh {
		c.queue.add(s.Queue, s.Again)
		if c.queue.least(2) > c.quiet() {
			c.calmAt = s.Now
		}
		if c.mode == Run && !s.Again {
			c.noise.add(s.Queue)
		}
	}
	c.arrivals.add(s.Now, s.Taken, s.Wants, c.Rate())
	c.spent += float64(s.Taken)
}

// round is how long a change of rate takes to show.
func (c *Controller) round() time.Duration { return c.base + actsWithin + c.limits.Lag }

// packets is the time that n packets take on the line.
func (c *Controller) packets(n float64) time.Duration {
	if c.capacity == 0 {
		return 0
	}
	return time.Duration(n * packet / c.capacity * float64(time.Second))
}

// quiet is the queue that means nothing: our own short one, and noise.
func (c *Controller) quiet() time.Duration { return max(3*time.Millisecond, c.packets(3)) }

// busy is the queue that means that somebody else sends.
func (c *Controller) busy() time.Duration {
	return c.tolerated(max(5*time.Millisecond, c.packets(5)))
}

// tolerated is a queue as long as experience says that it has to be.
func (c *Controller) tolerated(d time.Duration) time.Duration {
	return time.Duration(c.tolerance * float64(d))
}

// alarm is the queue that may mean that somebody begins to send.
// Where measuring is noisy, as on a host that is short of CPU, it takes more.
func (c *Controller) alarm() time.Duration {
	return c.tolerated(max(3500*time.Microsecond, c.packets(4), min(2*c.noise.p95(), maxAlarm)))
}

// target is the queue that Run holds.
func (c *Controller) target() time.Duration {
	return c.tolerated(max(2500*time.Microsecond, c.packets(3), min(3*c.noise.median()/2+time.Millisecond, c.busy()/2)))
}

func (c *Controller) enter(now time.Time, m Mode, reason string) {
	// What was asked for before is still on its way for a while.
	c.patient = now.Add(3 * c.round())
	if c.mode == Yield { // two packets may wait to be sent at the floor's pace
		c.patient = c.patient.Add(time.Duration(2 * packet / c.Floor() * float64(time.Second)))
	}
	c.mode, c.since, c.stepAt, c.reason = m, now, now, reason
}

// fallsShort reports whether much less arrives than was asked for, and that over so
// many packets that no record of TLS and no buffer on the way hides it.
func (c *Controller) fallsShort(now time.Time) bool {
	got, asked, ok := c.arrivals.over(now, max(4*c.base, shortSpan, c.span(45)), c.lag())
	return ok && now.After(c.patient) && got < 0.7*asked
}

// start doubles the rate each round trip. At the first sign of a queue it goes
// back to a quarter and watches: if what arrived meanwhile was clearly less than was asked for,
// that is what the line carries; if the queue stays, it is somebody else's; and if
// neither, it was noise.
func (c *Controller) start(now time.Time) {
	got, asked, ok := c.arrivals.over(now, c.round(), c.lag())
	if !c.doubted.IsZero() {
		c.judgeStart(now, got, asked, ok)
		return
	}
	switch {
	case c.queue.least(2) >= c.busy():
		c.doubt(now)
	case c.fallsShort(now):
		c.doubt(now)
	case now.Sub(c.stepAt) >= c.round() && c.queue.least(2) < c.quiet() && ok && got > 0.35*asked:
		c.rate = min(2*c.rate, c.bound())
		c.stepAt = now
		if c.capacity > 0 && c.rate >= 0.9*c.capacity { // it was learned before
			c.goOn(now, true)
		}
	}
}

func (c *Controller) doubt(now time.Time) {
	c.most = 0
	c.doubted, c.peak, c.worst, c.ratio = now, c.rate, c.queue.least(1), 1
	c.fullBytes, c.fullTime = 0, 0
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
	if now.Sub(c.doubted) < 4*c.round() {
		return
	}
	c.doubted = time.Time{}
	switch {
	case c.queue.least(2) >= max(c.busy(), c.worst/2):
		c.standBack(now, "other traffic makes a queue")
	case c.ratio < 0.85:
		if c.fullTime > c.round()/2 {
			c.most = c.fullBytes / c.fullTime.Seconds()
		}
		c.capacity = max(doubtShare*min(c.most, c.peak), MinRate)
		c.goOn(now, true)
	default: // noise
		c.rate, c.stepAt = c.peak/2, now
	}
}

// goOn begins to run.
func (c *Controller) goOn(now time.Time, feeling bool) {
	c.level = headroom * c.capacity
	c.ranFrom, c.gain, c.feeling, c.feltAt = now, minGain, feeling, now
	c.rate = c.level
	c.enter(now, Run, "the line is free")
}

// span is the time to look at arrivals over: a round, and n packets at least.
func (c *Controller) span(n float64) time.Duration {
	return max(c.round(), time.Duration(n*packet/c.Rate()*float64(time.Second)))
}

// lag is how long after a change of rate its first packets arrive.
func (c *Controller) lag() time.Duration { return c.base + actsWithin/2 + c.limits.Lag }

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
	if now.Sub(c.ranFrom) > shortRun {
		c.proven, c.tries = true, 0
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
	case c.feeling && (full || short):
		c.capacity = 0.995 * c.level
		if short {
			c.capacity = max(got, MinRate)
		}
		c.level = headroom * c.capacity
		c.feeling, c.feltAt, c.gain = false, now, minGain
	case c.feeling && c.fulls == 0:
		c.level += c.gain * c.capacity
		if c.level > 1.02*c.capacity || c.level < 0.95*c.capacity {
			c.gain = min(c.gain*(1+c.round().Seconds()), maxGain)
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

func (c *Controller) standBack(now time.Time, why string) {
	ran := now.Sub(c.ranFrom)
	switch {
	case ran < shortRun:
		c.hold = min(2*c.hold, maxHold)
	case ran > longRun:
		c.hold = minHold
	}
	c.rate = 0
	c.calmAt = now
	c.alarmed, c.real = true, false
	c.enter(now, Yield, why)
}

func (c *Controller) yield(now time.Time) {
	c.rate = 0
	if c.queue.least(2) > c.quiet() && now.Sub(c.since) > 4*c.round() {
		c.real = true
	}
	hold := c.hold + c.base
	if c.alarmed && !c.real { // the queue went with us: it was our own, or noise
		hold = minHold
	}
	if now.Sub(c.calmAt) >= hold && now.Sub(c.since) >= hold {
		c.believe()
		if c.capacity == 0 {
			c.rate = FirstRate
			c.enter(now, Start, "")
			return
		}
		c.rate, c.spent = probeShare*c.capacity, 0
		c.enter(now, Probe, "looks whether the line is free")
	}
}

// believe learns from having stood back: after an alarm without a cause it takes more
// to be alarmed, and after one with a cause as little as at first.
func (c *Controller) believe() {
	switch {
	case !c.alarmed:
	case c.real:
		c.tolerance = max(c.tolerance/tolerateMore, 1)
	default:
		c.tolerance = min(c.tolerance*tolerateMore, maxTolerance)
		c.capacity *= overestimated
	}
	c.alarmed = false
}

func (c *Controller) probe(now time.Time) {
	switch {
	case c.queue.least(3) >= c.busy():
		c.failProbe(now, "other traffic makes a queue")
	case c.fallsShort(now):
		c.failProbe(now, "other traffic takes a part of the line")
	case now.Sub(c.stepAt) >= 2*c.round() && c.queue.least(2) < c.quiet():
		c.stepAt = now
		c.rate *= probeStep
		if c.rate >= 0.9*c.capacity {
			c.goOn(now, false)
		}
	}
}

func (c *Controller) failProbe(now time.Time, why string) {
	cost := time.Duration(c.spent / (lossShare * c.capacity) * float64(time.Second))
	c.hold = min(max(cost, minHold), maxHold)
	c.rate = 0
	c.calmAt = now
	c.enter(now, Yield, why)
}
