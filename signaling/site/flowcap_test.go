package site_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

func capped(spec site.FlowSpec, limit int64) site.FlowSpec {
	return with(spec, func(f *site.FlowSpec) { f.Capped, f.Cap, f.CappedBy = true, limit, "ann capped "+f.Head.Name })
}

// fetching is a member that fetches at once what it is leased.
type fetching struct {
	*fake
	held map[string][]uint32
	got  map[string]int64
}

func (f *fetching) fetch(specs ...site.FlowSpec) {
	for {
		leases := take[wire.Lease](f.fake)
		if len(leases) == 0 {
			return
		}
		for _, l := range leases {
			for _, spec := range specs {
				if spec.ID != l.Flow {
					continue
				}
				name := spec.Head.Name
				for _, part := range l.Parts {
					f.held[name] = append(f.held[name], part.Chunk)
				}
				f.got[name] += l.To - l.From
				p := progress(spec, f.held[name], done(l))
				p.Body, p.WAN = true, f.got[name]
				f.say(p)
			}
		}
	}
}

func TestAFlowTakesNoMoreThanItsCapAndNobodyWaitsBehindIt(t *testing.T) {
	onStand(t, func(s *stand) {
		slow, free := capped(version("slow", 4000), 200_000), version("free", 4000)
		s.order(slow, free)
		till := &fetching{fake: s.join("till"), held: map[string][]uint32{}, got: map[string]int64{}}
		till.report(slow, nil)
		till.report(free, nil)
		const seconds = 60
		for range 10 * seconds {
			till.fetch(slow, free)
			s.pass(100 * time.Millisecond)
		}
		if got := till.got["slow"]; got < 190_000*seconds || got > 200_000*(seconds+6) {
			t.Errorf("the capped flow took %d bytes in %d s at 200 kB/s", got, seconds)
		}
		if got, all := till.got["free"], free.Head.UniqueBytes; got < all {
			t.Errorf("the other took %d bytes of %d: it waited", got, all)
		}
		if v := s.flow(slow); v.CapBPS == nil || *v.CapBPS != 1_600_000 || v.CappedBy != "ann capped slow" || v.Reason != "ann capped slow" {
			t.Errorf("the flow is shown as %+v, want its cap", v)
		}
		if v := last[wire.Govern](till.fake); v.Bound != 200_000 {
			t.Errorf("the governor is bound to %d where only the capped flow runs, want its cap", v.Bound)
		}
	})
}

func TestACapThatFallsHoldsAtOnce(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 400)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		if len(take[wire.Lease](till)) != 2 {
			t.Fatal("it has no leases")
		}
		s.order(capped(a, 100_000))
		if got := take[wire.Revoke](till); len(got) != 2 {
			t.Errorf("revoked %+v, want what was granted without a cap", got)
		}
		s.pass(time.Second)
		for _, l := range take[wire.Lease](till) {
			if n := l.To - l.From; n > 200_000 {
				t.Errorf("leased %d bytes at once, want 2 s of the cap", n)
			}
		}
		s.order(capped(a, 0))
		take[wire.Revoke](till)
		till.report(a, nil)
		s.pass(time.Hour)
		none[wire.Lease](till)
		if v := s.flow(a); !strings.HasPrefix(v.Reason, "nothing of it may go over the WAN: ann capped a") {
			t.Errorf("the flow says %q", v.Reason)
		}
		s.order(a)
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases when the cap has ended, want 2", len(got))
		}
	})
}

func TestAFlowThatWaitsForItsCapSaysSo(t *testing.T) {
	onStand(t, func(s *stand) {
		slow, free := capped(version("slow", 40), 10_000), version("free", 40)
		s.order(slow, free)
		till := &fetching{fake: s.join("till"), held: map[string][]uint32{}, got: map[string]int64{}}
		till.report(slow, nil)
		till.report(free, nil)
		till.fetch(slow) // the line gives more than the cap, and a chunk is ten seconds of it
		s.pass(time.Second)
		why := s.flow(slow).Why
		if why.Code != reason.AtItsCap || !strings.Contains(why.Text, "ann capped slow") ||
			!strings.HasPrefix(why.Do, "sitecast cap --site shop-1 --content slow@1 --wan none ") {
			t.Errorf("the flow says %+v, want that it has all that its cap allows for now", why)
		}
		s.order(capped(slow, 0), free)
		s.pass(time.Second)
		if why := s.flow(slow).Why; why.Code != reason.FlowCapped || !strings.HasPrefix(why.Do, "sitecast cap --site shop-1 --content slow@1 --wan none ") {
			t.Errorf("a flow that may take nothing says %+v, want how to end its own cap", why)
		}
	})
}
