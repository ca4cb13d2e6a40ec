package api

import "time"

// Limits that tests wait for.
const (
	MaxBuckets = maxBuckets
	StreamLife = streamLife
	MaxStreams = maxStreams
)

// Ration is a limit by itself.
type Ration struct{ *ration }

// NewRation makes one.
func NewRation(l Limit) Ration { return Ration{newRation("test", l, Usual.Read)} }

// Take takes one request of who's.
func (r Ration) Take(who string) bool {
	_, wait := r.take(who, time.Now())
	return wait == 0
}

// Buckets is how many are remembered.
func (r Ration) Buckets() int { return len(r.buckets) }

// NewAttempts counts attempts to log in.
func NewAttempts() func(addr, account string, now time.Time) bool { return new(attempts).allow }

// CountObeyed is how it is counted who obeys a block.
var CountObeyed = obeyed
