package schedule

import (
	"cmp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// reservePart of the time a flow has is planned for nothing: its bytes are due
	// before, so that the rate is 1.25 times what would just suffice. It is for lines
	// that give less than they did, for other traffic, and for what a lower class
	// takes meanwhile. In the reserve itself nothing bounds the rate.
	reservePart = 5
	// minReserve is for the last chunks on the LAN, however short the time is.
	minReserve = 5 * time.Second
	// MinPace is the least bound in bytes per second: a flow that has weeks moves,
	// too, and a chunk takes seconds.
	MinPace = 64 << 10
	// A bound stays as it is unless it is off by paceSlack, or paceLasts old.
	paceSlack = 0.1
	paceLasts = 10 * time.Second
	// regain is what part of the line must suffice before a bound that was lifted,
	// because the line did not give it, is set again.
	regain = 0.75
)

// Due is a flow that has bytes to come over a line, as things stand now.
type Due struct {
	Class   int
	Bytes   int64         // encoded, yet to come over the WAN
	Left    time.Duration // until it shall be complete, which may have passed
	Planned time.Duration // what Left was at first; 0: no matter when
	Shut    bool          // it may not be fetched now, as others may
}

// idle reports whether nothing comes of it now.
func (d Due) idle() bool { return d.Bytes <= 0 || d.Shut }

// timed reports whether it matters when the flow is complete.
func (d Due) timed() bool { return d.Planned > 0 }

// plan is the time in which its bytes shall come.
func (d Due) plan() time.Duration { return d.Left - max(d.Planned/reservePart, minReserve) }

// Hasty reports whether the flows of each class take their turns by when they are
// due, the earliest first. They do where all of a class have a time; otherwise the
// flows of the class share equally.
func Hasty(flows []Due) map[int]bool {
	hasty := map[int]bool{}
	for _, d := range flows {
		was, seen := hasty[d.Class]
		hasty[d.Class] = d.timed() && (was || !seen)
	}
	return hasty
}

// LeastRate is the smallest constant rate in bytes per second at which every flow
// is in time, with a reserve: for each, what comes before it and itself, over the
// time it has. Higher classes come first, and in a class what is due first. It
// reports false when nothing bounds the rate: a flow has no time and wants all the
// line, or one is in its reserve already, or nothing is left.
func LeastRate(flows []Due) (bytesPerSecond float64, bounded bool) {
	open := slices.DeleteFunc(slices.Clone(flows), func(d Due) bool { return d.Bytes <= 0 || d.Shut && !d.timed() })
	slices.SortStableFunc(open, func(a, b Due) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Left, b.Left))
	})
	before := 0.0
	for _, d := range open {
		if !d.timed() || d.plan() <= 0 {
			return 0, false
		}
		before += float64(d.Bytes)
		bytesPerSecond = max(bytesPerSecond, before/d.plan().Seconds(), MinPace)
	}
	return bytesPerSecond, len(open) > 0
}

// Line is what is known of a line to the WAN, in bytes per second.
type Line struct {
	Cap      int64   // what operators allow; wire.Unlimited for all
	Capacity float64 // what it carried at most; 0 when not known
	Free     float64 // the share of it that other traffic leaves, 0 to 1
}

// Gives is the rate that may be expected of it, if anything is known.
func (l Line) Gives() (rate float64, known bool) {
	rate, known = l.Capacity*l.Free, l.Capacity > 0
	if l.Cap != wire.Unlimited && (!known || rate > float64(l.Cap)) {
		rate, known = float64(l.Cap), true
	}
	return rate, known
}

// Pace is the bound that deadlines set on a line. Its zero value is none.
type Pace struct {
	bound int64
	since time.Time // when the bound was set; zero: never
}

// Bound is the bound as last worked out, in bytes per second, or wire.Unlimited.
func (p *Pace) Bound() int64 {
	if p.since.IsZero() {
		return wire.Unlimited
	}
	return p.bound
}

// Next is the bound from now on in bytes per second, or wire.Unlimited. It is the
// least rate that suffices, so a flow behind its plan catches up. Where the line
// does not give that rate nothing bounds it.
func (p *Pace) Next(now time.Time, flows []Due, line Line) int64 {
	rate, bounded := LeastRate(flows)
	if !slices.ContainsFunc(flows, func(d Due) bool { return d.Bytes > 0 }) {
		*p = Pace{} // the next one begins anew
		return wire.Unlimited
	}
	fresh, old := p.since.IsZero(), now.Sub(p.since) >= paceLasts
	gives, known := line.Gives()
	if !fresh && p.bound == wire.Unlimited {
		gives *= regain
	}
	want := int64(wire.Unlimited)
	if bounded && (!known || rate <= gives) {
		want = int64(rate)
	}
	off := float64(want-p.bound) > paceSlack*float64(p.bound) || float64(p.bound-want) > paceSlack*float64(p.bound)
	switch {
	case want == p.bound && !fresh:
	case fresh, old, want == wire.Unlimited, p.bound != wire.Unlimited && off:
		p.bound, p.since = want, now
	}
	return p.bound
}
