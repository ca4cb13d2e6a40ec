package governor_test

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	holder  wire.EndpointID = "holder"
	standBy wire.EndpointID = "stand-by"
	other   wire.EndpointID = "other"
)

// trio is an appointment of three fetchers.
func trio(term uint64) wire.Govern {
	return wire.Govern{Epoch: 1, Term: term, Holder: holder, StandBy: standBy, Fetchers: []wire.EndpointID{holder, other, standBy}, Bound: wire.Unlimited}
}

// onTrio runs a test among three who have fetched for a while. The line carries 10
// megabytes a second.
func onTrio(t *testing.T, do func(s *site, h, b, o *member)) {
	t.Helper()
	onSite(t, 10e6, func(s *site) {
		s.appoint(trio(1))
		s.fetch(true, holder, standBy, other)
		time.Sleep(15 * time.Second)
		for range 100 { // until the line is full, as it mostly is
			if s.members[holder].g.Status().Rate > 7_000_000 {
				break
			}
			time.Sleep(time.Second)
		}
		do(s, s.members[holder], s.members[standBy], s.members[other])
	}, holder, standBy, other)
}

func TestRateBeforeTheFirstAppointmentIsThatOfAnUnknownLine(t *testing.T) {
	onSite(t, 10e6, func(s *site) {
		m := s.members[holder]
		if got := m.may(); got != governor.FirstRate {
			t.Errorf("may take %d, want %d", got, governor.FirstRate)
		}
		s.fetch(true, holder)
		s.pass(10*time.Second, boundless)
		if got := m.may(); got != governor.FirstRate || m.opened > 0 || len(m.frames)+len(m.accounts) > 0 {
			t.Errorf("may take %d, want %d and nothing said or probed: %+v", got, governor.FirstRate, m)
		}
		if st := m.g.Status(); st.Role != "none" || st.Taken == 0 {
			t.Errorf("status is %+v, want no role and what was taken", st)
		}
	}, holder)
}

func TestHolderFillsTheLineAlone(t *testing.T) {
	onSite(t, 10e6, func(s *site) {
		s.appoint(wire.Govern{Epoch: 1, Term: 1, Holder: holder, Fetchers: []wire.EndpointID{holder}, Bound: wire.Unlimited})
		s.fetch(true, holder)
		time.Sleep(20 * time.Second)
		if st := s.members[holder].g.Status(); st.Rate < 9_000_000 || st.Mine != st.Rate || st.Role != "holder" || st.Reflector != near || st.BaseMs != 20 {
			t.Errorf("status is %+v, want most of 10 MB/s", st)
		}
		if n := len(s.members[holder].frames); n > 0 {
			t.Errorf("%d frames were sent to nobody", n)
		}
	}, holder)
}

func TestHolderGrantsTenTimesASecondAndFetchersObey(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		since := time.Now()
		s.pass(10*time.Second, boundless)
		n, last := h.grants(since)
		if n < 190 || n > 270 { // to two; 12 a second each while it starts
			t.Errorf("%d grants in 10 s to two, want about 200", n)
		}
		for _, m := range []*member{b, o} {
			g := last[m.id]
			if !alike(m.may(), g.BytesPerSecond) || g.BytesPerSecond < g.Site/4 || g.ValidMs != 1000 || g.Epoch != 1 || g.Term != 1 {
				t.Errorf("%s may take %d under %+v", m.id, m.may(), g)
			}
			if n, _ := m.grants(s.begun); n > 0 {
				t.Errorf("%s granted %d times", m.id, n)
			}
			if st := m.g.Status(); st.Taken < 1_000_000 || !alike(st.Rate, g.Site) {
				t.Errorf("%s has status %+v", m.id, st)
			}
		}
		if sum := h.may() + b.may() + o.may(); sum < 9_000_000 || sum > last[other].Site*101/100 {
			t.Errorf("all may take %d of %d", sum, last[other].Site)
		}
		if got := []string{h.g.Status().Role, b.g.Status().Role, o.g.Status().Role}; got[0] != "holder" || got[1] != "stand-by" || got[2] != "fetcher" {
			t.Errorf("roles are %q", got)
		}
	})
}

// The holder alone sees what the line loses, and all senders must know.
func TestAllFetchersHearThatTheLineLosesPackets(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		lossy := func() (n int) {
			s.change(func() {
				for _, m := range []*member{h, b, o} {
					if m.lossy {
						n++
					}
				}
			})
			return n
		}
		loses := func(one int) {
			h.air.mu.Lock()
			defer h.air.mu.Unlock()
			h.air.loses = one
		}
		if n := lossy(); n > 0 {
			t.Errorf("%d are told of losses where there are none", n)
		}
		loses(10)
		s.pass(10*time.Second, boundless)
		if n, share := lossy(), h.g.Status().Loss; n != 3 || share < 0.07 || share > 0.13 {
			t.Errorf("%d of 3 know of losses, a share of %.3f, want 0.1", n, share)
		}
		s.kill(holder)
		s.pass(1500*time.Millisecond, boundless)
		if n := lossy(); n > 1 {
			t.Errorf("%d know of losses when grants have lapsed, want nobody but the dead", n)
		}
	})
}

// Counts come in lumps; taken for the rate of the line they would make it seem faster
// than it is, and the governor would stand back from its own queue.
func TestSeveralFetchersFillTheLineAndNoMore(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.pass(5*time.Second, boundless) // it begins
		var begun float64
		s.change(func() { begun = h.taken + b.taken + o.taken })
		s.pass(10*time.Second, 10_500_000)
		s.change(func() {
			if share := (h.taken + b.taken + o.taken - begun) / 10 / s.capacity; share < 0.9 {
				t.Errorf("three took %.3f of the line, want most of it", share)
			}
		})
		if st := h.g.Status(); st.State != "run" || st.Capacity > 10_500_000 {
			t.Errorf("status is %+v, want that the line was learned", st)
		}
	})
}

func TestFetcherThatCouldNotUseItLeavesItsShareToOthers(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.fetch(false, standBy)
		s.pass(3*time.Second, boundless)
		site := h.g.Status().Rate
		if b.may() > site/25 || o.may() < site*45/100 {
			t.Errorf("who fetches nothing may take %d, the other %d of %d", b.may(), o.may(), site)
		}
		s.fetch(true, standBy)
		s.pass(time.Second, boundless)
		if site := h.g.Status().Rate; b.may() < site*30/100 {
			t.Errorf("who fetches again may take %d of %d after a second", b.may(), site)
		}
		s.change(func() { o.slow = 0.9 }) // by its disk
		s.pass(2*time.Second, boundless)
		if site := h.g.Status().Rate; o.may() > site/25 {
			t.Errorf("who is held up by its disk may take %d of %d", o.may(), site)
		}
	})
}

func TestFetcherThatDiedLeavesItsShareToOthers(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.kill(other)
		s.pass(1500*time.Millisecond, boundless)
		if site := h.g.Status().Rate; b.may() < site*45/100 {
			t.Errorf("the other fetcher may take %d of %d", b.may(), site)
		}
	})
}

func TestFetcherWithoutAGrantFallsToItsPartOfTheFloorAfterASecond(t *testing.T) {
	onTrio(t, func(s *site, h, _, o *member) {
		_, last := h.grants(time.Now().Add(-time.Second))
		s.change(func() { s.cut[holder], s.cut[standBy] = true, true })
		s.pass(850*time.Millisecond, boundless)
		if got, want := o.may(), last[other].BytesPerSecond; got < want/2 {
			t.Errorf("may take %d before a second passed, want about %d", got, want)
		}
		s.pass(300*time.Millisecond, boundless)
		if got, want := o.may(), last[other].Floor/3; got < want*9/10 || got > want*11/10 || got > 10e6*0.003/2 {
			t.Errorf("may take %d without a grant, want about %d", got, want)
		}
	})
}

func TestSlowFetcherKeepsItsHolderAwake(t *testing.T) {
	onSite(t, 10e6, func(s *site) {
		s.appoint(wire.Govern{Epoch: 1, Term: 1, Holder: holder, Fetchers: []wire.EndpointID{other}, Bound: wire.Unlimited})
		s.fetch(true, other)
		s.change(func() { s.members[other].slow = 0.95 })
		time.Sleep(20 * time.Second)
		if got := s.members[other].may(); got < governor.FirstRate/2 {
			t.Errorf("whom its disk holds up may take %d: its holder fell asleep", got)
		}
		if n := s.members[holder].opened; n != 1 {
			t.Errorf("%d sockets were opened for probes, want 1", n)
		}
	}, holder, other)
}

func TestNothingIsProbedAndSaidWhileNobodyFetches(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		s.fetch(false, holder, standBy, other)
		s.pass(10*time.Second, boundless)
		since, asked, accounts := time.Now(), h.air.count(near), len(h.told())
		s.pass(time.Hour, boundless)
		for _, m := range []*member{h, b, o} {
			if last := m.frames[len(m.frames)-1]; last.at.After(since) {
				t.Errorf("%s said %+v long after", m.id, last)
			}
		}
		if got := h.air.count(near); got != asked || h.opened != 1 || len(h.told()) != accounts {
			t.Errorf("%d probes, %d sockets and %d accounts, want none more", got-asked, h.opened, len(h.told())-accounts)
		}
		s.fetch(true, other)
		s.pass(500*time.Millisecond, boundless)
		if h.opened != 2 || o.may() < 100_000 {
			t.Errorf("half a second after a fetch began %d sockets were opened and it may take %d", h.opened, o.may())
		}
		if got := h.g.Status().BaseMs; got != 20 {
			t.Errorf("the base is %v ms", got)
		}
	})
}

func TestAccountsGoToTheServerOnceASecondAndCarryReceipts(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		n := len(h.told())
		s.pass(10*time.Second, boundless)
		if got := len(h.told()) - n; got < 9 || got > 10 {
			t.Errorf("%d accounts in 10 s", got)
		}
		var sum wire.Receipt
		for _, a := range h.told()[n:] {
			sum.Add(a.Receipt)
			if err := a.Check(); err != nil || a.Epoch != 1 || a.Term != 1 || a.State == "" || a.Rate == 0 || a.Line.Base[near] != 20_000 {
				t.Errorf("account %+v: %v", a, err)
			}
		}
		if sum.ActiveMs < 9_000 || sum.ActiveMs > 10_200 || sum.Quantile(0.5) == 0 {
			t.Errorf("receipts add up to %+v, want 10 s of work", sum)
		}
		if len(b.told())+len(o.told()) > 0 {
			t.Error("who does not govern gave an account")
		}
		s.change(func() { h.deaf = true })
		s.pass(5*time.Second, boundless)
		s.change(func() { h.deaf = false })
		n = len(h.told())
		s.pass(1100*time.Millisecond, boundless)
		if got := h.told()[n].Receipt.ActiveMs; got < 5_000 || got > 6_500 {
			t.Errorf("an account after five seconds without a server tells of %d ms", got)
		}
	})
}

func TestCapBoundsAllFetchersTogether(t *testing.T) {
	onTrio(t, func(s *site, h, b, o *member) {
		w := trio(2)
		w.Bound = 600_000
		s.appoint(w)
		time.Sleep(20 * time.Millisecond)
		s.pass(5*time.Second, 600_000)
		if sum := h.may() + b.may() + o.may(); sum < 550_000 {
			t.Errorf("all may take %d of 600000", sum)
		}
		w = trio(3)
		w.Bound = 1000 // less than the least floor
		s.appoint(w)
		time.Sleep(20 * time.Millisecond)
		s.kill(holder)
		s.pass(10*time.Second, 1000)
	})
}
