package schedule_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

const mb = 1_000_000

// due is a flow that was ordered a moment ago.
func due(class int, bytes int64, in time.Duration) schedule.Due {
	return schedule.Due{Class: class, Bytes: bytes, Left: in, Planned: in}
}

func TestTheLeastRateIsWhatSuffices(t *testing.T) {
	soon := due(1, 100*mb, 1000*time.Second) // planned for 800 s
	for name, c := range map[string]struct {
		flows []schedule.Due
		want  float64 // 0: nothing bounds
	}{
		"nothing to do":              {nil, 0},
		"nothing left":               {[]schedule.Due{due(1, 0, time.Hour)}, 0},
		"one flow":                   {[]schedule.Due{soon}, 125_000},
		"a far one needs no more":    {[]schedule.Due{due(1, 10*mb, 10_000*time.Second), soon}, 125_000},
		"a near one adds to it":      {[]schedule.Due{due(1, 40*mb, 500*time.Second), soon}, 175_000},
		"a higher class comes first": {[]schedule.Due{soon, due(0, 100*mb, 100_000*time.Second)}, 250_000},
		"a lower class comes later":  {[]schedule.Due{soon, due(2, 100*mb, 2000*time.Second)}, 125_000},
		"one without a time":         {[]schedule.Due{soon, {Class: 2, Bytes: 1}}, 0},
		"one without a time is done": {[]schedule.Due{soon, {Class: 2}}, 125_000},
		"a far time still moves":     {[]schedule.Due{due(1, 1, 365*24*time.Hour)}, schedule.MinPace},
		"behind the plan":            {[]schedule.Due{{Class: 1, Bytes: 100 * mb, Left: 600 * time.Second, Planned: 1000 * time.Second}}, 250_000},
		"in the reserve":             {[]schedule.Due{{Class: 1, Bytes: 1, Left: 200 * time.Second, Planned: 1000 * time.Second}}, 0},
		"the time has passed":        {[]schedule.Due{{Class: 1, Bytes: 1, Left: -time.Hour, Planned: 1000 * time.Second}}, 0},
		"one of two is late":         {[]schedule.Due{soon, {Class: 1, Bytes: 1, Left: -time.Hour, Planned: 1000 * time.Second}}, 0},
		"a short time":               {[]schedule.Due{due(1, 10*mb, 10*time.Second)}, 2 * mb},
	} {
		rate, bounded := schedule.LeastRate(c.flows)
		if rate != c.want || bounded != (c.want > 0) {
			t.Errorf("%s: at least %v (bounded %v), want %v", name, rate, bounded, c.want)
		}
	}
}

// drawDues draws flows that all have a time ahead.
func drawDues(t *rapid.T) []schedule.Due {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) schedule.Due {
		d := due(rapid.IntRange(0, 2).Draw(t, "class"), rapid.Int64Range(0, 5000*mb).Draw(t, "bytes"),
			time.Duration(rapid.IntRange(60, 100_000).Draw(t, "seconds"))*time.Second)
		d.Left -= time.Duration(rapid.Float64Range(0, 0.7).Draw(t, "gone") * float64(d.Left))
		return d
	}), 1, 6).Draw(t, "flows")
}

func TestTheLeastRateGrowsWithBytesAndFallsWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flows := drawDues(t)
		before, bounded := schedule.LeastRate(flows)
		if !bounded && slices.ContainsFunc(flows, func(d schedule.Due) bool { return d.Bytes > 0 }) {
			t.Fatal("flows that all have time are not bounded")
		}
		i := rapid.IntRange(0, len(flows)-1).Draw(t, "which")
		more := slices.Clone(flows)
		more[i].Bytes += rapid.Int64Range(0, 1000*mb).Draw(t, "more bytes")
		if after, _ := schedule.LeastRate(more); after < before {
			t.Fatalf("with more bytes %v suffices, was %v", after, before)
		}
		longer := time.Duration(rapid.IntRange(0, 100_000).Draw(t, "later")) * time.Second
		later := slices.Clone(flows)
		later[i].Left, later[i].Planned = later[i].Left+longer, later[i].Planned+longer
		if after, _ := schedule.LeastRate(later); after > before {
			t.Fatalf("with more time %v is needed, was %v", after, before)
		}
	})
}

// deliver plays leases at a rate that is asked for each second, a twentieth of it
// to the lowest class that waits, and returns what is late by its deadline.
func deliver(flows []schedule.Due, rate func(now time.Time, flows []schedule.Due) float64) (late []int) {
	flows = slices.Clone(flows)
	by := make([]time.Time, len(flows))
	now := time.Unix(1000, 0)
	for i, d := range flows {
		by[i] = now.Add(d.Left)
	}
	for step := time.Second; ; now = now.Add(step) {
		order := []int{}
		for i := range flows {
			if flows[i].Left = by[i].Sub(now); flows[i].Bytes > 0 {
				order = append(order, i)
			}
		}
		if len(order) == 0 {
			return late
		}
		slices.SortFunc(order, func(a, b int) int {
			if c := flows[a].Class - flows[b].Class; c != 0 {
				return c
			}
			return by[a].Compare(by[b])
		})
		budget := int64(rate(now, flows) * step.Seconds())
		last := order[len(order)-1]
		if flows[last].Class > flows[order[0]].Class {
			flows[last].Bytes -= min(budget/20, flows[last].Bytes)
			budget -= budget / 20
		}
		for _, i := range order {
			took := min(budget, flows[i].Bytes)
			flows[i].Bytes -= took
			budget -= took
			if flows[i].Bytes > 0 && !now.Add(step).Before(by[i]) && !slices.Contains(late, i) {
				late = append(late, i)
			}
		}
	}
}

// few keeps what is simulated second by second short.
func few(t *rapid.T) []schedule.Due {
	flows := drawDues(t)
	for i := range flows {
		flows[i].Left, flows[i].Planned = flows[i].Left/20+30*time.Second, flows[i].Planned/20+30*time.Second
	}
	return flows
}

func TestThePlanAtTheLeastRateIsInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flows := few(t)
		constant, _ := schedule.LeastRate(flows)
		if late := deliver(flows, func(time.Time, []schedule.Due) float64 { return constant }); len(late) > 0 {
			t.Fatalf("%v are late at a constant %v", late, constant)
		}
		var p schedule.Pace
		line := schedule.Line{Cap: wire.Unlimited}
		if late := deliver(flows, func(now time.Time, flows []schedule.Due) float64 {
			if bound := p.Next(now, flows, line); bound != wire.Unlimited {
				return float64(bound)
			}
			return 4 * constant // the line
		}); len(late) > 0 {
			t.Fatalf("%v are late at the bound", late)
		}
	})
}

// TestNoSlowerRateSuffices: without its reserve the least rate is the least.
func TestNoSlowerRateSuffices(t *testing.T) {
	flows := []schedule.Due{due(1, 40*mb, 500*time.Second), due(1, 100*mb, 1000*time.Second)}
	if late := deliver(flows, func(time.Time, []schedule.Due) float64 { return 140_000 }); len(late) > 0 {
		t.Errorf("%v are late at 140 kB/s, want none", late)
	}
	if late := deliver(flows, func(time.Time, []schedule.Due) float64 { return 139_000 }); !slices.Equal(late, []int{1}) {
		t.Errorf("%v are late at 139 kB/s, want the second", late)
	}
}

func TestAFlowBehindItsPlanCatchesUp(t *testing.T) {
	var p schedule.Pace
	flow, line, start := due(1, 100*mb, 1000*time.Second), schedule.Line{Cap: wire.Unlimited}, time.Unix(1000, 0)
	late := deliver([]schedule.Due{flow}, func(now time.Time, flows []schedule.Due) float64 {
		bound := p.Next(now, flows, line)
		switch gone := now.Sub(start); {
		case gone < 400*time.Second:
			return 0 // the line is down
		case gone == 400*time.Second && bound < 249_000:
			t.Errorf("after 400 s without a byte the bound is %d, want twice that of the start", bound)
		case bound == wire.Unlimited:
			return 1 * mb
		}
		return float64(bound)
	})
	if len(late) > 0 {
		t.Error("it is late")
	}
}

func TestTheBoundDoesNotFlutter(t *testing.T) {
	var p schedule.Pace
	line, now := schedule.Line{Cap: wire.Unlimited}, time.Unix(1000, 0)
	next := func(after time.Duration, bytes int64) int64 {
		now = now.Add(after)
		return p.Next(now, []schedule.Due{due(1, bytes, 1000*time.Second)}, line)
	}
	for i, c := range []struct {
		after time.Duration
		bytes int64
		want  int64
	}{
		{0, 100 * mb, 125_000},
		{time.Second, 109 * mb, 125_000},
		{time.Second, 91 * mb, 125_000},
		{time.Second, 112 * mb, 140_000},
		{time.Second, 100 * mb, 125_000},
		{9 * time.Second, 101 * mb, 125_000},
		{time.Second, 101 * mb, 126_250},
	} {
		if got := next(c.after, c.bytes); got != c.want {
			t.Errorf("step %d: the bound is %d, want %d", i, got, c.want)
		}
	}
}

func TestNothingBoundsWhatTheLineDoesNotGive(t *testing.T) {
	var p schedule.Pace
	now := time.Unix(1000, 0)
	flows := []schedule.Due{due(1, 100*mb, 1000*time.Second)} // needs 125 kB/s
	for i, c := range []struct {
		after    time.Duration
		capacity float64
		want     int64
	}{
		{0, 0, 125_000},                        // not known
		{time.Second, 120_000, wire.Unlimited}, // less
		{time.Hour, 130_000, wire.Unlimited},   // hardly more
		{time.Second, 200_000, 125_000},        // enough
		{time.Second, 100_000, wire.Unlimited}, // at once
		{9 * time.Second, 1e9, wire.Unlimited}, // it was lifted just now
		{2 * time.Second, 1e9, 125_000},        // and now it was not
		{time.Second, 126_000, 125_000},        // it is set already
		{time.Second, 126_000 / 2, wire.Unlimited},
	} {
		now = now.Add(c.after)
		if got := p.Next(now, flows, schedule.Line{Cap: wire.Unlimited, Capacity: c.capacity, Free: 1}); got != c.want || p.Bound() != got {
			t.Errorf("step %d: the bound is %d, want %d", i, got, c.want)
		}
	}
	if got := p.Next(now, nil, schedule.Line{Cap: wire.Unlimited}); got != wire.Unlimited {
		t.Errorf("with nothing to do the bound is %d, want none", got)
	}
	if got := p.Next(now, flows, schedule.Line{Cap: wire.Unlimited}); got != 125_000 {
		t.Errorf("the next flow is bound to %d, want 125000 at once", got)
	}
}

func TestWhatIsDueFirstIsLeasedFirst(t *testing.T) {
	room := func(schedule.Slot) int { return 1 }
	at := func(hours int) time.Time { return time.Unix(int64(hours)*3600, 0) }
	who := []wire.EndpointID{"m"}
	for name, c := range map[string]struct {
		flows []schedule.Waiting
		want  int
	}{
		"the earliest": {[]schedule.Waiting{{Priority: wire.Normal, Turn: 1, Due: at(9), Fetchers: who},
			{Priority: wire.Normal, Turn: 2, Due: at(6), Fetchers: who}}, 1},
		"a higher class before it": {[]schedule.Waiting{{Priority: wire.High, Turn: 9, Fetchers: who},
			{Priority: wire.Normal, Turn: 2, Due: at(6), Fetchers: who}}, 0},
		"turns where one has no time": {[]schedule.Waiting{{Priority: wire.Normal, Turn: 3, Fetchers: who},
			{Priority: wire.Normal, Turn: 1, Due: at(9), Fetchers: who}, {Priority: wire.Normal, Turn: 2, Due: at(6), Fetchers: who}}, 1},
		"turns among those of one time": {[]schedule.Waiting{{Priority: wire.Normal, Turn: 3, Due: at(6), Fetchers: who},
			{Priority: wire.Normal, Turn: 2, Due: at(6), Fetchers: who}}, 1},
		"a lower class without a time changes nothing": {[]schedule.Waiting{{Priority: wire.Low, Turn: 1, Fetchers: who},
			{Priority: wire.Normal, Turn: 2, Due: at(9), Fetchers: who}, {Priority: wire.Normal, Turn: 3, Due: at(6), Fetchers: who}}, 2},
	} {
		if got, _, ok := schedule.NextLease(c.flows, room); !ok || got != c.want {
			t.Errorf("%s: flow %d gets the lease (%v), want %d", name, got, ok, c.want)
		}
	}
}

// TestWhatIsMissingIsWhatNobodyHolds whatever is leased, held and lost.
func TestWhatIsMissingIsWhatNobodyHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := make([]schedule.Place, rapid.IntRange(1, 40).Draw(t, "chunks"))
		for i := range places {
			places[i].Length = uint32(i + 1)
		}
		s := schedule.NewSupply(places)
		held := make([][]byte, 3) // of three members
		for m := range held {
			held[m] = make([]byte, (len(places)+7)/8)
		}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			m, at := rapid.IntRange(0, 2).Draw(t, "member"), rapid.IntRange(0, len(held[0])-1).Draw(t, "at")
			is := rapid.Byte().Draw(t, "holds") & byte(1<<min(8, len(places)-8*at)-1)
			s.Change(uint32(8*at), held[m][at], is)
			held[m][at] = is
			if rapid.Bool().Draw(t, "lease") {
				s.Lease([]wire.Part{{Chunk: uint32(rapid.IntRange(0, len(places)-1).Draw(t, "leased"))}})
			}
		}
		missing, absent := int64(0), 0
		for i := range places {
			if (held[0][i/8]|held[1][i/8]|held[2][i/8])>>(i%8)&1 == 0 {
				missing, absent = missing+int64(i+1), absent+1
			}
		}
		if got := s.Absent() * float64(len(places)); s.Missing() != missing || got < float64(absent)-0.01 || got > float64(absent)+0.01 {
			t.Fatalf("%d bytes and %v chunks are missing, want %d and %d", s.Missing(), got, missing, absent)
		}
	})
}
