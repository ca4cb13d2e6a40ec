package site_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// counted runs do on a stand whose refusals are counted.
func counted(t *testing.T, do func(s *stand, refused *wire.Refusals)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var refused wire.Refusals
		cfg := config("shop-1")
		cfg.Refused = &refused
		s := newStandOf(t, cfg)
		defer s.close()
		do(s, &refused)
	})
}

func TestWhoReportsALieIsNotLinkedToTheLiarForLongerEachTime(t *testing.T) {
	counted(t, func(s *stand, refused *wire.Refusals) {
		s.order(version("a", 10))
		members := joinMany(s, 3)
		liar, honest := members[0], members[1]
		pair := schedule.EdgeOf(liar.id, honest.id)
		s.pass(time.Second)
		links := dials(members)
		if len(links) != 3 {
			t.Fatalf("dialed %v, want all to all", links)
		}
		linkUp(members, links)
		for _, wait := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
			honest.say(&wire.Report{Peer: liar.id, Code: wire.CodeBadChunk})
			honest.say(&wire.Linked{Peer: liar.id, Reason: wire.CodeBadChunk})
			liar.say(&wire.Linked{Peer: honest.id, Reason: "connection lost"})
			s.pass(wait - time.Second)
			if got := dials(members); len(got) != 0 {
				t.Fatalf("dialed %v within %v of a lie, want nothing", got, wait)
			}
			s.pass(2 * time.Second)
			if got := dials(members); len(got) != 1 || got[pair] == 0 {
				t.Fatalf("dialed %v after %v, want the two again", got, wait)
			}
			linkUp(members, map[schedule.Edge]int{pair: 1})
		}
		if n := refused.Count(wire.DoorReport, wire.CodeBadChunk); n != 3 {
			t.Errorf("%d reports counted, want 3", n)
		}
	})
}

func TestALiarCanNotOfferALinkToWhoReportedIt(t *testing.T) {
	counted(t, func(s *stand, refused *wire.Refusals) {
		s.order(version("a", 10))
		liar, honest, other := s.join("liar"), s.join("honest"), s.join("other")
		honest.say(&wire.Report{Peer: liar.id, Code: wire.CodeBadBody})
		offer := func(to wire.EndpointID) *wire.Signal {
			return &wire.Signal{To: to, Link: "l1", Offer: &wire.Description{SDP: "v=0"}}
		}
		liar.leave() // and comes back, as if nothing had been
		liar = s.join("liar")
		liar.say(offer(honest.id))
		none[wire.Signal](honest)
		if n := refused.Count(wire.DoorSocket, wire.CodeDistrusted); n != 1 {
			t.Errorf("%d offers counted, want 1", n)
		}
		liar.say(offer(other.id))
		one[wire.Signal](other)
		s.pass(time.Minute)
		liar.say(offer(honest.id))
		one[wire.Signal](honest)
	})
}

func TestReportsAreShownWhereTheLiarIs(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 10))
		liar, honest := s.join("liar"), s.join("honest")
		honest.say(&wire.Report{Peer: liar.id, Code: wire.CodeBadChunk})
		honest.say(&wire.Report{Code: wire.CodeBadChunk}) // the origin
		shown := func() map[string][]string {
			out := map[string][]string{}
			for _, e := range s.view().Endpoints {
				out[e.Name] = e.ReportedBy
			}
			return out
		}
		if got := shown(); !slices.Equal(got["liar"], []string{string(honest.id) + ": bad_chunk"}) || len(got["honest"]) != 0 {
			t.Errorf("shown %v, want what honest said of liar", got)
		}
		s.pass(time.Minute)
		if got := shown(); len(got["liar"]) != 0 {
			t.Errorf("shown %v after the time of distrust", got)
		}
	})
}

// TestReportsOfTheOwnTroublePartNobody: a full disk is nobody's lie.
func TestReportsOfTheOwnTroublePartNobody(t *testing.T) {
	counted(t, func(s *stand, refused *wire.Refusals) {
		s.order(version("a", 10))
		a, b := s.join("a"), s.join("b")
		a.say(&wire.Report{Peer: b.id, Code: wire.CodeDiskFull})
		a.say(&wire.Report{Peer: a.id, Code: wire.CodeBadChunk})
		a.say(&wire.Report{Peer: b.id, Code: "made up"})
		b.say(&wire.Signal{To: a.id, Link: "l1", Offer: &wire.Description{SDP: "v=0"}})
		one[wire.Signal](a)
		if n := refused.Count(wire.DoorReport, "other"); n != 1 {
			t.Errorf("%d reports with a code of their own, want 1 under other", n)
		}
	})
}

// TestWhoReportsEverybodyLosesItsOwnLinksOnly, and not for ever more.
func TestWhoReportsEverybodyLosesItsOwnLinksOnly(t *testing.T) {
	counted(t, func(s *stand, _ *wire.Refusals) {
		s.order(version("a", 10))
		rogue, a, b := s.join("rogue"), s.join("a"), s.join("b")
		for i := range 100 { // names that nobody has
			rogue.say(&wire.Report{Peer: idOf(string(rune('b'+i%20)) + string(rune('b'+i/20)) + "ghost"), Code: wire.CodeBadChunk})
		}
		offer := func(from, to *fake) {
			from.say(&wire.Signal{To: to.id, Link: "l1", Offer: &wire.Description{SDP: "v=0"}})
		}
		offer(a, b)
		one[wire.Signal](b)
		a.say(&wire.Report{Peer: rogue.id, Code: wire.CodeBadChunk}) // is heard all the same
		offer(rogue, a)
		none[wire.Signal](a)
	})
}

func TestWhatNamesOthersIsRefusedAndCounted(t *testing.T) {
	a := version("a", 10)
	var current wire.Lease
	for name, c := range map[string]struct {
		say  func(far wire.EndpointID) any
		code string
	}{
		"a signal to another site": {func(far wire.EndpointID) any {
			return &wire.Signal{To: far, Link: "l1", Candidate: candidate}
		}, wire.CodeUnknownPeer},
		"a link to another site": {func(far wire.EndpointID) any { return &wire.Linked{Peer: far, Up: true} }, wire.CodeUnknownPeer},
		"a flow of another site": {func(wire.EndpointID) any { return progress(version("theirs", 10), nil) }, wire.CodeUnknownFlow},
		"a lease of another": {func(wire.EndpointID) any {
			return progress(a, nil, done(current))
		}, wire.CodeProtocol},
		"bits beyond the version": {func(wire.EndpointID) any {
			return &wire.Progress{Flow: a.ID, Have: []wire.Bits{{From: 8, Bits: []byte{1, 1}}}}
		}, wire.CodeProtocol},
		"the server's message": {func(wire.EndpointID) any { return &wire.Dial{} }, wire.CodeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			counted(t, func(s *stand, refused *wire.Refusals) {
				there := newStandOf(t, config("shop-2"))
				defer there.close()
				far := there.join("far")
				s.order(a)
				till, rogue := s.join("till"), s.join("rogue")
				till.report(a, nil)
				s.pass(5 * time.Second)
				current = take[wire.Lease](till)[0]
				rogue.report(a, nil)
				rogue.say(c.say(far.id))
				n := uint64(0)
				refused.Each(func(k wire.Refusal, count uint64) { n += count })
				if got := refused.Count(wire.DoorSocket, c.code); got != 1 || n != 1 {
					t.Errorf("%d counted as %s of %d in all, want one", got, c.code, n)
				}
				if got := far.kinds(); len(got) != 0 {
					t.Errorf("the other site heard %v", got)
				}
				if got := s.flow(a).Fetchers; !slices.Equal(got, []string{"till"}) {
					t.Errorf("fetchers %v, want till as before", got)
				}
				if got := s.site.Faults(); len(got) > 0 {
					t.Errorf("the books are wrong: %v", got)
				}
			})
		})
	}
}
