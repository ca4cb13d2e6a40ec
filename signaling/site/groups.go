package site

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// groupID names a reach group: members that can link directly, perhaps by way of
// others. What one of them fetched reaches all of them over the LAN.
type groupID uint64

// joinedEdges lists pairs that are linked directly, or will be as far as is known.
func (s *Site) joinedEdges(now time.Time) (edges []schedule.Edge) {
	for e, state := range s.links.edges {
		if state.up && !state.relayed || !state.up && !s.links.apart[e] && !s.distrusted(now, e) {
			edges = append(edges, e)
		}
	}
	return edges
}

// regroup puts members into reach groups after links or members changed. Most
// keep the group they are in, and take what they hold along when they don't.
func (s *Site) regroup(now time.Time) {
	if !s.links.regroup {
		return
	}
	s.links.regroup = false
	ids := make([]wire.EndpointID, 0, len(s.members))
	visitors := map[wire.EndpointID]bool{}
	for id, m := range s.members {
		ids = append(ids, id)
		visitors[id] = m.named != nil
	}
	groups := map[groupID][]*member{}
	for _, part := range schedule.Groups(ids, s.joinedEdges(now), visitors) {
		g := s.nameOf(part, groups)
		groups[g] = nil
		for _, id := range part {
			groups[g] = append(groups[g], s.members[id])
		}
	}
	if len(groups) != len(s.groups) && len(groups) > 1 {
		s.log.Info("endpoints can not all link directly", "groups", len(groups))
	}
	s.groups = groups
	for g, members := range groups {
		for _, m := range members {
			if m.group != g {
				s.move(now, m, g)
			}
		}
	}
	for _, f := range s.flows {
		for g := range f.needs {
			if groups[g] == nil {
				delete(f.needs, g)
			}
		}
	}
}

// nameOf returns the group that most of its members are in already, unless others
// took it, and a new one otherwise.
func (s *Site) nameOf(part []wire.EndpointID, taken map[groupID][]*member) groupID {
	count := map[groupID]int{}
	best := groupID(0)
	for _, id := range part {
		g := s.members[id].group
		if _, used := taken[g]; used {
			continue
		}
		count[g]++
		if best == 0 || count[g] > count[best] || count[g] == count[best] && g < best {
			best = g
		}
	}
	if best == 0 {
		best = s.newGroup()
	}
	return best
}

func (s *Site) newGroup() groupID {
	s.lastGroup++
	return s.lastGroup
}

// move takes a member, what it holds and what it fetches to another group. What
// is being fetched there already it need not fetch any more.
func (s *Site) move(now time.Time, m *member, to groupID) {
	leases, from := s.leasesOf(m.ID), m.group
	for _, l := range leases {
		f := s.flows[l.flow]
		n := f.need(from, now)
		f.again(n, func() { n.supply.Free(l.parts) })
	}
	for id, h := range m.holds {
		f := s.flows[id]
		n := f.need(from, now)
		f.again(n, func() { f.count(h, n, false) })
		s.bodyGone(f, h, n, from)
		f.count(h, f.need(to, now), true)
		f.need(to, now).moved = now
	}
	m.group = to
	for _, l := range leases {
		supply := s.flows[l.flow].need(to, now).supply
		if s.elsewhere(l) || slices.ContainsFunc(l.parts, func(p wire.Part) bool { return supply.Leased(p.Chunk) }) {
			s.unfinished(now, l, true)
			delete(s.leases, l.fence)
			m.conn.Send(wire.KindRevoke, wire.Revoke{Epoch: l.epoch, Lease: l.lease, Reason: "another endpoint fetches it"})
			continue
		}
		supply.Lease(l.parts)
	}
}

// elsewhere reports whether l is of a body that another of the group fetches, too.
func (s *Site) elsewhere(l *lease) bool {
	for _, other := range s.leases {
		if l.body && other != l && other.body && other.flow == l.flow && s.members[other.to].group == s.members[l.to].group {
			return true
		}
	}
	return false
}
