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
type patience struct {
	ends int    // how often in a row it did not last
	why  string // how it ended last
}

// ended takes in that it ended after it ran for some time, and says how long it waits.
func (p *patience) ended(ran time.Duration, why string) (wait time.Duration) {
	if ran >= steady {
		p.ends = 0
	}
	p.ends++
	p.why = why
	if p.ends > 7 { // beyond, doubling only overflows
		return maxWait
	}
	return min(maxWait, firstWait<<(p.ends-1))
}

// state is what is known of a screen in a phase. One that fails does so until its program
// has lasted.
func (p patience) state(now Phase, next time.Time) State {
	if p.ends >= tooMany {
		now = Failing
	}
	return State{Phase: now, Since: time.Now(), Ends: p.ends, Why: p.why, Next: next}
}
