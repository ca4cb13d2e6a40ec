package netlab

import (
	"errors"
	"fmt"
	"time"
)

// frameHeader is what Ethernet adds to an IP packet. Rates, queues and counters
// are in frames, in both kinds of WAN link, as an operator's switch would count.
const frameHeader = 14

const (
	mtu          = 1500
	maxSites     = 250
	maxEndpoints = 250
)

// Plan says what to build.
type Plan struct {
	Sites []SitePlan
	// Sysctls are set on every host, such as "net.ipv4.tcp_congestion_control": "cubic".
	// What is not named keeps the machine's default.
	Sysctls map[string]string
}

// SitePlan is one place: a router, and endpoints on its LAN.
type SitePlan struct {
	Endpoints int
	WAN       WAN
	LAN       Link // of each endpoint's cable in each direction; rate and queue only
	NAT       bool // the router hides the endpoints behind its own WAN address
	Isolated  bool // endpoints reach the router but not each other, as on guest Wi-Fi
}

// WAN is the link between a site's router and the origin.
type WAN struct {
	Down, Up Link // toward the site, and from it
	// Emulated asks for the emulator in this process where the kernel's token bucket
	// would do. A delay or a loss needs the emulator and gets it without being asked.
	Emulated bool
}

func (w WAN) emulated() bool {
	return w.Emulated || w.Down.needsEmulator() || w.Up.needsEmulator()
}

// Link is one direction of a cable.
type Link struct {
	Rate  int64         // bits per second, Ethernet frames included; 0 is unshaped
	Queue int           // bytes that may wait before the tail is dropped; 0 is 50 ms at Rate
	Delay time.Duration // one way, on top of the queue's
	Loss  float64       // probability that a packet is lost, each by itself
}

// Both is the WAN that has the same link in both directions.
func Both(l Link) WAN { return WAN{Down: l, Up: l} }

// Backlog is how many bytes a link of rate bits per second sends in d: the size
// of a queue that holds d's worth.
func Backlog(rate int64, d time.Duration) int {
	return int(float64(rate) / 8 * d.Seconds())
}

func (l Link) needsEmulator() bool { return l.Delay > 0 || l.Loss > 0 }

// queue is the queue in bytes, never too small for the packets of one instant.
func (l Link) queue() int {
	if l.Queue > 0 {
		return l.Queue
	}
	return max(Backlog(l.Rate, 50*time.Millisecond), 10*(mtu+frameHeader))
}

func (l Link) check() error {
	switch {
	case l.Rate < 0 || (l.Rate > 0 && l.Rate < 8*mtu):
		return fmt.Errorf("rate of %d bit/s", l.Rate)
	case l.Queue < 0 || (l.Queue > 0 && l.Queue < 2*(mtu+frameHeader)):
		return fmt.Errorf("queue of %d bytes, must hold two packets", l.Queue)
	case l.Delay < 0 || l.Delay > 10*time.Second:
		return fmt.Errorf("delay of %v", l.Delay)
	case l.Loss < 0 || l.Loss > 1:
		return fmt.Errorf("loss of %g, must be a probability", l.Loss)
	}
	return nil
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
		if s.LAN.needsEmulator() {
			return fmt.Errorf("site %d: a LAN can't have a delay or a loss", i+1)
		}
	}
	return nil
}
