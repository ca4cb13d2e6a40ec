package schedule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// open is a flow of which nothing came yet; in is 0 when it does not matter when it
// is complete.
func open(class int, bytes int64, in time.Duration) schedule.Open {
	return schedule.Open{Due: due(class, bytes, in)}
}

func (s seconds) String() string { return time.Duration(s * seconds(time.Second)).String() }

type seconds int64

// line carries so many bytes per second.
func line(capacity float64) schedule.Line {
	return schedule.Line{Cap: wire.Unlimited, Capacity: capacity, Free: 1}
}

func TestForecast(t *testing.T) {
	const never = -1
	halted := open(1, 50*mb, 0)
	halted.Halt = "till-1: disk full"
	slow := open(1, 50*mb, 0)
	slow.LAN = 300 * time.Second
	there := open(1, 0, 0)
	there.LAN = 7 * time.Second
	for name, c := range map[string]struct {
		flows []schedule.Open
		line  schedule.Line
		want  []seconds
	}{
		"nothing":                       {nil, line(mb), []seconds{}},
		"one":                           {[]schedule.Open{open(1, 50*mb, 0)}, line(mb), []seconds{50}},
		"equal shares":                  {[]schedule.Open{open(1, 50*mb, 0), open(1, 10*mb, 0)}, line(mb), []seconds{60, 20}},
		"higher classes first":          {[]schedule.Open{open(2, 5*mb, 0), open(1, 10*mb, 0), open(0, 20*mb, 0)}, line(mb), []seconds{35, 30, 20}},
		"an unknown line":               {[]schedule.Open{open(1, 50*mb, 0)}, line(0), []seconds{never}},
		"a line with a share left":      {[]schedule.Open{open(1, 50*mb, 0)}, schedule.Line{Cap: wire.Unlimited, Capacity: mb, Free: 0.5}, []seconds{100}},
		"a cap":                         {[]schedule.Open{open(1, 50*mb, 0)}, schedule.Line{Cap: mb / 4, Capacity: mb, Free: 0.5}, []seconds{200}},
		"a cap on an unknown line":      {[]schedule.Open{open(1, 50*mb, 0)}, schedule.Line{Cap: mb / 2}, []seconds{100}},
		"a cap of nothing":              {[]schedule.Open{open(1, 50*mb, time.Hour)}, schedule.Line{Cap: 0, Capacity: mb, Free: 1}, []seconds{never}},
		"a time, on a fast line":        {[]schedule.Open{open(1, 100*mb, 1000*time.Second)}, line(mb), []seconds{800}},
		"a time, on an unknown line":    {[]schedule.Open{open(1, 100*mb, 1000*time.Second)}, line(0), []seconds{800}},
		"a time, on a slow line":        {[]schedule.Open{open(1, 100*mb, 1000*time.Second)}, line(mb / 20), []seconds{2000}},
		"what is due first comes first": {[]schedule.Open{open(1, 100*mb, 1000*time.Second), open(1, 40*mb, 500*time.Second)}, line(10 * mb), []seconds{800, 229}},
		"a later one is not hurried":    {[]schedule.Open{open(1, 40*mb, 100*time.Second), open(1, 80*mb, 1000*time.Second)}, line(10 * mb), []seconds{80, 800}},
		"one that may be late hurries":  {[]schedule.Open{open(1, 100*mb, 1000*time.Second), open(2, 10*mb, 0)}, line(mb), []seconds{100, 110}},
		"it is in the reserve": {[]schedule.Open{{Due: schedule.Due{Class: 1, Bytes: 10 * mb, Left: 100 * time.Second, Planned: 1000 * time.Second}}},
			line(mb), []seconds{10}},
		"one can't go on, others can": {[]schedule.Open{halted, open(1, 50*mb, 0)}, line(mb), []seconds{never, 100}},
		"a slow exchange":             {[]schedule.Open{slow}, line(mb), []seconds{300}},
		"all is at the site":          {[]schedule.Open{there}, line(0), []seconds{7}},
		"in a hundred years":          {[]schedule.Open{open(1, 1<<40, 0)}, line(100), []seconds{never}},
	} {
		got := []seconds{}
		for _, in := range schedule.Forecast(c.flows, c.line) {
			if in == schedule.Never {
				got = append(got, never)
			} else {
				got = append(got, seconds(in.Round(time.Second)/time.Second))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: forecast %v, want %v", name, got, c.want)
		}
	}
}

// TestAForecastGoesByTheLine: it is never better than what the line carries, all
// that can be complete will be, and flows with time to spare are in time.
func TestAForecastGoesByTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gives := rapid.Float64Range(1e4, 1e9).Draw(t, "line")
		flows, sum, least := []schedule.Open{}, 0.0, []schedule.Due{}
		for _, d := range drawDues(t) {
			if rapid.IntRange(0, 3).Draw(t, "some") == 0 {
				d.Planned, d.Left = 0, 0
			}
			flows, least = append(flows, schedule.Open{Due: d}), append(least, d)
			sum += float64(d.Bytes)
		}
		rate, bounded := schedule.LeastRate(least)
		last := time.Duration(0)
		atLeast := func(bytes float64) time.Duration { // but for bytes that are rounded up, one in each step
			return time.Duration((bytes*0.999 - float64(len(flows)*len(flows))) / gives * float64(time.Second))
		}
		for i, in := range schedule.Forecast(flows, line(gives)) {
			last = max(last, in)
			switch {
			case in == schedule.Never && sum/gives < 1e8:
				t.Fatalf("flow %d is never complete", i)
			case bounded && rate < gives && flows[i].Bytes > 0 && in > flows[i].Left:
				t.Fatalf("flow %d will be late by %v on a line that suffices", i, in-flows[i].Left)
			case in < atLeast(float64(flows[i].Bytes)):
				t.Fatalf("flow %d is complete in %v, faster than the line", i, in)
			}
		}
		if last < atLeast(sum) {
			t.Fatalf("all is complete in %v, faster than the line", last)
		}
	})
}

func TestTheCauseOfALateFlowIsTold(t *testing.T) {
	late := open(1, 100*mb, 1000*time.Second) // needs 100 kB/s
	halted, slow, passed := late, late, late
	halted.Halt = "it is paused: ann paused everything at shop-1"
	slow.LAN = 2000 * time.Second
	passed.Left = -time.Minute
	for name, c := range map[string]struct {
		flows []schedule.Open
		line  schedule.Line
		want  string // of the first flow
	}{
		"it is in time":       {[]schedule.Open{late}, line(mb), ""},
		"nobody waits for it": {[]schedule.Open{open(1, 100*mb, 0)}, line(1), ""},
		"nothing is known":    {[]schedule.Open{late, open(1, mb, 0)}, line(0), ""},
		"it is halted":        {[]schedule.Open{halted}, line(mb), "it is paused: ann paused everything at shop-1"},
		"a cap": {[]schedule.Open{late}, schedule.Line{Cap: 50_000, Capacity: mb, Free: 1},
			"the cap of 400 kbit/s is less than the 800 kbit/s it needs"},
		"a cap of nothing": {[]schedule.Open{late}, schedule.Line{Cap: 0}, "the cap of 0 kbit/s is less than the 800 kbit/s it needs"},
		"other traffic": {[]schedule.Open{late}, schedule.Line{Cap: wire.Unlimited, Capacity: 200_000, Free: 0.4},
			"it stands back for other traffic 60 % of the time"},
		"the line":                  {[]schedule.Open{late}, line(50_000), "the line carried at most 400 kbit/s, and 800 kbit/s would be needed"},
		"a class":                   {[]schedule.Open{late, open(0, 400*mb, 0)}, line(250_000), "the flows before it at the site take the line"},
		"what shares":               {[]schedule.Open{late, open(1, 4000*mb, 0)}, line(150_000), "the other flows of the site take their share of the line"},
		"the exchange":              {[]schedule.Open{slow}, line(mb), "the exchange between endpoints is slower than the line"},
		"it has passed":             {[]schedule.Open{passed}, line(mb), "its time has passed"},
		"it has passed under a cap": {[]schedule.Open{passed}, schedule.Line{Cap: 50_000}, "its time has passed"},
		"several": {[]schedule.Open{slow}, schedule.Line{Cap: 50_000, Capacity: 50_000, Free: 1},
			"the cap of 400 kbit/s is less than the 800 kbit/s it needs; the line carried at most 400 kbit/s, and 800 kbit/s would be needed; " +
				"the exchange between endpoints is slower than the line"},
	} {
		if got := schedule.Cause(c.flows, c.line, 0, schedule.Forecast(c.flows, c.line)[0]); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestEveryLateFlowHasACause where the line is known.
func TestEveryLateFlowHasACause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := line(rapid.Float64Range(1e3, 1e7).Draw(t, "line"))
		l.Free = rapid.Float64Range(0.01, 1).Draw(t, "free")
		if rapid.Bool().Draw(t, "capped") {
			l.Cap = rapid.Int64Range(0, 1e7).Draw(t, "cap")
		}
		flows := []schedule.Open{}
		for _, d := range drawDues(t) {
			if rapid.IntRange(0, 3).Draw(t, "some") == 0 {
				d.Planned, d.Left = 0, 0
			}
			flows = append(flows, schedule.Open{Due: d, LAN: time.Duration(rapid.IntRange(0, 1000).Draw(t, "exchange")) * time.Second})
		}
		for i, in := range schedule.Forecast(flows, l) {
			cause := schedule.Cause(flows, l, i, in)
			late := flows[i].Planned > 0 && (in == schedule.Never || in > flows[i].Left)
			if late != (cause != "") || strings.HasPrefix(cause, ";") {
				t.Fatalf("flow %d is expected in %v of %v, because %q", i, in, flows[i].Left, cause)
			}
		}
	})
}
