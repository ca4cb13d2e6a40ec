package schedule

import (
	"math"
	"time"
)

// Uptime estimates how much of the time an endpoint is on. The past counts less the
// longer ago it is: after uptimeMemory it counts a third. Of an endpoint nothing is
// known of it is thought that it is on half of the time. The zero Uptime is that.
type Uptime struct {
	known bool
	share float64
	on    bool      // since
	at    time.Time // the estimate is of
}

// uptimeMemory is how long ago something counts a third of what happens now. A
// weekend must not make a till look like a guest.
const uptimeMemory = 7 * 24 * time.Hour

// firstShare is what is thought of an endpoint that nothing is known of.
const firstShare = 0.5

// Note returns the estimate after the endpoint was seen to be on, or off, at now.
func (u Uptime) Note(now time.Time, on bool) Uptime {
	return Uptime{known: true, share: u.Share(now), on: on, at: now}
}

// Share is the estimate at now, from 0 to 1.
func (u Uptime) Share(now time.Time) float64 {
	if !u.known {
		return firstShare
	}
	left := math.Exp(-max(now.Sub(u.at), 0).Seconds() / uptimeMemory.Seconds())
	if u.on {
		return 1 - (1-u.share)*left
	}
	return u.share * left
}
