//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"net/netip"
)

// Addresses of IPv6 are unique local ones, numbered like those of IPv4.
const (
	originNet6 = "fd00:64::"
	lanNet6    = "fd00:1:%x::"  // of a site
	wanNet6    = "fd00:c6:%x::" // of its WAN link: 1 is the far end, 2 the router
)

// buildIPv6 gives the hosts of a network that is built addresses of IPv6 and routes, and
// unless both are wanted takes those of IPv4 away.
func (lab *Lab) buildIPv6(both bool) error {
	all := []*Host{lab.Origin, lab.transit}
	for _, s := range lab.Sites {
		all = append(append(all, s.Router), s.Endpoints...)
	}
	for _, h := range all {
		err := h.setSysctls(map[string]string{
			"net.ipv6.conf.all.disable_ipv6":     "0",
			"net.ipv6.conf.default.disable_ipv6": "0",
			"net.ipv6.conf.all.forwarding":       "1", // and so no advertisement is believed
		})
		if err != nil {
			return err
		}
	}
	put := func(h *Host, network string, number int, device string) error {
		var lines []string
		if !both {
			lines = append(lines, "addr flush dev "+device+" scope global") // those of the link are IPv6 already
		}
		return h.ip(append(lines, fmt.Sprintf("addr add %s%x/64 dev %s nodad", network, number, device))...)
	}
	route := func(h *Host, to, network string, number int) error {
		return h.ip(fmt.Sprintf("route add %s via %s%x", to, network, number))
	}
	err := errors.Join(put(lab.Origin, originNet6, 1, "eth0"), put(lab.transit, originNet6, 2, "origin"),
		route(lab.Origin, "default", originNet6, 2))
	lab.Origin.addr = addr6(originNet6, 1)
	for _, s := range lab.Sites {
		lan, wan := fmt.Sprintf(lanNet6, s.number), fmt.Sprintf(wanNet6, s.number)
		err = errors.Join(err,
			put(s.Router, lan, 1, lanInterface), put(s.Router, wan, 2, wanInterface), put(lab.transit, wan, 1, s.uplink),
			route(s.Router, "default", wan, 1), route(lab.transit, lan+"/64", wan, 2))
		s.Router.addr = addr6(lan, 1)
		for i, h := range s.Endpoints {
			err = errors.Join(err, put(h, lan, i+2, endpointInterface), route(h, "default", lan, 1))
			h.addr = addr6(lan, i+2)
		}
	}
	return err
}

func addr6(network string, number int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("%s%x", network, number))
}
