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
	Run   Mode = "run"   // takes a little less than the line carries
	Yield Mode = "yield" // stands back, until nobody else has used the line for a while
	Probe Mode = "probe" // climbs in steps, each only after the one before disturbed nobody
)

// whyQueue is the usual reason to stand back.
const whyQueue = "other traffic makes a queue"

// Parameters. Times and shares were found in simulations (cells_test.go) and on
// emulated lines; DECISIONS.md says what was tried.
const (
	// FirstRate is bytes per second on a line of which nothing is known: less than the
	// ten packets that TCP begins with (RFC 6928) bring in 50 ms.
	FirstRate = 256 << 10
	// MinRate is the floor on lines so slow that a share of them is nothing.
	MinRate = 4 << 10
	// floorShare of the capacity is what is taken while standing back.
	floorShare = 0.003
	// probeShare of the capacity is the first step of a probe.
	probeShare = 0.1
	probeStep  = 2.1
	// lastStep is that of a probe that has lastFrom of the capacity, each round trip: who
	// has the rest shows in a queue that is still short.
	lastStep = 1.2
	lastFrom = 0.4
	// knownShare of a capacity learned earlier is where a start begins.
	knownShare = 0.5

	// packet is the size that short queues are counted in.
	packet = 1514

	// pushedShare of the capacity: getting less for a while means that somebody else
	// gets the rest.
	pushedShare = 0.72
	// shortest is what a quarter of that while may get at most.
	shortest = 0.9
	// lossShare of what other traffic could have had is what failed probes may take.
	lossShare = 0.008

	// minGain and maxGain bound what a round trip without a queue adds to the level.
	minGain = 0.001
	maxGain = 0.05
	// unsureGain is for a capacity that only a start has shown, at a round of
	// unsureRound.
	unsureGain = 0.01
	// gainStep is what the gain grows by once the level is past what the start showed.
	gainStep    = 1.25
	unsureRound = 180 * time.Millisecond

	// headroom is the share of the capacity that Run takes between two times that it
	// feels for the end of the line.
	headroom = 0.975
	// stepOver what came is the most that a start asks for next.
	stepOver = 3
	// shortRounds in which less comes than was asked for, and no queue says why, are the
	// end of the line, too: behind a fair queue or a policer.
	shortRounds = 5
	// doubtShare of what arrived at most in the first overload is taken for the
	// capacity: measured over a few round trips, it may be a bit too much.
	doubtShare = 0.95
	// trustedBest is the share of the most that came over a bestSpan that is believed in
	// place of all that came in an overload.
	trustedBest = 0.9
	bestSpan    = 150 * time.Millisecond
	// maxTries bounds corrections before others are thought to be there, corrected is
	// what each leaves of the capacity, and ownShare of a busy line's queue is too long
	// for a capacity that is a little too large.
	maxTries  = 3
	corrected = 0.97
	ownShare  = 3
	// usedShare of what was asked for must have come before more is.
	usedShare = 0.85
	// overestimated is the share of a capacity that is believed after a false alarm.
	overestimated = 0.98
	// surely is how many times as long as its target a queue needs no second look.
	surely = 3
	// fullRounds with a queue are the end of the line; fewer may be noise.
	fullRounds = 2
	feelEvery  = 5 * time.Second
	// firstFeels come after feelSoon, and begin with firstGain at rounds of firstRound, with
	// laterGain at long ones: a start shows roughly what a line carries, and noise may have
	// ended the feel behind it.
	firstFeels = 3
	feelSoon   = 1500 * time.Millisecond
	firstRound = 90 * time.Millisecond
	firstGain  = 0.01
	laterGain  = 0.004
	// carried of a capacity at which all came that was asked for is surely there.
	carried = 0.98
	// feelLong is how long it is felt for the end in small steps.
	feelLong = 5 * time.Second
	// drainShare of the level is left until the queue that feeling made is gone.
	drainShare = 0.85
	// flinchShare of the level is left for a round trip at the first sign of others.
	flinchShare = 0.3

	// actsWithin is how long it takes to tell the sender, beyond the way of the packets,
	// and to see what came of it.
	actsWithin = 50 * time.Millisecond

	// maxTarget, maxAlarm and maxBusy bound what noise may hide.
	maxTarget = 4 * time.Millisecond
	maxBusy   = 10 * time.Millisecond
	maxAlarm  = 12 * time.Millisecond
	// minAlarm is the shortest queue that may mean others, maxLeastAlarm while the noise
	// is not known.
	minAlarm      = 1500 * time.Microsecond
	maxLeastAlarm = 3500 * time.Microsecond

	// minShortSpan is the least time over which a shortfall counts.
	minShortSpan = 300 * time.Millisecond
	// stalled is a gap between samples that says that this host stood still, and that
	// what was measured meanwhile tells of it and not of the line.
	stalled = 120 * time.Millisecond
	// blindAfter is how long probes may be lost.
	blindAfter = 3 * time.Second
	// forgetAfter so long without a run, the capacity shrinks by a tenth each
	// forgetEvery: the line may have become another.
	forgetAfter = time.Minute
	forgetEvery = 10 * time.Second

	// After an alarm without a cause a queue must be tolerateMore times as long, up to
	// maxTolerance times.
	tolerateMore = 1.4
	maxTolerance = 2
	// feelTolerance and unsureTolerance are for a queue that it may make itself while it
	// feels for the end of the line.
	feelTolerance   = 1.5
	unsureTolerance = 2

	// maxMet of the newest probes, of a hold, that met a packet of others are too many for
	// an idle line.
	maxMet = 6

	minHold = 2 * time.Second
	maxHold = 8 * time.Second
	// maxRunHold bounds what probes that failed and short runs make of the wait: the line
	// should be used again soon after others are done.
	maxRunHold = 3 * time.Second
	// shortRun and longRun: standing back after a shorter run than one, or a longer one
	// than the other, makes the next wait longer, or short again.
	shortRun = 5 * time.Second
	longRun  = 20 * time.Second

	// maxGap between samples: after a longer one, what was measured is too old.
	maxGap = time.Second
)

// Limits bound a controller from outside.
type Limits struct {
	Bound    float64       // bytes per second, 0 for none
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
	Loss  float64       // share of packets that the line loses by itself
	Blur  time.Duration // by which Queue may be too long, though nothing waits on the line
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
	loss     float64 // share of packets that the line loses by itself
	blur     time.Duration
	arrivals window
	noise    noise // of queues while nobody seemed to be there

	stepAt        time.Time // of the last change of rate that waits for its effect
	calmAt        time.Time // since when nobody disturbed
	hold          time.Duration
	deaf          time.Time     // until then this host catches up
	tolerance     float64       // of queues, 1 at first
	alarmed, real bool          // it stood back from Run, and others were there indeed
	queued        bool          // because of a queue
	patient       time.Time     // until then the sender may still wait as the floor asked
	doubted       time.Time     // Start saw a queue then; zero when not
	ratio         float64       // the least share of what was asked for that arrived
	worst         time.Duration // the longest queue since
	full          overload
	peak, most    float64 // the rate then, and what arrived at most
	best          float64 // what arrived at most in a start, in bytes per second over bestSpan

	gain                    float64 // share of the capacity that Run adds a round trip
	spent                   float64 // bytes the present probe took
	ranFrom                 time.Time
	flinched, feltAt        time.Time
	seenAt, ranAt, forgotAt time.Time // a queue was measured, it ran, the capacity shrank
	sure                    bool      // the capacity was felt
	feels                   int       // since a start
	learned                 float64   // capacity that a start showed
	met                     meetings  // of probes with packets of others, while standing back
	proven                  bool      // it ran at about this capacity for a while
	grewAt                  time.Time // the capacity did
	tries                   int       // to correct a capacity that was not
	fulls, shorts           int       // rounds in a row with a queue, and with less than was asked for
	signs                   int       // of others since it flinched
	feeling                 bool
	draining                bool // the queue that feeling made
}

// NewController returns a controller for a line of which limits says what is known.
func NewController(limits Limits) *Controller {
	return &Controller{limits: limits, mode: Start, rate: limits.first(), capacity: max(limits.Capacity, 0), hold: minHold, tolerance: 1}
}

// first is the rate that a controller begins with.
func (l Limits) first() float64 { return max(FirstRate, knownShare*(1-l.Busy)*l.Capacity) }

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
	if c.ranAt.IsZero() {
		c.ranAt = s.Now
	}
	if c.last.IsZero() || s.Now.Sub(c.last) > maxGap {
		c.queue = delays{}
		c.arrivals = window{}
		c.since, c.calmAt, c.stepAt = s.Now, s.Now, s.Now
		c.patient = s.Now.Add(6 * c.round())
		if c.mode == Run || c.mode == Probe { // others may have come meanwhile
			c.doubted, c.rate = time.Time{}, max(knownShare*c.capacity, FirstRate)
			c.enter(s.Now, Start, "")
		}
	}
	if s.Now.Sub(c.last) > stalled {
		c.deaf, c.arrivals = s.Now.Add(stalled), window{}
	}
	gap := s.Now.Sub(c.last)
	c.last = s.Now
	c.full.add(s.Taken, gap)
	if s.Now.Before(c.deaf) {
		s.Fresh = false
	}
	if s.Base > 0 {
		c.base = s.Base
	}
	c.blind(s)
	if s.Fresh {
		c.queue.add(s.Queue, s.Again)
		if !c.full.seen(s.Queue > c.quiet()) && c.doubted.IsZero() {
			c.full = overload{}
		}
		c.meet(s.Queue)
		if c.queue.least(2) > c.quiet() {
			c.calmAt = s.Now
		}
		// What a start showed is surely there, so that no queue below it is its own.
		own := c.draining || c.feeling && (c.sure || c.level > doubtShare*c.learned)
		if c.mode == Run && !s.Again && !own {
			c.noise.add(s.Queue)
		}
	}
	if c.loss == 0 && s.Loss > 0 && c.mode != Yield {
		c.relearn(s.Now)
	}
	c.loss, c.blur = s.Loss, s.Blur
	c.arrivals.add(s.Now, s.Taken, s.Wants, c.expected()*c.Rate())
	c.spent += float64(s.Taken)
}

// meet takes in whether a probe had to wait for others while this site sent next to
// nothing. Where queues are kept short, and between requests, that is all that is
// seen of them.
func (c *Controller) meet(queue time.Duration) {
	if c.mode != Yield {
		c.met = meetings{}
	} else if c.last.Sub(c.since) > 4*c.round() {
		c.met.add(queue > max(2500*time.Microsecond, c.packets(1.2), c.blur))
	}
}

// blind halves what is taken each time that nothing was heard of the queue for a
// while, though bytes come.
func (c *Controller) blind(s Sample) {
	switch {
	case s.Fresh || c.seenAt.IsZero() || s.Taken == 0 && !s.Wants:
		c.seenAt = s.Now
	case s.Now.Sub(c.seenAt) >= blindAfter:
		c.seenAt = s.Now
		c.level, c.rate, c.feeling = c.level/2, c.rate/2, false
	}
}

// round is how long a change of rate takes to show.
func (c *Controller) round() time.Duration { return c.base + actsWithin + c.limits.Lag }

func (c *Controller) enter(now time.Time, m Mode, reason string) {
	// What was asked for before is still on its way for a while.
	c.patient = now.Add(3 * c.round())
	if c.loss > 0 { // a sender for such lines begins with a few packets again
		c.patient = c.patient.Add(6 * c.base)
	}
	if c.mode == Yield { // two packets may wait to be sent at the floor's pace
		c.patient = c.patient.Add(packetsAt(c.Floor(), 2))
	}
	if m == Start {
		c.best = 0
	}
	c.mode, c.since, c.stepAt, c.reason = m, now, now, reason
}

func (c *Controller) standBack(now time.Time, why string) {
	ran := now.Sub(c.ranFrom)
	switch {
	case ran < shortRun:
		c.hold = max(c.hold, min(2*c.hold, maxRunHold))
	case ran > longRun:
		c.hold = minHold
	}
	// A line that carried more before has others now.
	got, asked, ok := c.arrivals.over(now, c.shortSpan(), c.lag())
	c.real = ok && c.proven && got < pushedShare*min(c.capacity, asked)
	c.noise.disturbed()
	c.rate = 0
	c.calmAt = now
	c.alarmed, c.queued = true, why == whyQueue
	c.enter(now, Yield, why)
}

func (c *Controller) yield(now time.Time) {
	c.rate = 0
	if now.Sub(c.ranAt) > forgetAfter && now.Sub(c.forgotAt) > forgetEvery {
		c.capacity = max(0.9*c.capacity, MinRate)
		c.forgotAt = now
	}
	if now.Sub(c.since) > 4*c.round() && (c.queue.least(2) > c.quiet() || c.met.n > maxMet) {
		c.real = true
	}
	hold := c.hold + c.base
	if c.alarmed && !c.real { // the queue went with us: it was our own, or noise
		hold = minHold
	}
	// Traffic that makes no queue leaves room, so it is waited for, but not for ever.
	waits := c.met.n > maxMet && now.Sub(c.since) < maxHold
	if now.Sub(c.calmAt) >= hold && now.Sub(c.since) >= hold && !waits {
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
	case c.queued:
		c.tolerance = min(c.tolerance*tolerateMore, maxTolerance)
		c.capacity *= overestimated
	}
	c.alarmed, c.queued = false, false
}

func (c *Controller) probe(now time.Time) {
	switch {
	case c.queue.least(3) >= c.busy():
		c.failProbe(now, whyQueue)
	case c.fallsShort(now):
		c.failProbe(now, "other traffic takes a part of the line")
	case now.Sub(c.stepAt) >= c.round() && c.rate > lastFrom*c.capacity && c.queue.least(2) < c.quiet():
		c.step(now, lastStep)
	case now.Sub(c.stepAt) >= 2*c.round() && c.queue.least(2) < c.quiet():
		c.step(now, probeStep)
	}
}

// step goes on with a probe, or begins to run.
func (c *Controller) step(now time.Time, by float64) {
	c.stepAt = now
	c.rate *= by
	if c.rate >= 0.9*c.capacity {
		c.tries = maxTries // it ran at this before
		c.goOn(now, false)
	}
}

func (c *Controller) failProbe(now time.Time, why string) {
	cost := time.Duration(c.spent / (lossShare * c.capacity) * float64(time.Second))
	c.hold = min(max(cost, minHold), maxRunHold)
	c.rate = 0
	c.calmAt = now
	c.enter(now, Yield, why)
}
