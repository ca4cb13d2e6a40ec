package schedule

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"maps"
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
	// degreeSlack is how far bridges and links within a subnet may go beyond.
	degreeSlack = 2
	// sameSubnet is how many peers of its own subnet an endpoint has at least.
	sameSubnet = 3
	// bridges is how many links join each pair of subnets at least, up to
	// maxBridged subnets; beyond, the random rings join them well enough.
	bridges    = 2
	maxBridged = 16
	// maxProbes bounds the search for somebody with room for another link.
	maxProbes = 64
)

// Edge is a link between two endpoints. A is the lower id and makes the offer.
type Edge struct{ A, B wire.EndpointID }

// EdgeOf returns the edge between two endpoints.
func EdgeOf(a, b wire.EndpointID) Edge {
	if b < a {
		a, b = b, a
	}
	return Edge{a, b}
}

// Other returns the other end of a link, "" for who is no end of it.
func (e Edge) Other(id wire.EndpointID) wire.EndpointID {
	switch id {
	case e.A:
		return e.B
	case e.B:
		return e.A
	}
	return ""
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
// mesh up to FullMesh endpoints and beyond it a union of rings in different
// orders, which is a good random graph of bounded degree, connected whoever
// leaves. Otherwise only the first ring is kept warm. A member's coming or going
// disturbs each ring in one place, and what else exists is kept, so few links move.
// Beyond FullMesh those who take part in few flows only stand beside that graph.
func Links(members []Member, existing map[Edge]bool, active bool, seed uint64) []Edge {
	others := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return m.Only != nil })
	if len(members) <= FullMesh || len(others) == len(members) {
		return links(members, existing, active, seed)
	}
	edges := links(others, existing, active, seed)
	return append(edges, visiting(members, edges, existing, active, seed)...)
}

func links(members []Member, existing map[Edge]bool, active bool, seed uint64) []Edge {
	g := newGraph(members, seed)
	g.ring(0, true)
	ring := len(g.edges)
	switch {
	case active && len(members) <= FullMesh:
		for i := range g.nodes {
			for j := range i {
				g.add(i, j)
			}
		}
	case active:
		g.ring(1, true)
		g.bridge()
		g.near()
		for k := 2; 2*k < degreeFetcher; k++ {
			g.ring(k, false)
		}
		g.keep(g.existing(existing))
		g.fill()
	}
	return g.ordered(ring)
}

// graph grows a list of edges between nodes, which are sorted by id.
type graph struct {
	nodes []Member
	links []int // of each node
	lacks []int // peers of its own subnet, of each node, before subnets are joined
	edges [][2]int
	has   map[[2]int]bool
	seed  uint64
}

func newGraph(members []Member, seed uint64) *graph {
	nodes := slices.SortedFunc(slices.Values(members), func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return &graph{nodes: nodes, links: make([]int, len(nodes)), has: map[[2]int]bool{}, seed: seed}
}

func (g *graph) add(a, b int) {
	e := [2]int{min(a, b), max(a, b)}
	if a == b || g.has[e] {
		return
	}
	g.has[e] = true
	g.edges = append(g.edges, e)
	g.links[a]++
	g.links[b]++
}

func (g *graph) linked(a, b int) bool { return g.has[[2]int{min(a, b), max(a, b)}] }

// room reports whether both may have one more link, given how far they may go
// beyond their degree.
func (g *graph) room(a, b, slack int) bool {
	return g.links[a] < g.nodes[a].degree()+slack && g.links[b] < g.nodes[b].degree()+slack
}

// weight orders things at random but always the same way.
func (g *graph) weight(k int, parts ...string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, g.seed+uint64(k)*0x9e3779b97f4a7c15)) // a hash never fails
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
	}
	// FNV mixes its last bytes poorly; this is the finalizer of MurmurHash3.
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// order returns the nodes in the order of the k-th ring, which is random but
// keeps a subnet together when grouped.
func (g *graph) order(k int, grouped bool) []int {
	weights := make([]uint64, len(g.nodes))
	order := make([]int, len(g.nodes))
	for i, m := range g.nodes {
		weights[i], order[i] = g.weight(k, string(m.ID)), i
	}
	slices.SortFunc(order, func(a, b int) int {
		if by := cmp.Compare(g.nodes[a].Subnet, g.nodes[b].Subnet); grouped && by != 0 {
			return by
		}
		return cmp.Or(cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b))
	})
	return order
}

// ring joins those whose degree allows a k-th ring. The first two take in
// everybody, and keep subnets together.
func (g *graph) ring(k int, grouped bool) {
	order := slices.DeleteFunc(g.order(k, grouped), func(i int) bool { return g.nodes[i].degree() <= 2*k })
	for i, a := range order {
		if b := order[(i+1)%len(order)]; grouped || g.room(a, b, 0) {
			g.add(a, b)
		}
	}
}

// subnets lists the nodes of each subnet in ring order, by subnet.
func (g *graph) subnets() [][]int {
	var out [][]int
	for _, i := range g.order(0, true) {
		if k := len(out); k > 0 && g.nodes[out[k-1][0]].Subnet == g.nodes[i].Subnet {
			out[k-1] = append(out[k-1], i)
		} else {
			out = append(out, []int{i})
		}
	}
	return out
}

// bridge joins each pair of subnets at least twice, by different endpoints where
// there are any.
func (g *graph) bridge() {
	subnets := g.subnets()
	if len(subnets) > maxBridged {
		return
	}
	of := make([]int, len(g.nodes))
	for s, nodes := range subnets {
		for _, i := range nodes {
			of[i] = s
		}
	}
	g.lacks = g.lacking(subnets)
	joined := map[[2]int]int{}
	for _, e := range g.edges {
		joined[[2]int{min(of[e[0]], of[e[1]]), max(of[e[0]], of[e[1]])}]++
	}
	for a := range subnets {
		for b := a + 1; b < len(subnets); b++ {
			g.join(subnets[a], subnets[b], bridges-joined[[2]int{a, b}])
		}
	}
}

// join adds up to n links between two subnets.
func (g *graph) join(a, b []int, n int) {
	if n <= 0 {
		return
	}
	a, b = g.towards(a, b), g.towards(b, a)
	if len(a) < len(b) {
		a, b = b, a
	}
	// At first among those who then still have room for peers of their own subnet.
	spare := func(i int) bool { return g.links[i]+g.lacks[i] < g.nodes[i].degree()+degreeSlack }
	for _, sparing := range []bool{true, false} {
		for k := 0; k < len(a)*len(b) && k < maxProbes && n > 0; k++ {
			// Every round through the longer side meets the shorter one moved on by one,
			// so that each pair comes once.
			i, j := a[k%len(a)], b[(k%len(a)+k/len(a))%len(b)]
			if !g.linked(i, j) && g.room(i, j, degreeSlack) && (!sparing || spare(i) && spare(j)) {
				g.add(i, j)
				n--
			}
		}
	}
}

// lacking is how many peers of its own subnet each node still lacks.
func (g *graph) lacking(subnets [][]int) []int {
	lacks := make([]int, len(g.nodes))
	for _, nodes := range subnets {
		for _, i := range nodes {
			lacks[i] = min(sameSubnet, len(nodes)-1)
		}
	}
	for _, e := range g.edges {
		if g.nodes[e[0]].Subnet == g.nodes[e[1]].Subnet {
			lacks[e[0]], lacks[e[1]] = max(lacks[e[0]]-1, 0), max(lacks[e[1]]-1, 0)
		}
	}
	return lacks
}

// towards orders nodes at random, differently for each other subnet.
func (g *graph) towards(nodes, other []int) []int {
	subnet := g.nodes[other[0]].Subnet
	weights := map[int]uint64{}
	for _, i := range nodes {
		weights[i] = g.weight(0, string(g.nodes[i].ID), subnet)
	}
	return slices.SortedFunc(slices.Values(nodes), func(a, b int) int {
		return cmp.Or(cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b))
	})
}

// indexes are edges between nodes, by their indexes.
func (g *graph) indexes(edges []Edge) [][2]int {
	at := make(map[wire.EndpointID]int, len(g.nodes))
	for i, m := range g.nodes {
		at[m.ID] = i
	}
	var out [][2]int
	for _, e := range edges {
		a, okA := at[e.A]
		b, okB := at[e.B]
		if okA && okB && a != b {
			out = append(out, [2]int{min(a, b), max(a, b)})
		}
	}
	return out
}

// existing lists the links that are up between nodes, in an order of its own.
func (g *graph) existing(edges map[Edge]bool) [][2]int {
	up := slices.DeleteFunc(slices.Collect(maps.Keys(edges)), func(e Edge) bool { return !edges[e] })
	out := g.indexes(up)
	slices.SortFunc(out, func(x, y [2]int) int {
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
	})
	return out
}

// near gives everybody enough peers of its own subnet.
func (g *graph) near() {
	mates := make([]int, len(g.nodes))
	same := func(a, b int) bool { return g.nodes[a].Subnet == g.nodes[b].Subnet }
	add := func(a, b int) {
		if !g.linked(a, b) && g.room(a, b, degreeSlack) {
			g.add(a, b)
			mates[a]++
			mates[b]++
		}
	}
	for _, e := range g.edges {
		if same(e[0], e[1]) {
			mates[e[0]]++
			mates[e[1]]++
		}
	}
	for _, nodes := range g.subnets() {
		for at, i := range nodes {
			for d := 1; d < len(nodes) && d < maxProbes && mates[i] < sameSubnet; d++ {
				add(i, nodes[(at+d)%len(nodes)])
			}
		}
	}
}

// keep adds links that exist while both ends have room: those of fetchers last, as
// there is more room for them.
func (g *graph) keep(kept [][2]int) {
	for _, fetchers := range []bool{false, true} {
		for _, e := range kept {
			if fetchers == (g.nodes[e[0]].Fetcher || g.nodes[e[1]].Fetcher) && g.welcome(e[0], e[1]) && g.welcome(e[1], e[0]) {
				g.add(e[0], e[1])
			}
		}
	}
}

// welcome reports whether a has room for b. For one who fetches, others make room.
func (g *graph) welcome(a, b int) bool {
	limit := g.nodes[a].degree()
	if g.nodes[b].Fetcher {
		limit++
	}
	return g.links[a] < limit
}

// fill gives everybody who has room more links.
func (g *graph) fill() {
	order := g.order(2, false)
	for at, i := range order {
		for d := 1; d < len(order) && d < maxProbes && g.links[i] < g.nodes[i].degree(); d++ {
			if j := order[(at+d)%len(order)]; g.welcome(j, i) {
				g.add(i, j)
			}
		}
	}
}

// ordered returns the edges, those of fetchers first, then the first ring.
func (g *graph) ordered(ring int) []Edge {
	var out [3][]Edge
	for k, e := range g.edges {
		class := 2
		switch {
		case g.nodes[e[0]].Fetcher || g.nodes[e[1]].Fetcher:
			class = 0
		case k < ring:
			class = 1
		}
		out[class] = append(out[class], EdgeOf(g.nodes[e[0]].ID, g.nodes[e[1]].ID))
	}
	return slices.Concat(out[:]...)
}
