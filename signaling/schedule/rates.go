package schedule

import "time"

const (
	// slowShare of another's rate is what makes a fetcher lose the lease it works
	// on, and poorShare what makes it lose the next one: the first costs a chunk.
	slowShare = 0.25
	poorShare = 0.5
	// slowAfter is how long a fetcher has to show its rate.
	slowAfter = 5 * time.Second
	// capShare of the cap is as good as all of it.
	capShare = 0.8
	// trialAfter is how long a fetcher works before another is tried, and doubles
	// with each trial; trialPays is what must be left for a trial to be worth its
	// second or so, and maxTrials how many there are.
	trialAfter = 10 * time.Second
	trialPays  = time.Minute
	maxTrials  = 3
)

// Fetching is how one member fetches.
type Fetching struct {
	Rate  float64       // bytes per second over the last seconds, 0 when not known yet
	For   time.Duration // without a break
	Best  float64       // what another of its reach group did, 0 when nobody did
	Limit float64       // the most it may take, 0 for no limit
}

// bar is the rate to compare with: nobody is slow who takes all it may.
func (f Fetching) bar() float64 {
	if f.Limit > 0 {
		return min(f.Best, capShare*f.Limit)
	}
	return f.Best
}

// Slow reports whether somebody else should take over what it works on.
func (f Fetching) Slow() bool { return f.Rate > 0 && f.For >= slowAfter && f.Rate < slowShare*f.bar() }

// Poor reports whether somebody else should get the next lease.
func (f Fetching) Poor() bool { return f.Rate > 0 && f.Rate < poorShare*f.bar() }

// Trial reports whether another one should be tried, to learn whether the rate is
// that of the line or of the fetcher, when so many bytes are left and so many
// trials were made. Without a second opinion a site would stay with a poor
// fetcher for ever.
func (f Fetching) Trial(left int64, trials int) bool {
	if trials >= maxTrials || f.Rate <= 0 || f.Limit > 0 && f.Rate >= capShare*f.Limit {
		return false
	}
	return f.For >= trialAfter<<trials && float64(left) >= f.Rate*trialPays.Seconds()
}
