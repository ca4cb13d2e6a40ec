package site_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// till fetches what it is given at a rate of its own, and says so every second.
type till struct {
	*fake
	spec   site.FlowSpec
	rate   int // chunks a second
	leases []wire.Lease
	wan    int64
}

// works goes through a second: it fetches, and hears from the others what they hold.
func (m *till) works(held map[uint32]bool) {
	m.s.t.Helper()
	m.leases = append(m.leases, take[wire.Lease](m.fake)...)
	for _, r := range take[wire.Revoke](m.fake) {
		for i, l := range m.leases {
			if l.Lease == r.Lease {
				m.leases = append(m.leases[:i:i], m.leases[i+1:]...)
				break
			}
		}
	}
	var states []wire.LeaseState
	for left := m.rate; left > 0 && len(m.leases) > 0; {
		l := m.leases[0]
		if l.Body {
			held[bodyHeld] = true
			states = append(states, done(l))
			m.leases = m.leases[1:]
			continue
		}
		n := uint32(0)
		for ; n < uint32(len(l.Parts)) && (held[l.Parts[n].Chunk] || left > 0); n++ {
			if c := l.Parts[n].Chunk; !held[c] {
				held[c] = true
				left--
				m.wan += chunkBytes
			}
		}
		st := state(l)
		if st.Verified = n; n == uint32(len(l.Parts)) {
			st.Done = true
			m.leases = m.leases[1:]
		}
		states = append(states, st)
		if !st.Done {
			break
		}
	}
	var have []uint32
	for c := range m.spec.Head.Chunks {
		if held[c] {
			have = append(have, c)
		}
	}
	p := progress(m.spec, have, states...)
	p.Body, p.WAN, p.Bytes.Origin = held[bodyHeld], m.wan, m.wan
	m.say(p)
}

const bodyHeld = ^uint32(0)

// run lets all work, holding the same, until all is held; it returns how many
// seconds that took.
func run(s *stand, spec site.FlowSpec, limit int, members ...*till) int {
	s.t.Helper()
	held := map[uint32]bool{}
	for sec := range limit {
		for _, m := range members {
			m.works(held)
		}
		if len(held) == int(spec.Head.Chunks)+1 {
			return sec
		}
		s.pass(time.Second)
	}
	s.t.Fatalf("%d of %d chunks after %d s", len(held)-1, spec.Head.Chunks, limit)
	return 0
}

func tillsOf(s *stand, spec site.FlowSpec, rates ...int) (out []*till) {
	s.order(spec)
	for i, rate := range rates {
		m := &till{fake: s.join("t" + string(rune('a'+i))), spec: spec, rate: rate}
		for _, other := range out {
			m.linked(other.fake, true)
		}
		out = append(out, m)
	}
	return out
}

func TestSlowFetcherIsFoundOutAndReplaced(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("a", 2000)
		m := tillsOf(s, spec, 2, 50)
		// Alone at its pace the first one takes 1000 s; the second one 40 s.
		if took := run(s, spec, 400, m...); took > 120 {
			t.Errorf("took %d s, want the fast one to take over early", took)
		}
		if m[0].wan > 100*chunkBytes || m[0].wan+m[1].wan != 2000*chunkBytes {
			t.Errorf("the slow one fetched %d and the fast one %d of %d bytes", m[0].wan, m[1].wan, 2000*chunkBytes)
		}
	})
}

func TestFetcherThatBecomesSlowLosesWhatItWorksOn(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("a", 4000)
		m := tillsOf(s, spec, 50, 50)
		held := map[uint32]bool{}
		for range 40 { // long enough for both to have been seen
			for _, x := range m {
				x.works(held)
			}
			s.pass(time.Second)
		}
		if m[0].wan == 0 || m[1].wan == 0 {
			t.Fatalf("they fetched %d and %d, want both to have been tried", m[0].wan, m[1].wan)
		}
		slow := m[0]
		if len(m[1].leases) > 0 {
			slow = m[1]
		}
		slow.rate = 1
		before := slow.wan
		for range 20 {
			for _, x := range m {
				x.works(held)
			}
			s.pass(time.Second)
		}
		if got := slow.wan - before; got > 12*chunkBytes || len(slow.leases) > 0 {
			t.Errorf("it fetched %d chunks in 20 s and has %d leases, want the other to have taken over", got/chunkBytes, len(slow.leases))
		}
	})
}

func TestALineThatIsSlowIsNoFaultOfItsFetcher(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("a", 900)
		m := tillsOf(s, spec, 3, 3, 3)
		run(s, spec, 400, m...)
		turns := 0
		for _, x := range m {
			if x.wan > 0 {
				turns++
			}
		}
		if turns > 3 || s.flow(spec).BytesOrigin != 900*chunkBytes {
			t.Errorf("%d fetched, %d bytes in all", turns, s.flow(spec).BytesOrigin)
		}
	})
}

func TestShortFlowsTryNobodyElse(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("a", 500)
		m := tillsOf(s, spec, 20, 20)
		run(s, spec, 60, m...)
		if m[0].wan != 500*chunkBytes {
			t.Errorf("the first fetched %d bytes, want all: a trial costs more than it could bring", m[0].wan)
		}
	})
}

func TestFetcherThatTakesAllItMayIsNotSlow(t *testing.T) {
	onStand(t, func(s *stand) {
		spec := version("a", 4000)
		m := tillsOf(s, spec, 50, 50)
		held := map[uint32]bool{}
		for range 40 {
			for _, x := range m {
				x.works(held)
			}
			s.pass(time.Second)
		}
		s.want.Cap = 2 * chunkBytes
		s.again()
		m[0].rate, m[1].rate = 2, 2
		worker := m[0]
		if len(m[1].leases) > 0 {
			worker = m[1]
		}
		for range 30 {
			for _, x := range m {
				x.works(held)
			}
			s.pass(time.Second)
		}
		none[wire.Revoke](worker.fake)
		if len(worker.leases) == 0 {
			t.Error("it lost its leases for obeying the cap")
		}
	})
}

// A member that says it holds what nobody gets from it must not hold up a site.
func TestWhatNobodyGetsFromItsHolderIsFetchedAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		liar, honest := s.join("liar"), s.join("honest")
		liar.report(a, chunks(0, 10))
		honest.report(a, chunks(0, 4))
		s.pass(10 * time.Second)
		honest.report(a, chunks(0, 4)) // it is awake, and waits
		s.pass(9 * time.Second)
		none[wire.Lease](honest)
		s.pass(2 * time.Second)
		checkRun(s, a, one[wire.Lease](honest), 4, 10)
		none[wire.Lease](liar)
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
		// What it got by itself is what another one gets: the doubt stays.
		third := s.join("third")
		third.report(a, chunks(0, 10))
		honest.report(a, chunks(0, 10))
		s.pass(time.Minute)
		for _, m := range []*fake{liar, honest, third} {
			none[wire.Lease](m)
		}
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
	})
}

// Without the body nobody can begin a lease of chunks.
func TestBodyThatItsHolderDoesNotServeIsFetchedAgain(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		liar, honest := s.join("liar"), s.join("honest")
		liar.linked(honest, true)
		p := progress(a, nil)
		p.Body, p.Code = true, "store"
		liar.say(p)
		honest.report(a, nil)
		if got := one[wire.Lease](honest); got.Body {
			t.Fatalf("got %+v, want chunks: the body is said to be here", got)
		}
		for range 5 {
			s.pass(5 * time.Second)
			honest.report(a, nil)
		}
		if got := take[wire.Lease](honest); len(got) == 0 || !got[0].Body {
			t.Errorf("got %+v, want the body when it did not come for 20 s", got)
		}
	})
}

// A fetcher that stands still for want of a body that nobody holds withholds nothing from
// others, though they lack what it has.
func TestFetcherThatStandsStillWithoutABodyIsBelieved(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		till := s.join("till")
		till.report(a, nil)
		leases := take[wire.Lease](till)
		if len(leases) != 2 || !leases[0].Body {
			t.Fatalf("got %+v, want the body and chunks", leases)
		}
		st := state(leases[1])
		st.Verified = 1
		p := progress(a, chunks(0, 1), failed(leases[0]), st)
		p.Body = false
		till.say(p)
		s.pass(19500 * time.Millisecond)
		other := s.join("other")
		till.linked(other, true)
		other.report(a, nil)
		s.pass(10 * time.Second)
		if got := take[wire.Revoke](till); !slices.ContainsFunc(got, func(r wire.Revoke) bool { return r.Lease == leases[1].Lease }) {
			t.Fatalf("got %+v, want the lease that stands still taken away", got)
		}
		for _, l := range take[wire.Lease](other) {
			if slices.ContainsFunc(l.Parts, func(p wire.Part) bool { return p.Chunk == 0 }) {
				t.Errorf("got %+v, of which another holds chunk 0", l)
			}
		}
	})
}

func TestWhomSomebodyDistrustsIsInNoGroupWithIt(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		liar, honest := s.join("liar"), s.join("honest")
		liar.linked(honest, true)
		liar.report(a, chunks(0, 10))
		honest.report(a, nil)
		none[wire.Lease](honest)
		honest.say(&wire.Report{Peer: liar.id, Flow: a.ID, Code: wire.CodeBadChunk})
		liar.linked(honest, false)
		if got := take[wire.Lease](honest); len(got) == 0 || !got[0].Body {
			t.Errorf("got %+v, want a copy of its own: it gets nothing from the other", got)
		}
	})
}

func TestNobodyIsDoubtedForOneWhoSleeps(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		holder, asleep := s.join("holder"), s.join("asleep")
		holder.linked(asleep, true)
		holder.report(a, chunks(0, 10))
		asleep.report(a, chunks(0, 4))
		s.pass(time.Minute)
		none[wire.Lease](holder)
		none[wire.Lease](asleep)
	})
}

func TestNobodyIsDoubtedWhileChunksMove(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 10)
		s.order(a)
		holder, till := s.join("holder"), s.join("till")
		holder.linked(till, true)
		holder.report(a, chunks(0, 10))
		for i := range uint32(10) {
			till.report(a, chunks(0, i))
			s.pass(15 * time.Second)
		}
		none[wire.Lease](till)
	})
}

func TestLiarWithoutTheChunksDoesNotKeepItsLease(t *testing.T) {
	onStand(t, func(s *stand) {
		a := version("a", 100)
		s.order(a)
		liar, other := s.join("liar"), s.join("other")
		first, _ := begin(s, a, liar, other)
		st := state(first)
		for i := range uint32(3) {
			s.pass(8 * time.Second)
			st.Verified = i + 1
			liar.report(a, nil, st) // but holds nothing
		}
		if got := take[wire.Revoke](liar); len(got) != 2 {
			t.Errorf("revoked %+v, want both leases after 20 s without a chunk", got)
		}
		if got := take[wire.Lease](other); len(got) == 0 {
			t.Error("nobody else fetches")
		}
	})
}

func TestSeveralFetchersGetRangesOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config("shop-1")
		cfg.Fetchers = 3
		s := newStandOf(t, cfg)
		defer s.close()
		spec := version("a", 600)
		m := tillsOf(s, spec, 20, 20, 20, 20)
		held := map[uint32]bool{}
		for range 4 {
			for _, x := range m {
				x.works(held)
			}
			s.pass(time.Second)
		}
		busy := 0
		for _, x := range m {
			if len(x.leases) > 0 {
				busy++
			}
		}
		if busy != 3 {
			t.Errorf("%d fetch, want 3", busy)
		}
		if faults := s.site.Faults(); len(faults) > 0 {
			t.Error(faults)
		}
		if took := run(s, spec, 60, m...); took > 16 {
			t.Errorf("took %d s, want a third of what one takes", took)
		}
		if got := m[0].wan + m[1].wan + m[2].wan + m[3].wan; got < 600*chunkBytes {
			t.Errorf("%d bytes fetched, want all", got)
		}
	})
}
