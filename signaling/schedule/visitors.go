package schedule

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/sitecast/sitecast/storage/content"
)

// Visitors are members that take part in a few flows only, such as browsers. What others
// need must not have to pass through them, so they are no part of the graph of those who
// take part in everything: each is linked to some of these, and with other visitors
// of the same flows, who may be the only ones that have them.
const (
	// anchors is how many links a visitor has to those who take part in everything, and
	// maxAnchored how many of such links one of these has at most.
	anchors     = 2
	maxAnchored = 8
)

// visiting returns the links of visitors, beside those of the others.
func visiting(members []Member, others []Edge, existing map[Edge]bool, active bool, seed uint64) []Edge {
	g := newGraph(members, seed)
	for _, e := range g.indexes(others) {
		g.add(e[0], e[1])
	}
	first := len(g.edges)
	circles := g.circles()
	for _, circle := range circles {
		for i, a := range circle {
			if b := circle[(i+1)%len(circle)]; g.room(a, b, -anchors) {
				g.add(a, b)
			}
		}
	}
	if active {
		g.anchor(anchors)
		for _, e := range g.existing(existing) {
			if shared(g.nodes[e[0]], g.nodes[e[1]]) && g.room(e[0], e[1], 0) {
				g.add(e[0], e[1])
			}
		}
		for _, circle := range circles {
			for at, i := range circle {
				for d := 2; d < len(circle) && d < maxProbes && g.room(i, i, 0); d++ {
					if j := circle[(at+d)%len(circle)]; g.room(i, j, 0) {
						g.add(i, j)
					}
				}
			}
		}
	} else {
		g.anchor(1)
	}
	out := make([]Edge, 0, len(g.edges)-first)
	for _, e := range g.edges[first:] {
		out = append(out, EdgeOf(g.nodes[e[0]].ID, g.nodes[e[1]].ID))
	}
	return out
}

// circles lists the visitors of each flow that has several, in an order that is random
// and stays when one comes or goes.
func (g *graph) circles() (out [][]int) {
	of := map[content.VersionID][]int{}
	for _, i := range g.order(0, false) {
		for _, id := range g.nodes[i].Only {
			of[id] = append(of[id], i)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(of), func(a, b content.VersionID) int { return bytes.Compare(a[:], b[:]) }) {
		if len(of[id]) > 1 {
			out = append(out, of[id])
		}
	}
	return out
}

// anchor links each visitor to n of those who take part in everything: of its own subnet
// if there are any, and such that one who comes or goes moves few.
func (g *graph) anchor(n int) {
	taken := map[int]int{}
	for i, m := range g.nodes {
		if m.Only == nil {
			continue
		}
		var near []int
		weights := map[int]uint64{}
		for j, other := range g.nodes {
			if other.Only == nil {
				near, weights[j] = append(near, j), g.weight(1, string(m.ID), string(other.ID))
			}
		}
		slices.SortFunc(near, func(a, b int) int {
			same := func(j int) int {
				if g.nodes[j].Subnet == m.Subnet {
					return 0
				}
				return 1
			}
			return cmp.Or(cmp.Compare(same(a), same(b)), cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b))
		})
		left := n
		for _, j := range near {
			if left > 0 && taken[j] < maxAnchored {
				g.add(i, j)
				taken[j]++
				left--
			}
		}
	}
}

// shared reports whether two visitors take part in the same flow.
func shared(a, b Member) bool {
	return slices.ContainsFunc(a.Only, func(id content.VersionID) bool { return slices.Contains(b.Only, id) })
}
