package site_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/policy"
)

// berlin is a zone whose clocks are set twice a year.
func berlin(t tester) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatalf("%v", err)
	}
	return zone
}

func rates(t tester, text string) *policy.Week[int64] {
	week, err := policy.ParseRates(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return week
}

func windows(t tester, text string) *policy.Week[bool] {
	week, err := policy.ParseWindows(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return week
}

// until lets time go by until then; in a bubble it is the first of January 2000 at first.
func (s *stand) until(at time.Time) {
	s.t.Helper()
	left := time.Until(at)
	if left < 0 {
		s.t.Fatalf("%v has passed", at)
	}
	s.pass(left)
}

// hourly lets two members behind lines of their own fetch from ten seconds before a time on,
// and returns them together with what both are bound to at first.
func hourly(s *stand, at time.Time) (one, two *fake, bound int64) {
	s.t.Helper()
	s.until(at.Add(-10 * time.Second))
	a := version("a", 90)
	s.order(a)
	one, two = s.joinFrom("one", "192.0.2.1"), s.joinFrom("two", "192.0.2.2")
	settle(s, []*fake{one, two}, false)
	one.report(a, nil)
	two.report(a, nil)
	return one, two, last[wire.Govern](one).Bound + last[wire.Govern](two).Bound
}

func TestTheCapChangesWithTheHourAtEveryEndpointWithinTwoSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		at            time.Time // when a day begins, in UTC
		cap           int64     // of an operator
		before, after int64
	}{
		"in winter":                     {time.Date(2000, 1, 3, 7, 0, 0, 0, time.UTC), wire.Unlimited, 1_000_000, 250_000},
		"in summer":                     {time.Date(2000, 7, 3, 6, 0, 0, 0, time.UTC), wire.Unlimited, 1_000_000, 250_000},
		"on the day clocks go forward":  {time.Date(2000, 3, 26, 6, 0, 0, 0, time.UTC), wire.Unlimited, 1_000_000, 250_000},
		"on the day clocks go back":     {time.Date(2000, 10, 29, 7, 0, 0, 0, time.UTC), wire.Unlimited, 1_000_000, 250_000},
		"under a cap that is lower":     {time.Date(2000, 1, 3, 7, 0, 0, 0, time.UTC), 100_000, 100_000, 100_000},
		"under a cap that lies between": {time.Date(2000, 1, 3, 7, 0, 0, 0, time.UTC), 500_000, 500_000, 250_000},
	} {
		t.Run(name, func(t *testing.T) {
			onStand(t, func(s *stand) {
				s.want.Zone, s.want.CapHours, s.want.Cap = berlin(t), rates(t, "08:00-18:00 2mbit; * 8mbit"), c.cap
				one, two, bound := hourly(s, c.at)
				if bound != c.before {
					t.Errorf("before eight both are bound to %d, want %d", bound, c.before)
				}
				s.until(c.at.Add(-10 * time.Millisecond))
				none[wire.Govern](one)
				none[wire.Govern](two)
				s.until(c.at.Add(2 * time.Second))
				if c.after == c.before {
					none[wire.Govern](one)
					return
				}
				if bound = last[wire.Govern](one).Bound + last[wire.Govern](two).Bound; bound != c.after {
					t.Errorf("at eight both are bound to %d, want %d", bound, c.after)
				}
				none[wire.Revoke](one)
			})
		})
	}
}

func TestNothingIsFetchedOutsideOfWindowsWhateverItsPriority(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Zone, s.want.Windows = berlin(t), windows(t, "* 04:00-05:00 open; * closed")
		a := with(version("a", 90), func(f *site.FlowSpec) { f.Priority = wire.High })
		s.order(a)
		till, other := s.join("till"), s.join("other")
		till.report(a, nil)
		other.report(a, chunks(0, 2))
		none[wire.Lease](till)
		if got, want := s.flow(a).Reason, "waiting for window until Sat 1 Jan 04:00 CET"; got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
		s.until(time.Date(2000, 1, 1, 2, 59, 59, 0, time.UTC))
		none[wire.Lease](till)
		s.pass(3 * time.Second)
		if got := take[wire.Lease](till); len(got) != 2 {
			t.Errorf("got %d leases when the window opened, want 2", len(got))
		}
		if got := s.flow(a).Reason; strings.Contains(got, "window") {
			t.Errorf("the reason is %q in the window", got)
		}
		s.until(time.Date(2000, 1, 1, 3, 59, 50, 0, time.UTC))
		till.report(a, chunks(0, 2)) // it lost its lease long ago, and gets others
		other.report(a, chunks(0, 2))
		take[wire.Revoke](till)
		take[wire.Revoke](other)
		s.pass(9 * time.Second)
		if fetchers := s.flow(a).Fetchers; len(fetchers) == 0 {
			t.Fatal("nobody fetches in the window")
		}
		take[wire.Revoke](till)
		take[wire.Revoke](other)
		s.pass(3 * time.Second)
		revoked := append(take[wire.Revoke](till), take[wire.Revoke](other)...)
		if len(revoked) == 0 || revoked[0].Reason != "waiting for window until Sun 2 Jan 04:00 CET" {
			t.Errorf("revoked %+v when the window closed", revoked)
		}
		take[wire.Lease](till)
		take[wire.Lease](other)
		s.pass(time.Minute)
		none[wire.Lease](till)
		none[wire.Lease](other)
		if v := s.flow(a); len(v.Fetchers) != 0 {
			t.Errorf("outside of the window %v fetch", v.Fetchers)
		}
	})
}

func TestWhatTheSiteHoldsGoesRoundOutsideOfWindows(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Windows = windows(t, "* closed")
		a := version("a", 20)
		s.order(a)
		till, other := s.join("till"), s.join("other")
		till.report(a, chunks(0, 20))
		other.report(a, nil)
		if got := s.flow(a); got.State != site.StateRunning || got.Reason != "" {
			t.Errorf("the flow is %s (%s), want that it runs", got.State, got.Reason)
		}
		b := version("b", 20)
		s.order(a, b)
		till.report(b, nil)
		if got := s.flow(b).Reason; !strings.HasPrefix(got, "waiting for window, and there is no other") {
			t.Errorf("the reason is %q", got)
		}
	})
}

// spent is what was kept last of what a site took.
func (m *memory) spent() (last site.Spent) {
	for _, l := range m.kept {
		if l.Spent.Month != "" {
			last = l.Spent
		}
	}
	return last
}

func TestWhenTheMonthsAllowanceIsSpentFlowsWaitForTheNext(t *testing.T) {
	m := &memory{}
	cfg := config("shop-1")
	cfg.Memory = m
	onStandOf(t, cfg, func(s *stand) {
		zone := berlin(t)
		s.want.Zone, s.want.Allowance = zone, 3_000_000
		if !s.site.Send(site.Recalled{Learned: site.Learned{Spent: site.Spent{Month: "2000-01", Bytes: 2_000_000}}}) {
			t.Fatal("the site has stopped")
		}
		s.until(time.Date(2000, 1, 31, 23, 59, 0, 0, zone))
		a := with(version("a", 90), func(f *site.FlowSpec) { f.Priority = wire.High })
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		took(till, a, chunks(0, 2), 999_999)
		none[wire.Revoke](till)
		took(till, a, chunks(0, 3), 1_000_000)
		s.pass(time.Second)
		const why = "the site took the 3.0 MB that it may over the WAN in 2000-01: waiting for the next month, or for a higher monthly_allowance"
		if got := take[wire.Revoke](till); len(got) == 0 || got[0].Reason != why {
			t.Errorf("revoked %+v, want all with %q", got, why)
		}
		if got := s.flow(a); got.Reason != why || len(got.Fetchers) != 0 {
			t.Errorf("the reason is %q with fetchers %v, want %q", got.Reason, got.Fetchers, why)
		}
		take[wire.Lease](till)
		s.want.Allowance = 4_000_000
		s.again()
		if got := take[wire.Lease](till); len(got) == 0 {
			t.Error("a higher allowance brought no lease")
		}
		s.want.Allowance = 3_000_000
		s.again()
		s.until(time.Date(2000, 1, 31, 23, 59, 59, 0, zone))
		take[wire.Lease](till)
		take[wire.Lease](other)
		s.pass(2 * time.Second)
		if len(take[wire.Lease](till))+len(take[wire.Lease](other)) == 0 {
			t.Error("the next month brought no lease")
		}
		took(till, a, chunks(0, 4), 1_000_700)
	})
	if last := m.spent(); last != (site.Spent{Month: "2000-02", Bytes: 700}) {
		t.Errorf("kept in the end %+v, want what was taken in February", last)
	}
}

func TestWhatAnEndpointTookBeforeItWasHeardOfIsNotCountedAgain(t *testing.T) {
	m := &memory{}
	cfg := config("shop-1")
	cfg.Memory = m
	onStandOf(t, cfg, func(s *stand) {
		a := version("a", 90)
		s.order(a)
		till := s.join("till")
		took(till, a, chunks(0, 30), 3_000_000) // before the server was started
		took(till, a, chunks(0, 31), 3_100_000)
		till.leave()
		till = s.join("till")
		took(till, a, chunks(0, 31), 0) // it opens its store
		took(till, a, chunks(0, 31), 3_100_000)
		took(till, a, chunks(0, 32), 3_200_000)
	})
	if last := m.spent(); last.Bytes != 200_000 {
		t.Errorf("counted %+v, want 200000 bytes", last)
	}
}

func TestALineIsHintedAtUntilItIsLearned(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.LineRate = 5_000_000
		a := version("a", 90)
		s.order(a)
		till, other := s.join("till"), s.join("other")
		begin(s, a, till, other)
		g := last[wire.Govern](till)
		if g.Line.Capacity != 5_000_000 || g.Bound != wire.Unlimited {
			t.Errorf("told %+v, want the line's rate as a hint and no bound", g)
		}
		till.say(accountOf(g, 0, 1))
		s.pass(time.Second)
		other.leave()
		if g = last[wire.Govern](till); g.Line.Capacity != 2_400_000 {
			t.Errorf("told of the line %+v, want what was learned", g.Line)
		}
	})
}

func TestEndpointsAreToldTheirLimits(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Limits = wire.Limits{Allowance: 5e9, CacheQuota: 20e9}
		s.want.Own = map[wire.EndpointID]wire.Limits{idOf("kiosk"): {CacheFloor: 1e9, CacheIdleMs: 3_600_000}}
		s.order(version("a", 20))
		till, kiosk, page := s.join("till"), s.join("kiosk"), s.visit("page", "a")
		for who, want := range map[*fake]wire.Limits{till: s.want.Limits, kiosk: s.want.Own[kiosk.id]} {
			if got := last[wire.Flows](who).Limits; got != want {
				t.Errorf("%s was told %+v, want %+v", who.id.Short(), got, want)
			}
		}
		for _, told := range take[wire.Flows](page) {
			if told.Limits != (wire.Limits{}) {
				t.Errorf("a page was told %+v", told.Limits)
			}
		}
		s.want.Own = nil
		s.again()
		if got := last[wire.Flows](kiosk).Limits; got != s.want.Limits {
			t.Errorf("then told %+v, want as the others", got)
		}
	})
}

func TestRelaysBeyondTheWANAreLeftAloneWhereOperatorsSaySo(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.NoRelay = true
		a := version("a", 20)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		s.pass(time.Second)
		if got := last[wire.Flow](till).Relay; got != wire.RelayNever {
			t.Errorf("told to use relays as %q, want %q", got, wire.RelayNever)
		}
		s.want.NoRelay = false
		s.again()
		s.pass(time.Second)
		if got := last[wire.Flow](till).Relay; got != wire.RelayByPatience {
			t.Errorf("then told to use relays as %q", got)
		}
	})
}

// A site that waits for an hour has nothing else to do, and must not miss it.
func TestTheHourIsNotMissedByASiteThatWaits(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.CapHours = rates(t, "sat 01:00-02:00 8mbit; * 0bit")
		a := version("a", 20)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		none[wire.Lease](till)
		if got, want := s.flow(a).Reason, "waiting, as nothing may go over the WAN in this hour until Sat 1 Jan 01:00 UTC"; got != want {
			t.Errorf("the reason is %q, want %q", got, want)
		}
		begun := time.Now()
		for range 3700 {
			time.Sleep(time.Second)
			synctest.Wait()
			if len(take[wire.Lease](till)) > 0 {
				break
			}
		}
		if took := time.Since(begun); took < 59*time.Minute || took > time.Hour+2*time.Second {
			t.Errorf("the first lease came after %v, want an hour", took)
		}
	})
}

// What shall be there in ten hours has one of them, in which nothing is open, to come.
func TestADeadlineIsPlannedInTheTimeThatIsOpen(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Windows = windows(t, "00:00-01:00 open; * closed")
		a := with(version("a", 3000), func(f *site.FlowSpec) { f.ReadyBy = time.Now().Add(10 * time.Hour) })
		s.order(a)
		till := s.fetcher(10_000_000, a)
		for range 30 {
			till.second()
		}
		// 300 MB in four fifths of an hour.
		if till.bound < 100_000 || till.bound > 112_000 {
			t.Errorf("granted %d, want about 105 kB/s", till.bound)
		}
		v := s.flow(a)
		if in := time.Until(v.Forecast); in < 45*time.Minute || in > 50*time.Minute {
			t.Errorf("forecast in %v, want within the hour", in)
		}
		if took := till.fetch(time.Hour, a); took > 55*time.Minute || took < 40*time.Minute {
			t.Errorf("complete after %v, want about 48 minutes", took)
		}
	})
}

func TestAForecastCountsWindowsOnly(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Windows, s.want.Cap = windows(t, "00:00-01:00 open; * closed"), 100_000
		a := version("a", 5400) // 540 MB, an hour and a half
		s.order(a)
		till := s.fetcher(10_000_000, a)
		for range 60 {
			till.second()
		}
		v := s.flow(a)
		if want := time.Date(2000, 1, 2, 0, 30, 0, 0, time.UTC); v.Forecast.Sub(want).Abs() > 2*time.Minute {
			t.Errorf("forecast for %v, want about %v, in the window of the next day", v.Forecast, want)
		}
	})
}
