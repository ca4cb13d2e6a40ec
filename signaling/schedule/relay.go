package schedule

import "github.com/sitecast/sitecast/signaling/wire"

// What goes through a relay beyond the WAN crosses the line of the site twice, out and
// in, and plain; what comes from the origin crosses it once, and compressed. A relay at
// the site is a part of its LAN: its links count as direct, and are not weighed.
const (
	// relayCost is how many bytes a byte of content takes on the site's line through such
	// a relay: two, and what is repeated and added on the way.
	relayCost = 2.5
	// minWeighed is how many bytes have to be fetched before they tell what a fetch costs.
	minWeighed = 256 << 10
)

// Relaying is what is known of a reach group that lacks something which peers hold
// that it reaches only through a relay beyond the WAN.
type Relaying struct {
	Holder bool // there is such a peer
	Whole  bool // which holds all of it
	// Failing says that nobody of the group gets anything from the origin, time after
	// time.
	Failing bool
	// Wire is what the group took from the origin, as it crossed the line, and Content
	// what it got of it.
	Wire, Content int64
	// Stalled says that the relay was chosen lately and brought nothing.
	Stalled bool
}

// Weigh decides whether a group gets content through the relay.
func (r Relaying) Weigh() wire.Relay {
	switch {
	case !r.Holder:
		return wire.RelayNever
	case r.Failing:
		return wire.RelayUnreachable
	case r.Whole && !r.Stalled && r.Wire >= minWeighed && float64(r.Wire) > relayCost*float64(r.Content):
		return wire.RelayCheaper
	}
	return wire.RelayNever
}
