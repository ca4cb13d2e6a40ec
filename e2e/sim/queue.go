package sim

import (
	"cmp"
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
)

// event is something that happens at a time. Those of one instant happen in the
// order of their streams, whoever put them in first.
type event struct {
	at          time.Time
	stream, seq uint64
	do          func()
}

// queue holds what is to come.
type queue struct {
	wake    chan struct{}
	streams atomic.Uint64
	popped  uint64 // owned by the goroutine that delivers

	// mu guards the rest.
	mu     sync.Mutex
	events events
}

// stream is a line of events that keep their order. It is made by the goroutine
// that delivers, so that its number does not depend on chance.
type stream struct {
	q   *queue
	id  uint64
	seq uint64    // guarded by q.mu
	due time.Time // of the last event, guarded by q.mu
}

func (q *queue) stream() *stream { return &stream{q: q, id: q.streams.Add(1)} }

// in has do run after d, and after everything put into the stream before. Each
// stream is a little off, so that things hardly ever happen at the same instant:
// whose timer fires first would be chance.
func (s *stream) in(d time.Duration, do func()) { s.put(time.Now().Add(d), true, do) }

// alarm has do run after d, whatever else is in the stream.
func (s *stream) alarm(d time.Duration, do func()) { s.put(time.Now().Add(d), false, do) }

func (s *stream) put(at time.Time, behind bool, do func()) {
	at = at.Add(time.Duration(1 + 7*s.id))
	s.q.mu.Lock()
	if behind {
		if at.Before(s.due) {
			at = s.due
		}
		s.due = at
	}
	s.seq++
	heap.Push(&s.q.events, event{at, s.id, s.seq, do})
	s.q.mu.Unlock()
	select {
	case s.q.wake <- struct{}{}:
	default:
	}
}

// next is when the next event is due.
func (q *queue) next() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return time.Time{}, false
	}
	return q.events[0].at, true
}

// pop takes out the next event, if it is due.
func (q *queue) pop(now time.Time) (event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 || q.events[0].at.After(now) {
		return event{}, false
	}
	q.popped++
	return heap.Pop(&q.events).(event), true
}

// events is a heap.
type events []event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e events) Less(i, j int) bool {
	return cmp.Or(e[i].at.Compare(e[j].at), cmp.Compare(e[i].stream, e[j].stream), cmp.Compare(e[i].seq, e[j].seq)) < 0
}
func (e *events) Push(x any) { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	out := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return out
}
