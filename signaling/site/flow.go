package site

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// flow is one version at this site.
type flow struct {
	FlowSpec
	// counted holds what every endpoint seen received, also of those that left.
	counted  map[wire.EndpointID]*counters
	supply   *schedule.Supply
	granted  int    // leases of chunks given so far
	turn     uint64 // of the last lease, among the site's
	ordered  time.Time
	finished time.Time // when everybody online had it first
	samples  []sample
}

// sample is what had been received at some time.
type sample struct {
	at                  time.Time
	origin, wan, lan, n int64
}

const (
	// sampleSpan is the time over which rates are measured.
	sampleSpan = 3 * time.Second
	sampleStep = 250 * time.Millisecond
)

func newFlow(spec FlowSpec, now time.Time) *flow {
	return &flow{FlowSpec: spec, supply: schedule.NewSupply(spec.Places), ordered: now, counted: map[wire.EndpointID]*counters{}}
}

// total sums what was received.
func (f *flow) total() (sum wire.Sources, wan int64) {
	for _, c := range f.counted {
		sum.Origin += c.bytes.Origin
		sum.Peer += c.bytes.Peer
		sum.Relay += c.bytes.Relay
		sum.Reused += c.bytes.Reused
		wan += c.wan
	}
	return sum, wan
}

// sample notes what had been received by now, for rates.
func (s *Site) sample(now time.Time) {
	for _, id := range s.order {
		f := s.flows[id]
		if k := len(f.samples); k > 0 && now.Sub(f.samples[k-1].at) < sampleStep {
			continue
		}
		sum, wan := f.total()
		f.samples = append(f.samples, sample{now, sum.Origin, wan, sum.Peer + sum.Relay, sum.Total()})
		for len(f.samples) > 2 && now.Sub(f.samples[1].at) >= sampleSpan {
			f.samples = f.samples[1:]
		}
	}
}

// rates returns bytes per second over the WAN (encoded), from peers, and of
// content in all.
func (f *flow) rates(now time.Time) (wan, lan, all float64) {
	if len(f.samples) < 2 {
		return 0, 0, 0
	}
	first, last := f.samples[0], f.samples[len(f.samples)-1]
	span := now.Sub(first.at).Seconds()
	if span <= 0 {
		return 0, 0, 0
	}
	return float64(last.wan-first.wan) / span, float64(last.lan-first.lan) / span, float64(last.n-first.n) / span
}

// lease is the right of one member to fetch one range.
type lease struct {
	flow     content.VersionID
	to       wire.EndpointID
	body     bool
	parts    []wire.Part
	bytes    int64
	step     int64     // the most bytes between two signs of progress
	verified uint32    // leading parts that have come
	moved    time.Time // when it last progressed or could begin to
}

// patience is how long a lease may go without progress: LeaseTTL, or more where
// one step takes long.
func (s *Site) patience(l *lease) time.Duration {
	return max(LeaseTTL, 2*s.takes(l.step))
}

// takes is how long so many bytes take over a slow line, or over a fast one with
// the cap.
func (s *Site) takes(bytes int64) time.Duration {
	rate := int64(slowLine)
	if limit := s.desired.Cap; limit != wire.Unlimited {
		rate = max(min(rate, limit), 1)
	}
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}

// expire ends leases that made no progress in time. A member works on the oldest
// of its leases; the others wait for it and end with it, unless they have begun.
func (s *Site) expire(now time.Time) {
	oldest := map[wire.EndpointID]uint64{}
	for id, l := range s.leases {
		if first, ok := oldest[l.to]; !ok || id < first {
			oldest[l.to] = id
		}
	}
	for to, first := range oldest {
		l := s.leases[first]
		if now.Sub(l.moved) < s.patience(l) {
			continue
		}
		s.log.Warn("lease expired", "lease", first, "endpoint", to.Short())
		s.members[to].pushOff(now)
		for id, l := range s.leases {
			if l.to == to && (id == first || l.verified == 0) {
				s.revoke(now, id, "no progress")
			}
		}
	}
}

// revoke ends a lease early.
func (s *Site) revoke(now time.Time, id uint64, why string) {
	l := s.leases[id]
	s.free(now, id)
	s.members[l.to].conn.Send(wire.KindRevoke, wire.Revoke{Epoch: s.cfg.Epoch, Lease: id, Reason: why})
}

// pushOff keeps a member from fetching for a while, longer each time. What fails
// together counts once.
func (m *member) pushOff(now time.Time) {
	if now.Before(m.heldOff) {
		return
	}
	m.lastOff = min(max(2*m.lastOff, holdOff), maxHoldOff)
	m.heldOff = now.Add(m.lastOff)
}

// leaseState takes in how far a lease got. States of leases that ended, or of an
// earlier server, are void.
func (s *Site) leaseState(now time.Time, m *member, f *flow, state wire.LeaseState) {
	l := s.leases[state.Lease]
	if state.Epoch != s.cfg.Epoch || l == nil || l.to != m.ID || l.flow != f.ID {
		return
	}
	why := state.Failed
	if state.Done && why == "" && !m.holds[f.ID].covers(l) {
		why = "it is done, but not all of it is held"
	}
	switch {
	case why != "":
		s.log.Warn("lease given back", "lease", state.Lease, "endpoint", m.ID.Short(), "why", why)
		s.free(now, state.Lease)
		m.pushOff(now)
	case state.Done:
		s.free(now, state.Lease)
		m.lastOff = 0
	case state.Verified > l.verified && int(state.Verified) <= len(l.parts):
		l.verified = state.Verified
		s.moved(now, m.ID, state.Lease)
	}
}

// moved notes that a lease went on, so that those behind it did not stand still
// either.
func (s *Site) moved(now time.Time, to wire.EndpointID, id uint64) {
	for other, l := range s.leases {
		if l.to == to && other >= id {
			l.moved = now
		}
	}
}

// grantLeases gives fetchers what they may fetch next.
func (s *Site) grantLeases(now time.Time) {
	if len(s.order) == 0 || len(s.members) == 0 || now.Before(s.grantFrom) {
		return
	}
	room := make(map[wire.EndpointID]int, len(s.members))
	for id := range s.members {
		room[id] = maxLeases - s.held(id)
	}
	for s.desired.Cap != 0 {
		open, waiting := s.waiting(now)
		next, to, ok := schedule.NextLease(waiting, room)
		if !ok {
			return
		}
		room[to]--
		if !s.grant(now, open[next], s.members[to]) {
			room[to] = 0 // it is about to leave
		}
	}
}

// waiting lists the flows that need something from the origin.
func (s *Site) waiting(now time.Time) (open []*flow, waiting []schedule.Waiting) {
	for _, id := range s.order {
		f := s.flows[id]
		if f.Paused || !s.bodyNeeded(f) && f.supply.Open() == 0 {
			continue
		}
		var candidates []schedule.Candidate
		for _, m := range s.members {
			// Who has not reported yet may not know the flow.
			if h := m.holds[id]; h != nil && h.code == "" {
				c := schedule.Candidate{Member: s.placed(m), HeldOff: now.Before(m.heldOff)}
				c.Fetcher = s.held(m.ID) > 0
				candidates = append(candidates, c)
			}
		}
		open = append(open, f)
		waiting = append(waiting, schedule.Waiting{Priority: f.Priority, Turn: f.turn, Fetchers: schedule.Fetchers(candidates, fetchers)})
	}
	return open, waiting
}

// held is how many leases a member has.
func (s *Site) held(id wire.EndpointID) int {
	n := 0
	for _, l := range s.leases {
		if l.to == id {
			n++
		}
	}
	return n
}

// grant gives m the next lease of f, the body first.
func (s *Site) grant(now time.Time, f *flow, m *member) bool {
	s.lastLease++
	ahead := int64(0)
	for _, l := range s.leases {
		if l.to == m.ID {
			ahead += l.bytes
		}
	}
	out := wire.Lease{Flow: f.ID, Epoch: s.cfg.Epoch, Lease: s.lastLease, Next: ahead > 0}
	l := &lease{flow: f.ID, to: m.ID, moved: now}
	kind := Pack
	if s.bodyNeeded(f) {
		kind, l.body, l.step = Body, true, f.Head.BodyBytes
		out.Body, out.Pack, out.To = true, f.Head.Body, f.Head.BodyBytes
	} else {
		run, _ := f.supply.Next(schedule.LeaseBytes(f.granted, s.expected(now, f))) // waiting found something open
		out.Pack, out.From, out.To, out.Parts = run.Pack, run.From, run.To, run.Parts
		f.granted++
		f.supply.Lease(run.Parts)
		for _, p := range run.Parts {
			l.step = max(l.step, int64(p.Length))
		}
	}
	l.parts, l.bytes = out.Parts, out.To-out.From
	ttl := s.patience(l)
	out.TTLMs = ttl.Milliseconds()
	// The address must still be good when what is before the lease has been fetched.
	out.URL = s.cfg.URL(kind, out.Pack, ttl+s.takes(ahead))
	f.turn = s.lastLease
	s.leases[out.Lease] = l
	if !m.fetched {
		m.fetched, s.links.changed = true, true
	}
	return m.conn.Send(wire.KindLease, out)
}

// expected is the rate over the WAN, or the most it can be where none was
// measured yet; 0 when unknown.
func (s *Site) expected(now time.Time, f *flow) float64 {
	wan, _, _ := f.rates(now)
	if wan <= 0 && s.desired.Cap != wire.Unlimited {
		wan = float64(s.desired.Cap)
	}
	return wan
}

// free ends a lease on our side: what it did not bring is open again, and the
// next may begin.
func (s *Site) free(now time.Time, id uint64) {
	l := s.leases[id]
	delete(s.leases, id)
	s.moved(now, l.to, id)
	if f := s.flows[l.flow]; f != nil {
		f.supply.Free(l.parts)
	}
}

// bodyNeeded reports whether nobody online holds or fetches the body.
func (s *Site) bodyNeeded(f *flow) bool {
	for _, m := range s.members {
		if h := m.holds[f.ID]; h != nil && h.body {
			return false
		}
	}
	for _, l := range s.leases {
		if l.flow == f.ID && l.body {
			return false
		}
	}
	return true
}

// shareCap tells fetchers what they may take over the WAN.
func (s *Site) shareCap() {
	var who []wire.EndpointID
	seen := map[wire.EndpointID]bool{}
	for _, l := range s.leases {
		if !seen[l.to] && s.members[l.to] != nil {
			seen[l.to] = true
			who = append(who, l.to)
		}
	}
	if len(who) == 0 {
		return
	}
	slices.Sort(who) // so that each keeps its share
	for i, share := range schedule.Shares(s.desired.Cap, len(who)) {
		if last, told := s.grants[who[i]]; told && last == share || !told && share == wire.Unlimited {
			continue
		}
		s.grants[who[i]] = share
		s.grantSeq++
		s.members[who[i]].conn.Send(wire.KindGrant, wire.Grant{Epoch: s.cfg.Epoch, Seq: s.grantSeq, BytesPerSecond: share})
	}
}
