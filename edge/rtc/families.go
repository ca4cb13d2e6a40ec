package rtc

import (
	"net"
	"net/netip"

	"github.com/pion/webrtc/v4"
)

// socketNetwork says how a socket on an address is opened: for IPv4 and IPv6 both, where
// the address is not of one of them.
func socketNetwork(ip net.IP) string {
	switch {
	case ip.To4() != nil:
		return "udp4"
	case ip == nil || ip.IsUnspecified():
		return "udp"
	}
	return "udp6"
}

// families are the kinds of address that the socket sends to.
type families struct{ v4, v6 bool }

// familiesOf are those of a socket at an address. One on all addresses of IPv6 was opened
// for both; where there is no IPv6, the system opens one for IPv4.
func familiesOf(local net.Addr) families {
	udp, ok := local.(*net.UDPAddr)
	if !ok || udp.IP.To4() != nil {
		return families{v4: true}
	}
	return families{v4: udp.IP.IsUnspecified(), v6: true}
}

// has reports whether a canonical address is of such a kind.
func (f families) has(ip netip.Addr) bool { return ip.Is4() && f.v4 || ip.Is6() && f.v6 }

func (f families) types() (out []webrtc.NetworkType) {
	if f.v4 {
		out = append(out, webrtc.NetworkTypeUDP4)
	}
	if f.v6 {
		out = append(out, webrtc.NetworkTypeUDP6)
	}
	return out
}

// names are what a resolver calls them.
func (f families) names() (out []string) {
	if f.v4 {
		out = append(out, "udp4")
	}
	if f.v6 {
		out = append(out, "udp6")
	}
	return out
}
