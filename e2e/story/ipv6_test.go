//go:build linux

package story

import (
	"testing"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/site"
)

func sixPlan(endpoints int, family netlab.Family) netlab.Plan {
	return netlab.Plan{Family: family, Sites: []netlab.SitePlan{{Endpoints: endpoints, WAN: wan(50)}}}
}

// wantShared checks that a site got one copy over its line, and the rest directly.
func (s *stage) wantShared(before int64) {
	s.t.Helper()
	s.sitecast("distribute", "app@1", "--all", "--wait")
	s.wantDelivered("app", "1", s.size)
	crossed, f := s.crossed(before), s.flow("app", 0)
	s.t.Logf("%d bytes crossed the WAN for %d of content; %+v", crossed, s.size, f)
	if float64(crossed) > 1.12*float64(s.size) { // 20 more bytes a header than with IPv4
		s.t.Errorf("%d bytes crossed the WAN for %d of content", crossed, s.size)
	}
	others := int64(len(s.Agents[0]) - 1)
	if f.BytesOrigin != s.size || f.BytesPeer != others*s.size || f.BytesRelay != 0 || f.Groups != 1 {
		s.t.Errorf("%d bytes from the origin, %d from peers, %d by relay, for %d groups; want one copy and %d from peers in one group",
			f.BytesOrigin, f.BytesPeer, f.BytesRelay, f.Groups, others)
	}
}

// Where there is no IPv4 at all everything goes over IPv6: server, STUN, links.
func TestASiteWithoutIPv4SharesOneCopy(t *testing.T) {
	long(t)
	s := begin(t, sixPlan(3, netlab.IPv6), 8*mib)
	s.wantShared(s.crossed(0))
}

// Endpoints that can't meet over IPv6 go through the relay at their site, over UDP or TLS.
func TestEndpointsMeetThroughARelayOverIPv6(t *testing.T) {
	long(t)
	for _, tls := range []bool{false, true} {
		name := map[bool]string{false: "over UDP", true: "over TLS"}[tls]
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of its time
			plan := sixPlan(2, netlab.IPv6)
			plan.Sites[0].Isolated = true
			s := open(t, plan, 4*mib)
			s.relayAtSite(tls)
			if tls {
				s.run("ip6tables", "-A", "INPUT", "-i", "lan", "-p", "udp", "-j", "DROP")
			}
			s.must(s.StartAgents(s.ctx))
			s.publish("hello", "1", 1000)
			s.sitecast("distribute", "hello@1", "--all") // links are made for a flow
			s.linked(1)
			s.wantShared(s.crossed(0))
		})
	}
}

// Where one has only IPv4 and the other only IPv6 a relay that has both joins them: that at
// their site, or the server's own, whose link waits until the origin is dearer.
func TestEndpointsOfDifferentKindsMeetThroughARelay(t *testing.T) {
	long(t)
	for _, c := range []struct {
		name             string
		atSite, tls, udp bool
	}{{"at the site, over UDP", true, false, true}, {"at the site, over TLS", true, true, false}, {"the server's own", false, false, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it waits most of its time
			s := open(t, sixPlan(2, netlab.Mixed), 4*mib)
			if c.atSite {
				s.relayAtSite(c.tls)
			}
			if !c.udp {
				s.run("iptables", "-A", "INPUT", "-i", "lan", "-p", "udp", "-j", "DROP")
				s.run("ip6tables", "-A", "INPUT", "-i", "lan", "-p", "udp", "-j", "DROP")
			}
			s.must(s.StartAgents(s.ctx))
			s.publish("hello", "1", 1000)
			s.sitecast("distribute", "hello@1", "--all") // links are made for a flow
			s.linked(1)
			if c.atSite {
				s.wantShared(s.crossed(0))
				return
			}
			s.sitecast("distribute", "app@1", "--all", "--wait")
			s.wantDelivered("app", "1", s.size)
			if f := s.flow("app", 0); f.Groups != 2 || f.BytesOrigin != 2*s.size {
				t.Errorf("%d bytes from the origin for %d groups; want two copies for two", f.BytesOrigin, f.Groups)
			}
		})
	}
}

// Where IPv4 between peers is broken, and nobody says so, they meet over IPv6.
func TestPeersMeetOverIPv6WhereIPv4IsBroken(t *testing.T) {
	meetWithout(t, 3, "iptables", "10.1.1.0/24")
}

// And where it is IPv6 that is broken, over IPv4.
func TestPeersMeetOverIPv4WhereIPv6IsBroken(t *testing.T) {
	meetWithout(t, 2, "ip6tables", "fd00:1:1::/64")
}

// meetWithout has endpoints share a copy that hear nothing of each other from a network
// of theirs.
func meetWithout(t *testing.T, endpoints int, firewall, network string) {
	long(t)
	s := open(t, sixPlan(endpoints, netlab.DualStack), 8*mib)
	for _, h := range s.lab.Sites[0].Endpoints {
		s.runOn(h, firewall, "-A", "INPUT", "-s", network, "-p", "udp", "-j", "DROP")
	}
	s.must(s.StartAgents(s.ctx))
	s.wantShared(s.crossed(0))
	for _, a := range s.Agents[0] {
		var status engine.Status
		s.must(a.Status(s.ctx, &status))
		if len(status.Links) != endpoints-1 {
			t.Errorf("%s has %d links, want %d", a.Name, len(status.Links), endpoints-1)
		}
	}
}

// An operator's networks hold in both kinds.
func TestLinksGoOverTheNetworksThatAnOperatorNamed(t *testing.T) {
	long(t)
	s := open(t, sixPlan(2, netlab.DualStack), 2*mib)
	s.must(s.StartAgents(s.ctx))
	s.sitecast("site", "set", "site-1", "--peers-on", "192.168.0.0/16,fd00:99::/32")
	s.sitecast("distribute", "app@1", "--all", "--wait")
	if f := s.flow("app", 0); f.Groups != 2 || f.BytesPeer != 0 {
		t.Errorf("%d groups and %d bytes from peers where no link may be", f.Groups, f.BytesPeer)
	}
	s.sitecast("site", "set", "site-1", "--peers-on", "fd00:1::/32")
	s.until("the two to meet", "app", 0, func(f site.FlowView) bool { return f.Groups == 1 })
}
