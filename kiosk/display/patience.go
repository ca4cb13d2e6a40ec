package display

import "time"

const (
	// steady is how long a program runs that is well.
	steady = time.Minute
	// firstWait is how long a program stays away that ended, which doubles up to maxWait
	// while it does not last.
	firstWait = time.Second
	maxWait   = time.Minute
	// tooMany is how often in a row it may end before its minute is over until that counts
	// as failing.
	tooMany = 5
)

// patience decides when a program that ended is started again.
type patience struct{ ends int }

// ended takes in that it ended after it ran for some time, and says how long it waits.
func (p *patience) ended(ran time.Duration) (wait time.Duration) {
	if ran >= steady {
		p.ends = 0
	}
	p.ends++
	if p.ends > 7 { // beyond, doubling only overflows
		return maxWait
	}
	return min(maxWait, firstWait<<(p.ends-1))
}

// phase is what the screen is in while it waits.
func (p patience) phase() Phase {
	if p.ends >= tooMany {
		return Failing
	}
	return Waiting
}
