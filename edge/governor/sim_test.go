package governor_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"
)

// bench is a bottleneck in memory: packets, a queue, TCP-like senders. It is
// exact enough to see what a controller does to others, and a minute of it takes
// milliseconds.
type bench struct {
	now    time.Duration
	events eventHeap
	seq    int

	rate  float64 // bytes per second
	delay time.Duration
	limit int // bytes
	fair  bool
	codel *codel
	loss  float64 // share of packets that the line loses by itself, each way

	queues map[int][]*packet // by flow; one queue, number 0, unless fair
	turn   []int             // flows with packets, in the order served
	queued int
	busy   bool
	drops  int
	random *rand.Rand
}

type packet struct {
	flow   int
	size   int
	sent   time.Duration
	in     time.Duration // entered the queue
	number int
	to     func(*packet)
	lost   func(*packet)
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any     { o := *h; e := o[len(o)-1]; *h = o[:len(o)-1]; return e }

func newBench(mbit float64, rtt, queue time.Duration) *bench {
	b := &bench{rate: mbit * 1e6 / 8, delay: rtt / 2, queues: map[int][]*packet{}, random: rand.New(rand.NewPCG(3, 4))}
	b.limit = max(int(b.rate*queue.Seconds()), 4*1514)
	return b
}

func (b *bench) after(d time.Duration, do func()) {
	b.seq++
	heap.Push(&b.events, event{b.now + d, b.seq, do})
}

func (b *bench) run(until time.Duration) {
	for len(b.events) > 0 && b.events[0].at <= until {
		e := heap.Pop(&b.events).(event)
		b.now = e.at
		e.do()
	}
	b.now = until
}

// lose reports whether the line loses a packet by itself.
func (b *bench) lose() bool { return b.loss > 0 && b.random.Float64() < b.loss }

// send puts a packet into the bottleneck.
func (b *bench) send(p *packet) {
	p.in = b.now
	if b.lose() {
		b.drop(p)
		return
	}
	if b.queued+p.size > b.limit {
		b.drops++
		if !b.fair {
			b.drop(p)
			return
		}
		// The tail of the longest queue goes.
		longest := p.flow
		for f, q := range b.queues {
			if len(q) > len(b.queues[longest]) {
				longest = f
			}
		}
		q := b.queues[longest]
		if len(q) == 0 {
			b.drop(p)
			return
		}
		last := q[len(q)-1]
		b.queues[longest] = q[:len(q)-1]
		b.queued -= last.size
		b.drop(last)
	}
	at := 0
	if b.fair {
		at = p.flow
	}
	if len(b.queues[at]) == 0 {
		b.turn = append(b.turn, at)
	}
	b.queues[at] = append(b.queues[at], p)
	b.queued += p.size
	if !b.busy {
		b.serve()
	}
}

func (b *bench) drop(p *packet) {
	if p.lost != nil {
		p.lost(p)
	}
}

func (b *bench) serve() {
	for len(b.turn) > 0 {
		at := b.turn[0]
		b.turn = b.turn[1:]
		q := b.queues[at]
		if len(q) == 0 {
			continue
		}
		p := q[0]
		b.queues[at] = q[1:]
		b.queued -= p.size
		if len(q) > 1 {
			if b.fair {
				b.turn = append(b.turn, at)
			} else {
				b.turn = append([]int{at}, b.turn...)
			}
		}
		if b.codel != nil && b.codel.drop(b.now, b.now-p.in) {
			b.drops++
			b.drop(p)
			continue
		}
		b.busy = true
		b.after(time.Duration(float64(p.size)/b.rate*1e9), func() {
			b.busy = false
			b.after(b.delay, func() { p.to(p) })
			b.serve()
		})
		return
	}
}

// codel is RFC 8289's control law.
type codel struct {
	above    time.Duration
	dropping bool
	next     time.Duration
	count    int
}

func (c *codel) drop(now, sojourn time.Duration) bool {
	const target, interval = 5 * time.Millisecond, 100 * time.Millisecond
	if sojourn < target {
		c.above, c.dropping = 0, false
		return false
	}
	if c.above == 0 {
		c.above = now + interval
	}
	if now < c.above {
		return false
	}
	if !c.dropping {
		c.dropping = true
		if c.count > 2 && now-c.next < 8*interval {
			c.count -= 2
		} else {
			c.count = 1
		}
		c.next = now + time.Duration(float64(interval)/math.Sqrt(float64(c.count)))
		return true
	}
	if now >= c.next {
		c.count++
		c.next += time.Duration(float64(interval) / math.Sqrt(float64(c.count)))
		return true
	}
	return false
}
