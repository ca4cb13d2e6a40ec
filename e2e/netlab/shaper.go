package netlab

import "math/rand/v2"

// shaper decides what becomes of each packet of a link: pure, in nanoseconds of
// any clock that never goes back. It is a single server with a drop-tail queue:
// the queue is not kept, only the instant at which its last byte will be sent.
type shaper struct {
	nsPerByte float64
	queue     float64 // bytes
	delay     int64   // ns
	loss      float64
	random    *rand.Rand

	freeAt float64 // ns; when the link will have sent all it accepted
}

type fate uint8

const (
	carried fate = iota
	dropped      // the queue was full
	lost         // by chance
)

func newShaper(l Link, seed uint64) *shaper {
	s := &shaper{delay: l.Delay.Nanoseconds(), loss: l.Loss, random: rand.New(rand.NewPCG(seed, 0))}
	if l.Rate > 0 {
		s.nsPerByte, s.queue = 8e9/float64(l.Rate), float64(l.queue())
	}
	return s
}

// admit takes a frame of size bytes that arrived at now, and says when its last
// bit comes out at the far end. What is carried comes out in the order it came.
func (s *shaper) admit(now int64, size int) (due int64, _ fate) {
	if s.loss > 0 && s.random.Float64() < s.loss {
		return 0, lost
	}
	begin := max(s.freeAt, float64(now))
	if s.nsPerByte > 0 && (begin-float64(now))/s.nsPerByte+float64(size) > s.queue {
		return 0, dropped
	}
	s.freeAt = begin + float64(size)*s.nsPerByte
	return int64(s.freeAt) + s.delay, carried
}
