package schedule

import "time"

// Dialing.
const (
	// DialsPerSecond and DialBurst bound how fast a site makes links.
	DialsPerSecond = 20
	DialBurst      = 40
	// MaxAttempts is how often a link is tried in short order. From the second
	// attempt on the relay is used, too.
	MaxAttempts = 5
	// firstRedial is the wait after the first attempt; it doubles with each.
	firstRedial = time.Second
	// slowRedial is the wait after MaxAttempts.
	slowRedial = 5 * time.Minute
)

// Redial returns how long to wait after an attempt that failed, counted from 1.
func Redial(attempt int) time.Duration {
	if attempt >= MaxAttempts {
		return slowRedial
	}
	return firstRedial << max(attempt-1, 0)
}

// Bucket is a token bucket. It is full at first.
type Bucket struct {
	rate, burst float64
	tokens      float64 // as of filled
	filled      time.Time
}

// NewBucket returns a bucket that holds up to burst tokens and gains rate a second.
func NewBucket(rate, burst float64) Bucket {
	return Bucket{rate: rate, burst: burst, tokens: burst}
}

// Take takes a token at now, or reports when there will be one.
func (b *Bucket) Take(now time.Time) (ok bool, next time.Time) {
	if !b.filled.IsZero() {
		b.tokens = min(b.tokens+max(now.Sub(b.filled), 0).Seconds()*b.rate, b.burst)
	}
	b.filled = now
	if b.tokens < 1 {
		// One nanosecond more, lest rounding let the wait end a token too early.
		return false, now.Add(time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + 1)
	}
	b.tokens--
	return true, now
}
