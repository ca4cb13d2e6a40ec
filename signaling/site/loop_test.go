package site_test

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/lane"
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

// Where all that can wait does wait, what is wanted is said all the same.
func TestWhatIsWantedPassesReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, busy := config("shop-1"), lane.New()
		cfg.Lane = busy
		s := newStandOf(t, cfg)
		defer s.close()
		a := version("a", 512)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		for range runtime.GOMAXPROCS(0) {
			busy.Enter()
		}
		till.report(a, chunks(0, 10)) // waits
		a.Paused, a.PausedBy = true, "ann"
		s.order(a)
		if told := take[wire.Flow](till); len(told) == 0 || !told[len(told)-1].Paused {
			t.Errorf("the endpoint was told %+v, want that it is paused", told)
		}
		for range runtime.GOMAXPROCS(0) {
			busy.Leave()
		}
	})
}

// How often endpoints report is said to those that are there, too.
func TestMembersAreToldHowOftenToReport(t *testing.T) {
	var every atomic.Int64
	cfg := config("shop-1")
	cfg.Reports = func() time.Duration { return time.Duration(every.Load()) }
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 512)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		for _, want := range []time.Duration{0, 2 * time.Second, wire.MaxReportInterval, 0} {
			every.Store(int64(want))
			s.pass(time.Second)
			told := take[wire.Flows](till)
			if len(told) != 1 || told[0].ReportMs != want.Milliseconds() {
				t.Errorf("the endpoint was told %+v, want once that it reports every %v", told, want)
			}
		}
	})
}
