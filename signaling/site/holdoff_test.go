package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestNewContentWaitsForAPeerBeforeTheWANIsUsed(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.HoldOff = 8 * time.Second
		a := version("a", 90)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		if got, want := s.flow(a).Reason, "waiting up to 8s for a peer that holds it"; got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
		s.pass(7 * time.Second)
		none[wire.Lease](till)
		s.pass(2 * time.Second)
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases after the hold-off, want 2", len(got))
		}
		if got := s.flow(a).Reason; got != "" {
			t.Errorf("the reason is %q after the hold-off, want none", got)
		}
	})
}

func TestAPeerThatHoldsSomeEndsTheWait(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.HoldOff = time.Hour
		a := version("a", 90)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		s.pass(10 * time.Second)
		none[wire.Lease](till)
		late := s.join("late")
		late.report(a, chunks(0, 40))
		s.pass(time.Second)
		leases := append(take[wire.Lease](till), take[wire.Lease](late)...)
		if len(leases) == 0 {
			t.Error("what nobody holds was not leased when a peer holds the rest")
		}
		for _, l := range leases {
			for _, p := range l.Parts {
				if p.Chunk < 40 {
					t.Errorf("chunk %d was leased, and a peer holds it", p.Chunk)
				}
			}
		}
	})
}
