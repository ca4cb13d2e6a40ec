//go:build linux

package story

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
	"github.com/sitecast/sitecast/edge/engine"
)

const relayPort = "3478"

// certificate writes one that nobody has reason to trust.
func (s *stage) certificate() (cert, key string) {
	s.t.Helper()
	cert, key, err := rig.Certificate(s.t.TempDir())
	s.must(err)
	return cert, key
}

// relayAtSite runs a relay on the site's router, and tells the server of it.
func (s *stage) relayAtSite(tls bool) {
	s.t.Helper()
	secret := filepath.Join(s.t.TempDir(), "relay.secret")
	s.must(os.WriteFile(secret, []byte("sixteen characters, and more\n"), 0o600))
	router, cert, key, scheme := s.lab.Sites[0].Router, "", "", "turn:"
	if tls {
		cert, key = s.certificate()
		scheme = "turns:"
	}
	s.must(s.StartRelay(router, relayPort, secret, cert, key))
	var at []string
	for _, ip := range router.IPs() {
		at = append(at, net.JoinHostPort(ip.String(), relayPort))
	}
	s.sitecast("site", "set", "site-1", "--relay", scheme+strings.Join(at, ","), "--relay-secret-file", secret)
}

// linked waits until every agent has so many links.
func (s *stage) linked(n int) {
	s.t.Helper()
	for _, a := range s.Agents[0] {
		s.must(rig.Poll(s.ctx, a.Name+" to have its links", func() (bool, error) {
			var status engine.Status
			err := a.Status(s.ctx, &status)
			return len(status.Links) >= n, err
		}))
	}
}

// What goes through a relay at the site crosses no WAN: it is a way between peers
// like any other.
func TestEndpointsThatCannotMeetShareOneCopyThroughTheRelayAtTheirSite(t *testing.T) {
	const size = 4 * mib
	for _, c := range []struct {
		name       string
		tls, noUDP bool
	}{{"over UDP", false, false}, {"over TLS where UDP is blocked", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // it waits most of its time
			s := open(t, netlab.Plan{Sites: []netlab.SitePlan{{Endpoints: 3, WAN: wan(50), Isolated: true}}}, size)
			s.relayAtSite(c.tls)
			if c.noUDP {
				out, err := s.lab.Sites[0].Router.Command(s.ctx, "iptables", "-A", "INPUT", "-i", "lan", "-p", "udp", "-j", "DROP").CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			s.must(s.StartAgents(s.ctx))
			s.publish("hello", "1", 1000)
			s.sitecast("distribute", "hello@1", "--all") // links are made for a flow
			s.linked(2)
			before := s.crossed(0)
			s.sitecast("distribute", "app@1", "--all", "--wait")
			s.wantDelivered("app", "1", size)
			if crossed := s.crossed(before); float64(crossed) > 1.08*size {
				t.Errorf("%d bytes crossed the WAN for %d of content", crossed, int64(size))
			}
			f := s.flow("app", 0)
			if f.BytesOrigin != size || f.BytesPeer != 2*size || f.BytesRelay != 0 || f.Groups != 1 {
				t.Errorf("%d bytes from the origin, %d from peers, %d by relay, for %d groups; want one copy and two from peers in one group",
					f.BytesOrigin, f.BytesPeer, f.BytesRelay, f.Groups)
			}
		})
	}
}
