package site_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// dials collects the links that members were told to make since the last time,
// and fails when the wrong end was told.
func dials(members []*fake) map[schedule.Edge]int {
	out := map[schedule.Edge]int{}
	for _, m := range members {
		for _, d := range take[wire.Dial](m) {
			e := schedule.EdgeOf(m.id, d.Peer)
			if e.A != m.id {
				m.s.t.Errorf("%s was told to dial %s, the lower id makes the offer", m.id.Short(), d.Peer.Short())
			}
			out[e] = d.Attempt
		}
	}
	return out
}

func hangUps(members []*fake) map[schedule.Edge]bool {
	out := map[schedule.Edge]bool{}
	for _, m := range members {
		for _, h := range take[wire.HangUp](m) {
			out[schedule.EdgeOf(m.id, h.Peer)] = true
		}
	}
	return out
}

// linkUp has both ends say that links are up.
func linkUp(members []*fake, edges map[schedule.Edge]int) {
	for _, m := range members {
		for e, attempt := range edges {
			switch m.id {
			case e.A:
				m.say(&wire.Linked{Peer: e.B, Up: true, Attempt: attempt})
			case e.B:
				m.say(&wire.Linked{Peer: e.A, Up: true, Attempt: attempt})
			}
		}
	}
}

func joinMany(s *stand, n int) (members []*fake) {
	for i := range n {
		members = append(members, s.join(fmt.Sprintf("m%c%c", 'a'+i/26, 'a'+i%26)))
	}
	return members
}

// connected reports whether everybody can be reached over the edges.
func connected(members []*fake, edges map[schedule.Edge]int) bool {
	reached := map[wire.EndpointID]bool{members[0].id: true}
	for range members {
		for e := range edges {
			if reached[e.A] || reached[e.B] {
				reached[e.A], reached[e.B] = true, true
			}
		}
	}
	return len(reached) == len(members)
}

func TestAFewEndpointsAllLinkToAll(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 3))
		members := joinMany(s, schedule.FullMesh)
		got := dials(members)
		if want := schedule.FullMesh * (schedule.FullMesh - 1) / 2; len(got) != want {
			t.Errorf("%d links dialed, want %d", len(got), want)
		}
		for e, attempt := range got {
			if attempt != 1 {
				t.Errorf("attempt %d at %v, want 1", attempt, e)
			}
		}
		linkUp(members, got)
		s.pass(time.Minute)
		if again := dials(members); len(again) != 0 {
			t.Errorf("dialed %v, which are up", again)
		}
		for _, e := range s.view().Endpoints {
			if e.Links != schedule.FullMesh-1 {
				t.Errorf("%s has %d links, want %d", e.Name, e.Links, schedule.FullMesh-1)
			}
		}
	})
}

func TestManyEndpointsAreConnectedByFewLinksMadeOneAfterAnother(t *testing.T) {
	onStand(t, func(s *stand) {
		members := joinMany(s, 60)
		start := time.Now()
		s.order(version("a", 3))
		edges := map[schedule.Edge]int{}
		for range 100 {
			made := dials(members)
			linkUp(members, made)
			for e := range made {
				edges[e] = 1
			}
			seconds := time.Since(start).Seconds()
			if limit := schedule.DialBurst + schedule.DialsPerSecond*seconds + 1; float64(len(edges)) > limit {
				t.Fatalf("%d dials in %.1f s, want at most %.0f", len(edges), seconds, limit)
			}
			s.pass(500 * time.Millisecond)
		}
		if !connected(members, edges) {
			t.Error("the links do not reach everybody")
		}
		if len(edges) < 2*60 || len(edges) > 6*60 {
			t.Errorf("%d links among 60 endpoints, want a few for each", len(edges))
		}
	})
}

func TestALinkThatFailsIsTriedAgainLaterEachTime(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 3))
		members := joinMany(s, 2)
		a, b := members[0], members[1]
		none[wire.Dial](b)
		for attempt, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 5 * time.Minute, 5 * time.Minute} {
			if got := one[wire.Dial](a); got.Peer != b.id || got.Attempt != attempt+1 {
				t.Errorf("told to dial %+v, want %s, attempt %d", got, b.id.Short(), attempt+1)
			}
			b.say(&wire.Linked{Peer: a.id, Attempt: attempt + 1})
			b.say(&wire.Linked{Peer: a.id, Attempt: attempt}) // of the attempt before, late
			s.pass(wait - 10*time.Millisecond)
			none[wire.Dial](a)
			s.pass(510 * time.Millisecond)
		}
	})
}

func TestAnAttemptNobodySpeaksOfIsOneThatFailed(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 3))
		a := joinMany(s, 2)[0]
		one[wire.Dial](a)
		last := time.Now()
		for attempt, wait := range []time.Duration{21 * time.Second, 22 * time.Second, 24 * time.Second, 28 * time.Second, 320 * time.Second} {
			var got []wire.Dial
			for len(got) == 0 && time.Since(last) < time.Hour {
				s.pass(100 * time.Millisecond)
				got = take[wire.Dial](a)
			}
			if took := time.Since(last); took < wait || took > wait+1500*time.Millisecond || len(got) != 1 || got[0].Attempt != attempt+2 {
				t.Errorf("told to dial %+v after %v, want attempt %d after %v", got, took, attempt+2, wait)
			}
			last = time.Now()
		}
	})
}

// The number of an attempt is bounded on the wire; a link that can't be made for
// days must not be given up for it.
func TestAttemptsGoOnForeverWithinTheProtocol(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 3))
		members := joinMany(s, 2)
		a, b := members[0], members[1]
		for range 110 {
			d := take[wire.Dial](a)
			if len(d) == 0 {
				t.Fatal("given up")
			}
			if got := d[len(d)-1].Attempt; got > 100 {
				t.Fatalf("attempt %d, want none beyond 100", got)
			}
			b.say(&wire.Linked{Peer: a.id, Attempt: d[len(d)-1].Attempt})
			s.pass(301 * time.Second)
		}
	})
}

func TestALinkThatWasLostIsMadeAgainSoon(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 3))
		members := joinMany(s, 2)
		a, b := members[0], members[1]
		linkUp(members, dials(members))
		b.say(&wire.Linked{Peer: a.id, Attempt: 1, Reason: "no answer"})
		none[wire.Dial](a)
		s.pass(time.Second)
		if got := one[wire.Dial](a); got.Attempt != 1 {
			t.Errorf("attempt %d, want 1: without the relay", got.Attempt)
		}
	})
}

func TestLinksOfWhoLeftAreMadeAnewWhenItIsBack(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order(version("a", 3))
		members := joinMany(s, 3)
		linkUp(members, dials(members))
		members[1].leave()
		s.pass(time.Minute)
		if got := dials(members); len(got) != 0 {
			t.Errorf("dialed %v while the peer is gone", got)
		}
		members[0].say(&wire.Linked{Peer: members[1].id, Reason: "peer is gone"})
		members[1] = s.join("mab")
		if got := dials(members); len(got) != 2 {
			t.Errorf("dialed %v, want both links of who came back", got)
		}
	})
}

func TestIdleLinksAreClosedAfterAMinuteButForARing(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 3), version("b", 3)
		s.order(a)
		members := joinMany(s, 6)
		mesh := dials(members)
		linkUp(members, mesh)
		for _, m := range members {
			m.report(a, chunks(0, 3))
		}
		s.pass(59 * time.Second)
		if got := hangUps(members); len(got) != 0 {
			t.Errorf("hung up %v within a minute", got)
		}
		s.pass(2 * time.Second)
		closed := hangUps(members)
		warm := map[schedule.Edge]int{}
		for e := range mesh {
			if !closed[e] {
				warm[e] = 1
			}
		}
		if len(warm) != 6 || !connected(members, warm) {
			t.Errorf("%v stay up, want a ring through all", warm)
		}
		for _, m := range members { // the ends tell of it
			for e := range closed {
				if e.A == m.id {
					m.say(&wire.Linked{Peer: e.B, Reason: "hung up"})
				}
			}
		}
		s.pass(time.Hour)
		if got := dials(members); len(got) != 0 {
			t.Errorf("dialed %v while idle", got)
		}
		s.order(a, b)
		if got := dials(members); len(got) != len(closed) {
			t.Errorf("dialed %d links when there is work again, want the %d closed", len(got), len(closed))
		}
		s.order()
		if got := hangUps(members); len(got) != len(mesh) {
			t.Errorf("hung up %d links when nothing is wanted, want all %d", len(got), len(mesh))
		}
	})
}

// After a restart the server hears of links that it would not make.
func TestALinkThatIsNotWantedIsClosedWhenItIsHeardOf(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order()
		members := joinMany(s, 2)
		a, b := members[0], members[1]
		b.say(&wire.Linked{Peer: a.id, Up: true, Attempt: 1})
		if got := one[wire.HangUp](a); got.Peer != b.id {
			t.Errorf("told to hang up %s, want %s", got.Peer.Short(), b.id.Short())
		}
		b.say(&wire.Linked{Peer: a.id, Attempt: 1, Reason: "hung up"})
		b.say(&wire.Linked{Peer: b.id, Up: true})       // itself
		b.say(&wire.Linked{Peer: idOf("zz"), Up: true}) // nobody
		if got := s.view().Endpoints; got[0].Links != 0 || got[1].Links != 0 {
			t.Errorf("links %d and %d, want none", got[0].Links, got[1].Links)
		}
	})
}

func TestNobodyIsLinkedWithoutAFlow(t *testing.T) {
	onStand(t, func(s *stand) {
		s.order()
		members := joinMany(s, 4)
		s.pass(time.Minute)
		if got := dials(members); len(got) != 0 {
			t.Errorf("dialed %v, want nothing", got)
		}
	})
}

func TestASignalGoesToItsReceiverAtTheSameSiteUnderItsSendersName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newStand(t), newStand(t)
		defer here.close()
		defer there.close()
		here.order()
		a, b, far := here.join("a"), here.join("b"), there.join("far")
		said := wire.Signal{From: far.id, To: b.id, Link: "l1", Attempt: 2, Candidate: candidate}
		a.say(&said)
		want := said
		want.From = a.id
		if got := one[wire.Signal](b); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		for _, to := range []*fake{a, far} {
			a.say(&wire.Signal{To: to.id, Link: "l1", Candidate: candidate})
			none[wire.Signal](to)
		}
		none[wire.Signal](b)
		if a.closed() != "" {
			t.Error("a signal to who left is no offence")
		}
	})
}

func TestWhoBreaksTheRulesEightTimesIsClosed(t *testing.T) {
	a := version("a", 10) // a bitmap of 2 bytes
	for name, offence := range map[string]any{
		"chunks that do not exist": &wire.Progress{Flow: a.ID, Have: []wire.Bits{{From: 8, Bits: []byte{1, 1}}}},
		"the server's message":     &wire.Lease{Flow: a.ID},
	} {
		t.Run(name, func(t *testing.T) {
			onStand(t, func(s *stand) {
				s.order(a)
				till, other := s.join("till"), s.join("other")
				for i := range 12 {
					if closed := till.closed() != ""; closed != (i >= 8) {
						t.Fatalf("after %d offences: closed %v", i, closed)
					}
					till.say(offence)
				}
				if got := till.closed(); got != wire.CodeProtocol {
					t.Errorf("closed with %q, want %q", got, wire.CodeProtocol)
				}
				n := 0
				for _, m := range till.got {
					if m.kind == "" {
						n++
					}
				}
				if n != 1 {
					t.Errorf("closed %d times, want once", n)
				}
				if other.closed() != "" {
					t.Error("another was closed for it")
				}
				if got := s.flow(a).State; got != site.StateRunning {
					t.Errorf("state %s, want running", got)
				}
			})
		})
	}
}

// candidate is one that the server passes on.
const candidate = "candidate:1 1 udp 2130706431 10.0.0.9 40000 typ host"

// What is outside of the networks that a site's links go over is not passed on, but for
// relays; members are told the networks before they are told to dial.
func TestCandidatesOutsideOfTheSitesNetworksAreNotPassedOn(t *testing.T) {
	counted(t, func(s *stand, refused *wire.Refusals) {
		s.want.PeersOn = wire.Networks{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("fd00:12::/32")}
		s.order()
		a, b := s.join("a"), s.join("b")
		for range 2 {
			if got := one[wire.Flows](b).PeersOn; !slices.Equal(got, s.want.PeersOn) {
				t.Fatalf("told of %v, want %v", got, s.want.PeersOn)
			}
			s.again()
		}
		for where, passes := range map[string]bool{"10.0.0.9 40000 typ host": true, "fd00:12::9 40000 typ host": true,
			"203.0.113.9 40000 typ relay raddr 0.0.0.0 rport 0": true, "10.1.0.9 40000 typ host": false, "fd00::9 40000 typ host": false,
			"203.0.113.9 40000 typ srflx raddr 0.0.0.0 rport 0": false} {
			before := refused.Count(wire.DoorSignal, wire.CodeCandidate)
			a.say(&wire.Signal{To: b.id, Link: "l1", Candidate: "candidate:1 1 udp 1 " + where})
			if passed := refused.Count(wire.DoorSignal, wire.CodeCandidate) == before; passed != passes {
				t.Errorf("%s passed: %v, want %v", where, passed, passes)
			}
		}
	})
}

func TestCandidatesThatNoPeerCanHaveAreNotPassedOn(t *testing.T) {
	counted(t, func(s *stand, refused *wire.Refusals) {
		s.order()
		a, b := s.join("a"), s.join("b")
		sdp := "v=0\r\na=" + candidate + "\r\n"
		for _, sig := range []wire.Signal{
			{Candidate: "candidate:1 1 udp 1 127.0.0.1 40000 typ host"},
			{Candidate: "candidate:1 1 udp 1 10.0.0.9 53 typ host"},
			{Offer: &wire.Description{SDP: sdp + "a=candidate:1 1 udp 1 169.254.169.254 40000 typ host\r\n"}},
			{Answer: &wire.Description{SDP: sdp + "a=candidate:1 1 udp 1 ::ffff:127.0.0.1 40000 typ srflx\r\n"}},
		} {
			sig.To, sig.Link = b.id, "l1"
			a.say(&sig)
		}
		a.say(&wire.Signal{To: b.id, Link: "l1", Offer: &wire.Description{SDP: sdp}})
		if got := one[wire.Signal](b); got.Offer == nil || got.Offer.SDP != sdp {
			t.Errorf("got %+v, want only the offer that is in order", got)
		}
		if n := refused.Count(wire.DoorSignal, wire.CodeCandidate); n != 4 {
			t.Errorf("%d counted, want 4", n)
		}
	})
}
