//go:build linux

package netlab

import (
	"errors"
	"fmt"
	"net/netip"
)

// Cutting takes an interface down, as a pulled cable or a device without power
// does: what waits in its queue is lost, and connections hear nothing. What is cut
// twice, or mended without having been cut, stays as it is.

// CutWAN takes the router off the WAN, and MendWAN puts it back.
func (s *Site) CutWAN() error { return s.Router.ip("link set " + wanInterface + " down") }

// MendWAN undoes CutWAN. The kernel forgets routes over a device that is down, so
// the way out is laid again.
func (s *Site) MendWAN() error {
	return s.Router.ip("link set "+wanInterface+" up", "route replace default via "+s.far())
}

// CutLAN takes the power off the site's switch: endpoints reach neither one
// another nor the router.
func (s *Site) CutLAN() error { return s.Router.ip("link set " + lanInterface + " down") }

// MendLAN undoes CutLAN.
func (s *Site) MendLAN() error { return s.Router.ip("link set " + lanInterface + " up") }

// Reboot takes the WAN and, if asked to, the LAN away, waits, and puts back what
// it took, like a router that starts anew. It mends also when wait fails.
func (s *Site) Reboot(lan bool, wait func() error) error {
	err := s.CutWAN()
	if lan {
		err = errors.Join(err, s.CutLAN())
	}
	err = errors.Join(err, wait())
	if lan {
		err = errors.Join(err, s.MendLAN())
	}
	return errors.Join(err, s.MendWAN())
}

// Unplug pulls the cable of the k-th endpoint, from 0, out of the switch, and Plug
// puts it back.
func (s *Site) Unplug(k int) error { return s.Router.ip("link set " + port(k) + " down") }

// Plug undoes Unplug.
func (s *Site) Plug(k int) error { return s.Router.ip("link set " + port(k) + " up") }

// secondInterface is an endpoint's that Rewire made.
const secondInterface = "eth1"

// Rewire puts another cable between the k-th endpoint and the switch, to an interface with
// an address of its own, and pulls the first, as when a host goes from radio to cable.
// It can be done once.
func (s *Site) Rewire(k int) error {
	h := s.Endpoints[k]
	old := h.addr
	b := old.As4()
	b[3] += maxEndpoints / 2 // nobody's, where there are fewer endpoints
	h.addr = netip.AddrFrom4(b)
	second := port(k) + "b"
	return errors.Join(
		s.Router.ip(fmt.Sprintf("link add name %s type veth peer name %s netns %s", second, secondInterface, h.name),
			fmt.Sprintf("link set %s master %s up", second, lanInterface)),
		h.ip(fmt.Sprintf("addr add %v/24 dev %s", h.addr, secondInterface), "link set "+secondInterface+" up"),
		s.Unplug(k),
		h.ip(fmt.Sprintf("addr del %v/24 dev %s", old, endpointInterface),
			fmt.Sprintf("route replace default via %v dev %s", s.Router.addr, secondInterface)))
}

// port is the switch's end of the k-th endpoint's cable.
func port(k int) string { return fmt.Sprintf("p%d", k+1) }

// near and far are the addresses of the WAN link's ends.
func (s *Site) near() string { return fmt.Sprintf("198.18.%d.2", s.number) }
func (s *Site) far() string  { return fmt.Sprintf("198.18.%d.1", s.number) }
