package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// claimed is the state of a lease that a member says it kept, of all chunks of a
// version that lies in one pack.
func claimed(l wire.Lease) wire.LeaseState {
	st := state(l)
	st.Range = &wire.LeaseRange{Body: l.Body, Pack: l.Pack, From: l.From, To: l.To}
	return st
}

// TestALeaseThatWasNeverGrantedIsNotTakenOver: under its number another will be.
func TestALeaseThatWasNeverGrantedIsNotTakenOver(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 40)
		rogue := s.join("rogue")
		s.order(a)
		made := wire.Lease{Flow: a.ID, Epoch: epoch, Lease: 3, Pack: a.Places[0].Pack, To: 10 * chunkBytes}
		rogue.say(progress(a, nil, claimed(made)))
		rogue.leave()
		till := s.join("till")
		till.report(a, nil)
		for range 10 {
			for _, l := range take[wire.Lease](till) {
				till.report(a, chunks(0, 40), done(l))
			}
			s.pass(time.Second)
		}
		if got := s.site.Faults(); len(got) > 0 {
			t.Errorf("the books are wrong: %v", got)
		}
		if n := len(take[wire.Revoke](rogue)); n != 1 {
			t.Errorf("the rogue was told %d times that it has no such lease, want once", n)
		}
	})
}

// TestWhoIsHeldOffCanNotHelpItselfToALease: or it would keep the site waiting for
// ever, one patience after the other.
func TestWhoIsHeldOffCanNotHelpItselfToALease(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 40)
		rogue, till := s.join("rogue"), s.join("till")
		s.order(a)
		rogue.report(a, nil)
		till.report(a, nil)
		mine := take[wire.Lease](rogue)
		if len(mine) == 0 {
			t.Fatal("the first to report got no lease")
		}
		for _, l := range mine {
			rogue.say(progress(a, nil, failed(l)))
		}
		theirs := take[wire.Lease](till)
		if len(theirs) == 0 {
			t.Fatal("nobody took the lease over")
		}
		for _, l := range theirs {
			till.say(progress(a, nil, failed(l)))
		}
		take[wire.Revoke](rogue)
		rogue.say(progress(a, nil, claimed(mine[len(mine)-1])))
		if n := len(take[wire.Revoke](rogue)); n != 1 {
			t.Errorf("who just gave a lease back was told %d times to stop it, want once", n)
		}
	})
}
