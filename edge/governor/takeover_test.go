package governor_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// halved is the site's rate that a member grants first after a moment.
func halved(m *member, since time.Time) (site int64, after time.Duration) {
	synctest.Wait()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for _, f := range m.frames {
		if f.f.Kind == wire.FrameGrant && f.at.After(since) {
			return f.f.Grant.Site, f.at.Sub(since)
		}
	}
	return 0, math.MaxInt64
}

func TestStandByTakesOverFromAHolderThatDiedAndNoMoreIsTakenThanBefore(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		last := h.g.Status().Rate
		died := time.Now()
		s.kill(holder)
		s.pass(1500*time.Millisecond, about(last))
		s.pass(4*time.Second, s.lineful()) // and then not much beyond what the line was learned to carry
		site, after := halved(b, died)
		if after < time.Second || after > 1300*time.Millisecond || math.Abs(float64(site-last/2)) > float64(last)/50 {
			t.Errorf("who stands by grants %d after %v, want half of %d after a second", site, after, last)
		}
		if b.may()+o.may() < last/4 {
			t.Errorf("both may take %d and %d, want a good part of %d", b.may(), o.may(), last)
		}
		if n := len(b.told()); n > 0 {
			t.Errorf("who only stands by gave %d accounts", n)
		}
		if st := b.g.Status(); st.Role != "holder" {
			t.Errorf("status is %+v, want that it governs", st)
		}
		// The server has noticed.
		w := trio(2)
		w.Holder, w.StandBy, w.Fetchers = standBy, other, []wire.EndpointID{other, standBy}
		rate := b.g.Status().Rate
		s.appoint(w)
		if got := b.g.Status().Rate; got < rate*9/10 {
			t.Errorf("its appointment changed the rate from %d to %d", rate, got)
		}
		s.pass(5*time.Second, boundless)
		if n := len(b.told()); n < 4 {
			t.Errorf("%d accounts in 5 s after the appointment", n)
		}
	})
}

func TestBoundHoldsWhileTheStandByTakesOver(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		w := trio(2)
		w.Bound = 2_000_000
		s.appoint(w)
		s.pass(3*time.Second, boundless)
		s.kill(holder)
		s.pass(10*time.Second, 2_000_000)
		if b.may()+o.may() < 1_000_000 {
			t.Errorf("both may take %d and %d of 2000000", b.may(), o.may())
		}
	})
}

// A fetcher that was given almost everything keeps it for a second, however eager who
// stands by has become.
func TestStandByDoesNotTakeWhatOthersWereJustGranted(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.fetch(false, holder, standBy)
		s.pass(3*time.Second, boundless)
		last := h.g.Status().Rate
		s.kill(holder)
		s.fetch(true, standBy)
		s.pass(1600*time.Millisecond, about(last))
		if b.may() < last/8 {
			t.Errorf("who stands by may take %d after its take-over, want a share of %d", b.may(), last/2)
		}
	})
}

func TestAppointedStandByBeginsAtHalfOfTheLastRate(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		last := h.g.Status().Rate
		s.kill(holder)
		w := trio(2)
		w.Holder, w.StandBy, w.Fetchers = standBy, other, []wire.EndpointID{other, standBy}
		since := time.Now()
		s.appoint(w)
		s.pass(400*time.Millisecond, about(last))
		if site, after := halved(b, since); math.Abs(float64(site-last/2)) > float64(last)/50 || after > 100*time.Millisecond {
			t.Errorf("the new holder grants %d after %v, want half of %d at once", site, after, last)
		}
	})
}

func TestHolderThatStoodStillGovernsAgainAtOnce(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		h.stands(5 * time.Second)
		if b.g.Status().Role != "holder" {
			t.Fatal("who stands by did not take over")
		}
		rate := max(h.g.Status().Rate, b.g.Status().Rate)
		// Frames on their way count twice for an instant.
		s.pass(20*time.Millisecond, 2*rate)
		s.pass(2*time.Second, s.lineful())
		if got := b.g.Status(); got.Role != "stand-by" || b.may() < h.g.Status().Rate/4 {
			t.Errorf("who stands by has status %+v", got)
		}
		if got, want := o.g.Status().Rate, h.g.Status().Rate; math.Abs(float64(got-want)) > float64(want)/50 {
			t.Errorf("the other obeys %d, want about %d", got, want)
		}
	})
}

func TestHolderThatIsNotHeardTakesNoMoreThanWhoStandsInGrantsIt(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		last := h.g.Status().Rate
		s.change(func() { s.cut[holder] = true })
		s.pass(1500*time.Millisecond, about(last))
		if h.g.Status().Role != "holder" || b.g.Status().Role != "holder" {
			t.Fatal("want two that govern")
		}
		s.pass(5*time.Second, s.lineful())
		s.change(func() { s.cut[holder] = false })
		s.pass(200*time.Millisecond, boundless)
		if b.g.Status().Role != "stand-by" || math.Abs(float64(o.g.Status().Rate-h.g.Status().Rate)) > float64(last)/50 {
			t.Error("who is heard again does not govern alone")
		}
	})
}

func TestHolderThatMissedItsSuccessionStandsDown(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		w := trio(2)
		w.Holder, w.StandBy = standBy, holder
		s.govern = w
		b.g.Appointed(w) // the old holder has no socket to the server now
		o.g.Appointed(w)
		s.pass(2*time.Second, boundless)
		if h.g.Status().Role == "holder" || h.may() >= b.g.Status().Rate {
			t.Errorf("the old holder has status %+v", h.g.Status())
		}
		if site := b.g.Status().Rate; !alike(o.g.Status().Rate, site) || !alike(h.g.Status().Rate, site) {
			t.Errorf("the new holder's rate is %d, the others obey %d and %d", site, h.g.Status().Rate, o.g.Status().Rate)
		}
		h.g.Appointed(w)
		s.pass(time.Second, boundless)
		if got := h.g.Status().Role; got != "stand-by" {
			t.Errorf("the old holder is %s", got)
		}
	})
}

func TestStandByGoesOnWhenTheServerOnlyChangesFetchers(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.kill(holder)
		s.pass(2*time.Second, boundless)
		w := trio(2)
		w.Fetchers = []wire.EndpointID{other, standBy}
		s.appoint(w)
		synctest.Wait()
		if got := b.g.Status(); got.Role != "holder" {
			t.Errorf("who stands in has status %+v", got)
		}
		w = trio(3)
		w.StandBy = other
		s.appoint(w)
		synctest.Wait()
		if got := b.g.Status(); got.Role != "fetcher" {
			t.Errorf("who stood by has status %+v", got)
		}
	})
}

func TestStandByWaitsForAHolderThatSlept(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.fetch(false, holder, standBy, other)
		s.pass(time.Hour, boundless)
		since := time.Now()
		s.fetch(true, standBy)
		s.pass(3*time.Second, boundless)
		if n, _ := b.grants(since); n > 0 {
			t.Errorf("who stands by granted %d times though the holder lives", n)
		}
		if got := b.may(); got < 1_000_000 {
			t.Errorf("who fetches may take %d", got)
		}
	})
}

func TestGrantsOfOldTermsAndOfStrangersAreVoid(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		w := trio(5)
		w.Epoch = 3
		s.appoint(w)
		s.pass(time.Second, boundless)
		s.change(func() { s.cut[holder], s.cut[standBy] = true, true })
		_, last := h.grants(time.Now().Add(-time.Second))
		good := last[other]
		good.From, good.Seq, good.BytesPerSecond, good.Site = holder, good.Seq+1000, 111_111, 333_333
		for name, change := range map[string]func(g *wire.Grant){
			"old epoch":      func(g *wire.Grant) { g.Epoch--; g.Term = 99 },
			"old term":       func(g *wire.Grant) { g.Term-- },
			"old number":     func(g *wire.Grant) { g.Seq = 9 },
			"of a fetcher":   func(g *wire.Grant) { g.From = "somebody" },
			"of nobody":      func(g *wire.Grant) { g.From = "" },
			"of itself":      func(g *wire.Grant) { g.From = other },
			"without bound":  func(g *wire.Grant) { g.BytesPerSecond = wire.Unlimited },
			"no site's rate": func(g *wire.Grant) { g.Site = wire.Unlimited },
			"no floor":       func(g *wire.Grant) { g.Floor = wire.Unlimited },
			"of who waits":   func(g *wire.Grant) { g.From = standBy },
		} {
			bad := good
			change(&bad)
			o.g.Granted(bad)
			if got := o.may(); got == bad.BytesPerSecond {
				t.Errorf("%s: a grant was obeyed", name)
			}
		}
		o.g.Granted(good)
		if got := o.may(); got != 111_111 {
			t.Errorf("may take %d under a good grant", got)
		}
		good.Seq, good.ValidMs = good.Seq+1, 1_000_000
		o.g.Granted(good)
		s.pass(1100*time.Millisecond, boundless)
		if got := o.may(); got >= 111_111 {
			t.Errorf("may take %d by a grant of long ago", got)
		}
	})
}

func TestOldAppointmentIsVoidButForANewSession(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		w := trio(5)
		w.Bound = 3_000_000
		s.appoint(w)
		old := trio(4)
		old.Bound = 9_000_000
		for range 2 {
			o.g.Appointed(old)
			o.g.Appointed(trio(5))
		}
		s.pass(2*time.Second, 3_000_000)
		// The server was replaced by one that knows nothing.
		for _, m := range s.members {
			m.g.Forget()
		}
		s.pass(2*time.Second, 3_000_000)
		if n, last := h.grants(time.Now().Add(-time.Second)); n < 18 || last[other].Term != 5 {
			t.Errorf("%d grants in a second without an appointment, the last %+v", n, last[other])
		}
		w.Term, w.Bound = 1, 1_000_000
		s.appoint(w)
		s.pass(20*time.Millisecond, boundless)
		s.pass(2*time.Second, 1_000_000)
		if n, last := h.grants(time.Now().Add(-time.Second)); n < 18 || last[other].Term != 1 || o.may() != last[other].BytesPerSecond || b.may() != last[standBy].BytesPerSecond {
			t.Errorf("%d grants in the last second, the last %+v, and %d is obeyed", n, last[other], o.may())
		}
	})
}

func TestHolderThatFetchesNothingIsHeldToThePartOfTheFloor(t *testing.T) {
	onSite(t, 10e6, func(s *site) {
		s.appoint(wire.Govern{Epoch: 1, Term: 1, Holder: holder, StandBy: standBy, Fetchers: []wire.EndpointID{other}, Bound: wire.Unlimited})
		s.fetch(true, other)
		time.Sleep(10 * time.Second)
		for _, id := range []wire.EndpointID{holder, standBy} {
			// A lease may come before the appointment that tells of it: it must begin.
			if got := s.members[id].may(); got < 1000 || got > 100_000 {
				t.Errorf("%s fetches nothing and may take %d", id, got)
			}
		}
		best := int64(0)
		for range 60 {
			time.Sleep(time.Second)
			best = max(best, s.members[other].may())
		}
		if best < 5_000_000 {
			t.Errorf("in a minute who fetches may take %d at most", best)
		}
	}, holder, standBy, other)
}

// about is a rate and what one grant may differ from the next, and the least that
// anybody gets.
func about(rate int64) int64 { return rate*51/50 + 16<<10 }

// lineful is about what the line carries: how a new controller finds that out is its
// own affair.
func (s *site) lineful() int64 { return int64(1.15 * s.capacity) }

// alike reports whether two rates differ by no more than a controller changes them
// between two grants.
func alike(a, b int64) bool { return math.Abs(float64(a-b)) <= float64(b)/100 }
