package catalog

import (
	"errors"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// WeekHours is how many hours a week has.
const WeekHours = 7 * 24

// MaxLines bounds the lines to the WAN that are remembered of a site. A site has
// one or two, but the addresses they are known by may change every day.
const MaxLines = 16

// Receipt sums up how a version's flow to a site shared the WAN with others.
type Receipt struct {
	Version  content.VersionID
	ActiveMs int64    // it was fetched
	YieldMs  int64    // of that, it stood back for other traffic
	Added    []uint32 // a bystander's packets by the delay added to them, in buckets
}

// Line is what was learned of a line to the WAN that a site is behind.
type Line struct {
	Egress   string           // its name
	Capacity int64            // bytes per second it carried
	Base     map[string]int64 // least round trip to a reflector, in microseconds
	// Busy is the share of time that others took the line, by hour of the week from
	// Monday midnight on, at the site; empty or WeekHours of them.
	Busy []float64
	At   time.Time // when that was learned
}

// Check reports what is wrong with a line.
func (l Line) Check() error {
	if len(l.Busy) != 0 && len(l.Busy) != WeekHours {
		return errors.New("a busy profile has an entry for each hour of the week")
	}
	return nil
}
