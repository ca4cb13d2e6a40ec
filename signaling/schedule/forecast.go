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
}

// Never is the forecast of what can't be told, or won't be.
const Never = time.Duration(-1)

// maxForecast bounds what is said of the future.
const maxForecast = 10 * 366 * 24 * time.Hour

// Forecast tells of each flow in what time it will be complete, if the line gives
// what it gave and all goes on as it does, or Never. Flows share the line as leases
// are given: strictly by class, in a class by what is due first, or equally where
// one of the class may be late; and at no more than the least sufficient rate.
func Forecast(flows []Open, line Line) []time.Duration {
	out := make([]time.Duration, len(flows))
	left := make([]Due, len(flows))
	for i, f := range flows {
		left[i] = f.Due
		if out[i] = Never; f.Halt == "" && f.Bytes <= 0 {
			out[i] = f.LAN
		}
	}
	gives, known := line.Gives()
	for at := time.Duration(0); ; {
		rate, bounded := LeastRate(left)
		if known && (!bounded || rate > gives) {
			rate = gives
		}
		takes := taking(left)
		if len(takes) == 0 || rate <= 0 {
			return out
		}
		// Until the first of those that share the line now has all its bytes.
		each, seconds := rate/float64(len(takes)), math.Inf(1)
		for _, i := range takes {
			seconds = min(seconds, float64(left[i].Bytes)/each)
		}
		if seconds > (maxForecast - at).Seconds() {
			return out
		}
		step := time.Duration(seconds * float64(time.Second))
		at += step
		for i := range left {
			left[i].Left -= step
		}
		for _, i := range takes {
			if left[i].Bytes -= int64(math.Ceil(each * seconds)); left[i].Bytes <= 0 {
				left[i].Bytes = 0
				if flows[i].Halt == "" {
					out[i] = max(at, flows[i].LAN)
				}
			}
		}
	}
}

// taking lists the flows that share the line equally now.
func taking(flows []Due) (takes []int) {
	hasty := Hasty(slices.DeleteFunc(slices.Clone(flows), func(d Due) bool { return d.Bytes <= 0 }))
	for i, d := range flows {
		if d.Bytes <= 0 {
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
