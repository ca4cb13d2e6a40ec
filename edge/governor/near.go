package governor

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Free is the mode of an egress whose server is so near that no WAN lies between:
// there is no line to leave to others, and only the cap holds.
const Free Mode = "free"

const (
	// nearby is a round trip that short.
	nearby = 700 * time.Microsecond
	// allThere is what such a way may carry where no cap says less, in bytes per second.
	allThere = 1 << 40
)

// near reports whether no WAN lies between this endpoint and the server.
func (g *Governor) near() bool {
	if g.probes == nil {
		return false
	}
	base := g.probes.baseNow()
	return base > 0 && base < nearby
}

// mode is what is done about the line, with the reason in words.
func (g *Governor) mode() (Mode, string) {
	if g.near() {
		return Free, "the server is on the LAN, and no line lies between"
	}
	return g.control.Mode()
}

// siteRate is what the whole egress may take, in bytes per second.
func (g *Governor) siteRate() float64 {
	if g.near() {
		return min(allThere, g.control.bound())
	}
	return g.control.Rate()
}

// saidRate is the same as it is said to people and to the server.
func (g *Governor) saidRate() int64 {
	if rate := g.siteRate(); rate < allThere {
		return int64(rate)
	}
	return wire.Unlimited
}
