package schedule_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// visitors are n browsers that take part in those flows only.
func visitors(n, from int, flows ...byte) (out []schedule.Member) {
	for i := range n {
		m := schedule.Member{ID: id(from + i), Device: wire.DeviceBrowser, Subnet: "10.0.0.0/24", Only: []content.VersionID{}}
		for _, f := range flows {
			m.Only = append(m.Only, content.VersionID{f})
		}
		out = append(out, m)
	}
	return out
}

func TestVisitorsStandBesideTheGraphOfTheOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		active := rapid.Bool().Draw(t, "active")
		hosts := wired(rapid.IntRange(0, 40).Draw(t, "hosts"), 2)
		members := slices.Clone(hosts)
		circles := map[byte][]schedule.Member{}
		for f := range byte(rapid.IntRange(1, 3).Draw(t, "circles")) {
			circles[f] = visitors(rapid.IntRange(1, 30).Draw(t, fmt.Sprint("circle", f)), 1000*(int(f)+1), f)
			members = append(members, circles[f]...)
		}
		if len(members) <= schedule.FullMesh {
			t.Skip()
		}
		edges := schedule.Links(members, nil, active, seed)
		if len(set(edges)) != len(edges) {
			t.Fatal("an edge is listed twice")
		}
		count := map[wire.EndpointID]int{}
		for _, e := range edges {
			count[e.A]++
			count[e.B]++
		}
		among := func(members []schedule.Member) (out []schedule.Edge) {
			in := map[wire.EndpointID]bool{}
			for _, m := range members {
				in[m.ID] = true
			}
			for _, e := range edges {
				if in[e.A] && in[e.B] {
					out = append(out, e)
				}
			}
			return out
		}
		if alone := schedule.Links(hosts, nil, active, seed); !slices.Equal(among(hosts), alone) {
			t.Fatal("visitors change the links of the others")
		}
		for f, circle := range circles {
			if n := parts(circle, among(circle)); n != 1 {
				t.Fatalf("the %d visitors of flow %d are in %d parts", len(circle), f, n)
			}
			for _, m := range circle {
				if count[m.ID] > degreeOf(m) {
					t.Fatalf("%s has %d links, limit %d", m.ID, count[m.ID], degreeOf(m))
				}
			}
			if anchored := len(among(append(slices.Clone(hosts), circle...))) - len(among(hosts)) - len(among(circle)); len(hosts) > 0 && f == 0 && anchored == 0 {
				t.Fatal("no visitor of the flow is linked to the others")
			}
		}
	})
}

func TestVisitorsReachTheirDegreeAndFewLinksMove(t *testing.T) {
	members := append(wired(12, 1), visitors(20, 1000, 1)...)
	first := set(schedule.Links(members, nil, true, 3))
	count := map[wire.EndpointID]int{}
	for e := range first {
		count[e.A]++
		count[e.B]++
	}
	for _, m := range members[12:] {
		if count[m.ID] < degreeOf(m)-1 {
			t.Errorf("%s has %d links, aim is %d", m.ID, count[m.ID], degreeOf(m))
		}
	}
	again := set(schedule.Links(members[:31], first, true, 3))
	torn := 0
	for e := range first {
		if !again[e] && e.A != members[31].ID && e.B != members[31].ID {
			torn++
		}
	}
	if torn > 6 {
		t.Errorf("one leaves, and %d links of others go", torn)
	}
}

func TestVisitorsJoinGroupsAndNeverTwo(t *testing.T) {
	ids := func(names ...string) (out []wire.EndpointID) {
		for _, n := range names {
			out = append(out, wire.EndpointID(n))
		}
		return out
	}
	edges := []schedule.Edge{{A: "a", B: "b"}, {A: "b", B: "v"}, {A: "c", B: "v"}, {A: "v", B: "w"}, {A: "x", B: "y"}, {A: "c", B: "w"}}
	visits := map[wire.EndpointID]bool{"v": true, "w": true, "x": true, "y": true}
	got := schedule.Groups(ids("a", "b", "c", "v", "w", "x", "y"), edges, visits)
	for i, want := range [][]wire.EndpointID{ids("a", "b", "v"), ids("c", "w"), ids("x", "y")} {
		if len(got) != 3 || !slices.Equal(got[i], want) {
			t.Fatalf("groups are %v, want a and b apart from c", got)
		}
	}
}

func TestBrowsersFetchLast(t *testing.T) {
	slow := schedule.Candidate{Member: schedule.Member{ID: "slow", Device: wire.DeviceAgent, Battery: true, Wireless: true}, Slow: true, NoBody: true}
	tab := schedule.Candidate{Member: schedule.Member{ID: "tab", Device: wire.DeviceBrowser, Fetcher: true, Since: -1}}
	doubted := schedule.Candidate{Member: schedule.Member{ID: "liar", Device: wire.DeviceAgent}, Doubted: true}
	if got := schedule.Fetchers([]schedule.Candidate{doubted, tab, slow}, 3); !slices.Equal(got, []wire.EndpointID{"slow", "tab", "liar"}) {
		t.Errorf("fetchers are %v", got)
	}
}
