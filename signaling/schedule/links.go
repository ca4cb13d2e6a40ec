// Package schedule decides what a site does: which endpoints link to each other,
// what the next lease covers and who gets it, and how a bandwidth cap is shared.
// It is pure: no clock, no goroutine, no socket; equal inputs give equal answers.
package schedule

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Degrees of the link graph.
const (
	// FullMesh is the number of endpoints up to which all link to all.
	FullMesh       = 8
	degree         = 8
	degreeFetcher  = 10
	degreeWireless = 6 // also browsers
	degreeBattery  = 4
	// sameSubnet is how many peers of its own subnet an endpoint has at least.
	sameSubnet = 3
	// bridges is how many links join each pair of subnets at least.
	bridges = 2
)

// Member is what placing links and leases needs to know of an endpoint.
type Member struct {
	ID       wire.EndpointID
	Device   string
	Battery  bool
	Wireless bool
	Subnet   string // the first of its own prefixes; "" when unknown
	Fetcher  bool
	Since    int64 // when it came online, any unit
}

// Edge is a link between two endpoints. A is the lower id and makes the offer.
type Edge struct{ A, B wire.EndpointID }

// EdgeOf returns the edge between two endpoints.
func EdgeOf(a, b wire.EndpointID) Edge {
	if b < a {
		a, b = b, a
	}
	return Edge{a, b}
}

func (m Member) degree() int {
	switch {
	case m.Fetcher:
		return degreeFetcher
	case m.Battery:
		return degreeBattery
	case m.Wireless || m.Device == wire.DeviceBrowser:
		return degreeWireless
	}
	return degree
}

// Links returns the links a site should have, the most useful first: those of
// fetchers, a ring through everybody, then the rest. While active, that is a full
// mesh up to FullMesh endpoints and beyond it a graph of bounded degree in which
// the ring keeps everybody connected when any one leaves; otherwise only the ring
// is kept warm. Links that exist are preferred, so that a join or leave moves few.
func Links(members []Member, existing map[Edge]bool, active bool, seed uint64) []Edge {
	g := graph{degree: map[wire.EndpointID]int{}, has: map[Edge]bool{}, seed: seed}
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	full := active && len(members) <= FullMesh
	if full {
		for _, m := range members {
			if m.Fetcher {
				g.star(m, members)
			}
		}
	}
	g.ring(members)
	switch {
	case full:
		for _, m := range members {
			g.star(m, members)
		}
	case active:
		g.bridge(members)
		g.fill(members, existing)
	}
	return g.edges
}

// graph grows a list of edges.
type graph struct {
	edges  []Edge
	has    map[Edge]bool
	degree map[wire.EndpointID]int
	seed   uint64
}

func (g *graph) add(a, b wire.EndpointID) {
	e := EdgeOf(a, b)
	if a == b || g.has[e] {
		return
	}
	g.has[e] = true
	g.edges = append(g.edges, e)
	g.degree[a]++
	g.degree[b]++
}

func (g *graph) star(m Member, members []Member) {
	for _, other := range members {
		g.add(m.ID, other.ID)
	}
}

// weight orders pairs at random but always the same way.
func (g *graph) weight(parts ...string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, g.seed)) // a hash never fails
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
	}
	// FNV mixes its last bytes poorly; a multiplicative step spreads them.
	return h.Sum64() * 0x9e3779b97f4a7c15
}

// ring joins everybody in an order that one member's coming or going disturbs in
// one place only; within it a subnet's members follow each other.
func (g *graph) ring(members []Member) {
	order := slices.Clone(members)
	slices.SortFunc(order, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Subnet, b.Subnet),
			cmp.Compare(g.weight(string(a.ID)), g.weight(string(b.ID))), cmp.Compare(a.ID, b.ID))
	})
	for i, m := range order {
		g.add(m.ID, order[(i+1)%len(order)].ID)
	}
}

// bridge joins each pair of subnets at least twice, by different endpoints.
func (g *graph) bridge(members []Member) {
	subnets := map[string][]Member{}
	for _, m := range members {
		subnets[m.Subnet] = append(subnets[m.Subnet], m)
	}
	var names []string
	for name := range subnets {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, a := range names {
		for _, b := range names[i+1:] {
			for k := range bridges {
				g.add(g.pick(subnets[a], b, k), g.pick(subnets[b], a, k))
			}
		}
	}
}

// pick returns the k-th member by a weight that depends on towards.
func (g *graph) pick(members []Member, towards string, k int) wire.EndpointID {
	order := slices.Clone(members)
	slices.SortFunc(order, func(a, b Member) int {
		return cmp.Or(cmp.Compare(g.weight(string(a.ID), towards), g.weight(string(b.ID), towards)), cmp.Compare(a.ID, b.ID))
	})
	return order[min(k, len(order)-1)].ID
}

// fill adds pairs while both have room: first enough of the own subnet for
// everybody, then links that exist, then any.
func (g *graph) fill(members []Member, existing map[Edge]bool) {
	type pair struct {
		a, b   Member
		weight uint64
		exists bool
	}
	var pairs []pair
	for i, a := range members {
		for _, b := range members[i+1:] {
			pairs = append(pairs, pair{a, b, g.weight(string(a.ID), string(b.ID)), existing[EdgeOf(a.ID, b.ID)]})
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		if x.exists != y.exists {
			if x.exists {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(x.weight, y.weight), cmp.Compare(x.a.ID, y.a.ID), cmp.Compare(x.b.ID, y.b.ID))
	})
	near := map[wire.EndpointID]int{}
	for _, p := range pairs {
		if p.a.Subnet == p.b.Subnet && (near[p.a.ID] < sameSubnet || near[p.b.ID] < sameSubnet) && g.room(p.a, p.b) {
			g.add(p.a.ID, p.b.ID)
			near[p.a.ID]++
			near[p.b.ID]++
		}
	}
	for _, p := range pairs {
		if g.room(p.a, p.b) {
			g.add(p.a.ID, p.b.ID)
		}
	}
}

func (g *graph) room(a, b Member) bool {
	return g.degree[a.ID] < a.degree() && g.degree[b.ID] < b.degree()
}
