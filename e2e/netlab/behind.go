//go:build linux

package netlab

import (
	"errors"
	"fmt"
)

// buildBehind lays a plain cable to the router of the site in front, whose WAN both
// share. That site's counters then count this one's bytes, too.
func (s *Site) buildBehind() error {
	cable := fmt.Sprintf("behind%d", s.number)
	lan, between := fmt.Sprintf("10.1.%d.0/24", s.number), fmt.Sprintf("198.18.%d.0/30", s.number)
	err := errors.Join(
		s.front.Router.ip(
			fmt.Sprintf("link add name %s type veth peer name %s netns %s", cable, wanInterface, s.Router.name),
			fmt.Sprintf("addr add %s/30 dev %s", s.far(), cable), "link set "+cable+" up",
			fmt.Sprintf("route add %s via %s", lan, s.near())),
		s.Router.ip(fmt.Sprintf("addr add %s/30 dev %s", s.near(), wanInterface), "link set "+wanInterface+" up",
			"route add default via "+s.far()),
		s.transit.ip(fmt.Sprintf("route add %s via %s", lan, s.front.near()),
			fmt.Sprintf("route add %s via %s", between, s.front.near())))
	if err == nil && s.plan.NAT {
		err = s.hide()
	}
	return err
}
