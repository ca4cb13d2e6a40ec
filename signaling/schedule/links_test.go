package schedule_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

func id(n int) wire.EndpointID { return wire.EndpointID(fmt.Sprintf("%032d", n)) }

// wired returns n like members, spread over subnets.
func wired(n, subnets int) []schedule.Member {
	out := make([]schedule.Member, n)
	for i := range out {
		out[i] = schedule.Member{ID: id(i), Device: wire.DeviceAgent, Subnet: fmt.Sprint("10.0.", i%subnets, ".0/24")}
	}
	return out
}

// degreeOf is the table from the design, said again.
func degreeOf(m schedule.Member) int {
	switch {
	case m.Fetcher:
		return 10
	case m.Battery:
		return 4
	case m.Wireless || m.Device == wire.DeviceBrowser:
		return 6
	}
	return 8
}

func drawMembers(t *rapid.T, most, subnets int) []schedule.Member {
	ids := rapid.SliceOfNDistinct(rapid.IntRange(0, 9999), 0, most, rapid.ID[int]).Draw(t, "ids")
	out := make([]schedule.Member, len(ids))
	for i, n := range ids {
		out[i] = schedule.Member{
			ID:       id(n),
			Device:   rapid.SampledFrom([]string{wire.DeviceAgent, wire.DeviceKiosk, wire.DeviceBrowser}).Draw(t, "device"),
			Battery:  rapid.IntRange(0, 4).Draw(t, "battery") == 0,
			Wireless: rapid.Bool().Draw(t, "wireless"),
			Subnet:   fmt.Sprint(rapid.IntRange(1, subnets).Draw(t, "subnet")),
			Fetcher:  i == 0 && rapid.Bool().Draw(t, "fetcher"),
		}
	}
	return out
}

func set(edges []schedule.Edge) map[schedule.Edge]bool {
	out := map[schedule.Edge]bool{}
	for _, e := range edges {
		out[e] = true
	}
	return out
}

// parts counts the groups that members fall into when some are gone.
func parts(members []schedule.Member, edges []schedule.Edge, gone ...wire.EndpointID) int {
	parent := map[wire.EndpointID]wire.EndpointID{}
	for _, m := range members {
		if !slices.Contains(gone, m.ID) {
			parent[m.ID] = m.ID
		}
	}
	root := func(v wire.EndpointID) wire.EndpointID {
		for parent[v] != v {
			v = parent[v]
		}
		return v
	}
	n := len(parent)
	for _, e := range edges {
		if parent[e.A] == "" || parent[e.B] == "" {
			continue
		}
		if a, b := root(e.A), root(e.B); a != b {
			parent[a] = b
			n--
		}
	}
	return n
}

func TestLinksAreSoundForAnyMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, 60, 4)
		active := rapid.Bool().Draw(t, "active")
		edges := schedule.Links(members, nil, active, rapid.Uint64().Draw(t, "seed"))
		byID, count, near := map[wire.EndpointID]schedule.Member{}, map[wire.EndpointID]int{}, map[wire.EndpointID]int{}
		sizes := map[string]int{}
		for _, m := range members {
			byID[m.ID] = m
			sizes[m.Subnet]++
		}
		if len(set(edges)) != len(edges) {
			t.Fatal("an edge is listed twice")
		}
		between := map[[2]string]int{}
		for _, e := range edges {
			a, okA := byID[e.A]
			b, okB := byID[e.B]
			if !okA || !okB || e.A >= e.B {
				t.Fatalf("edge %v: ends must be members, the lower first", e)
			}
			count[e.A]++
			count[e.B]++
			if a.Subnet == b.Subnet {
				near[e.A]++
				near[e.B]++
			} else {
				between[[2]string{min(a.Subnet, b.Subnet), max(a.Subnet, b.Subnet)}]++
			}
		}
		if len(members) > 2 {
			for _, m := range members {
				if n := parts(members, edges, m.ID); n != 1 {
					t.Fatalf("without %s there are %d parts", m.ID, n)
				}
			}
		}
		for _, m := range members {
			most := degreeOf(m) + 2
			if !active {
				most = 2
			}
			if len(members) > schedule.FullMesh && count[m.ID] > most {
				t.Fatalf("%+v has %d links, limit %d", m, count[m.ID], most)
			}
			if want := min(3, sizes[m.Subnet]-1); active && near[m.ID] < want {
				t.Fatalf("%+v has %d peers in its subnet, want %d", m, near[m.ID], want)
			}
		}
		if active {
			for a, sizeA := range sizes {
				for b, sizeB := range sizes {
					if want := min(2, sizeA*sizeB); a < b && between[[2]string{a, b}] < want {
						t.Fatalf("subnets %s (%d) and %s (%d) are joined %d times", a, sizeA, b, sizeB, between[[2]string{a, b}])
					}
				}
			}
		}
	})
}

func TestEightEndpointsLinkAllToAll(t *testing.T) {
	for n := range schedule.FullMesh + 1 {
		if got := len(schedule.Links(wired(n, 2), nil, true, 1)); got != n*(n-1)/2 {
			t.Errorf("%d endpoints have %d links", n, got)
		}
	}
}

func TestIdleSiteKeepsARing(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: 3, 8: 8, 100: 100} {
		if got := len(schedule.Links(wired(n, 2), nil, false, 1)); got != want {
			t.Errorf("%d endpoints keep %d links warm, want %d", n, got, want)
		}
	}
}

func TestMembersReachTheirDegree(t *testing.T) {
	members := wired(64, 1)
	members[7].Fetcher = true
	count := map[wire.EndpointID]int{}
	for _, e := range schedule.Links(members, nil, true, 3) {
		count[e.A]++
		count[e.B]++
	}
	total := 0
	for _, m := range members {
		total += count[m.ID]
		if count[m.ID] < degreeOf(m)-2 {
			t.Errorf("%s has %d links, aim is %d", m.ID, count[m.ID], degreeOf(m))
		}
	}
	if count[id(7)] != 10 {
		t.Errorf("the fetcher has %d links, want 10", count[id(7)])
	}
	if mean := float64(total) / 64; mean < 7.5 || mean > 8.5 {
		t.Errorf("mean of links is %.2f, want about 8", mean)
	}
}

func TestAnyTwoMayLeaveALargeSite(t *testing.T) {
	members := wired(24, 3)
	edges := schedule.Links(members, nil, true, 5)
	for i, a := range members {
		for _, b := range members[:i] {
			if n := parts(members, edges, a.ID, b.ID); n != 1 {
				t.Errorf("without %s and %s there are %d parts", a.ID, b.ID, n)
			}
		}
	}
}

func TestFetcherAndRingAreDialedFirst(t *testing.T) {
	members := wired(30, 2)
	members[4].Fetcher = true
	edges := schedule.Links(members, nil, true, 9)
	fetchers := 0
	for fetchers < len(edges) && (edges[fetchers].A == id(4) || edges[fetchers].B == id(4)) {
		fetchers++
	}
	if fetchers != 10 {
		t.Errorf("%d links of the fetcher come first, want 10", fetchers)
	}
	if n := parts(members, edges[:fetchers+30]); n != 1 {
		t.Errorf("the fetcher's links and a ring leave %d parts", n)
	}
}

// TestFewLinksMove bounds what a join or a leave tears down besides the links of
// the one that left: at most one of each ring and bridge that moved.
func TestFewLinksMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := wired(rapid.IntRange(12, 60).Draw(t, "members"), rapid.IntRange(1, 3).Draw(t, "subnets"))
		links := set(schedule.Links(members, nil, true, 11))
		for range 20 {
			was := slices.Clone(members)
			if len(members) > 10 && rapid.Bool().Draw(t, "leave") {
				at := rapid.IntRange(0, len(members)-1).Draw(t, "at")
				members = slices.Delete(slices.Clone(members), at, at+1)
			} else {
				next := schedule.Member{ID: id(rapid.IntRange(1000, 9999).Draw(t, "id")), Device: wire.DeviceAgent, Subnet: members[0].Subnet}
				if slices.ContainsFunc(members, func(m schedule.Member) bool { return m.ID == next.ID }) {
					continue
				}
				members = append(slices.Clone(members), next)
			}
			now := set(schedule.Links(members, links, true, 11))
			here := func(id wire.EndpointID) bool {
				return slices.ContainsFunc(members, func(m schedule.Member) bool { return m.ID == id })
			}
			torn := 0
			for e := range links {
				if !now[e] && here(e.A) && here(e.B) {
					torn++
				}
			}
			if torn > 12 {
				t.Fatalf("from %d to %d members tears %d of %d links", len(was), len(members), torn, len(links))
			}
			links = now
		}
	})
}

func TestLinksThatExistStayWhenNothingChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := drawMembers(t, 40, 3)
		first := schedule.Links(members, nil, true, 2)
		again := schedule.Links(members, set(first), true, 2)
		if !maps.Equal(set(first), set(again)) {
			t.Fatalf("%d links became %d others", len(first), len(again))
		}
	})
}

func BenchmarkLinks(b *testing.B) {
	members := wired(512, 8)
	existing := set(schedule.Links(members, nil, true, 1))
	for b.Loop() {
		schedule.Links(members, existing, true, 1)
	}
}
