package site_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestGovernorIsAppointedWhenSomebodyFetches(t *testing.T) {
	cfg := config("shop-1")
	cfg.Reflectors = []string{"192.0.2.53:3478"}
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till, other, third := s.join("till"), s.join("other"), s.join("third")
		for _, m := range []*fake{other, third, till} {
			none[wire.Govern](m)
		}
		begin(s, a, till, other, third)
		want := wire.Govern{Epoch: epoch, Term: 1, Holder: till.id, StandBy: other.id, Fetchers: []wire.EndpointID{till.id},
			Bound: wire.Unlimited, Reflectors: cfg.Reflectors}
		for _, m := range []*fake{till, other} {
			if got := one[wire.Govern](m); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s was told %+v, want %+v", m.id.Short(), got, want)
			}
		}
		none[wire.Govern](third)
		s.pass(15 * time.Second)
		for _, m := range []*fake{other, third, till} {
			none[wire.Govern](m)
		}
	})
}

// fetched has one of two members fetch a small version, and both hold it.
func fetched(s *stand, spec site.FlowSpec) (till, other *fake) {
	s.t.Helper()
	till, other = s.join("till"), s.join("other")
	till.report(spec, nil)
	other.report(spec, nil)
	leases := take[wire.Lease](till)
	if len(leases) != 2 {
		s.t.Fatalf("got leases %+v, want two", leases)
	}
	till.report(spec, chunks(0, spec.Head.Chunks), done(leases[0]), done(leases[1]))
	other.report(spec, chunks(0, spec.Head.Chunks))
	return till, other
}

func TestGapBetweenLeasesChangesNoAppointment(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 10), version("b", 10)
		s.order(a)
		till, other := fetched(s, a)
		take[wire.Govern](till)
		take[wire.Govern](other)
		s.pass(time.Second)
		s.order(a, b)
		other.report(b, nil)
		till.report(b, nil)
		if got := s.flow(b); !slices.Equal(got.Fetchers, []string{"till"}) {
			t.Fatalf("fetchers are %v, want till again", got.Fetchers)
		}
		none[wire.Govern](till)
		none[wire.Govern](other)
	})
}

func TestWhoFetchesNoMoreIsToldOnceAndThenNothing(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		till, other := fetched(s, a)
		first := last[wire.Govern](till)
		s.pass(3 * time.Second)
		for _, m := range []*fake{till, other} {
			if got := last[wire.Govern](m); len(got.Fetchers) > 0 || got.Holder != till.id || got.Term <= first.Term {
				t.Errorf("%s was told %+v, want that nobody fetches", m.id.Short(), got)
			}
		}
		s.want.Cap = 9
		s.again()
		other.leave()
		s.pass(time.Minute)
		none[wire.Govern](till)
	})
}

func TestWhoStandsByFollowsAHolderThatLeft(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till, other, third := s.join("till"), s.join("other"), s.join("third")
		begin(s, a, till, other, third)
		first := last[wire.Govern](other)
		till.leave()
		got := last[wire.Govern](other)
		if got.Holder != other.id || got.StandBy != third.id || got.Term <= first.Term {
			t.Errorf("told %+v, want who stood by, and the third stands by", got)
		}
		s.pass(3 * time.Second) // and one of them fetches now
		got = last[wire.Govern](other)
		if got.Holder != other.id || len(got.Fetchers) != 1 {
			t.Errorf("told %+v, want the same holder and one fetcher", got)
		}
	})
}

func TestHolderThatLongFetchedNothingGivesWayToAFetcher(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till, other := s.join("till"), s.join("other")
		current, next := begin(s, a, till, other)
		till.report(a, nil, failed(current), failed(next))
		if got := last[wire.Govern](other); got.Holder != till.id || len(got.Fetchers) != 2 {
			t.Fatalf("told %+v, want the same holder while it may fetch again", got)
		}
		s.pass(9 * time.Second)
		if got := last[wire.Govern](other); got.Holder != till.id || !slices.Equal(got.Fetchers, []wire.EndpointID{other.id}) {
			t.Errorf("told %+v, want the same holder and the other as a fetcher", got)
		}
		s.pass(2 * time.Second)
		if got := one[wire.Govern](other); got.Holder != other.id || got.StandBy != till.id {
			t.Errorf("told %+v, want the fetcher as holder", got)
		}
	})
}

func TestWhoComesBackIsToldAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		first := last[wire.Govern](other)
		other = s.join("other")
		if got := last[wire.Govern](other); got.Term <= first.Term || got.StandBy != other.id {
			t.Errorf("told %+v in its new session, want the appointment in a new term", got)
		}
	})
}

func TestBrowsersGovernNothing(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		tab := s.join("tab", wire.Hello{Version: 1, Device: wire.DeviceBrowser})
		begin(s, a, tab)
		if got := last[wire.Govern](tab); got.Holder != "" || !slices.Equal(got.Fetchers, []wire.EndpointID{tab.id}) {
			t.Errorf("told %+v, want that nobody governs what it fetches", got)
		}
		till := s.join("till")
		till.report(a, nil)
		if got := last[wire.Govern](tab); got.Holder != till.id || !slices.Equal(got.Fetchers, []wire.EndpointID{tab.id}) {
			t.Errorf("told %+v, want the agent to govern what the browser fetches", got)
		}
	})
}

// onLine brings a fetcher and who stands by online behind one line, and a third.
func onLine(t *testing.T, do func(s *stand, refused *wire.Refusals, g wire.Govern, holder, standBy, third *fake)) {
	t.Helper()
	cfg := config("shop-1")
	cfg.Refused = new(wire.Refusals)
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		holder, standBy, third := s.join("till"), s.join("other"), s.join("third")
		begin(s, a, holder, standBy, third)
		s.pass(6 * time.Second)
		do(s, cfg.Refused, last[wire.Govern](holder), holder, standBy, third)
	})
}

func grantOf(g wire.Govern, to *fake, seq uint64) *wire.Grant {
	return &wire.Grant{From: to.id, To: to.id, Epoch: g.Epoch, Term: g.Term, Seq: seq, BytesPerSecond: 5, Site: 9, Floor: 1, ValidMs: 1000}
}

func TestGrantsGoFromTheHolderToThoseUnderIt(t *testing.T) {
	onLine(t, func(s *stand, refused *wire.Refusals, g wire.Govern, holder, standBy, third *fake) {
		holder.say(grantOf(g, standBy, 1))
		want := grantOf(g, standBy, 1)
		want.From = holder.id // whatever it said
		if got := one[wire.Grant](standBy); got != *want {
			t.Errorf("got %+v, want %+v", got, *want)
		}
		for i, m := range []struct {
			from, to *fake
			g        *wire.Grant
		}{
			{holder, third, grantOf(g, third, 1)},                                            // is not under it
			{third, holder, grantOf(g, holder, 1)},                                           // holds nothing
			{third, standBy, grantOf(g, standBy, 1)},                                         // likewise
			{holder, standBy, &wire.Grant{To: standBy.id, Epoch: g.Epoch, Term: g.Term + 1}}, // of a term there was not
		} {
			m.from.say(m.g)
			none[wire.Grant](m.to)
			if got := refused.Count(wire.DoorSocket, wire.CodeProtocol); got != uint64(i)+1 {
				t.Errorf("case %d: %d refused, want %d", i, got, i+1)
			}
		}
		holder.say(&wire.Grant{To: idOf("nobody"), Epoch: g.Epoch, Term: g.Term})
		if got := refused.Count(wire.DoorSocket, wire.CodeUnknownPeer); got != 1 {
			t.Errorf("%d refused as to somebody who is not there, want 1", got)
		}
	})
}

func TestCountsGoFromFetchersToTheHolder(t *testing.T) {
	cfg := config("shop-1")
	cfg.Refused = new(wire.Refusals)
	onStandOf(t, cfg, func(s *stand) {
		holder, fetcher := twoFetchers(s)
		third := s.join("third")
		s.pass(6 * time.Second)
		fetcher.say(&wire.Taken{From: third.id, To: holder.id, Bytes: 77, Wants: true})
		if got := one[wire.Taken](holder); got != (wire.Taken{From: fetcher.id, To: holder.id, Bytes: 77, Wants: true}) {
			t.Errorf("got %+v, want the 77 bytes of the fetcher", got)
		}
		for i, m := range [][2]*fake{{third, holder}, {fetcher, third}, {holder, fetcher}} {
			m[0].say(&wire.Taken{To: m[1].id, Bytes: 1})
			none[wire.Taken](m[1])
			if got := cfg.Refused.Count(wire.DoorSocket, wire.CodeProtocol); got != uint64(i)+1 {
				t.Errorf("case %d: %d refused, want %d", i, got, i+1)
			}
		}
	})
}

func TestWhatWasRightAMomentAgoIsDroppedAndNoBreach(t *testing.T) {
	onLine(t, func(s *stand, refused *wire.Refusals, g wire.Govern, holder, standBy, third *fake) {
		s.want.Cap = 1000 // a new term
		s.again()
		holder.say(grantOf(g, standBy, 1))
		none[wire.Grant](standBy)
		old := *grantOf(g, standBy, 1)
		old.Epoch--
		third.say(&old)
		none[wire.Grant](standBy)
		holder.leave() // and those who are left know it a little later
		holder = s.join("till")
		standBy.say(&wire.Taken{To: holder.id, Bytes: 1})
		holder.say(grantOf(g, standBy, 2))
		none[wire.Taken](holder)
		none[wire.Grant](standBy)
		if got := refused.Count(wire.DoorSocket, wire.CodeProtocol); got != 0 {
			t.Errorf("%d breaches counted, want none", got)
		}
		s.pass(10 * time.Second)
		holder.say(&wire.Taken{To: third.id, Bytes: 1})
		if got := refused.Count(wire.DoorSocket, wire.CodeProtocol); got != 1 {
			t.Errorf("%d breaches counted long after, want 1", got)
		}
	})
}

// The server may notice long after who stands by that a holder is silent.
func TestWhoStandsByIsToldCountsAndMayGrant(t *testing.T) {
	cfg := config("shop-1")
	cfg.Refused, cfg.Fetchers = new(wire.Refusals), 3
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 900)
		s.order(a)
		members := map[wire.EndpointID]*fake{}
		for _, m := range []*fake{s.join("one"), s.join("two"), s.join("three")} {
			members[m.id] = m
			m.report(a, nil)
		}
		s.pass(6 * time.Second)
		g := last[wire.Govern](members[idOf("one")])
		if len(g.Fetchers) != 3 {
			t.Fatalf("appointed %+v, want three fetchers", g)
		}
		holder, standBy := members[g.Holder], members[g.StandBy]
		delete(members, g.Holder)
		delete(members, g.StandBy)
		for _, fetcher := range members {
			fetcher.say(&wire.Taken{To: standBy.id, Bytes: 5})
			if got := one[wire.Taken](standBy); got.From != fetcher.id {
				t.Errorf("got %+v, want the fetcher's count", got)
			}
			for _, to := range []*fake{holder, fetcher} {
				standBy.say(grantOf(g, to, 1))
				if got := one[wire.Grant](to); got.From != standBy.id {
					t.Errorf("got %+v, want the grant of who stands by", got)
				}
			}
		}
		if n := cfg.Refused.Count(wire.DoorSocket, wire.CodeProtocol); n != 0 {
			t.Errorf("%d breaches counted, want none", n)
		}
	})
}
