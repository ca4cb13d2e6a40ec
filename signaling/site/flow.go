package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// flow is one version at this site.
type flow struct {
	FlowSpec
	// counted holds what every endpoint seen received, also of those that left.
	counted  map[wire.EndpointID]counters
	supply   *schedule.Supply
	granted  int    // leases of chunks given so far
	turn     uint64 // of the last lease, among the site's
	ordered  time.Time
	started  time.Time // first byte
	finished time.Time // everybody online complete
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
	return &flow{FlowSpec: spec, supply: schedule.NewSupply(spec.Places), ordered: now, counted: map[wire.EndpointID]counters{}}
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

// mark notes when the flow began and when everybody had it.
func (f *flow) mark(now time.Time, complete bool) {
	if f.started.IsZero() && len(f.counted) > 0 {
		f.started = now
	}
	switch {
	case !complete:
		f.finished = time.Time{}
	case f.finished.IsZero():
		f.finished = now
	}
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
	if len(f.samples) < 2 || !f.finished.IsZero() {
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
	flow    content.VersionID
	to      wire.EndpointID
	body    bool
	parts   []wire.Part
	expires time.Time
}

// expire ends leases that made no progress in time.
func (s *Site) expire(now time.Time) {
	for id, l := range s.leases {
		if !now.Before(l.expires) {
			s.log.Warn("lease expired", "lease", id, "endpoint", l.to.Short())
			if m := s.members[l.to]; m != nil {
				m.pushOff(now)
			}
			s.revoke(id, "no progress")
		}
	}
}

// revoke ends a lease early.
func (s *Site) revoke(id uint64, why string) {
	l := s.leases[id]
	s.free(id)
	if m := s.members[l.to]; m != nil {
		m.conn.Send(wire.KindRevoke, wire.Revoke{Epoch: s.cfg.Epoch, Lease: id, Reason: why})
	}
}

// pushOff keeps a member from fetching for a while, longer each time.
func (m *member) pushOff(now time.Time) {
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
	switch {
	case state.Failed != "":
		s.log.Warn("lease given back", "lease", state.Lease, "endpoint", m.ID.Short(), "why", state.Failed)
		s.free(state.Lease)
		m.pushOff(now)
	case state.Done:
		s.free(state.Lease)
		m.lastOff = 0
	default:
		l.expires = now.Add(LeaseTTL)
	}
}

// grantLeases gives fetchers what they may fetch next.
func (s *Site) grantLeases(now time.Time) {
	if len(s.order) == 0 || len(s.members) == 0 {
		return
	}
	room := make(map[wire.EndpointID]int, len(s.members))
	for id := range s.members {
		room[id] = maxLeases - s.held(id)
	}
	for {
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
				candidates = append(candidates, schedule.Candidate{Member: s.placed(m), HeldOff: now.Before(m.heldOff)})
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
	out := wire.Lease{Flow: f.ID, Epoch: s.cfg.Epoch, Lease: s.lastLease, TTLMs: LeaseTTL.Milliseconds(), Next: s.held(m.ID) > 0}
	if s.bodyNeeded(f) {
		out.Body, out.Pack, out.To = true, f.Head.Body, f.Head.BodyBytes
		out.URL = s.cfg.URL(Body, f.Head.Body, LeaseTTL)
	} else {
		wan, _, _ := f.rates(now)
		run, _ := f.supply.Next(schedule.LeaseBytes(f.granted, wan)) // waiting found something open
		out.Pack, out.From, out.To, out.Parts = run.Pack, run.From, run.To, run.Parts
		out.URL = s.cfg.URL(Pack, run.Pack, LeaseTTL)
		f.granted++
		f.supply.Lease(run.Parts)
	}
	f.turn = s.lastLease
	s.leases[out.Lease] = &lease{flow: f.ID, to: m.ID, body: out.Body, parts: out.Parts, expires: now.Add(LeaseTTL)}
	return m.conn.Send(wire.KindLease, out)
}

// free ends a lease on our side: what it did not bring is open again.
func (s *Site) free(id uint64) {
	l := s.leases[id]
	delete(s.leases, id)
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
	for i, share := range schedule.Shares(s.desired.Cap, len(who)) {
		if last, told := s.grants[who[i]]; told && last == share || !told && share == wire.Unlimited {
			continue
		}
		s.grants[who[i]] = share
		s.grantSeq++
		s.members[who[i]].conn.Send(wire.KindGrant, wire.Grant{Epoch: s.cfg.Epoch, Seq: s.grantSeq, BytesPerSecond: share})
	}
}
