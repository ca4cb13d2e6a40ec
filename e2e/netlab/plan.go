package netlab

import (
	"errors"
	"fmt"
)

// frameHeader is what Ethernet adds to an IP packet. Rates, queues and counters
// are in frames, in both kinds of WAN link, as an operator's switch would count.
const frameHeader = 14

const (
	mtu          = 1500
	maxFrame     = mtu + frameHeader
	maxSites     = 250
	maxEndpoints = 250
)

// Plan says what to build.
type Plan struct {
	Sites []SitePlan
	// Family is which addresses hosts have. With others than IPv4 the kernel shapes the
	// WAN, and there is neither NAT nor a site behind another.
	Family Family
	// Sysctls are set on every host, such as "net.ipv4.tcp_congestion_control": "cubic".
	// What is not named keeps the machine's default.
	Sysctls map[string]string
}

// Family says which addresses hosts have.
type Family uint8

const (
	IPv4 Family = iota
	IPv6
	DualStack // [Host.IP] is that of IPv6, as resolvers order them
	// Mixed is dual stack but for endpoints: the first of a site has IPv4 alone, the second
	// IPv6 alone, and so on in turn. All hosts know the origin as [OriginName].
	Mixed
)

// SitePlan is one place: a router, and endpoints on its LAN.
type SitePlan struct {
	Endpoints int
	WAN       WAN
	LAN       Link // of each endpoint's cable in each direction; rate and queue only
	NAT       bool // the router hides the endpoints behind its own WAN address
	// Behind is the number, from 1, of an earlier site behind whose router this one's
	// stands: they share that site's WAN, and this one has none of its own. 0 is none.
	Behind   int
	Isolated bool // endpoints reach the router but not each other, as on guest Wi-Fi
}

// WAN is the link between a site's router and the origin.
type WAN struct {
	Down, Up Link // toward the site, and from it
	// Emulated asks for the emulator in this process where the kernel's token bucket
	// would do. Whatever is more than a rate and a queue needs the emulator and gets it
	// without being asked.
	Emulated bool
}

func (w WAN) emulated() bool {
	return w.Emulated || w.Down.needsEmulator() || w.Up.needsEmulator()
}

func (p Plan) check() error {
	if len(p.Sites) > maxSites {
		return fmt.Errorf("%d sites, limit %d", len(p.Sites), maxSites)
	}
	for i, s := range p.Sites {
		if s.Endpoints < 0 || s.Endpoints > maxEndpoints {
			return fmt.Errorf("site %d: %d endpoints, limit %d", i+1, s.Endpoints, maxEndpoints)
		}
		if err := errors.Join(s.WAN.Down.check(), s.WAN.Up.check(), s.LAN.check()); err != nil {
			return fmt.Errorf("site %d: %w", i+1, err)
		}
		if s.Behind != 0 && (s.Behind < 0 || s.Behind > i || p.Sites[s.Behind-1].Behind != 0 || s.WAN != WAN{}) {
			return fmt.Errorf("site %d: behind site %d, must be an earlier one with a WAN, and have none itself", i+1, s.Behind)
		}
		if p.Family != IPv4 && (s.WAN.emulated() || s.NAT || s.Behind != 0) {
			return fmt.Errorf("site %d: with IPv6 there is no emulator, no NAT and no site behind another", i+1)
		}
		if s.LAN.needsEmulator() {
			return fmt.Errorf("site %d: a LAN can't have more than a rate and a queue", i+1)
		}
	}
	return nil
}
