package origin

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// tellShare of a pace is the least change that is worth a message, and dearShare where
	// each message is a request to a proxy: 700 bytes and a place in its queue.
	tellShare = 0.005
	dearShare = 0.05
	// dearFall is the same of a pace that falls, which others wait for.
	dearFall = 0.02
	// dearEvery is how often a rise is told there, and dearRest when what is worth a message
	// elsewhere is told there too.
	dearEvery = 250 * time.Millisecond
	dearRest  = 2 * time.Second
)

// Told is what a sender was told of a pace, and when. It decides when another is worth a
// message, and is pure: it is asked again with each look at the rate.
type Told struct {
	wire.Pace
	At time.Time
}

// Worth reports whether a pace is worth telling now; dear says that messages go by
// requests of their own.
func (t Told) Worth(now time.Time, next wire.Pace, dear bool) bool {
	was, is := t.BytesPerSecond, next.BytesPerSecond
	switch {
	case t.Lossy != next.Lossy:
		return true
	case was == wire.Unlimited, is == wire.Unlimited:
		return was != is
	}
	rose := float64(is-was) / max(float64(was), 1)
	waited := now.Sub(t.At)
	switch {
	case rose <= tellShare && rose >= -tellShare:
		return false
	case !dear, rose < -dearFall, waited >= dearRest:
		return true
	}
	return rose > dearShare && waited >= dearEvery
}
