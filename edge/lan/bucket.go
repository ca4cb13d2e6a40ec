package lan

import (
	"context"
	"math"
	"sync"
	"time"
)

// burstTime is how much of the rate may go at once after a pause; a piece always may.
const burstTime = 20 * time.Millisecond

// bucket lets bytes go at a rate that changes: whoever waits feels a change at once,
// in both directions, and those who wait take turns.
type bucket struct {
	turn chan struct{} // holds one value, whose holder is next

	// mu guards the rest.
	mu      sync.Mutex
	rate    float64 // bytes per second; +Inf lets all go
	tokens  float64
	at      time.Time     // tokens are as of then
	changed chan struct{} // closed, and made anew, when the rate changes
}

func newBucket() *bucket {
	b := &bucket{turn: make(chan struct{}, 1), rate: math.Inf(1), changed: make(chan struct{})}
	b.turn <- struct{}{}
	return b
}

// set changes the rate from now on.
func (b *bucket) set(now time.Time, rate float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rate == b.rate {
		return
	}
	if math.IsInf(b.rate, 1) {
		b.tokens, b.at = 0, now
	} else {
		b.fill(now, 0)
	}
	b.rate = rate
	close(b.changed)
	b.changed = make(chan struct{})
}

// fill adds what time brought. mu is held.
func (b *bucket) fill(now time.Time, n int) {
	most := max(b.rate*burstTime.Seconds(), float64(n), minPiece)
	b.tokens = min(b.tokens+b.rate*now.Sub(b.at).Seconds(), most)
	b.at = now
}

// try takes n bytes, or says how long until there may be so many.
func (b *bucket) try(now time.Time, n int) (wait time.Duration, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if math.IsInf(b.rate, 1) {
		return 0, nil
	}
	b.fill(now, n)
	if b.tokens >= float64(n) {
		b.tokens -= float64(n)
		return 0, nil
	}
	wait = time.Duration((float64(n) - b.tokens) / b.rate * float64(time.Second))
	return max(wait, time.Microsecond), b.changed
}

// take waits until n bytes may go.
func (b *bucket) take(ctx context.Context, n int) error {
	select {
	case <-b.turn:
		defer func() { b.turn <- struct{}{} }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		wait, changed := b.try(time.Now(), n)
		if wait == 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
