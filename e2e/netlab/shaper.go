package netlab

import (
	"math"
	"math/rand/v2"
)

// shaper decides what becomes of each packet of a link, and when it comes out at the
// far end: pure, in nanoseconds of any clock that never goes back. It may be asked
// late: packets take the wire at the instants at which it was free, not at those at
// which somebody looked.
type shaper struct {
	drop  drop
	gate  gate
	queue discipline
	line  line

	flapping  flapping
	nsPerByte float64 // 0 is a wire that takes no time
	limit     float64 // bytes that may wait
	freeAt    float64 // ns; when the wire will have sent all it was given
	sending   float64 // bytes of the frame that it was given last
}

// newShaper makes the shaper of a link that begins at now. What it does not carry it
// gives to drop.
func newShaper(now int64, l Link, seed uint64, drop drop) *shaper {
	// Each part has chances of its own, so that nothing changes where one is asked late.
	chances := func(part uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, part)) }
	s := &shaper{drop: drop, gate: gate{random: chances(0)}, queue: newDiscipline(l.AQM, drop), line: line{random: chances(1)}}
	s.set(now, l)
	return s
}

// set changes the link at now, all but its queue's management. What waits goes on
// waiting; the frame on the wire and those behind it on their way come out as they
// would have.
func (s *shaper) set(now int64, l Link) {
	s.serve(now)
	s.gate.set(now, l)
	s.line.set(l)
	s.flapping = newFlapping(now, l.Flap)
	s.nsPerByte, s.limit = 0, math.Inf(1)
	if l.Rate > 0 {
		s.nsPerByte, s.limit = 8e9/float64(l.Rate), float64(l.queue())
	}
}

// admit takes a packet that arrived at now.
func (s *shaper) admit(now int64, bytes []byte) {
	p := packet{came: now, bytes: bytes}
	if why := s.gate.judge(now, p.size()); why != carried {
		s.drop(p, why)
		return
	}
	s.serve(now)
	s.freeAt = max(s.freeAt, float64(now))
	s.queue.push(p, s.limit-s.unsent(now))
}

// unsent is how many bytes of the frame on the wire are still to be sent.
func (s *shaper) unsent(now int64) float64 {
	if s.nsPerByte == 0 {
		return 0
	}
	return min(s.sending, (s.freeAt-float64(now))/s.nsPerByte)
}

// serve gives the wire what it could take until now.
func (s *shaper) serve(now int64) {
	for packets, _ := s.queue.waiting(); packets > 0; packets, _ = s.queue.waiting() {
		start := s.flapping.open(s.freeAt)
		if int64(start) > now {
			return
		}
		p, ok := s.queue.pop(int64(start))
		if !ok {
			return
		}
		s.sending = float64(p.size())
		s.freeAt = s.flapping.after(start, s.sending*s.nsPerByte)
		s.line.send(int64(s.freeAt), p)
	}
}

// emit gives the next packet that is out at now. Call serve before.
func (s *shaper) emit(now int64) (packet, bool) {
	if s.line.len() == 0 || s.line.head().due > now {
		return packet{}, false
	}
	return s.line.pop(), true
}

// due is before when nothing can come out. It is never, in about three hundred
// years, where there is nothing.
func (s *shaper) due() int64 {
	due := int64(math.MaxInt64)
	if s.line.len() > 0 {
		due = s.line.head().due
	}
	if packets, _ := s.queue.waiting(); packets > 0 {
		due = min(due, int64(s.flapping.open(s.freeAt))+s.line.delay)
	}
	return due
}

// waiting is how many packets are in the queue and on their way.
func (s *shaper) waiting() int {
	packets, _ := s.queue.waiting()
	return packets + s.line.len()
}
