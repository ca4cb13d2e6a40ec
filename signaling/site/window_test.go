package site_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// in is a flow whose distribution has a window.
func in(t tester, window string, spec site.FlowSpec) site.FlowSpec {
	return with(spec, func(f *site.FlowSpec) { f.Window = windows(t, window) })
}

// leased lists the flows of leases that somebody got since it was asked last.
func leased(f *fake) map[content.VersionID]bool {
	flows := map[content.VersionID]bool{}
	for _, l := range take[wire.Lease](f) {
		flows[l.Flow] = true
	}
	return flows
}

func TestADistributionIsFetchedInItsOwnWindowOnly(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Zone = berlin(t)
		a, b := in(t, "* 02:00-03:00 open; * closed", version("a", 900)), version("b", 900)
		a.Priority = wire.High
		s.order(a, b)
		till := s.join("till")
		till.report(a, nil)
		till.report(b, nil)
		s.pass(time.Second)
		if got := leased(till); got[a.ID] || !got[b.ID] {
			t.Errorf("before its window leases are of a: %v, of b: %v", got[a.ID], got[b.ID])
		}
		v := s.flow(a)
		if want := "waiting for the window of its distribution until Sat 1 Jan 02:00 CET"; v.Reason != want || v.Why.Text != want || v.Why.Code != reason.FlowWindow {
			t.Errorf("the reason is %q, %s %q, want %q", v.Reason, v.Why.Code, v.Why.Text, want)
		}
		if at := time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC); !v.Why.Until.Equal(at) {
			t.Errorf("it ends at %v, want %v", v.Why.Until, at)
		}
		s.until(time.Date(2000, 1, 1, 1, 0, 1, 0, time.UTC))
		if got := leased(till); !got[a.ID] {
			t.Errorf("in its window nothing of it is leased")
		}
		s.until(time.Date(2000, 1, 1, 1, 59, 59, 0, time.UTC))
		take[wire.Revoke](till)
		till.report(a, chunks(0, 10))
		leased(till)
		s.until(time.Date(2000, 1, 1, 2, 0, 1, 0, time.UTC))
		if got, want := last[wire.Revoke](till).Reason, "waiting for the window of its distribution until Sun 2 Jan 02:00 CET"; got != want {
			t.Errorf("its leases end with %q, want %q", got, want)
		}
		if got := leased(till); got[a.ID] {
			t.Error("something of it is leased when its window closed")
		}
	})
}

func TestTheWindowsOfSiteAndDistributionHaveToBeOpenBoth(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Windows = windows(t, "01:00-04:00 open; * closed")
		a, b := in(t, "03:00-06:00 open; * closed", version("a", 900)), in(t, "05:00-06:00 open; * closed", version("b", 900))
		s.order(a, b)
		till := s.join("till")
		till.report(a, nil)
		till.report(b, nil)
		s.pass(time.Second)
		if got, want := s.flow(a).Reason, "waiting for window until Sat 1 Jan 03:00 UTC"; got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
		s.until(time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC))
		if got, want := s.flow(a).Reason, "waiting for the window of its distribution until Sat 1 Jan 03:00 UTC"; got != want {
			t.Errorf("while the site is open the reason is %q, want %q", got, want)
		}
		if got, want := s.flow(b).Reason, "waiting for the window of its distribution, and there is no other in which the site is open"; got != want {
			t.Errorf("where they are never open both the reason is %q, want %q", got, want)
		}
		s.until(time.Date(2000, 1, 1, 2, 59, 58, 0, time.UTC))
		none[wire.Lease](till)
		s.until(time.Date(2000, 1, 1, 3, 0, 1, 0, time.UTC))
		if got := leased(till); !got[a.ID] || got[b.ID] {
			t.Errorf("where both are open leases are of a: %v, of b: %v", got[a.ID], got[b.ID])
		}
		s.until(time.Date(2000, 1, 1, 4, 0, 1, 0, time.UTC))
		if got, want := s.flow(a).Reason, "waiting for window until Sun 2 Jan 03:00 UTC"; got != want {
			t.Errorf("then the reason is %q, want %q", got, want)
		}
	})
}

func TestALeaseIsNotTakenOverOutsideOfTheWindow(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		l := take[wire.Lease](till)[0]
		till.leave()
		s.order(in(t, "sun open; * closed", a))
		s.pass(10 * time.Second)
		till = s.join("till")
		till.report(a, nil, wire.LeaseState{Epoch: l.Epoch, Lease: l.Lease, Range: &wire.LeaseRange{Pack: l.Pack, From: l.From, To: l.To, Body: l.Body}})
		if got := take[wire.Revoke](till); len(got) != 1 {
			t.Errorf("%d leases are ended, want the one that it comes with", len(got))
		}
	})
}

// Of two that are due at once the one that has less time in windows goes first while it has.
func TestADeadlineIsPlannedInTheTimeThatADistributionsWindowLeaves(t *testing.T) {
	onStand(t, func(s *stand) {
		due := func(name string) site.FlowSpec {
			return with(version(name, 600), func(f *site.FlowSpec) { f.ReadyBy = time.Now().Add(10 * time.Hour) })
		}
		a, b := in(t, "00:00-01:00 open; * closed", due("a")), due("b")
		s.order(b, a)
		till := s.fetcher(10_000_000, a, b)
		for range 30 {
			till.second()
		}
		// 60 MB in four fifths of an hour, which is more than 120 MB in four fifths of ten.
		if till.bound < 20_000 || till.bound > 110_000 {
			t.Errorf("granted %d, want what suffices for the hour", till.bound)
		}
		if in := time.Until(s.flow(a).Forecast); in < 10*time.Minute || in > 55*time.Minute {
			t.Errorf("forecast in %v, want within the hour", in)
		}
		if took := till.fetch(time.Hour, a); took > 55*time.Minute {
			t.Errorf("the one with a window is complete after %v, want within the hour", took)
		}
		s.until(time.Date(2000, 1, 1, 1, 0, 1, 0, time.UTC))
		if took := till.fetch(9*time.Hour, b); took > 8*time.Hour {
			t.Errorf("the other one is complete %v later, want in time", took)
		}
	})
}

func TestAForecastCountsTheHoursThatEachFlowHas(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 100_000
		// Alone on the line they take 50 minutes and an hour.
		a, b := in(t, "02:00-03:00 open; * closed", version("a", 3000)), in(t, "00:00-04:00 open; * closed", version("b", 3600))
		a.Priority = wire.High
		s.order(a, b)
		till := s.fetcher(10_000_000, a, b)
		for range 60 {
			till.second()
		}
		if got, want := s.flow(b).Forecast, time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC); got.Sub(want).Abs() > 3*time.Minute {
			t.Errorf("what may be fetched now is forecast for %v, want about %v", got, want)
		}
		if got, want := s.flow(a).Forecast, time.Date(2000, 1, 1, 2, 50, 0, 0, time.UTC); got.Sub(want).Abs() > 3*time.Minute {
			t.Errorf("what waits for its window is forecast for %v, want about %v", got, want)
		}
	})
}
