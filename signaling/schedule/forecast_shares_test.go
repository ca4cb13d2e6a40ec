package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// capped is a flow with a cap of its own.
func capped(o schedule.Open, bytesPerSecond int64) schedule.Open {
	o.Capped, o.Cap = true, bytesPerSecond
	return o
}

// every is a flow that may be fetched in the first part of each span, or but for it.
func every(o schedule.Open, span, part time.Duration, first bool) schedule.Open {
	o.Opens = func(in time.Duration) (bool, time.Duration) {
		round := in.Truncate(span)
		if in-round < part {
			return first, round + part
		}
		return !first, round + span
	}
	return o
}

func TestForecastKnowsTheCapsAndHoursOfFlows(t *testing.T) {
	const never = -1
	unknown := schedule.Line{Cap: wire.Unlimited, Free: 1}
	closed := open(0, 50*mb, 0)
	closed.Opens = func(time.Duration) (bool, time.Duration) { return false, schedule.Never }
	for name, c := range map[string]struct {
		flows []schedule.Open
		line  schedule.Line
		want  []seconds
	}{
		"a cap below the line":                 {[]schedule.Open{capped(open(1, 50*mb, 0), mb/2)}, line(mb), []seconds{100}},
		"a cap above the line":                 {[]schedule.Open{capped(open(1, 50*mb, 0), 2*mb)}, line(mb), []seconds{50}},
		"a cap of nothing":                     {[]schedule.Open{capped(open(1, 50*mb, 0), 0)}, line(mb), []seconds{never}},
		"what a cap leaves is for its class":   {[]schedule.Open{capped(open(1, 10*mb, 0), mb/10), open(1, 90*mb, 0)}, line(mb), []seconds{100, 100}},
		"what a cap leaves is for those below": {[]schedule.Open{capped(open(0, 10*mb, 0), mb/10), open(2, 90*mb, 0)}, line(mb), []seconds{100, 100}},
		"a cap above the share":                {[]schedule.Open{capped(open(1, 50*mb, 0), 9*mb/10), open(1, 50*mb, 0)}, line(mb), []seconds{100, 100}},
		"all capped, on an unknown line":       {[]schedule.Open{capped(open(1, 50*mb, 0), mb), capped(open(1, 50*mb, 0), mb/2)}, unknown, []seconds{50, 100}},
		"one capped, on an unknown line":       {[]schedule.Open{capped(open(1, 50*mb, 0), mb), open(1, 50*mb, 0)}, unknown, []seconds{never, never}},
		"a time, under a cap":                  {[]schedule.Open{capped(open(1, 100*mb, 1000*time.Second), mb/20)}, line(mb), []seconds{2000}},
		"it begins in ten seconds":             {[]schedule.Open{every(open(1, 50*mb, 0), 1000*time.Second, 10*time.Second, false)}, line(mb), []seconds{50}},
		"ten seconds of a hundred":             {[]schedule.Open{every(open(1, 50*mb, 0), 100*time.Second, 10*time.Second, true)}, line(mb), []seconds{50}},
		"others have the line meanwhile": {[]schedule.Open{every(open(0, 50*mb, 0), 100*time.Second, 30*time.Second, false), open(1, 30*mb, 0)},
			line(mb), []seconds{50, 30}},
		"it takes the line when it opens": {[]schedule.Open{every(open(0, 70*mb, 0), 100*time.Second, 30*time.Second, false), open(1, 40*mb, 0)},
			line(mb), []seconds{70, 110}},
		"it never opens": {[]schedule.Open{closed, open(1, 50*mb, 0)}, line(mb), []seconds{never, 50}},
	} {
		for i, in := range schedule.Forecast(c.flows, c.line) {
			got := seconds(never)
			if in != schedule.Never {
				got = seconds(in.Round(time.Second) / time.Second)
			}
			if got != c.want[i] {
				t.Errorf("%s: flow %d is forecast in %v, want %v", name, i, got, c.want[i])
			}
		}
	}
	late := capped(open(1, 100*mb, 1000*time.Second), 50_000)
	in := schedule.Forecast([]schedule.Open{late}, line(mb))[0]
	if got, want := schedule.Cause([]schedule.Open{late}, line(mb), 0, in), "its own cap of 400 kbit/s is less than the 800 kbit/s it needs"; got != want {
		t.Errorf("it is late because %q, want %q", got, want)
	}
}

// TestAForecastGoesByCapsAndHours: nothing is faster than its cap or the line, what a flow
// can't take goes to others, and what waits for its hour holds nobody back.
func TestAForecastGoesByCapsAndHours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gives := rapid.Float64Range(1e4, 1e9).Draw(t, "line")
		flows, sum, slowest, always := []schedule.Open{}, 0.0, gives, true
		for _, d := range drawDues(t) {
			d.Planned, d.Left = 0, 0
			o := schedule.Open{Due: d}
			if rapid.Bool().Draw(t, "capped") {
				o = capped(o, rapid.Int64Range(1e3, 1e9).Draw(t, "cap"))
				slowest = min(slowest, float64(o.Cap))
			}
			if rapid.IntRange(0, 3).Draw(t, "hours") == 0 {
				o, always = every(o, 24*time.Hour, 4*time.Hour, rapid.Bool().Draw(t, "first")), false
			}
			flows, sum = append(flows, o), sum+float64(d.Bytes)
		}
		last := time.Duration(0)
		for i, in := range schedule.Forecast(flows, line(gives)) {
			f := flows[i]
			rate := gives
			if f.Capped {
				rate = min(rate, float64(f.Cap))
			}
			switch least := time.Duration((float64(f.Bytes)*0.999 - 1e4) / rate * float64(time.Second)); {
			case in == schedule.Never && (sum/slowest < 1e6 || always && sum/slowest < 1e8):
				t.Fatalf("flow %d is never complete", i)
			case in != schedule.Never && in < least:
				t.Fatalf("flow %d is complete in %v, faster than its cap and the line let it in %v", i, in, least)
			}
			last = max(last, in)
		}
		// While one that is capped comes, the others have what it leaves: all is there by the time
		// that the slowest takes for everything.
		if most := time.Duration((sum/slowest + 1) * float64(time.Second)); always && sum/slowest < 1e8 && last > most {
			t.Fatalf("all is complete in %v, want within %v", last, most)
		}
	})
}

// TestACapOfOneIsNoLossForTheOthers: others are complete no later than without that cap.
func TestACapOfOneIsNoLossForTheOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gives := rapid.Float64Range(1e5, 1e8).Draw(t, "line")
		flows := []schedule.Open{}
		for _, d := range drawDues(t) {
			d.Planned, d.Left, d.Bytes = 0, 0, max(d.Bytes, 0)
			flows = append(flows, schedule.Open{Due: d})
		}
		if len(flows) == 0 {
			return
		}
		before := schedule.Forecast(flows, line(gives))
		one := rapid.IntRange(0, len(flows)-1).Draw(t, "one")
		flows[one] = capped(flows[one], rapid.Int64Range(1e3, 1e8).Draw(t, "cap"))
		for i, in := range schedule.Forecast(flows, line(gives)) {
			// Those before a capped one are not concerned; those at its side or behind it may have more first and
			// no less at any time, but for rounding.
			if i != one && flows[i].Class <= flows[one].Class && before[i] != schedule.Never && in > before[i]+time.Second {
				t.Fatalf("flow %d is complete in %v, and was in %v", i, in, before[i])
			}
		}
	})
}
