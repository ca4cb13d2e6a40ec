package netlab

import (
	"math"
	"time"
)

// discipline is what waits for the wire: it orders packets and drops some. What it
// drops it gives to the function it was made with.
type discipline interface {
	// push takes a packet that came. Afterwards no more than room bytes wait.
	push(p packet, room float64)
	// pop gives the packet to send at now, if there is one.
	pop(now int64) (packet, bool)
	// waiting is how much waits.
	waiting() (packets, bytes int)
}

// drop takes back a packet that will not be carried.
type drop func(packet, fate)

func newDiscipline(kind AQM, drop drop) discipline {
	switch kind {
	case CoDel:
		return &controlled{dropTail: dropTail{drop: drop}}
	case FairQueue, FQCoDel:
		return newFair(kind == FQCoDel, drop)
	}
	return &dropTail{drop: drop}
}

// backlog is a queue that knows its bytes.
type backlog struct {
	fifo
	bytes int
}

func (b *backlog) push(p packet) {
	b.fifo.push(p)
	b.bytes += p.size()
}

func (b *backlog) pop() packet {
	p := b.fifo.pop()
	b.bytes -= p.size()
	return p
}

// dropTail is one queue that refuses what it has no room for.
type dropTail struct {
	drop drop
	backlog
}

func (d *dropTail) push(p packet, room float64) {
	if float64(d.bytes+p.size()) > room {
		d.drop(p, dropped)
		return
	}
	d.backlog.push(p)
}

func (d *dropTail) pop(int64) (packet, bool) {
	if d.len() == 0 {
		return packet{}, false
	}
	return d.backlog.pop(), true
}

func (d *dropTail) waiting() (packets, bytes int) { return d.len(), d.bytes }

// controlled is one queue with CoDel at its head.
type controlled struct {
	dropTail
	codel codel
}

func (c *controlled) pop(now int64) (packet, bool) { return c.codel.pop(now, &c.backlog, c.drop) }

// What RFC 8289 recommends for the Internet.
const (
	codelTarget   = int64(5 * time.Millisecond)
	codelInterval = int64(100 * time.Millisecond)
)

// codel decides which packets at the head of a queue to drop, by how long they have
// waited: once that was above the target for an interval, one; and then further ones
// ever faster, at the interval over the root of how many it dropped, until it is
// below.
type codel struct {
	lateAt    int64 // when the wait will have been too long for an interval; 0 while it is not
	dropping  bool
	nextDrop  int64
	count     int // drops since dropping began, or a little less where it began again soon
	lastCount int // count when dropping began
}

// soonAgain is how many intervals after the last drop CoDel still goes on at about
// the rate of drops that was needed.
const soonAgain = 16

// pop takes from q what is to be sent at now, and drops what has its turn before.
func (c *codel) pop(now int64, q *backlog, drop drop) (p packet, ok bool) {
	p, ok, late := c.take(now, q)
	switch {
	case !late:
		c.dropping = false
	case c.dropping:
		for c.dropping && now >= c.nextDrop {
			drop(p, dropped)
			c.count++
			if p, ok, late = c.take(now, q); !late {
				c.dropping = false
			} else {
				c.nextDrop = afterDrop(c.nextDrop, c.count)
			}
		}
	default:
		drop(p, dropped)
		p, ok, _ = c.take(now, q)
		c.dropping = true
		recent := c.count - c.lastCount
		if c.count = 1; recent > 1 && now-c.nextDrop < soonAgain*codelInterval {
			c.count = recent
		}
		c.lastCount = c.count
		c.nextDrop = afterDrop(now, c.count)
	}
	return p, ok
}

// take removes the head of q, and tells whether it is late: packets wait too long,
// and have done so for an interval. A queue of one packet is never too long.
func (c *codel) take(now int64, q *backlog) (p packet, ok, late bool) {
	if q.len() == 0 {
		c.lateAt = 0
		return packet{}, false, false
	}
	p = q.pop()
	switch {
	case now-p.came < codelTarget || q.bytes <= maxFrame:
		c.lateAt = 0
	case c.lateAt == 0:
		c.lateAt = now + codelInterval
	default:
		late = now >= c.lateAt
	}
	return p, true, late
}

// afterDrop is when the next drop is due after the count-th at t.
func afterDrop(t int64, count int) int64 {
	return t + int64(float64(codelInterval)/math.Sqrt(float64(count)))
}
