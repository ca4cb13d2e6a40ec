//go:build linux

package netlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Interfaces have the same names on every host of a kind.
const (
	wanInterface      = "wan"  // a router's, toward the origin
	lanInterface      = "lan"  // a router's bridge
	endpointInterface = "eth0" // an endpoint's
)

var labs atomic.Int64 // opened by this process so far

// Lab is a running network.
type Lab struct {
	Origin *Host // on the far side of every WAN link
	Sites  []*Site

	// transit joins the origin to the WAN links. A sender must not stand right
	// before a shaped queue: TCP limits what it keeps in its own host's.
	transit *Host

	family Family
	prefix string // of the names of its namespaces
	names  []string
}

// Site is one place of a lab.
type Site struct {
	Router    *Host
	Endpoints []*Host

	changing sync.Mutex // held while the WAN of plan changes
	transit  *Host
	plan     SitePlan
	number   int // from 1
	uplink   string
	emulator *emulator // nil where the kernel shapes
	front    *Site     // whose router it stands behind, or nil
}

// Start builds a network. The caller must close it.
func Start(plan Plan) (*Lab, error) {
	if err := plan.check(); err != nil {
		return nil, fmt.Errorf("plan network: %w", err)
	}
	if err := Clean(); err != nil {
		return nil, err
	}
	lab := newLab(plan)
	if err := lab.build(plan); err != nil {
		return nil, errors.Join(fmt.Errorf("build network: %w", err), lab.Close())
	}
	return lab, nil
}

// newLab names and numbers everything, and makes nothing.
func newLab(plan Plan) *Lab {
	lab := &Lab{family: plan.Family, prefix: fmt.Sprintf("%s%d-%d-", namePrefix, os.Getpid(), labs.Add(1))}
	lab.Origin = lab.host("origin", netip.AddrFrom4([4]byte{10, 64, 0, 1}))
	lab.transit = lab.host("transit", netip.AddrFrom4([4]byte{10, 64, 0, 2}))
	for i, sp := range plan.Sites {
		n := byte(i + 1)
		site := &Site{transit: lab.transit, plan: sp, number: i + 1, uplink: fmt.Sprintf("site%d", n)}
		site.Router = lab.host(fmt.Sprintf("s%d-router", n), netip.AddrFrom4([4]byte{10, 1, n, 1}))
		for j := range sp.Endpoints {
			addr := netip.AddrFrom4([4]byte{10, 1, n, byte(j + 2)})
			site.Endpoints = append(site.Endpoints, lab.host(fmt.Sprintf("s%d-e%d", n, j+1), addr))
		}
		if sp.Behind > 0 {
			site.front = lab.Sites[sp.Behind-1]
		}
		lab.Sites = append(lab.Sites, site)
	}
	return lab
}

// Family says which addresses its hosts have.
func (lab *Lab) Family() Family { return lab.family }

func (lab *Lab) host(name string, addr netip.Addr) *Host {
	h := &Host{name: lab.prefix + name, addr: addr}
	lab.names = append(lab.names, h.name)
	return h
}

func (lab *Lab) build(plan Plan) error {
	if name := plan.Sysctls[congestionControl]; name != "" {
		if err := allowControl(name); err != nil {
			return err
		}
	}
	if err := addNamespaces(lab.names); err != nil {
		return err
	}
	if err := lab.buildOrigin(plan.Sysctls); err != nil {
		return err
	}
	for _, site := range lab.Sites {
		for _, h := range append([]*Host{site.Router}, site.Endpoints...) {
			if err := lab.prepare(h, plan.Sysctls); err != nil {
				return err
			}
		}
		if err := errors.Join(site.buildLAN(), site.buildWAN()); err != nil {
			return err
		}
	}
	if plan.Family == IPv4 {
		return nil
	}
	return lab.buildIPv6(plan.Family)
}

func (lab *Lab) buildOrigin(sysctls map[string]string) error {
	if err := errors.Join(lab.prepare(lab.Origin, sysctls), lab.prepare(lab.transit, sysctls)); err != nil {
		return err
	}
	return errors.Join(
		lab.Origin.ip(fmt.Sprintf("link add name eth0 type veth peer name origin netns %s", lab.transit.name),
			fmt.Sprintf("addr add %v/24 dev eth0", lab.Origin.addr), "link set eth0 up"),
		lab.transit.ip(fmt.Sprintf("addr add %v/24 dev origin", lab.transit.addr), "link set origin up"),
		lab.Origin.ip(fmt.Sprintf("route add default via %v", lab.transit.addr)))
}

// prepare makes a host quiet (no IPv6 chatter on the counters) and able to route.
func (lab *Lab) prepare(h *Host, sysctls map[string]string) error {
	err := h.setSysctls(map[string]string{
		"net.ipv6.conf.all.disable_ipv6":     "1",
		"net.ipv6.conf.default.disable_ipv6": "1",
		"net.ipv4.ip_forward":                "1",
	})
	return errors.Join(err, h.setSysctls(sysctls), h.ip("link set lo up"))
}

// Close ends every process on the lab's hosts and removes the hosts.
func (lab *Lab) Close() error {
	for _, site := range lab.Sites {
		if site.emulator != nil {
			site.changing.Lock()
			site.emulator.close()
			site.changing.Unlock()
		}
	}
	return remove(lab.names)
}

func (s *Site) buildLAN() error {
	router := []string{
		"link add name " + lanInterface + " type bridge forward_delay 0 mcast_snooping 0",
		fmt.Sprintf("addr add %v/24 dev %s", s.Router.addr, lanInterface),
		"link set " + lanInterface + " up",
	}
	for i, h := range s.Endpoints {
		router = append(router,
			fmt.Sprintf("link add name %s type veth peer name %s netns %s", port(i), endpointInterface, h.name),
			fmt.Sprintf("link set %s master %s up", port(i), lanInterface))
		if s.plan.Isolated {
			router = append(router, fmt.Sprintf("link set %s type bridge_slave isolated on", port(i)))
		}
	}
	if err := s.Router.ip(router...); err != nil {
		return err
	}
	for i, h := range s.Endpoints {
		err := h.ip(
			fmt.Sprintf("addr add %v/24 dev %s", h.addr, endpointInterface),
			"link set "+endpointInterface+" up",
			fmt.Sprintf("route add default via %v", s.Router.addr))
		if err == nil && s.plan.LAN.Rate > 0 {
			err = errors.Join(h.tc(tokenBucket("add", endpointInterface, s.plan.LAN)),
				s.Router.tc(tokenBucket("add", port(i), s.plan.LAN)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) buildWAN() error {
	if s.front != nil {
		return s.buildBehind()
	}
	connect := s.connectByKernel
	if s.plan.WAN.emulated() {
		connect = s.connectByEmulator
	}
	if err := connect(); err != nil {
		return err
	}
	toSite := []string{fmt.Sprintf("addr add %s/30 dev %s", s.far(), s.uplink), "link set " + s.uplink + " up"}
	if !s.plan.NAT {
		toSite = append(toSite, fmt.Sprintf("route add 10.1.%d.0/24 via %s", s.number, s.near()))
	}
	err := errors.Join(
		s.transit.ip(toSite...),
		s.Router.ip("addr add "+s.near()+"/30 dev "+wanInterface, "link set "+wanInterface+" up"),
		s.Router.ip("route add default via "+s.far()))
	if err == nil && s.plan.NAT {
		err = s.hide()
	}
	return err
}

// hide gives everything that leaves the site the router's own WAN address.
func (s *Site) hide() error {
	out, err := s.Router.Command(context.Background(), "iptables", "-t", "nat", "-A", "POSTROUTING",
		"-o", wanInterface, "-j", "MASQUERADE").CombinedOutput()
	if err != nil {
		return fmt.Errorf("hide site %d behind its router: %w\n%s", s.number, err, out)
	}
	return nil
}

// connectByKernel lays a virtual cable and lets token buckets shape both ends. No
// packet on it may stand for several, so that shapers and counters see real frames.
func (s *Site) connectByKernel() error {
	err := errors.Join(
		s.Router.ip(fmt.Sprintf("link add name %s type veth peer name %s netns %s", wanInterface, s.uplink, s.transit.name),
			"link set "+wanInterface+" gso_max_segs 1"),
		s.transit.ip("link set "+s.uplink+" gso_max_segs 1"))
	if err == nil && s.plan.WAN.Down.Rate > 0 {
		err = s.transit.tc(tokenBucket("add", s.uplink, s.plan.WAN.Down))
	}
	if err == nil && s.plan.WAN.Up.Rate > 0 {
		err = s.Router.tc(tokenBucket("add", wanInterface, s.plan.WAN.Up))
	}
	return err
}

// tokenBucket shapes what leaves by an interface. Its bucket holds a millisecond:
// enough for the kernel's timers, too little for a burst to be seen.
// The verb is that of tc: add it, or change the one that is there.
func tokenBucket(verb, device string, l Link) string {
	bucket := max(Backlog(l.Rate, time.Millisecond), 2*maxFrame)
	return fmt.Sprintf("qdisc %s dev %s root tbf rate %dbit burst %d limit %d", verb, device, l.Rate, bucket, l.queue())
}

func addNamespaces(names []string) error {
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = "netns add " + name
	}
	return batch("ip", nil, lines)
}

// missing names the programs that are not installed.
func missing() (names []string) {
	for _, name := range []string{"ip", "tc", "iptables"} {
		if _, err := exec.LookPath(name); err != nil {
			names = append(names, name)
		}
	}
	return names
}
