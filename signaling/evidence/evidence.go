// Package evidence says at which site an endpoint is, from what is seen of it: the
// networks that it has addresses in, the public address under which the server sees it,
// and the site where it enrolled. It is pure. Where the evidence is not enough, or speaks
// against itself, the answer is no site, with the reason and what would settle it: an
// endpoint that is guessed to be somewhere would exchange with strangers.
//
// Rules, in this order. LAN stands for the sites that all of the endpoint's networks
// which are on the map have in common, the longest range on the map that holds a whole
// network being the one that counts; egress for the site of the longest range that holds
// the public address.
//
//	LAN             egress   the site is
//	several differ  any      none: conflict
//	A among them    A        A
//	B, not A        A        none: conflict
//	not on the map  A        A
//	A alone         none     A, unless the map knows A's egress: then as if nothing was seen
//	several         none     as if nothing was seen
//	not on the map  none     as if nothing was seen
//
// An endpoint that is fixed, as tills are, belongs to the site where it enrolled. It
// stays there when nothing was seen, and where the rules find another site it is a
// conflict. One that roams is where the rules say; when nothing was seen it is nowhere.
//
// Networks of tunnels, and of containers inside the computer, are no evidence. Where the
// way to the server is a tunnel, neither is the public address: it is that of the
// tunnel's other end.
//
// Public addresses are seen by the server; networks are what the endpoint says. Who does
// not trust the endpoints of the organisation to say the truth gives each site's egress,
// too, so that both have to agree.
package evidence

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sitecast/sitecast/storage/catalog"
)

// Seen is what is known of an endpoint that came online.
type Seen struct {
	Networks  []netip.Prefix // that it has addresses in, without those that are no evidence
	Public    netip.Addr     // under which the server sees it; the zero value: none
	Tunnelled bool           // its way to the server is a tunnel
	Enrolled  string         // the site where it enrolled
	Roaming   bool
}

// Reason says what decided, for programs.
type Reason string

// The reasons: of a site, and of none.
const (
	ByBoth     Reason = "networks_and_egress"
	ByNetworks Reason = "networks"
	ByEgress   Reason = "egress"
	ByDefault  Reason = "enrolled" // nothing speaks against it

	Unknown   Reason = "unknown_network"
	Conflict  Reason = "conflict"
	Elsewhere Reason = "elsewhere" // beyond a tunnel
)

// Verdict is where an endpoint is, and why.
type Verdict struct {
	Site   string // empty: at none, it is in quarantine
	Reason Reason
	Detail string   // the same for people
	Settle []string // what would settle it: commands, or a hint; nil where there is a site
}

// Map says which networks are at which sites.
type Map struct {
	lan, egress table
	seenFrom    map[string]bool // sites of which an egress is known
}

// table finds the longest range that holds an address.
type table struct {
	sites   map[netip.Prefix][]string // sorted
	lengths map[int][]int             // that there are, the longest first, by bits of an address
}

// NewMap makes a map of networks as [catalog.Network.Normal] writes them.
func NewMap(networks []catalog.Network) (*Map, error) {
	m := &Map{newTable(), newTable(), map[string]bool{}}
	for _, n := range networks {
		p, err := netip.ParsePrefix(n.CIDR)
		if err != nil {
			return nil, fmt.Errorf("network %v: %w", n, err)
		}
		if n.Kind == catalog.NetworkEgress {
			m.egress.add(p, n.Site)
			m.seenFrom[n.Site] = true
		} else {
			m.lan.add(p, n.Site)
		}
	}
	return m, nil
}

func newTable() table { return table{map[netip.Prefix][]string{}, map[int][]int{}} }

func (t table) add(p netip.Prefix, site string) {
	if at, known := slices.BinarySearch(t.sites[p], site); !known {
		t.sites[p] = slices.Insert(t.sites[p], at, site)
	}
	family := p.Addr().BitLen()
	if !slices.Contains(t.lengths[family], p.Bits()) {
		t.lengths[family] = append(t.lengths[family], p.Bits())
		slices.SortFunc(t.lengths[family], func(a, b int) int { return b - a })
	}
}

// find returns the longest range that holds all of a network, and its sites; nil where
// there is none.
func (t table) find(p netip.Prefix) (netip.Prefix, []string) {
	for _, bits := range t.lengths[p.Addr().BitLen()] {
		if bits > p.Bits() {
			continue
		}
		around := netip.PrefixFrom(p.Addr(), bits).Masked()
		if sites := t.sites[around]; sites != nil {
			return around, sites
		}
	}
	return netip.Prefix{}, nil
}

// found is what the map says of an endpoint.
type found struct {
	Seen
	sites  []string       // of its networks, in common
	by     []netip.Prefix // its networks that are on the map
	ranges []netip.Prefix // on the map, that hold them
	apart  bool           // they have no site in common
	egress string         // site of its public address, or empty
	holds  netip.Prefix   // the range on the map that holds that
}

// Weigh says where an endpoint is.
func (m *Map) Weigh(s Seen) Verdict {
	f := m.look(s)
	v, certain := m.rule(f)
	switch {
	case !certain && s.Roaming:
		return v // the map says too little
	case !certain:
		return Verdict{Site: s.Enrolled, Reason: ByDefault, Detail: "it enrolled there, and the map of networks does not say otherwise"}
	case v.Site != "" && !s.Roaming && v.Site != s.Enrolled:
		return Verdict{Reason: Conflict, Detail: fmt.Sprintf("it belongs to %s, where it enrolled, but %s", s.Enrolled, v.Detail),
			Settle: []string{"sitecast enrol --site " + v.Site, "or correct the map (sitecast network list)"}}
	}
	return v
}

// look finds what the map says.
func (m *Map) look(s Seen) found {
	f := found{Seen: s}
	for _, n := range s.Networks {
		around, sites := m.lan.find(n)
		if sites == nil {
			continue
		}
		if f.by == nil {
			f.sites = slices.Clone(sites)
		}
		f.by, f.ranges = append(f.by, n), append(f.ranges, around)
		f.sites = slices.DeleteFunc(f.sites, func(site string) bool { return !slices.Contains(sites, site) })
	}
	f.apart = f.by != nil && len(f.sites) == 0
	if s.Public.IsValid() && !s.Tunnelled {
		at := s.Public.Unmap().WithZone("")
		if around, sites := m.egress.find(netip.PrefixFrom(at, at.BitLen())); len(sites) == 1 {
			f.holds, f.egress = around, sites[0]
		}
	}
	return f
}

// rule goes by the rules of this package. Without certainty the verdict is that of an
// endpoint that roams.
func (m *Map) rule(f found) (v Verdict, certain bool) {
	switch {
	case f.apart:
		return Verdict{Reason: Conflict, Detail: "its networks " + list(f.by) + " are of different sites", Settle: m.remove(f)}, true
	case f.egress != "" && slices.Contains(f.sites, f.egress):
		return Verdict{Site: f.egress, Reason: ByBoth, Detail: fmt.Sprintf("%s %s and its public address %v are of %s", its(f.by), list(f.by), f.Public, f.egress)}, true
	case f.egress != "" && f.by != nil:
		return Verdict{Reason: Conflict, Detail: fmt.Sprintf("%s %s say it is at %s, its public address %v says %s", its(f.by), list(f.by), names(f.sites), f.Public, f.egress),
			Settle: append(m.remove(f), remove(f.holds, catalog.NetworkEgress, f.egress))}, true
	case f.egress != "":
		return Verdict{Site: f.egress, Reason: ByEgress, Detail: fmt.Sprintf("its public address %v is of %s", f.Public, f.egress)}, true
	case len(f.sites) == 1 && !m.seenFrom[f.sites[0]]:
		return Verdict{Site: f.sites[0], Reason: ByNetworks, Detail: fmt.Sprintf("%s %s are of %s", its(f.by), list(f.by), f.sites[0])}, true
	}
	return m.uncertain(f), false
}

// stay is what makes an endpoint fixed.
const stay = "sitecast enrol --fixed --site NAME, if it shall belong to one site wherever it is"

// uncertain says what is missing.
func (m *Map) uncertain(f found) Verdict {
	public := Line(f.Public)
	said := "its public address is " + public.String()
	egress := []string{"sitecast network set " + public.String() + " --kind " + catalog.NetworkEgress + " --site NAME"}
	if !public.IsValid() {
		said, egress = "it has no public address", []string{stay}
	}
	switch {
	case f.Tunnelled:
		return Verdict{Reason: Elsewhere, Detail: "its way to the server is a tunnel (a VPN), and nothing else says at which site it is",
			Settle: []string{"it is matched again when it comes by another way", stay}}
	case len(f.sites) == 1:
		return Verdict{Reason: Unknown, Detail: fmt.Sprintf("%s %s are of %s, but that is seen under other public addresses: %s", its(f.by), list(f.by), f.sites[0], said), Settle: egress}
	case f.by != nil:
		return Verdict{Reason: Unknown, Detail: fmt.Sprintf("%s %s are of several sites (%s), and %s, of no site", its(f.by), list(f.by), names(f.sites), said), Settle: egress}
	case len(f.Networks) > 0:
		return Verdict{Reason: Unknown, Detail: fmt.Sprintf("%s %s are on no site's map, and %s", its(f.Networks), list(f.Networks), said),
			Settle: append([]string{"sitecast network set " + f.Networks[0].String() + " --site NAME"}, egress...)}
	}
	return Verdict{Reason: Unknown, Detail: "it names no network of its own, and " + said + ", of no site", Settle: egress}
}

// lineBits is the smallest IPv6 network that is given out.
const lineBits = 64

// Line is what a place is known by from outside: a public address, or the network of one
// over IPv6, where each host has another. The zero value stands for none.
func Line(public netip.Addr) netip.Prefix {
	at := public.Unmap().WithZone("")
	if at.Is6() {
		return netip.PrefixFrom(at, lineBits).Masked()
	}
	return netip.PrefixFrom(at, at.BitLen())
}

// maxRemovals bounds how many ways out are named.
const maxRemovals = 4

// remove names what could be taken off the map.
func (m *Map) remove(f found) (commands []string) {
	for _, around := range f.ranges {
		for _, site := range m.lan.sites[around] {
			if len(commands) < maxRemovals {
				commands = append(commands, remove(around, catalog.NetworkLAN, site))
			}
		}
	}
	return commands
}

func remove(p netip.Prefix, kind, site string) string {
	return fmt.Sprintf("sitecast network remove %v --kind %s --site %s", p, kind, site)
}

func its(networks []netip.Prefix) string {
	if len(networks) == 1 {
		return "addresses in its network"
	}
	return "its networks"
}

func list(networks []netip.Prefix) string {
	text := make([]string, len(networks))
	for i, n := range networks {
		text[i] = n.String()
	}
	return strings.Join(text, ", ")
}

// maxNames bounds how many sites are named.
const maxNames = 3

func names(sites []string) string {
	if more := len(sites) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(sites[:maxNames], ", "), more)
	}
	return strings.Join(sites, ", ")
}
