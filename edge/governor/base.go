package governor

import "time"

const (
	// baseSpan and baseSpans: the least round trip counts for ten minutes.
	baseSpan  = time.Minute
	baseSpans = 10
	// steadySpan and steadySpans: a round trip whose least values hardly differed for
	// half a minute is that of another route, not of a queue, which others would fill
	// and drain.
	steadySpan  = 2 * time.Second
	steadySpans = 15
	// steadyWithin is how little they may differ, in milliseconds and as a share.
	steadyWithin = time.Millisecond
	steadyShare  = 20
	// rerouted is the least change that matters.
	rerouted = 3 * time.Millisecond
)

// BaseDelay finds the round trip over an empty path among those over one that is not
// always empty: it is the least that was seen lately. The zero value knows nothing.
type BaseDelay struct {
	known time.Duration // from earlier, 0 for none; counts as a first sample

	mins   [baseSpans]time.Duration
	at     int
	begun  time.Time // of the span at hand
	steady []time.Duration
	least  time.Duration // of the steady span at hand
	since  time.Time
}

// Add takes in a round trip and returns the base.
func (b *BaseDelay) Add(now time.Time, rtt time.Duration) time.Duration {
	if b.begun.IsZero() {
		b.begun, b.since = now, now
		b.mins[0] = b.known
	}
	if now.Sub(b.begun) >= baseSpans*baseSpan {
		b.mins, b.begun = [baseSpans]time.Duration{}, now
	}
	for now.Sub(b.begun) >= baseSpan {
		b.begun = b.begun.Add(baseSpan)
		b.at = (b.at + 1) % baseSpans
		b.mins[b.at] = 0
	}
	if m := &b.mins[b.at]; *m == 0 || rtt < *m {
		*m = rtt
	}
	b.watch(now, rtt)
	return b.Now()
}

// watch notices another route.
func (b *BaseDelay) watch(now time.Time, rtt time.Duration) {
	if b.least == 0 || rtt < b.least {
		b.least = rtt
	}
	switch gap := now.Sub(b.since); {
	case gap < steadySpan:
		return
	case gap >= 2*steadySpan: // hardly anything was heard
		b.steady, b.least, b.since = nil, 0, now
		return
	}
	b.steady = append(b.steady, b.least)
	b.least, b.since = 0, now
	if len(b.steady) > steadySpans {
		b.steady = b.steady[1:]
	}
	if len(b.steady) < steadySpans {
		return
	}
	low, high := b.steady[0], b.steady[0]
	for _, d := range b.steady {
		low, high = min(low, d), max(high, d)
	}
	if low > b.Now()+rerouted && high-low <= max(steadyWithin, low/steadyShare) {
		b.mins = [baseSpans]time.Duration{}
		b.mins[b.at] = low
	}
}

// Now is the base, 0 while nothing is known.
func (b *BaseDelay) Now() time.Duration {
	var least time.Duration
	for _, m := range b.mins {
		if m > 0 && (least == 0 || m < least) {
			least = m
		}
	}
	if least == 0 {
		return b.known
	}
	return least
}
