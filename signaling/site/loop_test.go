package site_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Of what an endpoint gets from its peers nothing is to be decided, but it must not keep the
// site from looking at the time.
func TestReportsOfWhatPeersGiveDoNotPutOffWhatIsDue(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 512)
		s.order(a)
		till, kiosk := s.join("till"), s.join("kiosk")
		kiosk.report(a, nil)
		till.report(a, chunks(0, 400))
		leases := take[wire.Lease](till)
		if len(leases) == 0 {
			t.Fatal("nobody fetches what is lacking")
		}
		for i := range uint32((site.LeaseTTL + time.Second) / (100 * time.Millisecond)) {
			s.pass(100 * time.Millisecond)
			kiosk.report(a, chunks(0, 1+i))
		}
		if !slices.ContainsFunc(take[wire.Revoke](till), func(r wire.Revoke) bool { return r.Lease == leases[0].Lease }) {
			t.Errorf("the lease of one who stands still goes on after %v", site.LeaseTTL)
		}
	})
}
