package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// restrained is progress of who does without something.
func restrained(spec site.FlowSpec, have []uint32, r wire.Restraint, states ...wire.LeaseState) *wire.Progress {
	p := progress(spec, have, states...)
	p.Restraint = &r
	return p
}

var (
	metered = wire.Restraint{Code: wire.RestraintMetered, Reason: "its network is metered", Scope: wire.ScopeFetch}
	battery = wire.Restraint{Code: wire.RestraintBattery, Reason: "its battery is low", Scope: wire.ScopeServe}
	resting = wire.Restraint{Code: wire.RestraintPaused, Reason: "paused by its user", Scope: wire.ScopeAll}
)

func TestLeaseGoesToOthersWhereOneFetchesNothing(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one, two := s.join("one"), s.join("two")
		one.say(restrained(a, nil, metered))
		two.report(a, nil)
		s.pass(3 * time.Second)
		none[wire.Lease](one)
		if l := take[wire.Lease](two); len(l) == 0 {
			t.Fatal("nobody fetches")
		}
		if got := s.flow(a); got.Reason != "" {
			t.Errorf("the flow is held up by %q, though it goes on", got.Reason)
		}
	})
}

func TestLeaseThatIsGivenBackOutOfRegardIsNoFailure(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one := s.join("one")
		one.report(a, nil)
		s.pass(3 * time.Second)
		var states []wire.LeaseState
		for _, l := range take[wire.Lease](one) {
			states = append(states, failed(l))
		}
		one.say(restrained(a, nil, metered, states...))
		s.pass(time.Minute)
		none[wire.Lease](one)
		if got := s.flow(a); got.State != site.StateRunning || got.Reason != "one: its network is metered" {
			t.Errorf("the flow is %s because %q", got.State, got.Reason)
		}
		if got := s.view().Endpoints[0].Restraints; len(got) != 1 || got[0] != "metered: its network is metered" {
			t.Errorf("the endpoint does without %q", got)
		}
		one.report(a, nil)
		s.pass(time.Millisecond)
		if len(take[wire.Lease](one)) == 0 {
			t.Error("no lease at once when the network is free of charge again")
		}
		if got := s.view().Endpoints[0].Restraints; got != nil {
			t.Errorf("it still does without %q", got)
		}
	})
}

func TestWhatIsServedToNobodyIsFetchedOnceMoreAndExplained(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one, two := s.join("one"), s.join("two")
		one.report(a, chunks(0, 10))
		two.say(restrained(a, nil, metered))
		s.pass(3 * time.Second)
		none[wire.Lease](two)
		one.say(restrained(a, chunks(0, 10), battery))
		s.pass(3 * time.Second)
		if got := s.flow(a); got.State != site.StateRunning || got.Reason != "one: its battery is low; two: its network is metered" {
			t.Errorf("the flow is %s because %q", got.State, got.Reason)
		}
		two.report(a, nil)
		s.pass(time.Second)
		if len(take[wire.Lease](two)) == 0 {
			t.Fatal("nobody fetches what nobody serves")
		}
		none[wire.Lease](one)
		one.report(a, chunks(0, 10)) // it is plugged in again
		s.pass(time.Second)
		if r := take[wire.Revoke](two); len(r) == 0 {
			t.Error("it goes on fetching what is there again")
		}
		if got := s.flow(a); got.State != site.StateRunning || strings.Contains(got.Reason, "WAN") {
			t.Errorf("the flow is %s because %q", got.State, got.Reason)
		}
	})
}

// Who takes nothing waits for nothing: it is no reason to believe that holders do not
// serve.
func TestHoldersAreNotDoubtedBecauseOnePauses(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one, two := s.join("one"), s.join("two")
		one.report(a, chunks(0, 10))
		for range 60 {
			two.say(restrained(a, nil, resting))
			s.pass(time.Second)
		}
		none[wire.Lease](one)
		none[wire.Lease](two)
		if got := s.flow(a); got.State != site.StateRunning || got.Reason != "two: paused by its user" || got.WANBytes != 0 {
			t.Errorf("the flow is %s because %q, with %d bytes", got.State, got.Reason, got.WANBytes)
		}
	})
}

func TestWhatOnlySlowsAFlowIsSaidLast(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		one := s.join("one")
		one.say(restrained(a, nil, wire.Restraint{Code: wire.RestraintUser, Reason: "somebody works at it"}))
		s.pass(3 * time.Second)
		if len(take[wire.Lease](one)) == 0 {
			t.Error("who is only slow gets no lease")
		}
		if got := s.flow(a); got.Reason != "one: somebody works at it" {
			t.Errorf("the reason is %q", got.Reason)
		}
	})
}
