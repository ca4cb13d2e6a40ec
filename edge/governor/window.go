package governor

import (
	"slices"
	"time"
)

// delays are the newest queueing delays, newest first.
type delays struct {
	d [4]time.Duration
	n int
}

// add takes in a delay, or corrects the newest with it.
func (q *delays) add(d time.Duration, again bool) {
	if again && q.n > 0 {
		q.d[0] = min(q.d[0], d)
		return
	}
	copy(q.d[1:], q.d[:])
	q.d[0] = d
	q.n = min(q.n+1, len(q.d))
}

// least is the least of the newest n: a queue that is surely there. It is 0 until
// there are so many.
func (q *delays) least(n int) time.Duration {
	if q.n < n {
		return 0
	}
	d := q.d[0]
	for _, o := range q.d[1:n] {
		d = min(d, o)
	}
	return d
}

// noise remembers how queues looked in the last quiet seconds. The newest do not count
// until it is sure that they were quiet.
type noise struct {
	seen  [128]time.Duration
	n     int
	fresh []time.Duration
}

func (n *noise) add(d time.Duration) {
	n.fresh = append(n.fresh, d)
	if len(n.fresh) > unsureNoise {
		n.seen[n.n%len(n.seen)] = n.fresh[0]
		n.n++
		n.fresh = n.fresh[1:]
	}
}

// disturbed forgets the newest.
func (n *noise) disturbed() { n.fresh = n.fresh[:0] }

// median is what every second exceeded.
func (n *noise) median() time.Duration { return n.percentile(50) }

// percentile is what all but p in a hundred exceeded; 0 until enough was seen.
func (n *noise) percentile(p int) time.Duration {
	if n.n < minNoise {
		return 0
	}
	all := n.seen
	sorted := all[:min(n.n, len(all))]
	slices.Sort(sorted)
	return sorted[len(sorted)*p/100]
}

const (
	// minNoise is how many probes it takes to know what is noise.
	minNoise = 32
	// unsureNoise is how many are sent from when others come until they are noticed.
	unsureNoise = 24
)

// overload adds up what arrives while a line is full, which is what it carries.
type overload struct {
	bytes, open float64 // open until the next look at the queue says whether they count
	time, since time.Duration
}

func (o *overload) add(taken int64, gap time.Duration) {
	o.open += float64(taken)
	o.since += gap
}

// seen takes in whether a queue is there.
func (o *overload) seen(queue bool) bool {
	if queue {
		o.bytes += o.open
		o.time += o.since
	}
	o.open, o.since = 0, 0
	return queue
}

// rate is in bytes per second.
func (o *overload) rate() float64 { return o.bytes / o.time.Seconds() }

// meetings counts which of the newest probes met a packet of others.
type meetings struct {
	met [40]bool
	at  int
	n   int
}

func (m *meetings) add(met bool) {
	if m.met[m.at] {
		m.n--
	}
	if m.met[m.at] = met; met {
		m.n++
	}
	m.at = (m.at + 1) % len(m.met)
}

// windowSpan is how long arrivals are remembered.
const windowSpan = 4 * time.Second

// window remembers what arrived, and what might have.
type window struct {
	marks []mark
}

// mark is a sample: what came since the one before, and the rate allowed then.
type mark struct {
	at    time.Time
	taken float64
	rate  float64
	wants bool
}

func (w *window) add(now time.Time, taken int64, wants bool, rate float64) {
	w.marks = append(w.marks, mark{now, float64(taken), rate, wants})
	for len(w.marks) > 2 && now.Sub(w.marks[1].at) > windowSpan {
		w.marks = w.marks[1:]
	}
}

// over is the rate at which bytes came in the last span, and the mean of the rates
// that were allowed a lag earlier, when those bytes were asked for. ok is false when
// so much time is not known of, or for a fifth of it nothing more was wanted.
func (w *window) over(now time.Time, span, lag time.Duration) (got, asked float64, ok bool) {
	from, until := now.Add(-span), now.Add(-lag)
	var bytes, rates, since float64
	var idle time.Duration
	for i := len(w.marks) - 1; i > 0; i-- {
		m, before := w.marks[i], w.marks[i-1].at
		if m.at.After(now) {
			continue
		}
		if !m.wants {
			idle += m.at.Sub(before)
		}
		if m.at.After(from) {
			bytes += m.taken
			since = now.Sub(before).Seconds()
		}
		if d := overlap(before, m.at, from.Add(-lag), until); d > 0 {
			rates += m.rate * d.Seconds()
		}
		if !before.After(from.Add(-lag)) {
			return bytes / since, rates / span.Seconds(), idle < span/5
		}
	}
	return 0, 0, false
}

// short reports whether less than a share of what was asked for came in each quarter
// of a span, and something in each: where somebody else takes a part of the line, the
// rest comes steadily, but a sender or a receiver that stands still makes clumps.
func (w *window) short(now time.Time, span, lag time.Duration, share float64) bool {
	if _, _, ok := w.over(now, span, lag); !ok {
		return false
	}
	for i := range time.Duration(4) {
		got, asked, _ := w.over(now.Add(-i*span/4), span/4, lag)
		if got > share*asked || got < trickle*asked {
			return false
		}
	}
	return true
}

// trickle is a share that hardly counts as something.
const trickle = 0.1

// overlap is how long two spans of time run together.
func overlap(a, b, from, until time.Time) time.Duration {
	if from.After(a) {
		a = from
	}
	if until.Before(b) {
		b = until
	}
	return b.Sub(a)
}
