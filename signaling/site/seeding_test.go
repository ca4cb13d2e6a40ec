package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// seeks has a member say that it may find some of a flow in what else it holds.
func (m *fake) seeks(spec site.FlowSpec, body bool, held []uint32) {
	p := progress(spec, held)
	p.Body, p.Seeding = body, true
	m.say(p)
}

// aboutToSeed is a flow of which a member that holds nothing has fetched the body,
// while another one may find some of it.
func aboutToSeed(s *stand, spec site.FlowSpec) (empty, old *fake) {
	s.t.Helper()
	s.order(spec)
	empty, old = s.join("empty"), s.join("old")
	empty.linked(old, true)
	old.linked(empty, true)
	empty.report(spec, nil)
	old.seeks(spec, false, nil)
	body := one[wire.Lease](empty)
	if !body.Body {
		s.t.Fatalf("lease %+v, want one of the body alone", body)
	}
	p := progress(spec, nil, done(body))
	p.Body = true
	empty.say(p)
	return empty, old
}

func TestWhoMayFindMoreIsWaitedFor(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		empty, old := aboutToSeed(s, a)
		s.pass(5 * time.Second)
		none[wire.Lease](empty)
		old.seeks(a, true, nil)
		s.pass(30 * time.Second)
		none[wire.Lease](empty)
		if got := s.flow(a).Reason; !strings.Contains(got, "waiting for old to find what it holds") {
			t.Errorf("reason %q, want that it waits for old", got)
		}
		old.seeks(a, true, chunks(0, 40))
		s.pass(30 * time.Second)
		none[wire.Lease](empty)
		p := progress(a, chunks(0, 95))
		p.Body = true
		old.say(p)
		leases := append(take[wire.Lease](empty), take[wire.Lease](old)...)
		if len(leases) != 1 {
			t.Fatalf("%d leases, want one of what nobody found", len(leases))
		}
		checkRun(s, a, leases[0], 95, 100)
	})
}

func TestWhoLooksForLongIsNotWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		body bool // it got it
		most time.Duration
	}{
		"WithoutBody": {false, 10 * time.Second},
		"WithBody":    {true, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			onStand(t, func(s *stand) {
				a := version("a", 100)
				empty, old := aboutToSeed(s, a)
				if c.body {
					old.seeks(a, true, nil)
				}
				s.pass(c.most - time.Second)
				none[wire.Lease](empty)
				s.pass(2 * time.Second)
				if n := len(take[wire.Lease](empty)); n != 2 {
					t.Errorf("%d leases after %v, want two", n, c.most)
				}
				none[wire.Lease](old) // it would not begin
			})
		})
	}
}

func TestWhoCannotGoOnIsNotWaitedFor(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		empty, old := aboutToSeed(s, a)
		p := progress(a, nil)
		p.Body, p.Seeding, p.Code, p.Error = true, true, wire.CodeDiskFull, "no room on the disk: 5.0 MB too little"
		old.say(p)
		if n := len(take[wire.Lease](empty)); n != 2 {
			t.Errorf("%d leases, want two", n)
		}
		if f := s.flow(a); f.State != site.StateFailed || f.Reason != "old: no room on the disk: 5.0 MB too little" {
			t.Errorf("flow is %s, %q, want who lacks how much", f.State, f.Reason)
		}
	})
}

// The first install of an empty site waits for nobody.
func TestWhoHoldsNothingElseIsNotWaitedFor(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		one, other := s.join("one"), s.join("other")
		one.report(a, nil)
		other.report(a, nil)
		if n := len(take[wire.Lease](one)); n != 2 {
			t.Errorf("%d leases, want the body's and one of chunks", n)
		}
	})
}

func TestLeasesEndForWhoJoinsAndMayFindMore(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		empty := s.join("empty")
		current, next := begin(s, a, empty)
		p := progress(a, chunks(0, 3), wire.LeaseState{Epoch: current.Epoch, Lease: current.Lease, Verified: 3})
		p.Body = true
		empty.say(p)
		old := s.join("old")
		old.seeks(a, false, nil)
		revoked := take[wire.Revoke](empty)
		if len(revoked) != 2 || revoked[0].Lease+revoked[1].Lease != current.Lease+next.Lease {
			t.Fatalf("revoked %+v, want both leases", revoked)
		}
		p = progress(a, chunks(2, 90))
		p.Body = true
		old.say(p)
		leases := append(take[wire.Lease](empty), take[wire.Lease](old)...)
		if len(leases) != 1 {
			t.Fatalf("%d leases, want one of what nobody holds", len(leases))
		}
		checkRun(s, a, leases[0], 90, 100)
	})
}

// Which of several is named must not depend on the order of a map.
func TestTheFirstOfThoseWaitedForIsNamed(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		empty, _ := aboutToSeed(s, a)
		for _, name := range []string{"oldc", "elder", "oldb"} {
			m := s.join(name)
			m.linked(empty, true)
			empty.linked(m, true)
			m.seeks(a, false, nil)
		}
		for range 20 {
			if got := s.flow(a).Reason; !strings.Contains(got, "waiting for elder to find") {
				t.Errorf("reason %q, want the first by name", got)
			}
		}
	})
}
