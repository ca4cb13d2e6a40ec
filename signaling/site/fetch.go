package site

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// meterSpan is the time over which a fetcher's rate is measured, and
	// meterShortest the least that says something.
	meterSpan     = 5 * time.Second
	meterShortest = 2 * time.Second
	// rateLasts is how long a rate that was measured is worth comparing with.
	rateLasts = 10 * time.Minute
)

// meter measures what a member takes from the origin while it fetches.
type meter struct {
	since    time.Time // it fetches without a break; zero while it does not
	readings []reading // of the last meterSpan
	last     float64   // bytes per second when last measured
	lastAt   time.Time
}

type reading struct {
	at time.Time
	n  int64
}

// note takes in what was received up to now.
func (t *meter) note(now time.Time, n int64) {
	if t.since.IsZero() {
		return
	}
	t.readings = append(t.readings, reading{now, n})
	for len(t.readings) > 2 && now.Sub(t.readings[1].at) >= meterSpan {
		t.readings = t.readings[1:]
	}
	first := t.readings[0]
	if span := now.Sub(first.at); span >= meterShortest {
		t.last, t.lastAt = float64(n-first.n)/span.Seconds(), now
	}
}

// rate is what was measured since it fetches, or 0.
func (t *meter) rate() float64 {
	if t.since.IsZero() || t.lastAt.Before(t.since) {
		return 0
	}
	return t.last
}

// known is the rate when it fetched last, or 0 when that is long ago.
func (t *meter) known(now time.Time) float64 {
	if t.lastAt.IsZero() || now.Sub(t.lastAt) > rateLasts {
		return 0
	}
	return t.last
}

// wan is what the member took over the WAN, of all flows.
func (s *Site) wan(m *member) (n int64) {
	for _, f := range s.flows {
		if c := f.counted[m.ID]; c != nil {
			n += c.wan
		}
	}
	return n
}

// fetches notes that a member has something to fetch.
func (s *Site) fetches(now time.Time, m *member) {
	if m.meter.since.IsZero() {
		m.meter.since, m.meter.readings = now, nil
		m.meter.note(now, s.wan(m))
	}
	if !m.fetched {
		m.fetched, s.links.changed = true, true
	}
}

// rest notes who has nothing to fetch any more.
func (s *Site) rest() {
	for _, m := range s.members {
		if !m.meter.since.IsZero() && s.held(m.ID) == 0 {
			m.meter.since = time.Time{}
		}
	}
}

// podium is who fetched fastest in a reach group, and the next one's rate.
type podium struct {
	first        *member
	best, second float64
}

// without is the best rate of anybody but m.
func (p podium) without(m *member) float64 {
	if p.first == m {
		return p.second
	}
	return p.best
}

// podium compares what the members of a reach group fetched in the last minutes.
func (s *Site) podium(now time.Time, g groupID) (p podium) {
	for _, m := range s.groups[g] {
		switch rate := m.meter.known(now); {
		case rate > p.best:
			p = podium{m, rate, p.best}
		case rate > p.second:
			p.second = rate
		}
	}
	return p
}

// fetching says how a member fetches, beside the best of the others.
func (s *Site) fetching(now time.Time, m *member, best float64) schedule.Fetching {
	f := schedule.Fetching{Rate: m.meter.rate(), Best: best}
	if m.meter.since.IsZero() {
		f.Rate = m.meter.known(now)
	} else {
		f.For = now.Sub(m.meter.since)
	}
	if limit := s.allowed(now, m); limit != wire.Unlimited {
		f.Limit = float64(limit)
	}
	return f
}

// candidate reports whether a member may fetch for f, and how good it would be;
// body says that its group needs the body.
func (s *Site) candidate(now time.Time, f *flow, n *need, m *member, best podium, body bool) (schedule.Candidate, bool) {
	h := m.holds[f.ID]
	if h == nil || h.code != "" || !h.fetches() { // who has not reported yet may not know the flow
		return schedule.Candidate{}, false
	}
	if h.seeding && !body { // it would begin only when it has looked
		return schedule.Candidate{}, false
	}
	if f.External != nil && !body && m.browser() { // no page may read what is of another web origin
		return schedule.Candidate{}, false
	}
	if _, open := n.supply.Next(1, h.have); !open && !(body && !h.body) {
		return schedule.Candidate{}, false
	}
	c := schedule.Candidate{Member: s.placed(m), HeldOff: s.isOff(now, m), Doubted: h.doubted, NoBody: !body && !h.body,
		Slow: s.fetching(now, m, best.without(m)).Poor(), Whole: f.Patches != nil && !s.takesPatches(f, m)}
	c.Fetcher = !m.meter.since.IsZero()
	return c, true
}

// choose returns who fetches for f in a reach group, best first.
func (s *Site) choose(now time.Time, f *flow, n *need, members []*member) []wire.EndpointID {
	var candidates []schedule.Candidate
	if len(members) == 0 {
		return nil
	}
	podium, body := s.podium(now, members[0].group), s.bodyNeeded(f, members[0].group)
	for _, m := range members {
		if c, ok := s.candidate(now, f, n, m, podium, body); ok {
			candidates = append(candidates, c)
		}
	}
	best := schedule.Fetchers(candidates, len(candidates))
	if len(best) == 0 {
		return nil
	}
	if n.trial == "" && s.cfg.Fetchers == 1 {
		n.trial = s.second(now, f, n, best)
	}
	if n.trial != "" && slices.Contains(best, n.trial) {
		// One at a time: two connections would share the line and tell us nothing.
		for _, l := range s.leases {
			if l.flow == f.ID && l.to != n.trial && s.members[l.to].group == s.members[n.trial].group {
				return nil
			}
		}
		return []wire.EndpointID{n.trial}
	}
	n.trial = ""
	return best[:min(s.cfg.Fetchers, len(best))]
}

// second returns whom to try as a fetcher, when it is time to learn whether the
// one at work is slow or the line is; nobody otherwise.
func (s *Site) second(now time.Time, f *flow, n *need, best []wire.EndpointID) wire.EndpointID {
	left := int64(float64(f.Head.UniqueBytes) * float64(n.supply.Open()) / float64(max(f.Head.Chunks, 1)))
	patches := f.Patches != nil && s.takesPatches(f, s.members[best[0]])
	if missing := n.supply.Missing(); missing > 0 && patches {
		left = int64(float64(left) * (1 - float64(n.supply.Saved())/float64(missing)))
	}
	if !s.fetching(now, s.members[best[0]], 0).Trial(left, n.trials) {
		return ""
	}
	for _, id := range best[1:] {
		m := s.members[id]
		h := m.holds[f.ID]
		if patches && !s.takesPatches(f, m) {
			continue // it would take more, however fast it is
		}
		if m.meter.known(now) == 0 && !h.doubted && h.fetches() && m.Hello.Device != wire.DeviceBrowser && !m.Hello.Battery {
			n.trials++
			s.recall(now, f, s.members[best[0]])
			return id
		}
	}
	return ""
}

// recall takes back what a fetcher has not begun.
func (s *Site) recall(now time.Time, f *flow, m *member) {
	for i, l := range s.leasesOf(m.ID) {
		if i > 0 && l.flow == f.ID && l.verified == 0 {
			s.revoke(now, l, "another one is tried")
		}
	}
}

// replaceable reports whether somebody else of m's group may fetch for f, who was
// not slow itself. A browser takes no other device's place.
func (s *Site) replaceable(now time.Time, m *member, f *flow) bool {
	n, best, body := f.need(m.group, now), s.podium(now, m.group), s.bodyNeeded(f, m.group)
	return slices.ContainsFunc(s.groups[m.group], func(other *member) bool {
		if other == m || other.browser() && !m.browser() {
			return false
		}
		c, ok := s.candidate(now, f, n, other, best, body)
		return ok && !c.HeldOff && !c.Doubted && !c.Slow
	})
}
