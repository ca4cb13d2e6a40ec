package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// settle answers dials for a while: links between members whose names begin alike
// come up, others only by relay or not at all.
func settle(s *stand, members []*fake, relay bool) {
	for range 12 {
		for e, attempt := range dials(members) {
			direct := e.A[:1] == e.B[:1]
			for _, m := range members {
				if m.id == e.A {
					m.say(&wire.Linked{Peer: e.B, Attempt: attempt, Up: direct || relay && attempt > 1, Relayed: !direct})
				}
			}
		}
		s.pass(500 * time.Millisecond)
	}
}

func TestEndpointsThatCannotLinkDirectlyGetTheirOwnCopy(t *testing.T) {
	for name, relay := range map[string]bool{"NoPath": false, "Relay": true} {
		t.Run(name, func(t *testing.T) {
			onStand(t, func(s *stand) {
				a := version("a", 10)
				s.order(a)
				members := []*fake{s.join("a2"), s.join("a3"), s.join("b2"), s.join("b3")}
				for _, m := range members {
					m.report(a, nil)
				}
				if got := s.flow(a); got.Groups != 1 {
					t.Errorf("%d groups before links were tried, want one", got.Groups)
				}
				for _, m := range members[1:] {
					none[wire.Lease](m)
				}
				leases := take[wire.Lease](members[0])
				p := progress(a, nil, done(leases[0]))
				p.Body = true
				members[0].say(p)
				members[0].report(a, chunks(0, 10), done(leases[1]))
				members[1].report(a, chunks(0, 10))
				settle(s, members, relay)
				none[wire.Lease](members[0])
				none[wire.Lease](members[1])
				got := append(take[wire.Lease](members[2]), take[wire.Lease](members[3])...)
				if len(got) != 2 || !got[0].Body || len(got[1].Parts) != 10 {
					t.Fatalf("the others got %+v, want the body and all chunks, once", got)
				}
				f := s.flow(a)
				if f.Groups != 2 || !strings.Contains(f.Reason, "2 groups") {
					t.Errorf("%d groups, reason %q, want 2 and that the flow says so", f.Groups, f.Reason)
				}
				if faults := s.site.Faults(); len(faults) > 0 {
					t.Error(faults)
				}
			})
		})
	}
}

// linkAll reports a direct link between two members.
func (f *fake) linked(to *fake, up bool) {
	f.s.t.Helper()
	f.say(&wire.Linked{Peer: to.id, Up: up})
}

func TestGroupsThatMeetShareWhatTheyHoldAndFetch(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 40)
		s.order(a)
		members := []*fake{s.join("a2"), s.join("b2")}
		settle(s, members, false)
		for _, m := range members {
			m.report(a, chunks(0, 1))
		}
		left, right := take[wire.Lease](members[0]), take[wire.Lease](members[1])
		if len(left) == 0 || len(right) == 0 {
			t.Fatalf("%d and %d leases, want both groups to fetch", len(left), len(right))
		}
		members[0].linked(members[1], true)
		revoked := append(take[wire.Revoke](members[0]), take[wire.Revoke](members[1])...)
		if len(revoked) == 0 {
			t.Error("nothing was revoked, though both fetched the same")
		}
		if got := s.flow(a); got.Groups != 1 {
			t.Errorf("%d groups, want one", got.Groups)
		}
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
	})
}

func TestOneBridgeJoinsTwoGroups(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		members := []*fake{s.join("a2"), s.join("a3"), s.join("b2"), s.join("b3")}
		settle(s, members, false)
		if got := s.flow(a); got.Groups != 2 {
			t.Fatalf("%d groups, want 2", got.Groups)
		}
		members[1].linked(members[2], true)
		if got := s.flow(a); got.Groups != 1 {
			t.Errorf("%d groups with a bridge, want 1", got.Groups)
		}
		members[1].linked(members[2], false)
		s.pass(100 * time.Millisecond)
		if got := s.flow(a); got.Groups != 1 {
			t.Errorf("%d groups right after a link was lost, want 1: it may come back", got.Groups)
		}
		settle(s, members, false)
		if got := s.flow(a); got.Groups != 2 {
			t.Errorf("%d groups when it can't be made again, want 2", got.Groups)
		}
	})
}

// What can't be linked is known while nobody wants a link, too.
func TestAnIdleSiteRemembersWhoCannotLink(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 2), version("b", 2)
		s.order(a)
		members := []*fake{s.join("a2"), s.join("a3"), s.join("b2"), s.join("b3")}
		settle(s, members, false)
		for _, m := range members {
			m.report(a, chunks(0, 2))
		}
		s.pass(5 * time.Minute)
		hangUps(members)
		s.order(a, b)
		for _, m := range members {
			m.report(b, nil)
		}
		if got := s.flow(b); got.Groups != 2 || len(got.Fetchers) != 2 {
			t.Errorf("%d groups and fetchers %v at once, want 2", got.Groups, got.Fetchers)
		}
	})
}

func TestGroupsShareTheCap(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.want.Cap = 1000
		s.order(a)
		members := []*fake{s.join("a2"), s.join("b2")}
		settle(s, members, false)
		for _, m := range members {
			m.report(a, nil)
		}
		first, second := last[wire.Govern](members[0]), last[wire.Govern](members[1])
		if first.Bound != 1000 || len(first.Fetchers) != 2 || first.Term != second.Term {
			t.Errorf("told %+v and %+v, want both under one governor within the cap", first, second)
		}
	})
}

func TestGroupsFollowTheirDefinition(t *testing.T) {
	id := func(names ...string) (out []wire.EndpointID) {
		for _, n := range names {
			out = append(out, wire.EndpointID(n))
		}
		return out
	}
	groups := schedule.Groups(id("d", "a", "e", "b", "c"), []schedule.Edge{{A: "a", B: "c"}, {A: "c", B: "d"}, {A: "b", B: "gone"}}, nil)
	if len(groups) != 3 || len(groups[0]) != 3 || groups[0][0] != "a" || groups[0][2] != "d" || groups[1][0] != "b" || groups[2][0] != "e" {
		t.Errorf("groups are %v, want [a c d] [b] [e]", groups)
	}
}
