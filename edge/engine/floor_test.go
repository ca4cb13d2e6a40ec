package engine

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	simulatedLine = 1_000_000.0 // bytes a second
	// simulatedSpan is in seconds: a flow at a third of the floor has many leases in it.
	simulatedSpan  = 200.0
	simulatedLease = 256 << 10
)

// simulated is one fetcher and one line, in time that is only counted: leases go to flows as
// [schedule.NextLease] says, and chunks come as the gate lets them. Who reads shares the line
// equally, byte by byte, as connections do.
type simulated struct {
	flows  []*simulatedFlow
	turns  schedule.Turns
	gate   *gate
	leases []*simulatedLeased
}

type simulatedFlow struct {
	priority     wire.Priority
	turn         schedule.Turn
	chunk, lease int64
	got          float64 // bytes
}

type simulatedLeased struct {
	lease
	flow  *simulatedFlow
	runs  bool
	left  int64   // bytes that were not let through yet
	reads float64 // bytes that were, and are to come
}

// grant gives as many leases as there is room for, two of each class.
func (s *simulated) grant() {
	for {
		room := func(slot schedule.Slot) int {
			n, all := 2, 2*classes-len(s.leases)
			for _, l := range s.leases {
				if int(l.class.Load()) == slot.Class {
					n--
				}
			}
			return min(n, all)
		}
		waiting := make([]schedule.Waiting, len(s.flows))
		for i, f := range s.flows {
			waiting[i] = schedule.Waiting{Priority: f.priority, Turn: s.turns.Begins(f.turn, f.priority.Class()), Fetchers: []wire.EndpointID{"one"}}
		}
		i, _, ok := schedule.NextLease(waiting, room)
		if !ok {
			return
		}
		f := s.flows[i]
		f.turn = s.turns.Take(f.turn, f.priority.Class(), f.lease)
		l := &simulatedLeased{flow: f, left: f.lease}
		l.class.Store(int32(f.priority.Class()))
		s.leases = append(s.leases, l)
	}
}

// begin starts what follows in each class, as [Engine.startLeases] does.
func (s *simulated) begin() {
	var busy [classes]bool
	for _, l := range s.leases {
		busy[l.class.Load()] = busy[l.class.Load()] || l.runs
	}
	for _, l := range s.leases {
		if class := l.class.Load(); !busy[class] {
			busy[class], l.runs = true, true
			s.gate.enter(&l.lease)
		}
	}
}

// ask has all that wait ask the gate, until none is let through any more.
func (s *simulated) ask() (reading int) {
	for again := true; again; {
		again = false
		for _, l := range s.leases {
			if n := min(l.flow.chunk, l.left); l.runs && l.reads == 0 {
				if _, ok := s.gate.try(&l.lease, n); ok {
					l.left, l.reads, again = l.left-n, float64(n), true
				}
			}
		}
	}
	for _, l := range s.leases {
		if l.reads > 0 {
			reading++
		}
	}
	return reading
}

// pass lets so many seconds pass.
func (s *simulated) pass(t *rapid.T, seconds float64) {
	s.grant()
	s.begin()
	for seconds > 0 {
		reading := s.ask()
		if reading == 0 {
			t.Fatal("the line is idle")
		}
		each := seconds * simulatedLine / float64(reading)
		for _, l := range s.leases {
			if l.reads > 0 {
				each = min(each, l.reads)
			}
		}
		seconds -= each * float64(reading) / simulatedLine
		for _, l := range s.leases {
			if l.reads > 0 {
				l.flow.got += each
				if l.reads -= each; l.reads < 1e-6 {
					l.reads = 0
				}
			}
		}
		over := func(l *simulatedLeased) bool { return l.left == 0 && l.reads == 0 }
		if !slices.ContainsFunc(s.leases, over) {
			continue
		}
		ended := slices.Clone(s.leases)
		s.leases = slices.DeleteFunc(s.leases, over)
		s.begin() // before the others leave, as the engine does
		for _, l := range ended {
			if over(l) {
				s.gate.leave(&l.lease)
			}
		}
		s.grant()
		s.begin()
	}
}

// check compares what flows got in simulatedSpan with what is promised.
func (s *simulated) check(t *rapid.T) {
	s.pass(t, simulatedSpan/10) // two leases of a class may overlap after a change
	for _, f := range s.flows {
		f.got = 0
	}
	s.pass(t, simulatedSpan)
	above := 0.0
	const slack = 4*simulatedLease + maxCredit
	for class := range classes {
		var all float64
		var peers []*simulatedFlow
		for _, f := range s.flows {
			if f.priority.Class() == class {
				peers, all = append(peers, f), all+f.got
			}
		}
		if len(peers) == 0 {
			continue
		}
		if above > 0 && math.Abs(all-above/floorShare) > slack {
			t.Errorf("class %d got %.0f bytes beside %.0f of higher ones, want a twentieth", class, all, above)
		}
		for _, f := range peers {
			if part := all / float64(len(peers)); math.Abs(f.got-part) > slack {
				t.Errorf("a flow of class %d got %.0f bytes, want %.0f as %d share equally", class, f.got, part, len(peers))
			}
		}
		above += all
	}
	if most := simulatedLine * simulatedSpan; math.Abs(above-most) > slack {
		t.Errorf("all got %.0f bytes, want the line of %.0f", above, most)
	}
}

// TestPrioritiesShareAndOvertakeAsPromised has random flows of random priorities, one of which
// changes in the middle. As the README says, the highest class has the line, each lower one a
// twentieth of what those above it get, and flows of a class have equal parts.
func TestPrioritiesShareAndOvertakeAsPromised(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &simulated{gate: newGate()}
		priority := rapid.SampledFrom([]wire.Priority{wire.High, wire.Normal, wire.Low})
		for range rapid.IntRange(1, 6).Draw(t, "flows") {
			s.flows = append(s.flows, &simulatedFlow{priority: priority.Draw(t, "priority"),
				chunk: rapid.Int64Range(32<<10, 256<<10).Draw(t, "chunk"), lease: rapid.Int64Range(64<<10, simulatedLease).Draw(t, "lease")})
		}
		s.check(t)
		f := s.flows[rapid.IntRange(0, len(s.flows)-1).Draw(t, "changes")]
		f.priority = priority.Draw(t, "to")
		for _, l := range s.leases { // as Engine.rank does
			if l.flow == f {
				l.class.Store(int32(f.priority.Class()))
			}
		}
		s.check(t)
	})
}
