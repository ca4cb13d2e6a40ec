package fleet

import (
	"context"
	"sync"
	"time"
)

const (
	inboxEvents = 4096
	batchEvents = 1024
)

// shard is a goroutine that owns some places and all that is at them. Sockets post to its
// inbox what they hear.
type shard struct {
	fleet  *Fleet
	places []*place
	inbox  chan func(now time.Time)
	stays  sync.WaitGroup // sockets of endpoints that are on, or were a moment ago
}

func newShard(f *Fleet) *shard {
	return &shard{fleet: f, inbox: make(chan func(time.Time), inboxEvents)}
}

// post hands an event to the owner. False means that the fleet ends. Never call it from
// the owner.
func (s *shard) post(event func(now time.Time)) bool {
	select {
	case s.inbox <- event:
		return true
	case <-s.fleet.done:
		return false
	}
}

// run owns the shard until ctx ends, and returns when all sockets have closed.
func (s *shard) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	due := time.Time{} // of the next step; zero: nothing goes on
	for {
		select {
		case <-ctx.Done():
			s.end()
			return
		case event := <-s.inbox:
			event(time.Now())
			s.drain()
		case <-timer.C:
		}
		now := time.Now()
		if !due.IsZero() && now.Before(due) {
			continue
		}
		if due = s.step(now); due.IsZero() {
			timer.Reset(time.Hour)
		} else {
			timer.Reset(time.Until(due))
		}
	}
}

// drain applies what else is waiting.
func (s *shard) drain() {
	for range batchEvents {
		select {
		case event := <-s.inbox:
			event(time.Now())
		default:
			return
		}
	}
}

// step moves every place on, and returns when to do so again; zero for not before
// something is heard.
func (s *shard) step(now time.Time) (due time.Time) {
	for _, p := range s.places {
		if p.step(now) {
			due = now.Add(Tick)
		}
	}
	return due
}

// end has everybody leave.
func (s *shard) end() {
	for _, p := range s.places {
		for _, e := range p.here {
			e.stay.end()
		}
	}
	s.stays.Wait()
}
