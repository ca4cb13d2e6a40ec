package rtc_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/signaling/wire"
)

func networks(text ...string) (on wire.Networks) {
	for _, t := range text {
		on = append(on, netip.MustParsePrefix(t))
	}
	return on
}

// twoHomed is a pair of which a is in two networks of one LAN, not yet linked.
func twoHomed(t *testing.T) (n *lan, a, b *end) {
	t.Helper()
	n = newLAN(t, time.Millisecond)
	two, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.1", "10.0.0.129"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.router.AddNet(two); err != nil {
		t.Fatal(err)
	}
	one := host(t, n.router, "10.0.0.2")
	start(t, n.router)
	a, b = newEnd(t, n.server, two, "0.0.0.0:0"), newEnd(t, n.server, one, "0.0.0.0:0")
	time.Sleep(time.Millisecond)
	return n, a, b
}

// An endpoint names no address to its peer that is in no network of its site's links.
func TestAddressesOutsideOfTheSitesNetworksAreNotNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := twoHomed(t)
		for _, e := range []*end{a, b} {
			e.SetNetworks(networks("10.0.0.0/25"))
		}
		a.Dial(b.id, 1)
		up(t, a, soon)
		up(t, b, soon)
		for _, sig := range n.server.sent(func(wire.Signal) bool { return true }) {
			if sig.Offer != nil && strings.Contains(sig.Offer.SDP, "10.0.0.129") || strings.Contains(sig.Candidate, "10.0.0.129") {
				t.Errorf("the peer was told of an address that no link goes over: %+v", sig)
			}
		}
	})
}

// A peer in another network is not sent a packet, whether it names its address or its
// own checks arrive.
func TestPeersOutsideOfTheSitesNetworksAreNotMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		b.SetNetworks(networks("192.168.0.0/16", "fd00::/8"))
		sent := destinations(n, "10.0.0.2", "")
		sentToo := destinations(n, "10.0.0.1", "")
		a.Dial(b.id, 1)
		for _, e := range []*end{a, b} {
			if f := down(t, e, time.Minute); f.link != nil {
				t.Errorf("%s had a link", e.id.Short())
			}
		}
		// Who is where is chance; who has no bound may try, and the other may not.
		if sent() > 0 && sentToo() > 0 {
			t.Error("both sent packets to where no link may be")
		}
		if b.refused.Count(wire.DoorSignal, wire.CodeCandidate) == 0 {
			t.Error("no candidate was refused")
		}
	})
}

// Links end that are where they may not be any more, and only they.
func TestLinksEndWhenTheSitesNetworksChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _, _ := linked(t)
		for _, on := range []wire.Networks{networks("10.0.0.0/24", "fd00::/8"), nil, networks("10.0.0.0/30")} {
			a.SetNetworks(on)
			b.SetNetworks(on)
			never(t, a, time.Minute)
			never(t, b, 0)
		}
		a.SetNetworks(networks("10.1.0.0/16"))
		if f := down(t, a, soon); f.link == nil || !strings.Contains(f.reason, "network") {
			t.Errorf("lost %+v, want the link, for its network", f)
		}
		down(t, b, soon)
	})
}
