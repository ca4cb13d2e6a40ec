package site

import (
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// lingering is how long a member counts as a fetcher after its last lease, so
	// that the gap to its next one makes nobody change anything.
	lingering = 2 * time.Second
	// lately is how long what was right to say before an appointment changed, or a
	// session began, is no breach: it was on its way.
	lately = 5 * time.Second
)

// line is one egress of the site: the line to the WAN that members behind one
// public address share, with one governor.
type line struct {
	sent      wire.Govern // the appointment in force, as it was sent
	told      map[wire.EndpointID]Conn
	appointed time.Time // when its holder was
	last      account
	recent    map[wire.EndpointID]time.Time // who had a part in one before, until when
}

// had reports whether an endpoint had a part in an appointment that changed a short
// while ago.
func (ln *line) had(now time.Time, id wire.EndpointID) bool {
	until, was := ln.recent[id]
	return was && now.Sub(until) < lately
}

// commands reports whether a grant of from to id may be given: the holder's to those
// under it, and that of who stands by, when it does not hear the holder.
func (ln *line) commands(from, id wire.EndpointID) bool {
	switch from {
	case ln.sent.Holder:
		return id == ln.sent.StandBy || slices.Contains(ln.sent.Fetchers, id)
	case ln.sent.StandBy:
		return id == ln.sent.Holder || slices.Contains(ln.sent.Fetchers, id)
	}
	return false
}

// counts reports whether what from took is for id to know: the holder, and who stands
// by as it may have to govern at once.
func (ln *line) counts(from, id wire.EndpointID) bool {
	return slices.Contains(ln.sent.Fetchers, from) && (id == ln.sent.Holder || id == ln.sent.StandBy && from != ln.sent.Holder)
}

// allowed is how many bytes per second one member may take over the WAN, if it is
// granted as much as others of its egress, or wire.Unlimited.
func (s *Site) allowed(now time.Time, m *member) int64 {
	limits := []int64{s.bound(now)}
	ln, fetchers := s.lines[m.egress], 1
	if ln != nil && len(ln.sent.Fetchers) > 0 {
		limits, fetchers = append(limits, ln.sent.Bound), len(ln.sent.Fetchers)
		if !ln.last.lowAt.IsZero() && now.Sub(ln.last.lowAt) < lowLasts {
			limits = append(limits, ln.last.low)
		}
	}
	limits = slices.DeleteFunc(limits, func(limit int64) bool { return limit == wire.Unlimited })
	if len(limits) == 0 {
		return wire.Unlimited
	}
	return max(slices.Min(limits)/int64(fetchers), 1)
}

// govern appoints for each egress where somebody fetches who holds its governor,
// and tells those whom it concerns what changed.
func (s *Site) govern(now time.Time) {
	for _, l := range s.leases {
		m := s.members[l.to]
		m.fetching = now
		s.flows[l.flow].ran[m.egress] = now
	}
	at := map[string][]*member{}
	var busy []string // egresses where somebody fetches
	for _, m := range s.members {
		at[m.egress] = append(at[m.egress], m)
		if m.fetches(now) && !slices.Contains(busy, m.egress) {
			busy = append(busy, m.egress)
		}
	}
	slices.Sort(busy) // so that each keeps its share
	shares := map[string]int64{}
	for i, share := range schedule.Shares(s.bound(now), len(busy)) {
		shares[busy[i]] = least(share, s.cfg.Lines.share(now, s.cfg.Name, busy[i], s.learned[busy[i]].Capacity))
		if s.lines[busy[i]] == nil {
			s.lines[busy[i]] = &line{recent: map[wire.EndpointID]time.Time{}}
		}
	}
	for egress, ln := range s.lines {
		share, active := shares[egress]
		if !active {
			share = ln.sent.Bound
		}
		if active || len(ln.sent.Fetchers) > 0 {
			s.appoint(now, egress, ln, at[egress], share)
		}
		if len(at[egress]) == 0 {
			delete(s.lines, egress)
		}
	}
}

// fetches reports whether m counts as a fetcher.
func (m *member) fetches(now time.Time) bool {
	return !m.fetching.IsZero() && now.Sub(m.fetching) < lingering
}

// appoint decides about one egress, and sends what changed.
func (s *Site) appoint(now time.Time, egress string, ln *line, members []*member, bound int64) {
	next := wire.Govern{Epoch: s.cfg.Epoch, Bound: bound, Reflectors: s.cfg.Reflectors}
	groups := map[groupID]bool{}
	for _, m := range members {
		if m.fetches(now) {
			next.Fetchers = append(next.Fetchers, m.ID)
			groups[m.group] = true
		}
	}
	slices.Sort(next.Fetchers)
	next.Fetchers = next.Fetchers[:min(len(next.Fetchers), wire.MaxFetchers)]
	stewards := make([]schedule.Steward, 0, len(members))
	for _, m := range members {
		active := m.fetching
		if m.ID == ln.sent.Holder && ln.appointed.After(active) {
			active = ln.appointed
		}
		stewards = append(stewards, schedule.Steward{ID: m.ID, Browser: m.Hello.Device == wire.DeviceBrowser,
			Frail: m.Hello.Battery || m.Hello.Wireless, Fetcher: m.fetches(now), Rested: now.Sub(active),
			Near: groups[m.group], Since: m.since.UnixNano()})
	}
	next.Holder, next.StandBy = schedule.Appoint(stewards, ln.sent.Holder, ln.sent.StandBy)
	if ln.unchanged(next, s.members) {
		return
	}
	if next.Holder != ln.sent.Holder {
		ln.appointed, ln.last = now, account{low: ln.last.low, lowAt: ln.last.lowAt}
	}
	s.lastTerm++
	next.Term, next.Line = s.lastTerm, s.hints(now, egress)
	s.announce(now, ln, next)
}

// unchanged reports whether everybody was told what is in next.
func (ln *line) unchanged(next wire.Govern, members map[wire.EndpointID]*member) bool {
	for id, conn := range ln.told {
		if m := members[id]; m != nil && m.conn != conn { // it came back, and may have missed it
			return false
		}
	}
	return ln.sent.Holder == next.Holder && ln.sent.StandBy == next.StandBy && ln.sent.Bound == next.Bound &&
		slices.Equal(ln.sent.Fetchers, next.Fetchers) && slices.Equal(ln.sent.Reflectors, next.Reflectors)
}

// announce puts an appointment in force, and tells those who have a part in it or
// had one until now.
func (s *Site) announce(now time.Time, ln *line, next wire.Govern) {
	maps.DeleteFunc(ln.recent, func(_ wire.EndpointID, until time.Time) bool { return now.Sub(until) >= lately })
	tell := map[wire.EndpointID]bool{next.Holder: true, next.StandBy: true}
	for _, id := range next.Fetchers {
		tell[id] = true
	}
	for id := range ln.told {
		ln.recent[id] = now
	}
	ln.sent, ln.told = next, map[wire.EndpointID]Conn{}
	if next.Holder == "" && len(next.Fetchers) == 0 { // nobody is left who could be told
		return
	}
	// Where only browsers are nobody holds the governor, and each paces itself.
	s.log.Info("governor appointed", "holder", next.Holder.Short(), "stand_by", next.StandBy.Short(), "fetchers", len(next.Fetchers),
		"bound", next.Bound, "term", next.Term)
	for id := range tell {
		if m := s.members[id]; m != nil {
			ln.told[id] = m.conn
		}
	}
	for id := range ln.recent {
		tell[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(tell)) {
		if m := s.members[id]; m != nil {
			m.conn.Send(wire.KindGovern, next)
		}
	}
}

// forwardGrant passes a grant on from who governs an egress to who works under it.
func (s *Site) forwardGrant(now time.Time, m *member, g *wire.Grant) {
	to, ln := s.members[g.To], s.lines[m.egress]
	switch {
	case to == nil || to == m: // it left meanwhile
		s.cfg.Refused.Add(wire.DoorSocket, wire.CodeUnknownPeer)
	case g.Epoch < s.cfg.Epoch: // of before a restart
	case ln != nil && ln.commands(m.ID, to.ID) && g.Epoch == s.cfg.Epoch && g.Term <= ln.sent.Term:
		if g.Term == ln.sent.Term {
			out := *g
			out.From = m.ID
			to.conn.Send(wire.KindGrant, out)
		}
	case !s.outdated(now, m, to.ID):
		s.refuse(m, "grant of one who does not hold the governor, or to one who is not under it")
	}
}

// forwardTaken passes a count on from a fetcher to who governs its egress, or may.
func (s *Site) forwardTaken(now time.Time, m *member, t *wire.Taken) {
	to, ln := s.members[t.To], s.lines[m.egress]
	switch {
	case to == nil || to == m:
		s.cfg.Refused.Add(wire.DoorSocket, wire.CodeUnknownPeer)
	case ln != nil && ln.counts(m.ID, to.ID):
		out := *t
		out.From = m.ID
		to.conn.Send(wire.KindTaken, out)
	case !s.outdated(now, m, to.ID):
		s.refuse(m, "count of one who does not fetch, or to one who does not hold its governor")
	}
}

// outdated reports whether what m says to another, or of itself, as one with a part
// in its egress may have been right when it was said: such a message is dropped, and
// no breach.
func (s *Site) outdated(now time.Time, m *member, to wire.EndpointID) bool {
	ln := s.lines[m.egress]
	return now.Sub(m.since) < lately || ln != nil && ln.had(now, m.ID) && ln.had(now, to)
}
