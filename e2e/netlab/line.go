package netlab

import (
	"math"
	"math/rand/v2"
)

// packet is a packet that waits: for the wire since it came, or for the far end
// until it is due.
type packet struct {
	came, due int64
	bytes     []byte
}

// size is that of the packet's frame.
func (p packet) size() int { return len(p.bytes) + frameHeader }

// line is the way from the wire to the far end: it holds each packet for a time.
type line struct {
	random *rand.Rand
	delay  int64   // ns
	spread float64 // ns; standard deviation of the jitter
	most   float64 // ns of jitter
	share  float64 // of packets that are held back
	by     int64   // ns that they are held back

	last int64 // when the last packet that kept its place is due
	fifo       // packets under way, in the order they are due
}

func (l *line) set(k Link) {
	l.delay, l.most = k.Delay.Nanoseconds(), float64(k.Jitter.Nanoseconds())
	l.spread = l.most / 3
	l.share, l.by = k.Reorder.Share, k.Reorder.By.Nanoseconds()
}

// send takes a packet whose last bit left the wire at sent.
func (l *line) send(sent int64, p packet) {
	p.due = sent + l.delay + l.jitter()
	if l.share > 0 && l.random.Float64() < l.share {
		// Nobody waits for it.
		p.due += l.by
		l.insert(p)
		return
	}
	p.due = max(p.due, l.last)
	l.last = p.due
	l.insert(p)
}

func (l *line) jitter() int64 {
	if l.most == 0 {
		return 0
	}
	for {
		if j := math.Abs(l.random.NormFloat64()) * l.spread; j <= l.most {
			return int64(j)
		}
	}
}

// fifo is a ring that grows.
type fifo struct {
	ring  []packet
	first int
	count int
}

func (f *fifo) len() int      { return f.count }
func (f *fifo) head() *packet { return &f.ring[f.first] }

func (f *fifo) push(p packet) {
	if f.count == len(f.ring) {
		grown := make([]packet, max(16, 2*len(f.ring)))
		n := copy(grown, f.ring[f.first:])
		copy(grown[n:], f.ring[:f.first])
		f.ring, f.first = grown, 0
	}
	*f.at(f.count) = p
	f.count++
}

// insert puts a packet before those that are due later: mostly at the end.
func (f *fifo) insert(p packet) {
	f.push(p)
	for i := f.count - 1; i > 0 && f.at(i-1).due > p.due; i-- {
		*f.at(i), *f.at(i - 1) = *f.at(i - 1), p
	}
}

// at is the place of the i-th packet from the head. The ring's length is a power
// of two.
func (f *fifo) at(i int) *packet { return &f.ring[(f.first+i)&(len(f.ring)-1)] }

func (f *fifo) pop() packet {
	p := *f.head()
	*f.head() = packet{}
	f.first, f.count = (f.first+1)&(len(f.ring)-1), f.count-1
	return p
}
