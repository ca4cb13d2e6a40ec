//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// Addresses of IPv6 are unique local ones, numbered like those of IPv4.
const (
	originNet6 = "fd00:64::"
	lanNet6    = "fd00:1:%x::"  // of a site
	wanNet6    = "fd00:c6:%x::" // of its WAN link: 1 is the far end, 2 the router
)

// OriginName is how hosts of a [Mixed] network know the origin.
const OriginName = "origin.test"

// hostsDir is where iproute2 finds the files that stand in for those of /etc on a host.
const hostsDir = "/etc/netns"

// buildIPv6 gives the hosts of a network that is built addresses of IPv6 and routes, and
// takes those of IPv4 away from hosts that shall have none.
func (lab *Lab) buildIPv6(family Family) error {
	both := family != IPv6
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
	route := func(h *Host, to, network string, number int) error {
		return h.ip(fmt.Sprintf("route add %s via %s%x", to, network, number))
	}
	err := errors.Join(lab.Origin.put6(originNet6, 1, "eth0", both), lab.transit.put6(originNet6, 2, "origin", both),
		route(lab.Origin, "default", originNet6, 2))
	for _, s := range lab.Sites {
		lan, wan := fmt.Sprintf(lanNet6, s.number), fmt.Sprintf(wanNet6, s.number)
		err = errors.Join(err,
			s.Router.put6(wan, 2, wanInterface, both), lab.transit.put6(wan, 1, s.uplink, both), s.Router.put6(lan, 1, lanInterface, both),
			route(s.Router, "default", wan, 1), route(lab.transit, lan+"/64", wan, 2))
		for i, h := range s.Endpoints {
			if family == Mixed && i%2 == 0 {
				err = errors.Join(err, h.setSysctls(map[string]string{"net.ipv6.conf.all.disable_ipv6": "1"}))
				continue
			}
			err = errors.Join(err, h.put6(lan, i+2, endpointInterface, family == DualStack), route(h, "default", lan, 1))
		}
	}
	if family == Mixed {
		err = errors.Join(err, lab.nameOrigin(all))
	}
	return err
}

// put6 gives an interface an address of IPv6, beside or in place of that of IPv4.
func (h *Host) put6(network string, number int, device string, both bool) error {
	var lines []string
	if !both {
		lines = append(lines, "addr flush dev "+device+" scope global") // those of the link are IPv6 already
	} else if h.addr.Is4() {
		h.old = h.addr
	}
	h.addr = addr6(network, number)
	return h.ip(append(lines, fmt.Sprintf("addr add %s%x/64 dev %s nodad", network, number, device))...)
}

// nameOrigin has programs on the hosts find the origin by its name.
func (lab *Lab) nameOrigin(hosts []*Host) error {
	text := "127.0.0.1 localhost\n"
	for _, ip := range lab.Origin.IPs() {
		text += fmt.Sprintf("%v %s\n", ip, OriginName)
	}
	for _, h := range hosts {
		dir := filepath.Join(hostsDir, h.name)
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "hosts"), []byte(text), 0o644)
		}
		if err != nil {
			return fmt.Errorf("name the origin on %s: %w", h.name, err)
		}
	}
	return nil
}

func addr6(network string, number int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("%s%x", network, number))
}
