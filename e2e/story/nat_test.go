//go:build linux

package story

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/signaling/site"
)

// A wall is what the kernel of an endpoint's host does to its UDP, as a NAT of the kind
// before it would: conntrack lets in what answers what went out, and where ports are
// drawn at random, each destination sees another.
type wall string

const (
	noWall         wall = ""
	portRestricted wall = "port-restricted"
	symmetric      wall = "symmetric"
)

func (s *stage) wall(h *netlab.Host, w wall) {
	s.t.Helper()
	if w == noWall {
		return
	}
	s.runOn(h, "iptables", "-A", "INPUT", "-p", "udp", "-m", "conntrack", "!", "--ctstate", "ESTABLISHED,RELATED", "-j", "DROP")
	if w == symmetric {
		s.runOn(h, "iptables", "-t", "nat", "-A", "POSTROUTING", "-p", "udp", "-j", "MASQUERADE", "--random-fully")
	}
}

// hardCells are the hardest of the matrix in e2e/lab, with real processes and kernels.
var hardCells = []struct {
	name     string
	a, b     wall
	isolated bool // the switch lets no packet pass between the two
	noUDP    bool // the router lets none out
	atSite   bool // the relay stands at the site, and speaks no TLS
	want     string
}{
	{"port-restricted to port-restricted", portRestricted, portRestricted, false, false, false, "direct"},
	{"port-restricted to symmetric", portRestricted, symmetric, false, false, false, "relayed over UDP"},
	{"symmetric to symmetric", symmetric, symmetric, false, false, false, "relayed over UDP"},
	{"client isolation", noWall, noWall, true, false, false, "relayed over UDP"},
	{"client isolation, UDP blocked, a relay at the site", noWall, noWall, true, true, true, "relayed over TCP"},
	{"client isolation, UDP blocked", noWall, noWall, true, true, false, "relayed over TLS"},
}

// networksFile holds the table that this test checks.
const networksFile = "../../edge/rtc/NETWORKS.md"

func TestEndpointsMeetInTheHardestCells(t *testing.T) {
	long(t)
	table := "| between the two | link |\n| --- | --- |\n"
	for _, c := range hardCells {
		table += fmt.Sprintf("| %s | %s |\n", c.name, c.want)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it waits most of its time
			s := open(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 2, WAN: wan(50), Isolated: c.isolated}}}, 1000)
			if c.atSite {
				s.relayAtSite(false)
			}
			ends := s.lab.Sites[0].Endpoints
			s.wall(ends[0], c.a)
			s.wall(ends[1], c.b)
			if c.noUDP {
				s.run("iptables", "-A", "INPUT", "-i", "lan", "-p", "udp", "-j", "DROP")
				s.run("iptables", "-A", "FORWARD", "-i", "lan", "-p", "udp", "-j", "DROP")
			}
			s.must(s.StartAgents(s.ctx))
			begin := time.Now()
			s.sitecast("distribute", "app@1", "--all")
			relayed := s.link(2 * time.Minute)
			t.Logf("linked after %v, beyond the WAN: %v", time.Since(begin).Round(100*time.Millisecond), relayed)
			if want := strings.HasPrefix(c.want, "relayed") && !c.atSite; relayed != want {
				t.Errorf("relayed beyond the WAN: %v, want %v", relayed, want)
			}
			relay := net.JoinHostPort(s.lab.Origin.IP().String(), relayPort)
			if c.atSite {
				relay = net.JoinHostPort(s.lab.Sites[0].Router.IP().String(), relayPort)
			}
			if tcp := s.connected(ends[0], relay); tcp != c.noUDP {
				t.Errorf("a connection to the relay: %v, want %v", tcp, c.noUDP)
			}
			s.until("both to be complete", "app", 0, func(f site.FlowView) bool { return f.Complete == 2 })
			s.wantDelivered("app", "1", 1000)
		})
	}
	page, err := os.ReadFile(networksFile)
	if err != nil || !strings.Contains(string(page), table) {
		t.Errorf("%s does not hold this table (%v):\n%s", networksFile, err, table)
	}
}

// link waits until both agents have a link, and reports whether it goes beyond the WAN.
func (s *stage) link(limit time.Duration) (relayed bool) {
	s.t.Helper()
	for begin := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		linked := 0
		for _, a := range s.Agents[0] {
			var status engine.Status
			if err := a.Status(s.ctx, &status); err == nil && len(status.Links) == 1 {
				linked++
				relayed = status.Links[0].Relayed
			}
		}
		if linked == 2 {
			return relayed
		}
		if time.Since(begin) > limit {
			s.t.Fatalf("%d of 2 have a link after %v", linked, limit)
		}
	}
}

// connected reports whether a host has a TCP connection to an address.
func (s *stage) connected(h *netlab.Host, to string) bool {
	s.t.Helper()
	out, err := h.Command(s.ctx, "ss", "-Htn", "state", "established", "dst", to).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return len(strings.TrimSpace(string(out))) > 0
}
