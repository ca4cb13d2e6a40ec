package evidence_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// chain is the map of a chain of shops: a and b have ranges of their own, c and d the
// LAN that every router comes with, and the office is seen under a whole range.
const chain = `cidr,site,kind
10.1.0.0/16,a,lan
10.1.9.0/24,b,lan
10.2.0.0/16,b,lan
192.168.1.0/24,c,lan
192.168.1.0/24,d,lan
172.20.0.0/16,e,lan
fd00:1::/32,a,lan
203.0.113.0/24,office,egress
203.0.113.3,c,egress
203.0.113.4,d,egress
203.0.113.5,e,egress
2001:db8:6::/48,f,egress
`

func mapOf(t interface{ Fatal(...any) }, text string) *evidence.Map {
	lines, err := evidence.ReadCSV([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	m, err := evidence.NewMap(networksOf(lines))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func networksOf(lines []evidence.LinedNetwork) (all []catalog.Network) {
	for _, l := range lines {
		all = append(all, l.Network)
	}
	return all
}

func seen(networks, public string) (s evidence.Seen) {
	for _, text := range strings.Fields(networks) {
		s.Networks = append(s.Networks, netip.MustParsePrefix(text))
	}
	if public != "" {
		s.Public = netip.MustParseAddr(public)
	}
	s.Enrolled = "a"
	return s
}

// The table of the package's comment, and its corners. Each row is weighed for who roams,
// and for who is fixed to a.
func TestEvidenceIsWeighed(t *testing.T) {
	m := mapOf(t, chain)
	const nobody = "198.51.100.9"
	for _, c := range []struct {
		name, networks, public string
		roaming, fixed         string // SITE reason, or - reason
	}{
		{"both agree", "192.168.1.0/24", "203.0.113.3", "c networks_and_egress", "- conflict"},
		{"both agree on the other", "192.168.1.0/24", "203.0.113.4", "d networks_and_egress", "- conflict"},
		{"a LAN of several sites behind a strange address", "192.168.1.0/24", nobody, "- unknown_network", "a enrolled"},
		{"a LAN of several sites behind another's address", "192.168.1.0/24", "203.0.113.5", "- conflict", "- conflict"},
		{"a LAN of one site", "10.1.3.0/24", nobody, "a networks", "a networks"},
		{"a longer range counts", "10.1.9.0/24", nobody, "b networks", "- conflict"},
		{"a network longer than that", "10.1.9.128/25", nobody, "b networks", "- conflict"},
		{"a network shorter than any range", "10.0.0.0/8", nobody, "- unknown_network", "a enrolled"},
		{"a LAN whose egress is known and another", "172.20.7.0/24", nobody, "- unknown_network", "a enrolled"},
		{"a LAN whose egress is known", "172.20.7.0/24", "203.0.113.5", "e networks_and_egress", "- conflict"},
		{"a LAN without an egress behind one", "10.1.3.0/24", "203.0.113.77", "- conflict", "- conflict"},
		{"an egress alone", "10.99.0.0/24", "203.0.113.77", "office egress", "- conflict"},
		{"a longer egress counts", "", "203.0.113.3", "c egress", "- conflict"},
		{"an egress over IPv6", "2001:db8:6:1::/64", "2001:db8:6:1::77", "f egress", "- conflict"},
		{"an egress written as IPv6", "", "::ffff:203.0.113.3", "c egress", "- conflict"},
		{"nothing on the map", "10.99.0.0/24", nobody, "- unknown_network", "a enrolled"},
		{"nothing at all", "", "", "- unknown_network", "a enrolled"},
		{"two networks of one site", "10.1.3.0/24 fd00:1:3::/64", nobody, "a networks", "a networks"},
		{"a network of one site, one of nobody", "10.1.3.0/24 172.17.0.0/16", nobody, "a networks", "a networks"},
		{"networks of two sites", "10.1.3.0/24 10.2.3.0/24", nobody, "- conflict", "- conflict"},
		{"networks of two sites behind the address of one", "10.1.3.0/24 10.2.3.0/24", "203.0.113.3", "- conflict", "- conflict"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := seen(c.networks, c.public)
			for roaming, want := range map[bool]string{true: c.roaming, false: c.fixed} {
				s.Roaming = roaming
				v := m.Weigh(s)
				if got := said(v); got != want {
					t.Errorf("roaming %v: %s (%s), want %s", s.Roaming, got, v.Detail, want)
				}
			}
		})
	}
}

func said(v evidence.Verdict) string {
	site := v.Site
	if site == "" {
		site = "-"
	}
	return site + " " + string(v.Reason)
}

// A laptop at home in the company's VPN is seen under the company's address.
func TestWhatATunnelShowsIsNoEvidence(t *testing.T) {
	m := mapOf(t, chain)
	s := seen("192.168.178.0/24", "203.0.113.77")
	s.Tunnelled, s.Roaming = true, true
	v := m.Weigh(s)
	if v.Site != "" || v.Reason != evidence.Elsewhere || len(v.Settle) == 0 {
		t.Errorf("got %+v, want that it is elsewhere", v)
	}
	if s.Roaming = false; m.Weigh(s).Site != "a" {
		t.Errorf("got %+v, want that who is fixed stays", m.Weigh(s))
	}
	at := seen("10.1.3.0/24", "203.0.113.77") // at a site, and in the VPN all the same
	at.Tunnelled, at.Roaming = true, true
	if v := m.Weigh(at); v.Site != "a" || v.Reason != evidence.ByNetworks {
		t.Errorf("got %+v, want a by its network", v)
	}
}

func TestVerdictsSayWhatWouldSettleIt(t *testing.T) {
	m := mapOf(t, chain)
	for want, s := range map[string]evidence.Seen{
		"sitecast network set 10.99.0.0/24 --site NAME":                                     seen("10.99.0.0/24", "198.51.100.9"),
		"sitecast network set 198.51.100.9/32 --kind egress --site NAME":                    seen("192.168.1.0/24", "198.51.100.9"),
		"sitecast network set 2001:db8:7::/64 --kind egress --site NAME":                    seen("", "2001:db8:7::99"),
		"sitecast network remove 10.2.0.0/16 --kind lan --site b":                           seen("10.1.3.0/24 10.2.3.0/24", ""),
		"sitecast network remove 203.0.113.0/24 --kind egress --site office":                seen("10.1.3.0/24", "203.0.113.77"),
		"sitecast enrol --fixed --site NAME, if it shall belong to one site wherever it is": seen("", ""),
	} {
		s.Roaming = true
		if v := m.Weigh(s); v.Site != "" || !slices.Contains(v.Settle, want) {
			t.Errorf("%+v: settled by %q, want %q among it", s, v.Settle, want)
		}
	}
}

// anything draws a small world, in which much coincides.
type anything struct {
	networks []catalog.Network
	seen     evidence.Seen
}

var (
	someNetworks = []string{"10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "10.2.0.0/16", "192.168.1.0/24", "fd00:1::/48", "fd00:1::/64"}
	somePublic   = []string{"203.0.113.1", "203.0.113.2", "198.51.100.1", "2001:db8::1"}
	someRanges   = []string{"203.0.113.1/32", "203.0.113.0/24", "198.51.100.0/24", "2001:db8::/48"}
	someSites    = []string{"a", "b", "c"}
)

func draw(t *rapid.T) anything {
	network := rapid.Custom(func(t *rapid.T) catalog.Network {
		n := catalog.Network{Kind: catalog.NetworkLAN, Site: rapid.SampledFrom(someSites).Draw(t, "site")}
		n.CIDR = rapid.SampledFrom(someNetworks).Draw(t, "range")
		if rapid.Bool().Draw(t, "egress") {
			n.Kind, n.CIDR = catalog.NetworkEgress, rapid.SampledFrom(someRanges).Draw(t, "egress range")
		}
		return n
	})
	w := anything{}
	for _, n := range rapid.SliceOfN(network, 0, 12).Draw(t, "map") {
		if merged, wrong := catalog.MergeNetworks(w.networks, nil, []catalog.Network{n}); wrong == nil {
			w.networks = merged
		}
	}
	w.seen = seen(strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom(someNetworks), 0, 3, rapid.ID).Draw(t, "networks"), " "),
		rapid.SampledFrom(append([]string{""}, somePublic...)).Draw(t, "public"))
	w.seen.Enrolled = rapid.SampledFrom(someSites).Draw(t, "enrolled")
	w.seen.Roaming, w.seen.Tunnelled = rapid.Bool().Draw(t, "roaming"), rapid.Bool().Draw(t, "tunnelled")
	return w
}

func weigh(t *rapid.T, w anything) evidence.Verdict {
	m, err := evidence.NewMap(w.networks)
	if err != nil {
		t.Fatal(err)
	}
	return m.Weigh(w.seen)
}

func TestNoVerdictIsAGuess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		v := weigh(t, w)
		switch {
		case v.Detail == "" || v.Reason == "":
			t.Fatalf("%+v says nothing", v)
		case v.Site == "" && len(v.Settle) == 0:
			t.Fatalf("%+v says not what would settle it", v)
		case v.Site != "" && v.Settle != nil:
			t.Fatalf("%+v settles what is settled", v)
		case v.Site == "":
		case !w.seen.Roaming && v.Site != w.seen.Enrolled:
			t.Fatalf("who is fixed to %s is at %s", w.seen.Enrolled, v.Site)
		case v.Reason == evidence.ByDefault:
			if w.seen.Roaming {
				t.Fatal("who roams is where it enrolled, because nothing says where it is")
			}
		default:
			if !slices.ContainsFunc(w.networks, func(n catalog.Network) bool { return n.Site == v.Site && holds(n, w.seen) }) {
				t.Fatalf("%+v: no network on the map says so", v)
			}
		}
	})
}

// holds reports whether a network on the map is evidence of an endpoint.
func holds(n catalog.Network, s evidence.Seen) bool {
	p := netip.MustParsePrefix(n.CIDR)
	if n.Kind == catalog.NetworkEgress {
		return !s.Tunnelled && s.Public.IsValid() && p.Contains(s.Public)
	}
	return slices.ContainsFunc(s.Networks, func(own netip.Prefix) bool { return p.Bits() <= own.Bits() && p.Contains(own.Addr()) })
}

func TestTheOrderOfEvidenceDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		want := weigh(t, w)
		w.networks = rapid.Permutation(w.networks).Draw(t, "another order")
		w.seen.Networks = rapid.Permutation(w.seen.Networks).Draw(t, "another order of networks")
		if got := weigh(t, w); said(got) != said(want) {
			t.Fatalf("%s in one order, %s in another", said(want), said(got))
		}
	})
}

func TestWhoRoamsIsNowhereByItsEnrolment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		w.seen.Roaming = true
		want := weigh(t, w)
		w.seen.Enrolled = rapid.SampledFrom(someSites).Draw(t, "enrolled elsewhere")
		if got := weigh(t, w); said(got) != said(want) {
			t.Fatalf("%s or %s, by where it enrolled", said(want), said(got))
		}
	})
}

func TestInATunnelThePublicAddressDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		w.seen.Tunnelled = true
		want := weigh(t, w)
		w.seen.Public = netip.MustParseAddr(rapid.SampledFrom(somePublic).Draw(t, "public of another"))
		if got := weigh(t, w); said(got) != said(want) {
			t.Fatalf("%s or %s, by the address of the tunnel's other end", said(want), said(got))
		}
	})
}

// Whoever does what is said, for all that is said with "set", has the endpoint at the site.
func TestWhatIsSaidToSettleItDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		w.seen.Roaming = true
		v := weigh(t, w)
		if v.Reason != evidence.Unknown || !w.seen.Public.IsValid() {
			return
		}
		site := rapid.SampledFrom(someSites).Draw(t, "chosen")
		if lans := lansOf(w); lans != nil && !slices.Contains(lans, site) {
			return // no operator would say so
		}
		for _, command := range v.Settle {
			var cidr, kind string
			if _, err := fmt.Sscanf(command, "sitecast network set %s --kind %s", &cidr, &kind); err != nil {
				kind = catalog.NetworkLAN
			}
			n, err := catalog.Network{CIDR: cidr, Kind: kind, Site: site}.Normal()
			if err != nil {
				t.Fatalf("%s: %v", command, err)
			}
			var wrong []*catalog.NetworkError
			if w.networks, wrong = catalog.MergeNetworks(w.networks, nil, []catalog.Network{n}); wrong != nil {
				t.Fatalf("%s: %v", command, wrong[0])
			}
		}
		if got := weigh(t, w); got.Site != site {
			t.Fatalf("after %q it is %+v, want %s", v.Settle, got, site)
		}
	})
}

// lansOf are the sites that an endpoint's networks have in common, looked for as simply
// as it can be; nil where none is on the map.
func lansOf(w anything) (common []string) {
	for _, own := range w.seen.Networks {
		longest, sites := -1, []string{}
		for _, n := range w.networks {
			p := netip.MustParsePrefix(n.CIDR)
			switch {
			case n.Kind != catalog.NetworkLAN || p.Bits() > own.Bits() || !p.Contains(own.Addr()) || p.Bits() < longest:
			case p.Bits() > longest:
				longest, sites = p.Bits(), []string{n.Site}
			default:
				sites = append(sites, n.Site)
			}
		}
		switch {
		case longest < 0:
		case common == nil:
			common = sites
		default:
			common = slices.DeleteFunc(common, func(s string) bool { return !slices.Contains(sites, s) })
		}
	}
	return common
}

func TestQuarantineIsListedByNetwork(t *testing.T) {
	m := mapOf(t, chain)
	begin := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	var all []evidence.Standing
	add := func(name, networks, public string) {
		s := evidence.Standing{ID: wire.EndpointID(name), Name: name, Since: begin.Add(time.Duration(len(all)) * time.Minute), Seen: seen(networks, public)}
		s.Roaming = true
		s.Verdict = m.Weigh(s.Seen)
		all = append(all, s)
	}
	add("lone", "10.50.0.0/24", "198.51.100.1")
	add("placed", "10.1.3.0/24", "")
	for i := range evidence.MaxListed + 2 {
		add(fmt.Sprintf("laptop-%02d", i), "10.99.0.0/24", "198.51.100.9")
	}
	add("six-1", "", "2001:db8:9::1")
	add("six-2", "", "2001:db8:9::2") // behind the same line
	slices.Reverse(all)
	got := evidence.Quarantine(all)
	if len(got) != 3 {
		t.Fatalf("got %d networks, want 3: %+v", len(got), got)
	}
	first := got[0]
	if first.Endpoints != evidence.MaxListed+2 || len(first.Names) != evidence.MaxListed || first.Names[0] != "laptop-00" || !first.Since.Equal(begin.Add(2*time.Minute)) ||
		first.Public != "198.51.100.9/32" || !slices.Equal(first.Networks, []string{"10.99.0.0/24"}) || first.Reason != evidence.Unknown || len(first.Settle) == 0 {
		t.Errorf("got %+v", first)
	}
	if got[1].Public != "2001:db8:9::/64" || got[1].Endpoints != 2 || got[1].Networks == nil {
		t.Errorf("got %+v, want both that are behind one line", got[1])
	}
	if got := evidence.Quarantine(nil); got == nil || len(got) != 0 {
		t.Errorf("got %#v, want an empty list", got)
	}
}

func TestMovesAreForetold(t *testing.T) {
	old := mapOf(t, chain)
	stay, go1 := seen("10.1.3.0/24", ""), seen("10.99.0.0/24", "")
	var all []evidence.Standing
	for name, s := range map[string]evidence.Seen{"stays": stay, "goes": go1} {
		s.Roaming = true
		all = append(all, evidence.Standing{ID: wire.EndpointID(name), Name: name, Seen: s, Verdict: old.Weigh(s)})
	}
	next := mapOf(t, chain+"10.99.0.0/24,b,lan\n")
	got := next.Moves(all)
	if len(got) != 1 || got[0].Name != "goes" || got[0].From != "" || got[0].To != "b" || got[0].Detail == "" {
		t.Errorf("got %+v, want that one goes to b", got)
	}
	if got := old.Moves(all); !reflect.DeepEqual(got, []evidence.Move{}) {
		t.Errorf("got %+v by the map that there is, want none", got)
	}
}

// BenchmarkWeigh is a large retailer: 75,000 networks of 5,000 sites, each of which is
// seen under an address of its own.
func BenchmarkWeigh(b *testing.B) {
	var all []catalog.Network
	for i := range 75_000 {
		site := fmt.Sprintf("shop-%04d", i/15)
		all = append(all, catalog.Network{Kind: catalog.NetworkLAN, Site: site, CIDR: fmt.Sprintf("10.%d.%d.%d/28", i/4096, i/16%256, i%16*16)})
		if i%15 == 0 {
			all = append(all, catalog.Network{Kind: catalog.NetworkEgress, Site: site, CIDR: fmt.Sprintf("198.18.%d.%d/32", i/15/256, i/15%256)})
		}
	}
	m, err := evidence.NewMap(all)
	if err != nil {
		b.Fatal(err)
	}
	s := seen("10.3.7.16/28 fd00:1::/64", "198.18.4.51")
	s.Roaming = true
	for b.Loop() {
		if v := m.Weigh(s); v.Reason == "" {
			b.Fatal(v)
		}
	}
}
