package schedule

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Open is a flow that is not complete, for a forecast.
type Open struct {
	Due
	// Halt says why it is not complete until something changes; "" when nothing
	// has to. What has to come over the line all the same is in Bytes.
	Halt string
	// LAN is how long the exchange of what is at the site, and of what will be, takes
	// at its present rate; 0 where the line is the slower one.
	LAN time.Duration
	// Capped: of the line it takes Cap bytes per second at most.
	Capped bool
	Cap    int64
	// Opens tells whether it may be fetched so long from now, and until when, from now, that
	// holds, or [Never]: always. nil: it may.
	Opens func(in time.Duration) (open bool, until time.Duration)
}

// Never is the forecast of what can't be told, or won't be.
const Never = time.Duration(-1)

// What is said of the future is bounded, closer where it takes looking through hours.
const (
	maxForecast = 10 * 366 * 24 * time.Hour
	maxOpens    = 366 * 24 * time.Hour
)

// Forecast tells of each flow in what time it will be complete, if the line gives
// what it gave and all goes on as it does, or Never. Time in which a flow may not be fetched
// does not count. Flows share the line as leases
// are given: strictly by class, in a class by what is due first, or equally where
// one of the class may be late; and at no more than the least sufficient rate. What a flow
// may not take, by its cap, is for those behind it.
func Forecast(flows []Open, line Line) []time.Duration {
	out, left, spent := make([]time.Duration, len(flows)), make([]Due, len(flows)), make([]time.Duration, len(flows))
	ends := maxForecast
	for i, f := range flows {
		left[i] = f.Due
		if f.Opens != nil {
			ends = maxOpens
		}
		if out[i] = Never; f.Halt == "" && f.Bytes <= 0 {
			out[i] = f.LAN
		}
	}
	for at := time.Duration(0); ; {
		// Until the first of those that share the line now has all its bytes, or one opens or closes.
		until := look(flows, left, at)
		shares, seconds := share(flows, left, line), math.Inf(1)
		for i, rate := range shares {
			if rate > 0 {
				seconds = min(seconds, float64(left[i].Bytes)/rate)
			}
		}
		if until != Never {
			seconds = min(seconds, (until - at).Seconds())
		}
		if seconds > (ends - at).Seconds() {
			return out
		}
		step := time.Duration(math.Round(seconds * float64(time.Second)))
		at += step
		for i := range left {
			if !left[i].Shut {
				left[i].Left -= step
				spent[i] += step
			}
			if shares[i] <= 0 {
				continue
			}
			if left[i].Bytes -= int64(math.Ceil(shares[i] * seconds)); left[i].Bytes <= 0 {
				left[i].Bytes = 0
				if flows[i].Halt == "" {
					out[i] = max(spent[i], flows[i].LAN)
				}
			}
		}
	}
}

// look notes which flows may not be fetched at a time from now, and tells when that changes
// for one that has bytes to come, or Never.
func look(flows []Open, left []Due, at time.Duration) (until time.Duration) {
	until = Never
	for i, f := range flows {
		if f.Opens == nil || left[i].Bytes <= 0 {
			continue
		}
		open, next := f.Opens(at)
		left[i].Shut = !open
		if next != Never && (until == Never || next < until) {
			until = next
		}
	}
	return until
}

// share tells what each flow has of the line now, in bytes per second.
func share(flows []Open, left []Due, line Line) []float64 {
	out := make([]float64, len(flows))
	rate, bounded := LeastRate(left)
	gives, known := line.Gives()
	switch {
	case known && (!bounded || rate > gives):
		rate = gives
	case !known && !bounded:
		rate = capsAlone(flows, left)
	}
	open := slices.Clone(left)
	for rest := rate; rest > rate*1e-9; {
		takes := taking(open)
		if len(takes) == 0 {
			break
		}
		for _, i := range takes {
			open[i].Bytes = 0
		}
		rest -= fill(flows, takes, rest, out)
	}
	return out
}

// capsAlone is what flows take of a line of which nothing is known, where each has a cap;
// else 0.
func capsAlone(flows []Open, left []Due) (sum float64) {
	for i, f := range flows {
		switch {
		case left[i].Bytes <= 0 || left[i].Shut:
		case !f.Capped:
			return 0
		default:
			sum += float64(f.Cap)
		}
	}
	return sum
}

// fill splits a rate equally over flows, but for what one may not take, and returns what they
// take.
func fill(flows []Open, takes []int, rate float64, out []float64) (taken float64) {
	slices.SortFunc(takes, func(a, b int) int { return cmp.Compare(flows[a].most(), flows[b].most()) })
	for k, i := range takes {
		out[i] = min((rate-taken)/float64(len(takes)-k), flows[i].most())
		taken += out[i]
	}
	return taken
}

// most is what its cap lets a flow take, in bytes per second.
func (o Open) most() float64 {
	if !o.Capped {
		return math.Inf(1)
	}
	return float64(o.Cap)
}

// taking lists the flows that share the line equally now.
func taking(flows []Due) (takes []int) {
	hasty := Hasty(slices.DeleteFunc(slices.Clone(flows), Due.idle))
	for i, d := range flows {
		if d.idle() {
			continue
		}
		order := -1
		if len(takes) > 0 {
			first := flows[takes[0]]
			order = cmp.Compare(d.Class, first.Class)
			if order == 0 && hasty[d.Class] {
				order = cmp.Or(cmp.Compare(d.Left, first.Left), 1) // one at a time
			}
		}
		if order < 0 {
			takes = takes[:0]
		}
		if order <= 0 {
			takes = append(takes, i)
		}
	}
	return takes
}

// Cause says why flow i, expected in that time, is not complete in the time it has,
// the most important first; "" when it will be.
func Cause(flows []Open, line Line, i int, in time.Duration) string {
	f := flows[i]
	switch {
	case !f.timed() || in != Never && in <= f.Left:
		return ""
	case f.Halt != "":
		return f.Halt
	}
	var why []string
	if f.Left <= 0 {
		why = append(why, "its time has passed")
	}
	alone, needs := f.needs(flows)
	free := line.Capacity * line.Free
	if line.Cap != wire.Unlimited && float64(line.Cap) < needs && f.Left > 0 {
		why = append(why, fmt.Sprintf("the cap of %s is less than the %s it needs", speed(float64(line.Cap)), speed(needs)))
	}
	if f.Capped && float64(f.Cap) < alone && f.Left > 0 {
		why = append(why, fmt.Sprintf("its own cap of %s is less than the %s it needs", speed(float64(f.Cap)), speed(alone)))
	}
	switch {
	case line.Capacity <= 0 || f.Left <= 0:
	case line.Capacity < alone:
		why = append(why, fmt.Sprintf("the line carried at most %s, and %s would be needed", speed(line.Capacity), speed(needs)))
	case free < needs && line.Capacity >= needs || free < alone:
		why = append(why, fmt.Sprintf("it stands back for other traffic %.0f %% of the time", 100*(1-line.Free)))
	case free < needs:
		why = append(why, "the flows before it at the site take the line")
	}
	if f.LAN > max(f.Left, 0) {
		why = append(why, "the exchange between endpoints is slower than the line")
	}
	if len(why) == 0 && in != Never { // it shares the line with flows that may be late
		why = append(why, "the other flows of the site take their share of the line")
	}
	return strings.Join(why, "; ")
}

// needs is the rate at which f would be in time if nothing else was at the site,
// and with what comes before it.
func (o Open) needs(flows []Open) (alone, all float64) {
	before := 0.0
	for _, other := range flows {
		if other.Class < o.Class || other.Class == o.Class && other.timed() && other.Left < o.Left {
			before += float64(other.Bytes)
		}
	}
	seconds := max(o.Left.Seconds(), 1)
	return float64(o.Bytes) / seconds, (before + float64(o.Bytes)) / seconds
}

// speed writes a rate for people.
func speed(bytesPerSecond float64) string {
	if n := bytesPerSecond * 8; n < 1e6 {
		return fmt.Sprintf("%.0f kbit/s", math.Ceil(n/1e3))
	}
	return fmt.Sprintf("%.1f Mbit/s", bytesPerSecond*8/1e6)
}
