package governor

import (
	"maps"
	"slices"
	"time"
)

// A line that loses packets by itself, as radio does, is told from one that is full by
// the probes just before and after one that was lost: where a queue is full, they waited
// in it. Losses that met no queue are the line's own (compare Samaraweera,
// "Non-congestion packet loss detection for TCP error recovery using wireless links",
// 1999).
const (
	// lossOf is how many of the newest probes count.
	lossOf = 400
	// So many losses of the line's own among them make it a lossy one; with leastLost it
	// is one no more.
	minLost   = 4
	leastLost = 1
	// sure is how many times as many must speak for the other before the mind is changed.
	sure = 2
	// minCalm probes must have come back before a line can be called calm, and calmNoise
	// is how far they may be apart whatever their spread.
	minCalm   = 40
	calmNoise = 500 * time.Microsecond
	// maxRun is how many probes in a row that are lost are still that, and no outage.
	maxRun = 8
	// overtakes is how many later ones must have come back before one counts as lost:
	// some networks change the order of packets.
	overtakes = 3

	// lossNoise is how much less comes at times over a line that loses packets than it
	// leaves, as packets wait for those that are sent again; leastExpected bounds both.
	lossNoise     = 0.1
	leastExpected = 0.3
)

// Losses finds the share of packets that a line loses by itself. The zero value takes
// it for one that loses only what it is too full for.
type Losses struct {
	next  uint64           // number of the first probe of which is not known what became
	early map[uint64]probe // later ones

	probes [lossOf]probe
	n      int // so many were known so far
	lossy  bool
	share  float64
}

// probe is one that came back, or the zero value for one that was lost.
type probe struct {
	came   bool
	queue  time.Duration
	queued bool // the queue is worth that name
}

// Share is of packets, there and back together, that the line loses by itself; 0 for
// next to none.
func (l *Losses) Share() float64 { return l.share }

// Came takes in that a probe came back, the queue that it met, and the longest that is
// next to none. Probes are numbered in the order they were sent.
func (l *Losses) Came(number uint64, queue, empty time.Duration) {
	if l.early == nil {
		l.next, l.early = number, map[uint64]probe{}
	}
	if number < l.next {
		return // it was given up
	}
	l.early[number] = probe{true, queue, queue > empty}
	for len(l.early) > 0 {
		if p, known := l.early[l.next]; known {
			delete(l.early, l.next)
			l.add(p)
			l.next++
			continue
		}
		if len(l.early) < overtakes {
			return
		}
		first := slices.Min(slices.Collect(maps.Keys(l.early)))
		for range min(first-l.next, maxRun+1) { // of an outage no more need be known
			l.add(probe{})
		}
		l.next = first
	}
}

// add takes in what became of the next probe.
func (l *Losses) add(p probe) {
	l.probes[l.n%lossOf] = p
	l.n++
	if !p.came { // what follows tells
		return
	}
	own, full := l.count()
	if l.lossy {
		l.lossy = own > leastLost && full < sure*own
	} else {
		l.lossy = own >= minLost && own > sure*full && l.calm()
	}
	l.share = 0
	if l.lossy {
		l.share = float64(own) / float64(min(l.n, lossOf))
	}
}

// count counts the losses of the line's own, and those in a queue.
func (l *Losses) count() (own, full int) {
	var before probe
	run := 0
	for i := max(l.n-lossOf, 0); i < l.n; i++ {
		p := l.probes[i%lossOf]
		if !p.came {
			run++
			continue
		}
		switch {
		case run > maxRun, !before.came:
		case p.queued || before.queued:
			full += run
		default:
			own += run
		}
		before, run = p, 0
	}
	return own, full
}

// calm reports whether most probes met what the luckiest did, as over an empty line. A
// short queue that others fill all the time hides how long its line takes when it is
// empty: there most met what the unluckiest did.
func (l *Losses) calm() bool {
	var queues []time.Duration
	for _, p := range l.probes[:min(l.n, lossOf)] {
		if p.came {
			queues = append(queues, p.queue)
		}
	}
	if len(queues) < minCalm {
		return false
	}
	slices.Sort(queues)
	least, most := queues[0], queues[len(queues)*95/100]
	return queues[len(queues)/2]-least <= max((most-least)/2, calmNoise)
}

// Empty is the queue up to which a packet that was lost was not lost in one: well below
// any that is full, as the shortest of those hold half a round trip.
func (c *Controller) Empty() time.Duration {
	return max(2500*time.Microsecond, min(packetsAt(max(c.capacity, c.Rate()), 2), c.base/4))
}

// expected is the share of what is asked for that comes over the empty line, surely.
func (c *Controller) expected() float64 {
	if c.loss == 0 {
		return 1
	}
	return max(1-c.loss-lossNoise, leastExpected)
}

// relearn begins anew on a line that turned out to lose packets by itself: what it was
// seen to carry was what a sender made of it that took losses for a full queue. The
// sender becomes another now.
func (c *Controller) relearn(now time.Time) {
	c.capacity = 0
	c.doubted, c.arrivals, c.full = time.Time{}, window{}, overload{}
	c.enter(now, Start, "the line loses packets by itself")
}
