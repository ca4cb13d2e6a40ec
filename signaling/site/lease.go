package site

import (
	"cmp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// fence names a lease. Numbers are given anew by each start of the server, whose
// epoch is higher; a lease that was taken over keeps the pair it was granted with.
type fence struct{ epoch, lease uint64 }

func (f fence) compare(other fence) int {
	return cmp.Or(cmp.Compare(f.epoch, other.epoch), cmp.Compare(f.lease, other.lease))
}

// lease is the right of one member to fetch one range.
type lease struct {
	fence
	flow     content.VersionID
	to       wire.EndpointID
	body     bool
	parts    []wire.Part
	bytes    int64
	step     int64       // the most bytes between two signs of progress
	verified uint32      // leading parts that have come
	patch    *wire.Patch // another way to the same parts; nil: there is none
	patched  uint32      // leading parts that came so
	moved    time.Time   // when it last progressed or could begin to
	good     time.Time   // until when its address is
}

// patience is how long a lease may go without progress: LeaseTTL, or more where
// one step takes long, or everybody failed again and again.
func (s *Site) patience(now time.Time, l *lease) time.Duration {
	m := s.members[l.to]
	return max(LeaseTTL, 2*s.takes(now, m, l.step), min(badLine*s.offLeast(m.group), maxPatience))
}

// offLeast is the least that a member of a group was pushed off for when it failed
// last, 0 where one did not: what all have is not a member's fault but the line's.
func (s *Site) offLeast(g groupID) time.Duration {
	least := maxHoldOff
	for _, m := range s.groups[g] {
		least = min(least, m.lastOff)
	}
	return least
}

// isOff reports whether a member gets no lease now, because it failed. Where all did,
// none waits for longer than maxOffTogether.
func (s *Site) isOff(now time.Time, m *member) bool {
	until := m.heldOff
	if s.offLeast(m.group) > 0 {
		until = until.Add(min(maxOffTogether-m.lastOff, 0))
	}
	return now.Before(until)
}

// takes is how long so many bytes take a member over a slow line, or over a fast
// one with what it is allowed.
func (s *Site) takes(now time.Time, m *member, bytes int64) time.Duration {
	rate := int64(slowLine)
	if limit := s.allowed(now, m); limit != wire.Unlimited {
		rate = max(min(rate, limit), 1)
	}
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}

// leasesOf returns the leases of a member in the order in which it works on them:
// higher classes first, then the oldest.
func (s *Site) leasesOf(id wire.EndpointID) []*lease {
	var out []*lease
	for _, l := range s.leases {
		if l.to == id {
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b *lease) int {
		return cmp.Or(cmp.Compare(s.class(a), s.class(b)), a.compare(b.fence))
	})
	return out
}

// class is that of the lease's flow.
func (s *Site) class(l *lease) int {
	if f := s.flows[l.flow]; f != nil {
		return f.Priority.Class()
	}
	return 0
}

// held is how many leases a member has.
func (s *Site) held(id wire.EndpointID) int { return len(s.leasesOf(id)) }

// expire ends leases of what is at the site by now or may turn out to be, those that made no progress in
// time, and those of a fetcher that is much slower than another one was. A member works on the first of its leases; the
// others wait for it and end with it, unless they have begun.
func (s *Site) expire(now time.Time) {
	for _, l := range s.leases {
		if s.needless(now, l) {
			s.revoke(now, l, "the site holds it")
		} else if s.premature(now, l) {
			s.revoke(now, l, "an endpoint may hold it in another version")
		}
	}
	fetching := map[wire.EndpointID]bool{} // few of the members
	for _, l := range s.leases {
		fetching[l.to] = true
	}
	for id := range fetching {
		m, leases, why := s.members[id], s.leasesOf(id), ""
		switch first := leases[0]; {
		case now.Sub(first.moved) >= s.patience(now, first):
			why = "no progress"
			m.pushOff(now)
			s.fails(now, first.flow, m, why)
			if f := s.flows[first.flow]; !first.body && !m.holds[f.ID].body {
				// It waits for the body, which somebody says to hold and does not serve.
				s.disbelieve(now, f, f.need(m.group, now), s.bodyHolders(m, f), s.groups[m.group])
			}
		case s.fetching(now, m, s.podium(now, m.group).without(m)).Slow() && s.replaceable(now, m, s.flows[first.flow]):
			why = "another one was much faster"
		default:
			continue
		}
		s.log.Warn("lease taken away", "lease", leases[0].lease, "endpoint", m.ID.Short(), "why", why)
		for i, l := range leases {
			if i == 0 || l.verified == 0 {
				s.revoke(now, l, why)
			}
		}
	}
}

// needless reports whether others turned out to hold all that a lease has yet to
// bring.
func (s *Site) needless(now time.Time, l *lease) bool {
	f, m := s.flows[l.flow], s.members[l.to]
	if l.body {
		return slices.ContainsFunc(s.groups[m.group], func(other *member) bool {
			h := other.holds[l.flow]
			return other != m && h != nil && h.body && h.offers()
		})
	}
	supply := f.need(m.group, now).supply
	return !slices.ContainsFunc(l.parts[l.verified:], func(p wire.Part) bool { return supply.Holders(p.Chunk) == 0 }) &&
		int(l.verified) < len(l.parts)
}

// revoke ends a lease early.
func (s *Site) revoke(now time.Time, l *lease, why string) {
	s.cfg.Accounts.revoked()
	s.unfinished(now, l, false)
	s.free(now, l)
	s.members[l.to].conn.Send(wire.KindRevoke, wire.Revoke{Epoch: l.epoch, Lease: l.lease, Reason: why})
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

// leaseState takes in how far a lease got. States of leases that ended are void; a
// lease that outlived its session is taken over.
func (s *Site) leaseState(now time.Time, m *member, f *flow, state wire.LeaseState) {
	l := s.leases[fence{state.Epoch, state.Lease}]
	if l == nil && state.Range != nil && state.Failed == "" && !state.Done {
		l = s.adopt(now, m, f, state)
	}
	if l == nil || l.to != m.ID || l.flow != f.ID {
		return
	}
	s.patchedBy(f, l, state)
	h := m.holds[f.ID]
	why := state.Failed
	if state.Done && why == "" && !h.covers(l) {
		why = "it is done, but not all of it is held"
	}
	switch {
	case why != "":
		s.log.Warn("lease given back", "lease", state.Lease, "endpoint", m.ID.Short(), "why", why)
		s.unfinished(now, l, false)
		s.free(now, l)
		s.vendorFailed(now, f, l, state)
		// An address that lapsed while the lease waited is nobody's fault, and regard for others is none.
		if (l.verified > 0 || now.Before(l.good)) && h.fetches() {
			m.pushOff(now)
			s.fails(now, f.ID, m, why)
		}
	case state.Done:
		s.free(now, l)
		m.lastOff = 0
		f.vendorServed(l)
	default:
		// What it says counts as far as it also says that it holds the chunks.
		verified := min(state.Verified, h.prefix(l))
		if verified > l.verified {
			l.verified = verified
			s.moved(now, l)
		}
	}
}

// adopt takes over a lease that its holder kept while it had no session, also one
// of an earlier start of the server, so that what it fetches now is not fetched
// twice. Where that is not possible the holder is told to stop.
func (s *Site) adopt(now time.Time, m *member, f *flow, state wire.LeaseState) *lease {
	l := &lease{fence: fence{state.Epoch, state.Lease}, flow: f.ID, to: m.ID, moved: now}
	n := f.need(m.group, now)
	granted := state.Epoch < s.cfg.Epoch || state.Epoch == s.cfg.Epoch && state.Lease <= s.lastLease
	ok := granted && m.holds[f.ID].fetches() && !s.isOff(now, m) && !f.stopped() && f.closed() == "" && s.shut(now) == "" && !s.outside(now, f) && s.known
	if r := state.Range; r.Body {
		l.body, l.step, l.bytes = true, f.Head.BodyBytes, f.Head.BodyBytes
		ok = ok && r.To == f.Head.BodyBytes && s.bodyNeeded(f, m.group)
	} else {
		run, found := n.supply.Find(r.Pack, r.From, r.To)
		l.parts, l.bytes = run.Parts, run.To-run.From
		l.step = longest(run.Parts)
		ok = ok && found && s.vendorShut(now, f) == "" && !slices.ContainsFunc(run.Parts, func(p wire.Part) bool { return n.supply.Leased(p.Chunk) })
	}
	class, same := f.Priority.Class(), 0
	for _, other := range s.leasesOf(m.ID) {
		if s.class(other) == class {
			same++
		}
	}
	if !ok || same >= maxLeases {
		m.conn.Send(wire.KindRevoke, wire.Revoke{Epoch: l.epoch, Lease: l.lease, Reason: "it has passed on"})
		return nil
	}
	s.log.Info("lease taken over", "lease", l.lease, "epoch", l.epoch, "endpoint", m.ID.Short())
	l.good = now.Add(s.patience(now, l))
	n.supply.Lease(l.parts)
	f.guard.explained += l.bytes // it was granted before, perhaps to be counted nowhere
	s.leases[l.fence] = l
	s.fetches(now, m)
	return l
}

// longest is the most bytes that one part takes.
func longest(parts []wire.Part) (n int64) {
	for _, p := range parts {
		n = max(n, int64(p.Length))
	}
	return n
}

// moved notes that a lease went on, so that those behind it did not stand still
// either.
func (s *Site) moved(now time.Time, at *lease) {
	class := s.class(at)
	for _, l := range s.leases {
		if l.to == at.to && cmp.Or(cmp.Compare(s.class(l), class), l.compare(at.fence)) >= 0 {
			l.moved = now
		}
	}
}

// grantLeases gives fetchers what they may fetch next.
func (s *Site) grantLeases(now time.Time) {
	if len(s.order) == 0 || len(s.members) == 0 || now.Before(s.grantFrom) {
		return
	}
	gone := map[wire.EndpointID]bool{} // about to leave
	for s.shut(now) == "" && !s.starved() {
		room := s.room(gone)
		open, waiting := s.waiting(now, room)
		next, to, ok := schedule.NextLease(waiting, room)
		if !ok {
			return
		}
		if !s.grant(now, open[next], s.members[to]) {
			gone[to] = true
		}
	}
}

// room tells how many more leases a slot takes. A flow that changes its class takes
// its leases along, so there is a bound on those of all classes, too.
func (s *Site) room(gone map[wire.EndpointID]bool) func(schedule.Slot) int {
	slots, all := map[schedule.Slot]int{}, map[wire.EndpointID]int{}
	for _, l := range s.leases {
		slots[schedule.Slot{Member: l.to, Class: s.class(l)}]++
		all[l.to]++
	}
	return func(slot schedule.Slot) int {
		if gone[slot.Member] {
			return 0
		}
		return min(maxLeases-slots[slot], maxLeases*classes-all[slot.Member])
	}
}

// waiting lists what needs something from the origin: flows, once for each reach
// group.
func (s *Site) waiting(now time.Time, room func(schedule.Slot) int) (open []*flow, waiting []schedule.Waiting) {
	for _, id := range s.order {
		f := s.flows[id]
		if f.stopped() || s.heldOff(now, f) > 0 || f.rationed(now) || s.outside(now, f) {
			continue
		}
		for g, members := range s.groups {
			n := f.need(g, now)
			if n.supply.Open() == 0 && !s.bodyNeeded(f, g) || now.Before(n.notBefore) || n.relayed() || s.occupied(f, g, room) || unheard(now, f, members) {
				continue
			}
			if !s.bodyNeeded(f, g) && (seeding(now, f, n, members) != "" || s.awaitsPatches(now, f, members) > 0 || s.vendorShut(now, f) != "") {
				continue
			}
			open = append(open, f)
			waiting = append(waiting, schedule.Waiting{Priority: f.Priority, Turn: s.turns.Begins(n.turn, f.Priority.Class()), Due: s.dueBy(now, f), Fetchers: s.choose(now, f, n, members)})
		}
	}
	return open, waiting
}

// heldOff is how long a flow still waits for a peer that holds some of it: one that
// brings it along, or is switched on a little later.
func (s *Site) heldOff(now time.Time, f *flow) time.Duration {
	left := f.ordered.Add(s.desired.HoldOff).Sub(now)
	if left <= 0 || f.OnDemand { // nobody is about to bring it along
		return 0
	}
	for _, m := range s.members {
		if h := m.holds[f.ID]; h != nil && h.offers() && h.have.Count() > 0 {
			return 0
		}
	}
	return left
}

// unheard reports whether a member may be about to say that it holds some of f.
func unheard(now time.Time, f *flow, members []*member) bool {
	for _, m := range members {
		since := m.since
		if f.ordered.After(since) {
			since = f.ordered
		}
		if f.wantedBy(m) && m.holds[f.ID] == nil && now.Sub(since) < hearing {
			return true
		}
	}
	return false
}

// occupied reports whether a reach group has all the fetchers it may have, and they
// could fetch for f, too, but have no room now. This is so nearly always, and saves
// looking at everybody.
func (s *Site) occupied(f *flow, g groupID, room func(schedule.Slot) int) bool {
	at := map[*member]bool{}
	for _, l := range s.leases {
		m := s.members[l.to]
		h := m.holds[f.ID]
		if m.group != g || h == nil || h.code != "" || h.complete || h.doubted || !h.fetches() {
			continue
		}
		if room(schedule.Slot{Member: l.to, Class: f.Priority.Class()}) > 0 {
			return false
		}
		at[m] = true
	}
	return len(at) >= s.cfg.Fetchers
}

// grant gives m the next lease of f, the body first.
func (s *Site) grant(now time.Time, f *flow, m *member) bool {
	ahead, n := int64(0), f.need(m.group, now)
	for _, l := range s.leasesOf(m.ID) {
		ahead += l.bytes
	}
	s.lastLease++
	out := wire.Lease{Flow: f.ID, Epoch: s.cfg.Epoch, Lease: s.lastLease, Next: ahead > 0}
	l := &lease{fence: fence{out.Epoch, out.Lease}, flow: f.ID, to: m.ID, moved: now}
	s.first(f, n, m.group)
	object := Object{Kind: Pack}
	if s.bodyNeeded(f, m.group) {
		object.Kind, l.body, l.step = Body, true, f.Head.BodyBytes
		out.Body, out.Pack, out.To = true, f.Head.Body, f.Head.BodyBytes
	} else {
		// choose took only those for whom something is open.
		run, _ := n.supply.Next(s.leaseBytes(now, f), m.holds[f.ID].have)
		out.Pack, out.From, out.To, out.Parts = run.Pack, run.From, run.To, run.Parts
		f.granted++
		n.supply.Lease(run.Parts)
		l.step, l.patch = longest(run.Parts), s.patchFor(f, m, run)
	}
	object.Digest = out.Pack
	if !l.body {
		object.From, object.To, object.Page = out.From, out.To, m.named != nil
	}
	l.parts, l.bytes = out.Parts, out.To-out.From
	ttl := s.patience(now, l)
	out.TTLMs = ttl.Milliseconds()
	// The address must still be good when what is before the lease has been fetched.
	good := ttl + s.takes(now, m, ahead)
	if out.URL, out.External = s.vendorOf(f, l); out.URL == "" {
		out.URL = s.cfg.URL(object, good)
	}
	if out.Patch = l.patch; l.patch != nil {
		out.Patch.URL = s.cfg.URL(Object{Kind: Patch, Digest: l.patch.Pack, From: l.patch.From, To: l.patch.To}, good)
	}
	l.good = now.Add(good)
	n.turn, n.trial = s.turns.Take(n.turn, f.Priority.Class(), l.bytes), ""
	s.leases[l.fence] = l
	s.cfg.Accounts.granted()
	s.fetches(now, m)
	s.prefers(now, f)
	f.spends(now, l)
	return m.conn.Send(wire.KindLease, out)
}

// expected is the rate over the WAN, or the most it can be where none was
// measured yet; 0 when unknown.
func (s *Site) expected(now time.Time, f *flow) float64 {
	wan, _, _ := f.rates(now)
	if limit := s.bound(now); wan <= 0 && limit != wire.Unlimited {
		wan = float64(limit)
	}
	return wan
}

// free ends a lease on our side: what it did not bring is open again, and the
// next may begin.
func (s *Site) free(now time.Time, l *lease) {
	delete(s.leases, l.fence)
	s.moved(now, l)
	m := s.members[l.to]
	if f := s.flows[l.flow]; f != nil {
		n := f.need(m.group, now)
		f.unspent(now, l, m.holds[l.flow])
		n.supply.Free(l.parts)
		n.moved = now
	}
}

// bodyNeeded reports whether nobody of a reach group holds or fetches the body.
func (s *Site) bodyNeeded(f *flow, g groupID) bool {
	for _, m := range s.groups[g] {
		if h := m.holds[f.ID]; h != nil && h.body && h.offers() {
			return false
		}
	}
	for _, l := range s.leases {
		if l.flow == f.ID && l.body && s.members[l.to].group == g {
			return false
		}
	}
	return true
}
