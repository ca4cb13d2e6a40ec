package schedule

import (
	"cmp"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Groups parts members into reach groups: two belong together when a chain of
// edges joins them. Visitors, who take part in few flows only, join a group and never two
// with each other: not all that one of them needs would pass. Every id is in exactly one
// group; the larger groups come first, and each is sorted.
func Groups(ids []wire.EndpointID, edges []Edge, visitors map[wire.EndpointID]bool) [][]wire.EndpointID {
	parent := make(map[wire.EndpointID]wire.EndpointID, len(ids))
	for _, id := range ids {
		parent[id] = id
	}
	find := func(id wire.EndpointID) wire.EndpointID {
		for parent[id] != id {
			parent[id] = parent[parent[id]] // halve the path (Tarjan and van Leeuwen, 1984)
			id = parent[id]
		}
		return id
	}
	settled := map[wire.EndpointID]bool{} // roots of groups with others than visitors in them
	for _, id := range ids {
		settled[id] = !visitors[id]
	}
	visits := func(e Edge) bool { return visitors[e.A] || visitors[e.B] }
	sorted := slices.SortedFunc(slices.Values(edges), func(x, y Edge) int {
		return cmp.Or(order(visits(x), visits(y)), cmp.Compare(x.A, y.A), cmp.Compare(x.B, y.B))
	})
	for _, e := range sorted {
		_, a := parent[e.A]
		_, b := parent[e.B]
		if !a || !b {
			continue
		}
		from, to := find(e.A), find(e.B)
		if visits(e) && from != to && settled[from] && settled[to] {
			continue
		}
		parent[from] = to
		settled[to] = settled[to] || settled[from]
	}
	byRoot := map[wire.EndpointID][]wire.EndpointID{}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		byRoot[find(id)] = append(byRoot[find(id)], id)
	}
	groups := make([][]wire.EndpointID, 0, len(byRoot))
	for _, g := range byRoot {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b []wire.EndpointID) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a[0], b[0]))
	})
	return groups
}

// order puts what is false before what is true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
