package schedule

import "time"

const (
	// rationSeconds of a flow's cap are what a lease of it covers, or one chunk; and so much
	// may be leased ahead, so that one lease follows the other without a gap.
	rationSeconds = 2
	// rationCredit is how much of what it did not lease in time a flow may catch up on: a
	// site looks at the time now and then only.
	rationCredit = 1
)

// Ration holds what is leased of a flow to its cap, in bytes per second. Whoever fetches is
// held to it, whatever it knows of caps: more than is leased it can't fetch. Over any time
// a flow is leased no more than its cap times that time, what rationSeconds twice bring, and a
// lease. Its zero value has leased nothing.
type Ration struct {
	ahead float64 // bytes leased and not covered yet; less than 0: what may be caught up on
	at    time.Time
}

// RationBytes is the most that a lease of a flow with a cap covers.
func RationBytes(limit int64) int64 { return max(rationSeconds*limit, 1) }

// settle takes in that time went by.
func (r *Ration) settle(now time.Time, limit int64) {
	if !r.at.IsZero() {
		r.ahead = max(r.ahead-float64(limit)*now.Sub(r.at).Seconds(), -rationCredit*float64(limit))
	}
	r.at = now
}

// Open reports whether the next lease may be granted.
func (r *Ration) Open(now time.Time, limit int64) bool {
	if limit <= 0 {
		return false
	}
	r.settle(now, limit)
	return r.ahead <= float64(rationSeconds*limit)
}

// Take counts what was leased. What a lease did not bring is taken back, as a negative number.
func (r *Ration) Take(now time.Time, bytes, limit int64) {
	r.settle(now, limit)
	r.ahead += float64(bytes)
}

// SumOfCaps is what flows that run can take together, in bytes per second: the sum of their
// caps. It reports false where one has none, or nothing runs.
func SumOfCaps(caps []int64) (sum int64, bounded bool) {
	for _, c := range caps {
		if c < 0 {
			return 0, false
		}
		sum += c
	}
	return sum, len(caps) > 0
}
