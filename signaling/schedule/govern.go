package schedule

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// holderRest is how long the holder of a governor may fetch nothing while others
// of its egress do, before one of those takes its place. Leases end and begin; a
// holder that moved with each would never learn the line.
const holderRest = 10 * time.Second

// lineBits is how much of an IPv6 address names the line and not the device.
const lineBits = 64

// Egress names the line to the WAN that an address is behind. Endpoints behind one
// NAT share its public address, and those of an IPv6 network its prefix. An address
// that is private says that nothing was translated on the way, as in a company's own
// network; such endpoints of one site share a line, named "".
func Egress(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	at, err := netip.ParseAddr(host)
	switch at = at.Unmap().WithZone(""); {
	case err != nil:
		return host
	case at.IsPrivate() || at.IsLoopback() || at.IsLinkLocalUnicast():
		return ""
	case at.Is6():
		line, _ := at.Prefix(lineBits) // an IPv6 address has so many bits
		return line.String()
	}
	return at.String()
}

// Steward is a member that could hold the governor of its egress.
type Steward struct {
	ID      wire.EndpointID
	Browser bool
	Frail   bool          // on battery, or by radio only
	Fetcher bool          // it fetches
	Rested  time.Duration // since it fetched last or was appointed, whichever is later
	Near    bool          // it can link with one that fetches
	Since   int64         // when it came online, any unit
}

// rank orders stewards: who fetches measures its own traffic, who is linked with
// those that do is heard at once, and others are heard by way of the server.
func (s Steward) rank() int {
	switch {
	case s.Fetcher || s.Rested <= holderRest && s.Near:
		return 0
	case s.Near && !s.Frail:
		return 1
	case s.Near:
		return 2
	case !s.Frail:
		return 3
	}
	return 4
}

// Appoint chooses who holds the governor of an egress, and who stands by, given who
// did until now. Nobody is "". Those who do stay as long as they are there and suit,
// and who stood by follows a holder that left, as it knows the rate.
func Appoint(stewards []Steward, holder, standBy wire.EndpointID) (newHolder, newStandBy wire.EndpointID) {
	fit := slices.DeleteFunc(slices.Clone(stewards), func(s Steward) bool { return s.Browser })
	slices.SortFunc(fit, func(a, b Steward) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Since, b.Since), cmp.Compare(a.ID, b.ID))
	})
	find := func(id wire.EndpointID) int {
		return slices.IndexFunc(fit, func(s Steward) bool { return s.ID == id })
	}
	others := slices.ContainsFunc(fit, func(s Steward) bool { return s.Fetcher })
	at := find(holder)
	if at < 0 {
		at = find(standBy)
	}
	if len(fit) > 0 && (at < 0 || others && !fit[at].Fetcher && fit[at].Rested > holderRest) {
		at = 0
	}
	if at < 0 {
		return "", ""
	}
	newHolder = fit[at].ID
	fit = slices.Delete(fit, at, at+1)
	if len(fit) == 0 {
		return newHolder, ""
	}
	if at = find(standBy); at < 0 || fit[at].rank() > fit[0].rank() {
		at = 0
	}
	return newHolder, fit[at].ID
}
