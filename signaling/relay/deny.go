package relay

import (
	"fmt"
	"net"
	"net/netip"
)

// ParseDeny reads ranges of addresses that may not use a relay, such as 10.0.0.0/8 or
// 192.0.2.1. IPv4 inside IPv6 is taken for the IPv4 it is.
func ParseDeny(texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			one, addrErr := netip.ParseAddr(text)
			if addrErr != nil || one.Zone() != "" {
				return nil, fmt.Errorf("%.60q is no range of addresses such as 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(one, one.BitLen())
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return nil, fmt.Errorf("%.60q is a part of IPv6 that holds all of IPv4: deny one or the other", text)
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// address is the canonical address of a socket's end.
func address(a net.Addr) (netip.Addr, bool) {
	switch a := a.(type) {
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap().WithZone(""), true
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// denied reports whether an address may not use the relay.
func (r *Relay) denied(a net.Addr) bool {
	ip, ok := address(a)
	if !ok {
		return true
	}
	for _, p := range r.cfg.Deny {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// at is the public address of a kind, nil if there is none.
func (c Config) at(is4 bool) net.IP {
	for _, ip := range c.PublicIPs {
		if (ip.To4() != nil) == is4 {
			return ip
		}
	}
	return nil
}

// checkPublic reports what is wrong with the public addresses.
func (c Config) checkPublic() error {
	if len(c.PublicIPs) == 0 || len(c.PublicIPs) > 2 {
		return fmt.Errorf("relay needs an address that endpoints reach, or one of IPv4 and one of IPv6; got %d", len(c.PublicIPs))
	}
	for _, ip := range c.PublicIPs {
		if !usable(ip) {
			return fmt.Errorf("relay needs an address that endpoints reach, %v is none", ip)
		}
	}
	if len(c.PublicIPs) == 2 && (c.at(true) == nil || c.at(false) == nil) {
		return fmt.Errorf("relay has one address of each kind, %v and %v are of the same", c.PublicIPs[0], c.PublicIPs[1])
	}
	return nil
}

// ParsePublic reads the addresses at which endpoints reach a relay: one, or one of IPv4
// and one of IPv6.
func ParsePublic(texts []string) ([]net.IP, error) {
	var c Config
	for _, text := range texts {
		ip := net.ParseIP(text)
		if ip == nil {
			return nil, fmt.Errorf("%.60q is not the address of a host", text)
		}
		c.PublicIPs = append(c.PublicIPs, ip)
	}
	return c.PublicIPs, c.checkPublic()
}

// usable reports whether endpoints can reach a relay at an address. 0/8 is "this
// network" (RFC 791), which some systems take for themselves.
func usable(ip net.IP) bool {
	a, ok := netip.AddrFromSlice(ip)
	a = a.Unmap()
	this := netip.PrefixFrom(netip.AddrFrom4([4]byte{}), 8)
	return ok && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && !this.Contains(a) && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
