package rtc

import "time"

// Bounds of what a link may have buffered of bulk, and how they come about.
const (
	// minWindow is what it may have in any case, bytes, and maxWindow the most: no more
	// than the peer's receive buffer holds.
	minWindow = 128 << 10
	maxWindow = sctpReceive
	// maxAhead is what may wait beyond what SCTP lets be on its way, bytes. There must
	// always be something, or SCTP's own window does not grow; and the less there is the
	// sooner a frame that was asked for now is sent.
	maxAhead = 256 << 10
	// startGain is how much of what the way holds may be on it while the rate grows with
	// it, and steadyGain later: enough to find out when there is more to have.
	startGain, steadyGain = 1.5, 1.25
	// slack is how long a busy host may take to acknowledge.
	slack = 25 * time.Millisecond
	// shortPeriod is the shortest time over which a rate is taken.
	shortPeriod = 20 * time.Millisecond
	// remembered is how many rates count, the highest of them.
	remembered = 10
	// growth is what a rate must gain within steadyAfter periods, or the start is over.
	growth      = 1.25
	steadyAfter = 3
)

// window follows what a way holds, the bytes of its rate in a round trip, and says how
// much of that a link may have buffered. SCTP by itself sends until a queue overflows
// or the peer's receive buffer is full, and takes seconds to get over so many losses at
// once. It is pure.
type window struct {
	trip time.Duration // the shortest round trip; 0 before one is known

	began     time.Time // of the period
	delivered int64     // when it began
	full      bool      // the link had all it may have, meanwhile

	rates  [remembered]float64 // bytes per second, of the last periods
	next   int                 // of rates
	high   float64             // the rate that has to be exceeded for the start to go on
	stale  int                 // periods since it was
	steady bool                // the start is over
}

// heard takes in a round trip; 0 is none.
func (w *window) heard(trip time.Duration) {
	if trip > 0 && (w.trip == 0 || trip < w.trip) {
		w.trip = trip
	}
}

// saw takes in how many bytes the peer has acknowledged by now, and whether the link
// has all that it may have.
func (w *window) saw(now time.Time, delivered int64, full bool) {
	w.full = w.full || full
	span, period := now.Sub(w.began), max(w.trip, shortPeriod)
	if span < period {
		return
	}
	if span < 2*period { // after a pause it would say nothing
		w.note(float64(delivered-w.delivered) / span.Seconds())
	}
	w.began, w.delivered, w.full = now, delivered, full
}

// note takes in the rate of a period.
func (w *window) note(rate float64) {
	if !w.full && rate < w.rate() {
		return // there was less to send
	}
	w.rates[w.next] = rate
	w.next = (w.next + 1) % remembered
	switch {
	case w.steady || !w.full:
	case rate >= growth*w.high:
		w.high, w.stale = rate, 0
	default:
		w.stale++
		w.steady = w.stale >= steadyAfter
	}
}

// rate is what the way was seen to carry of late, bytes per second.
func (w *window) rate() (best float64) {
	for _, r := range w.rates {
		best = max(best, r)
	}
	return best
}

// size is how many bytes may be buffered while SCTP lets so many be on their way.
func (w *window) size(congestion uint32) uint64 {
	gain := float64(startGain)
	if w.steady {
		gain = steadyGain
	}
	holds := w.rate() * (gain*w.trip.Seconds() + slack.Seconds())
	return uint64(min(max(holds, minWindow), maxWindow, float64(congestion)+maxAhead))
}
