package schedule

import (
	"cmp"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Groups parts members into reach groups: two belong together when a chain of
// edges joins them. Every id is in exactly one group; the larger groups come
// first, and each is sorted.
func Groups(ids []wire.EndpointID, edges []Edge) [][]wire.EndpointID {
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
	for _, e := range edges {
		_, a := parent[e.A]
		_, b := parent[e.B]
		if a && b {
			parent[find(e.A)] = find(e.B)
		}
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
