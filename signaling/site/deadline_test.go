package site_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// fetcher is a member that works on its leases at what it is told, and at no more
// than its line carries.
type fetcher struct {
	*fake
	line   int64 // bytes per second
	bound  int64
	term   uint64
	budget int64
	leases []wire.Lease
	flows  map[content.VersionID]*taken
}

type taken struct {
	spec site.FlowSpec
	have []uint32
	body bool
	at   time.Time // when it was complete
}

// fetcher brings a member online that has nothing of the flows.
func (s *stand) fetcher(line int64, flows ...site.FlowSpec) *fetcher {
	s.t.Helper()
	f := &fetcher{fake: s.join("till"), line: line, bound: wire.Unlimited, flows: map[content.VersionID]*taken{}}
	for _, spec := range flows {
		f.flows[spec.ID] = &taken{spec: spec}
		f.report(spec, nil)
	}
	return f
}

// second fetches for a second and reports.
func (f *fetcher) second() {
	f.s.t.Helper()
	f.listens()
	f.s.pass(time.Second)
	f.works()
}

// listens takes in what it was told.
func (f *fetcher) listens() {
	f.s.t.Helper()
	f.leases = append(f.leases, take[wire.Lease](f.fake)...)
	for _, r := range take[wire.Revoke](f.fake) {
		f.leases = slices.DeleteFunc(f.leases, func(l wire.Lease) bool { return l.Lease == r.Lease })
	}
	for _, g := range take[wire.Govern](f.fake) {
		f.bound, f.term = g.Bound, g.Term
	}
	slices.SortStableFunc(f.leases, func(a, b wire.Lease) int {
		return f.flows[a.Flow].spec.Priority.Class() - f.flows[b.Flow].spec.Priority.Class()
	})
}

// works fetches what a second lets it, and reports.
func (f *fetcher) works() {
	f.s.t.Helper()
	f.budget += f.line
	if f.bound != wire.Unlimited {
		f.budget += min(f.bound-f.line, 0)
	}
	states := map[content.VersionID][]wire.LeaseState{}
	for len(f.leases) > 0 {
		l := f.leases[0]
		flow := f.flows[l.Flow]
		for ; len(l.Parts) > 0 && f.budget >= chunkBytes; l.Parts = l.Parts[1:] {
			f.budget -= chunkBytes
			flow.have = append(flow.have, l.Parts[0].Chunk)
		}
		if f.leases[0] = l; len(l.Parts) > 0 {
			break
		}
		flow.body = true
		states[l.Flow] = append(states[l.Flow], done(l))
		f.leases = f.leases[1:]
	}
	if len(f.leases) == 0 {
		f.budget = 0
	}
	for id, flow := range f.flows {
		p := progress(flow.spec, flow.have, states[id]...)
		p.Body = flow.body
		p.WAN = int64(len(flow.have)) * chunkBytes
		p.Bytes.Origin = p.WAN
		if p.Complete && flow.at.IsZero() {
			flow.at = time.Now()
		}
		f.say(p)
	}
}

// fetch lets time pass until a flow is complete, or limit is over.
func (f *fetcher) fetch(limit time.Duration, spec site.FlowSpec) (took time.Duration) {
	f.s.t.Helper()
	start := time.Now()
	for f.flows[spec.ID].at.IsZero() && time.Since(start) < limit {
		f.second()
	}
	return time.Since(start)
}

// readyIn is a flow of 60 MB that shall be complete in time.
func readyIn(name string, in time.Duration) site.FlowSpec {
	return with(version(name, 600), func(f *site.FlowSpec) { f.ReadyBy = time.Now().Add(in) })
}

func TestAFlowWithTimeIsGrantedTheLeastRateAndIsReadyBefore(t *testing.T) {
	onStand(t, func(s *stand) {
		a := readyIn("a", 10*time.Minute)
		s.order(a)
		till := s.fetcher(10_000_000, a)
		for range 5 {
			till.second()
		}
		// 60 MB in four fifths of 600 s.
		if till.bound < 120_000 || till.bound > 130_000 {
			t.Errorf("granted %d of a line of 10 MB/s, want about 125 kB/s", till.bound)
		}
		v := s.flow(a)
		if in := time.Until(v.Forecast); !v.ReadyBy.Equal(a.ReadyBy) || in < 450*time.Second || in > 500*time.Second || v.ForecastCause != "" {
			t.Errorf("forecast %v (in %v, cause %q), want in about 475 s", v.Forecast, in, v.ForecastCause)
		}
		if took := till.fetch(time.Hour, a); took > 10*time.Minute || took < 7*time.Minute {
			t.Errorf("complete after %v, want about 8 minutes", took)
		}
		if v := s.flow(a); v.State != site.StateComplete || !v.Forecast.IsZero() || v.ForecastCause != "" {
			t.Errorf("a complete flow is shown as %+v, want no forecast", v)
		}
	})
}

func TestAFlowWithoutATimeGetsAllTheLine(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := readyIn("a", 10*time.Minute), version("b", 600)
		s.order(a, b)
		till := s.fetcher(2_000_000, a, b)
		if took := till.fetch(time.Hour, b); took > 70*time.Second || till.bound != wire.Unlimited {
			t.Errorf("the flow without a time took %v under a bound of %d, want a minute and none", took, till.bound)
		}
		c := readyIn("c", 10*time.Minute)
		s.order(a, b, c)
		till.flows[c.ID] = &taken{spec: c}
		till.report(c, nil)
		for range 12 {
			till.second()
		}
		if till.bound < 120_000 || till.bound > 200_000 {
			t.Errorf("granted %d once all flows have time, want what they need", till.bound)
		}
	})
}

func TestTheCapHoldsWhateverADeadlineNeeds(t *testing.T) {
	onStand(t, func(s *stand) {
		s.want.Cap = 80_000
		a := readyIn("a", 10*time.Minute)
		s.order(a)
		till := s.fetcher(10_000_000, a)
		for range 5 {
			till.second()
		}
		v := s.flow(a)
		if late := v.Forecast.Sub(v.ReadyBy); till.bound != 80_000 || late < time.Minute ||
			!strings.HasPrefix(v.ForecastCause, "the cap of 640 kbit/s is less than the ") {
			t.Errorf("granted %d, forecast late by %v: %q; want the cap, and that it says so", till.bound, late, v.ForecastCause)
		}
		s.want.Cap = 1_000_000
		s.again()
		for range 12 {
			till.second()
		}
		if till.bound < 110_000 || till.bound > 140_000 {
			t.Errorf("granted %d under a cap of 1 MB/s, want the 125 kB/s that suffice", till.bound)
		}
	})
}

func TestOnALineThatIsTooSlowNothingBounds(t *testing.T) {
	onStand(t, func(s *stand) {
		a := readyIn("a", 10*time.Minute)
		s.order(a)
		till := s.fetcher(60_000, a)
		for range 60 {
			till.second()
		}
		v := s.flow(a)
		if till.bound != wire.Unlimited || !v.Forecast.After(v.ReadyBy) || !strings.Contains(v.ForecastCause, "the line carried at most 480 kbit/s, and ") {
			t.Errorf("granted %d, forecast %v late because %q", till.bound, v.Forecast.Sub(v.ReadyBy), v.ForecastCause)
		}
		till.line = 1_000_000 // and it was only for a while
		if took := till.fetch(time.Hour, a); took > 9*time.Minute {
			t.Errorf("complete after %v more, want before its time", took)
		}
	})
}

func TestInTheReserveNothingBounds(t *testing.T) {
	onStand(t, func(s *stand) {
		a := readyIn("a", 10*time.Minute)
		s.order(a)
		till := s.fetcher(10_000_000, a)
		till.second()
		till.line = 40_000
		for range 490 {
			till.second()
		}
		till.line = 1_000_000
		if took := till.fetch(time.Hour, a); took > 70*time.Second {
			t.Errorf("what was left took %v at 1 MB/s, want that nothing bounds it", took)
		}
	})
}

func TestAFlowThatCannotBeReadySaysWhy(t *testing.T) {
	onStand(t, func(s *stand) {
		a := with(paused(readyIn("a", time.Hour)), func(f *site.FlowSpec) { f.PausedBy = "ann paused everything" })
		b, c := readyIn("b", time.Hour), version("c", 10)
		s.order(a, b, c)
		for _, want := range []struct {
			spec  site.FlowSpec
			cause string
		}{{a, "it is paused: ann paused everything"}, {b, "no endpoint of the site is online"}, {c, ""}} {
			if v := s.flow(want.spec); v.ForecastCause != want.cause || !v.Forecast.IsZero() {
				t.Errorf("%s: forecast %v because %q, want none because %q", v.Content, v.Forecast, v.ForecastCause, want.cause)
			}
		}
		till := s.fetcher(1_000_000, b, c)
		till.say(&wire.Progress{Flow: b.ID, Code: wire.CodeDiskFull, Error: "the disk is full"})
		if v := s.flow(b); v.ForecastCause != "till: the disk is full" {
			t.Errorf("forecast because %q, want that the disk is full", v.ForecastCause)
		}
	})
}

func TestATimeThatPassedIsToldAndNothingBounds(t *testing.T) {
	onStand(t, func(s *stand) {
		a := readyIn("a", time.Minute)
		s.order(a)
		s.pass(2 * time.Minute)
		till := s.fetcher(1_000_000, a)
		for range 5 {
			till.second()
		}
		if v := s.flow(a); till.bound != wire.Unlimited || v.ForecastCause != "its time has passed" || v.Forecast.IsZero() {
			t.Errorf("granted %d, forecast %v because %q", till.bound, v.Forecast, v.ForecastCause)
		}
	})
}

func TestALaterTimeOfDayIsPlannedAnew(t *testing.T) {
	onStand(t, func(s *stand) {
		a := readyIn("a", 10*time.Minute)
		s.order(a)
		till := s.fetcher(10_000_000, a)
		till.second()
		a.ReadyBy = a.ReadyBy.Add(10 * time.Minute)
		s.order(a)
		till.second()
		till.second()
		if till.bound < 60_000 || till.bound > 66_000 {
			t.Errorf("granted %d, want about 62.5 kB/s for twice the time", till.bound)
		}
	})
}

func TestASlowExchangeIsForeseen(t *testing.T) {
	onStand(t, func(s *stand) {
		a := readyIn("a", 10*time.Minute)
		s.order(a)
		till, other := s.fetcher(10_000_000, a), s.join("other")
		all := progress(a, chunks(0, 600))
		till.say(all)
		for n := uint32(5); n <= 50; n += 5 { // half a MB in a second
			s.pass(time.Second)
			p := progress(a, chunks(0, n))
			p.Bytes.Peer = int64(n) * chunkBytes
			other.say(p)
		}
		v := s.flow(a)
		if in := time.Until(v.Forecast); in < 90*time.Second || in > 140*time.Second || v.ForecastCause != "" {
			t.Errorf("forecast in %v (%q), want in about 110 s for 55 MB", in, v.ForecastCause)
		}
	})
}

func TestWhatGovernorsLearnedOfTheLineCounts(t *testing.T) {
	onStand(t, func(s *stand) {
		a, b := readyIn("a", 10*time.Minute), version("b", 30)
		s.order(b)
		till := s.fetcher(1_000_000, b)
		learned := func(capacity int64) {
			till.second()
			till.say(&wire.Governed{Epoch: epoch, Term: till.term, State: "run", Rate: capacity,
				Receipt: wire.Receipt{ActiveMs: 1000}, Line: wire.Line{Capacity: capacity}})
		}
		till.second()
		learned(50_000)
		s.order(a)
		till.flows = map[content.VersionID]*taken{a.ID: {spec: a}}
		till.leases = nil
		till.report(a, nil)
		till.second()
		if v := s.flow(a); till.bound != wire.Unlimited || !strings.HasPrefix(v.ForecastCause, "the line carried at most 400 kbit/s, and ") {
			t.Errorf("granted %d, late because %q; want that the line is known to be too slow", till.bound, v.ForecastCause)
		}
		learned(1_000_000)
		for range 12 {
			till.second()
		}
		if till.bound == wire.Unlimited {
			t.Error("nothing bounds it, want what suffices now that the line is known to be fast")
		}
		learned(120_000) // what the bound lets through
		till.second()
		if v := s.flow(a); till.bound == wire.Unlimited || v.ForecastCause != "" {
			t.Errorf("granted %d, late because %q; want that what was learned under the bound says nothing", till.bound, v.ForecastCause)
		}
	})
}
