package site_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// ask tells the site of a rule that was set now, in the generation that comes next.
func (s *stand) ask(kind, name string) {
	s.t.Helper()
	if !s.site.Send(site.Asked{Kind: kind, Ref: content.Ref{Name: name}, Generation: s.want.Generation + 1, At: time.Now()}) {
		s.t.Fatalf("the site has stopped")
	}
	synctest.Wait()
}

// effect is what became of the rule that was set last.
func (s *stand) effect() site.EffectView {
	s.t.Helper()
	all := s.view().Effects
	if len(all) == 0 {
		s.t.Fatalf("no effect is shown")
	}
	return all[len(all)-1]
}

func (f *fake) obeys() { f.say(&wire.Obeyed{Generation: f.s.want.Generation}) }

// received is a progress whose counters say so many bytes from peers.
func (f *fake) received(spec site.FlowSpec, bytes int64) {
	p := progress(spec, nil)
	p.Bytes.Peer = bytes
	f.say(p)
}

func TestThePauseIsMeasuredToTheLastByteOfEachEndpoint(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := version("a", 20), version("b", 20)
		s.order(a, b)
		till, other, gone := s.join("till"), s.join("other"), s.join("gone")
		for _, m := range []*fake{till, other, gone} {
			m.received(a, 1)
			m.received(b, 1)
		}
		s.ask(catalog.RulePause, "a")
		if e := s.effect(); e.Begun || e.Endpoints != 0 {
			t.Errorf("before the rule was read: %+v", e)
		}
		s.pass(100 * time.Millisecond)
		s.order(paused(a), b)
		if e := s.effect(); !e.Begun || e.Endpoints != 3 || e.Confirmed != 0 {
			t.Errorf("once it was read: %+v, want three that were told", e)
		}
		s.pass(100 * time.Millisecond)
		till.obeys()
		other.obeys()
		gone.leave()
		s.pass(300 * time.Millisecond)
		other.received(a, 2)
		s.pass(time.Second)
		till.received(a, 1)  // nothing more
		other.received(b, 5) // it is not paused
		late := s.join("late")
		late.obeys()
		e := s.effect()
		if e.Confirmed != 2 || e.Away != 1 || len(e.Last) != 2 || min(e.Last[0], e.Last[1]) != 203*time.Millisecond && min(e.Last[0], e.Last[1]) != 200*time.Millisecond {
			t.Fatalf("got %+v, want one that confirmed after 0.2 s, one whose last byte came later, and one that left", e)
		}
		if last := max(e.Last[0], e.Last[1]); last != 500*time.Millisecond {
			t.Errorf("the last byte came in after %v, want 500 ms", last)
		}
		// What comes once it goes on is no late byte.
		s.order(a, b)
		s.pass(time.Second)
		other.received(a, 9)
		if e := s.effect(); max(e.Last[0], e.Last[1]) != 500*time.Millisecond {
			t.Errorf("after it was resumed: %+v, want it as it was", e)
		}
	})
}

func TestAPriorityIsInForceWithTheFirstLeaseByIt(t *testing.T) {
	onStand(t, func(s *stand) {
		low := with(version("low", 60), func(f *site.FlowSpec) { f.Priority = wire.Low })
		s.order(low)
		till := s.join("till")
		till.report(low, []uint32{0})
		if len(take[wire.Lease](till)) != 2 {
			t.Fatal("it has no leases")
		}
		s.ask(catalog.RulePriority, "low")
		s.pass(100 * time.Millisecond)
		s.order(with(low, func(f *site.FlowSpec) { f.Priority = wire.High }))
		if e := s.effect(); e.First >= 0 || e.Endpoints != 1 {
			t.Errorf("before anybody did anything: %+v", e)
		}
		s.pass(100 * time.Millisecond)
		till.obeys() // and what it fetches is of the new class from now on
		if e := s.effect(); e.First != 200*time.Millisecond || e.Confirmed != 1 {
			t.Errorf("got %+v, want the effect after 200 ms", e)
		}
	})
}

func TestOnlyTheLastRulesAreMeasured(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 2)
		for range 100 {
			s.ask(catalog.RulePause, "a")
			s.order(a)
		}
		if n := len(s.view().Effects); n != 32 {
			t.Errorf("%d effects are kept, want 32", n)
		}
	})
}

func TestWhatIsWantedIsReadAgainWhenARuleEnds(t *testing.T) {
	onHub(t, func(h *site.Hub, from *source) {
		a := version("a", 2)
		ends := time.Now().Add(3 * time.Hour)
		from.set(map[string]site.Desired{"shop-1": {Generation: 1, Until: ends, Cap: wire.Unlimited, Flows: []site.FlowSpec{paused(a)}}}, nil)
		shop := h.Site("shop-1")
		synctest.Wait()
		if n := len(from.names()); n != 1 {
			t.Fatalf("it was read %d times, want once", n)
		}
		time.Sleep(3*time.Hour - time.Second)
		synctest.Wait()
		if n := len(from.names()); n != 1 {
			t.Errorf("it was read %d times before the rule ended, want once", n)
		}
		from.set(map[string]site.Desired{"shop-1": {Generation: 1, Cap: wire.Unlimited, Flows: []site.FlowSpec{a}}}, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		v, err := shop.View(context.Background())
		if err != nil || len(v.Flows) != 1 || v.Flows[0].State == site.StatePaused {
			t.Errorf("when the rule has ended: %+v, %v, want the flow to go on", v.Flows, err)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(from.names()); n != 1 {
			t.Errorf("it was read %d times since, want once", n)
		}
	})
}
