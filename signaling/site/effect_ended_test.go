package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

func TestTheEndOfAPauseIsMeasuredToTheFirstBytes(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b, c := version("a", 20), version("b", 20), version("c", 20)
		s.order(paused(a), paused(b), c)
		till, other := s.join("till"), s.join("other")
		for _, spec := range []site.FlowSpec{a, b, c} {
			till.received(spec, 1)
			other.received(spec, 1)
		}
		s.ask(site.Resumed, "")
		s.pass(100 * time.Millisecond)
		s.order(a, paused(b), c) // b has another pause
		if e := s.effect(); !e.Begun || e.Endpoints != 2 || e.Confirmed != 0 || e.First >= 0 {
			t.Errorf("once it was read: %+v, want two that were told", e)
		}
		s.pass(100 * time.Millisecond)
		till.obeys()
		if e := s.effect(); e.Confirmed != 1 || e.First >= 0 {
			t.Errorf("before anything came: %+v", e)
		}
		other.received(b, 5) // it is paused still
		s.pass(100 * time.Millisecond)
		till.received(a, 1) // nothing more
		s.pass(100 * time.Millisecond)
		till.received(a, 2)
		s.pass(time.Second)
		till.received(a, 3)
		if e := s.effect(); e.First < 400*time.Millisecond || e.First > 410*time.Millisecond {
			t.Errorf("the first bytes came in after %v, want 400 ms", e.First)
		}
	})
}

func TestACapIsInForceWithTheFirstLeaseByIt(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 600)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		take[wire.Lease](till)
		s.ask(catalog.RuleCap, "a")
		s.pass(100 * time.Millisecond)
		s.order(capped(a, 100_000))
		till.obeys()
		if e := s.effect(); e.First < 100*time.Millisecond || e.First > 200*time.Millisecond || e.Confirmed != 1 {
			t.Errorf("got %+v, want the effect with the lease of the new cap", e)
		}
	})
}
