package site

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// planned is how much time a flow had when the time was first heard of by which it shall be
// complete.
type planned struct {
	by   time.Time
	left time.Duration
}

// bound is the most the site may take over the WAN now, in bytes per second.
func (s *Site) bound(now time.Time) int64 {
	return least(least(s.deadlineBound(), s.ceiling(now)), s.sumOfCaps(now))
}

// least is the lower of two bounds.
func least(a, b int64) int64 {
	if a == wire.Unlimited || b != wire.Unlimited && b < a {
		return b
	}
	return a
}

// deadlineBound is what suffices for all flows to be complete in time, or
// wire.Unlimited. Every fetcher may take a chunk in a few seconds.
func (s *Site) deadlineBound() int64 {
	bound := s.pace.Bound()
	if bound == wire.Unlimited {
		return bound
	}
	return max(bound, schedule.MinPace*int64(s.fetchers()))
}

// replan works out anew what suffices.
func (s *Site) replan(now time.Time) {
	if slices.ContainsFunc(s.order, func(id content.VersionID) bool { return !s.flows[id].ReadyBy.IsZero() }) {
		s.pace.Next(now, s.dues(now), s.knownLine(now))
	} else {
		s.pace = schedule.Pace{}
	}
}

// fetchers counts who has something to fetch.
func (s *Site) fetchers() int {
	who := map[wire.EndpointID]bool{}
	for _, l := range s.leases {
		who[l.to] = true
	}
	return len(who)
}

// dues lists what has to come over the WAN for flows that are not stopped.
func (s *Site) dues(now time.Time) (dues []schedule.Due) {
	for _, id := range s.order {
		if f := s.flows[id]; !f.stopped() {
			dues = append(dues, s.due(now, f))
		}
	}
	return dues
}

// due says what has yet to come of a flow, and by when.
func (s *Site) due(now time.Time, f *flow) schedule.Due {
	d := schedule.Due{Class: f.Priority.Class(), Bytes: s.missing(now, f), Shut: s.outside(now, f)}
	if f.ReadyBy.IsZero() {
		return d
	}
	d.Left = s.openUntil(now, f)
	if !f.planned.by.Equal(f.ReadyBy) {
		f.planned = planned{f.ReadyBy, d.Left}
	}
	d.Planned = max(f.planned.left, 1)
	return d
}

// missing is how many encoded bytes have yet to come over the WAN for those who can
// take them, a copy for each reach group.
func (s *Site) missing(now time.Time, f *flow) (bytes int64) {
	for g, members := range s.groups {
		wanted, body := false, false
		for _, m := range members {
			h := m.holds[f.ID]
			wanted = wanted || f.wantedBy(m) && (h == nil || !h.complete && h.code == "")
			body = body || h != nil && h.body && h.offers()
		}
		if !wanted {
			continue
		}
		supply := f.need(g, now).supply
		bytes += supply.Missing()
		if slices.ContainsFunc(members, func(m *member) bool { return f.wantedBy(m) && s.takesPatches(f, m) }) {
			bytes -= supply.Saved()
		}
		if !body {
			bytes += f.Head.BodyBytes
		}
	}
	return bytes
}

const (
	// gaugeSpan is the time over which it is measured what the line gives: long
	// enough that a chunk more or less does not matter at schedule.MinPace.
	gaugeSpan = 20 * time.Second
	gaugeStep = time.Second
	// gaugeFull of the bound says that the bound, and not the line, was the limit.
	gaugeFull = 0.7
)

// gauge measures what the line to the WAN gives while somebody fetches without a
// break. Where a bound holds it says only that the line gives so much at least.
type gauge struct {
	readings []gauged
	rate     float64
	at       time.Time // of rate
}

// gauged is what had been fetched at some time, and might have been.
type gauged struct {
	reading
	bound   int64   // since the one before
	allowed float64 // what the bounds up to now add up to
}

// note takes in what was fetched up to now.
func (g *gauge) note(now time.Time, s *Site) {
	if len(s.leases) == 0 {
		g.readings = nil
		return
	}
	next := gauged{reading: reading{at: now}, bound: s.bound(now)}
	for _, f := range s.flows {
		_, wan := f.total()
		next.n += wan
	}
	if k := len(g.readings); k > 0 {
		last := g.readings[k-1]
		if now.Sub(last.at) < gaugeStep {
			return
		}
		next.allowed = last.allowed + float64(next.bound)*now.Sub(last.at).Seconds()
		if next.n < last.n || (next.bound == wire.Unlimited) != (last.bound == wire.Unlimited) {
			g.readings = nil // a flow ended and what it counted, or a bound
		}
	}
	g.readings = append(g.readings, next)
	for len(g.readings) > 2 && now.Sub(g.readings[1].at) >= gaugeSpan {
		g.readings = g.readings[1:]
	}
	first := g.readings[0]
	span := now.Sub(first.at).Seconds()
	if span < gaugeSpan.Seconds() {
		return
	}
	rate := float64(next.n-first.n) / span
	switch {
	case next.bound == wire.Unlimited || rate < gaugeFull*(next.allowed-first.allowed)/span:
		g.rate, g.at = rate, now
	case rate > g.rate:
		g.rate = 0 // it gives that at least, and nobody knows how much
	}
}

// known is what the line gave, 0 when that is long ago or was never measured.
func (g *gauge) known(now time.Time) float64 {
	if g.at.IsZero() || now.Sub(g.at) > rateLasts {
		return 0
	}
	return g.rate
}

// knownLine is what may be expected of the line: what governors learned of it, and
// what was measured lately. What was learned under a bound of about as much says
// nothing of what the line gives without it.
func (s *Site) knownLine(now time.Time) schedule.Line {
	line := schedule.Line{Cap: s.ceiling(now), Capacity: s.gauge.known(now), Free: 1}
	egresses := map[string]bool{}
	for _, m := range s.members {
		egresses[m.egress] = true
	}
	var carried, free float64
	for egress := range egresses {
		hint := s.hints(now, egress)
		carried += float64(hint.Capacity)
		free += float64(hint.Capacity) * (1 - hint.Busy)
	}
	if bound := s.pace.Bound(); carried > line.Capacity && (bound == wire.Unlimited || carried*gaugeFull > float64(bound)) {
		line.Capacity, line.Free = carried, free/carried
	}
	return line
}

// forecast writes into the views of all flows, in their order, when they are
// expected to be complete.
func (s *Site) forecast(now time.Time, views []FlowView) {
	line := s.knownLine(now)
	if _, known := line.Gives(); !known { // nothing was measured for long enough yet
		for _, v := range views {
			line.Capacity += float64(v.WANBPS) / 8
		}
		if s.bound(now) != wire.Unlimited {
			line.Capacity = 0
		}
	}
	open, which := []schedule.Open{}, []int{}
	for i, id := range s.order {
		v := &views[i]
		v.ReadyBy = s.flows[id].ReadyBy
		if v.State != StateComplete {
			open, which = append(open, s.open(now, s.flows[id], v)), append(which, i)
		}
	}
	for k, in := range schedule.Forecast(open, line) {
		v := &views[which[k]]
		if in != schedule.Never {
			v.Forecast = s.whenOpen(now, s.flows[s.order[which[k]]], in).Truncate(time.Second)
		}
		v.ForecastCause = schedule.Cause(open, line, k, in)
		if open[k].Left == 0 && v.ReadyBy.After(now) {
			v.ForecastCause = "no window is left until then"
		}
	}
}

// open describes a flow for a forecast.
func (s *Site) open(now time.Time, f *flow, v *FlowView) schedule.Open {
	o := schedule.Open{Due: s.due(now, f), Capped: f.Capped, Cap: f.Cap, Opens: s.opening(now, f)}
	switch v.State {
	case StatePaused:
		o.Halt, o.Bytes = "it is paused", 0
		if v.PausedBy != "" {
			o.Halt += ": " + v.PausedBy
		}
	case StateHalted:
		o.Halt, o.Bytes = v.Reason, 0
	case StateWaiting, StateFailed:
		o.Halt = v.Reason
	default:
		o.LAN = s.exchange(now, f)
		if s.barred(now) != "" {
			o.Halt = s.waits(now, f)
		}
	}
	return o
}

// lanBehind is how long the exchange may take for what is at the site already
// before the LAN is the slower one: what peers hand on is always a bit behind.
const lanBehind = 10 * time.Second

// exchange is how long the members take to get from each other what they lack, at
// the rate they do. It is 0 while they only wait for the line, and schedule.Never
// when they have to and nothing was measured.
func (s *Site) exchange(now time.Time, f *flow) time.Duration {
	var here, all float64 // content bytes that they lack: of what the site holds, and of all
	for g, members := range s.groups {
		supply, most := f.need(g, now).supply, 0.0
		absent := supply.Absent()
		for _, m := range members {
			if h := m.holds[f.ID]; h != nil && !h.complete && h.code == "" {
				lacks := 1 - float64(h.have.Count())/float64(max(f.Head.Chunks, 1))
				here, all = here+max(lacks-absent, 0), all+lacks
				most = absent // one of them gets that from the origin
			}
		}
		all -= most
	}
	here, all = here*float64(f.Head.UniqueBytes), max(here, all)*float64(f.Head.UniqueBytes)
	coming := s.missing(now, f)
	_, lan, _ := f.rates(now)
	switch {
	case lan <= 0 && coming > 0:
		return 0
	case lan <= 0 && here > 0:
		return schedule.Never
	case lan <= 0:
		return 0
	}
	took := func(bytes float64) time.Duration { return time.Duration(bytes / lan * float64(time.Second)) }
	if coming > 0 && took(here) < lanBehind {
		return 0
	}
	return took(all)
}
