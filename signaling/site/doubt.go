package site

import "time"

// doubtAfter is how long members that lack chunks may get none of those that
// others of their group say they hold, before that is not believed any more.
const doubtAfter = 20 * time.Second

// awake is how long ago a member that waits in vain said so last. One that was
// silent for longer sleeps.
const awake = 12 * time.Second

// wants reports whether the member still needs chunks and could take them.
func (h *holding) wants(now time.Time) bool {
	return h.code == "" && !h.restraint.Scope.Take() && !h.complete && now.Sub(h.heard) < awake
}

// doubt looks for flows that stand still although everything is said to be there:
// somebody holds less than it says, or does not serve it. What such a member holds
// counts no more, so that it is leased to others; each doubt costs the WAN at most
// what the doubted alone were said to hold.
func (s *Site) doubt(now time.Time) {
	if now.Sub(s.doubtedAt) < tick {
		return
	}
	s.doubtedAt = now
	for _, id := range s.order {
		f := s.flows[id]
		for g, members := range s.groups {
			n := f.need(g, now)
			wanting := false
			for _, m := range members {
				h := m.holds[id]
				wanting = wanting || h != nil && h.wants(now)
			}
			switch {
			case !wanting:
				s.believe(f, n, members)
				n.moved = now
			case f.stopped() || n.supply.Open() > 0 || s.leased(f, g):
				n.moved = now // it is the origin that is waited for
			case now.Sub(n.moved) >= doubtAfter:
				n.moved = now
				s.disbelieve(now, f, n, members, members)
			}
		}
	}
}

// leased reports whether a member of the group has a lease of f.
func (s *Site) leased(f *flow, g groupID) bool {
	for _, l := range s.leases {
		if l.flow == f.ID && s.members[l.to].group == g {
			return true
		}
	}
	return false
}

// believe takes all doubts back: nobody lacks anything.
func (s *Site) believe(f *flow, n *need, members []*member) {
	for _, m := range members {
		if h := m.holds[f.ID]; h != nil && h.doubted {
			h.doubted = false
			f.count(h, n, true)
		}
	}
}

// bodyHolders are those who say to m's group, without m, that they hold the body.
func (s *Site) bodyHolders(m *member, f *flow) (out []*member) {
	for _, other := range s.groups[m.group] {
		if h := other.holds[f.ID]; other != m && h != nil && h.body {
			out = append(out, other)
		}
	}
	return out
}

// disbelieve doubts those of the suspects who say that they hold what members have
// lacked for long.
func (s *Site) disbelieve(now time.Time, f *flow, n *need, suspects, members []*member) {
	for _, m := range suspects {
		h := m.holds[f.ID]
		if h == nil || !h.offers() || !s.withholds(now, f, m, members) {
			continue
		}
		s.log.Warn("nobody gets what it says it holds", "endpoint", m.ID.Short(), "content", f.Head.Ref().String())
		f.again(n, func() { f.count(h, n, false) })
		h.doubted = true
		s.bodyGone(f, h, n, m.group)
	}
}

// withholds reports whether m holds something that another member lacks.
func (s *Site) withholds(now time.Time, f *flow, m *member, members []*member) bool {
	have := m.holds[f.ID].have
	for _, other := range members {
		h := other.holds[f.ID]
		if other == m || h == nil || !h.wants(now) {
			continue
		}
		for i, b := range have {
			if b&^h.have[i] != 0 {
				return true
			}
		}
		if m.holds[f.ID].body && !h.body {
			return true
		}
	}
	return false
}
