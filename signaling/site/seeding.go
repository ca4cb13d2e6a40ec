package site

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
)

const (
	// seedLookup is how long it is waited for a member to get the body of a flow from
	// others, so that it can tell what of it lies in other versions it holds.
	seedLookup = 10 * time.Second
	// seedMost is how long it is waited for it to take that: what a hard disk can copy
	// meanwhile is 10 GiB.
	seedMost = 2 * time.Minute
)

// noteBodies notes since when somebody of each reach group holds the body of a flow
// of which it lacks something.
func (s *Site) noteBodies(now time.Time) {
	for _, id := range s.order {
		f := s.flows[id]
		for g, members := range s.groups {
			n := f.need(g, now)
			if n.supply.Open() == 0 && !s.leased(f, g) {
				continue
			}
			held := slices.ContainsFunc(members, func(m *member) bool { h := m.holds[id]; return h.counts() && h.body })
			switch {
			case !held:
				n.body = time.Time{}
			case n.body.IsZero():
				n.body = now
			}
		}
	}
}

// counts reports whether what a member holds, or may find, is of use to others.
func (h *holding) counts() bool { return h != nil && h.code == "" && h.offers() }

// seeding names a member that may be about to find more of f in what else it holds:
// what it finds need not cross the WAN, whoever lacks it. It knows only once it has
// the body, which others of its group hold since n.body. Of several it is the first.
func seeding(now time.Time, f *flow, n *need, members []*member) (name string) {
	var first *member
	for _, m := range members {
		h := m.holds[f.ID]
		if !h.counts() || !h.seeding || first != nil && m.before(first) > 0 {
			continue
		}
		begun, most := h.since, seedMost
		if !h.body {
			most = seedLookup
			if n.body.After(begun) {
				begun = n.body
			}
		}
		if !h.body && n.body.IsZero() || now.Sub(begun) < most {
			first = m
		}
	}
	if first == nil {
		return ""
	}
	return first.Hello.Name
}

// premature reports whether a lease was granted before it was known that a member
// may hold some of it. What it brought until now is kept.
func (s *Site) premature(now time.Time, l *lease) bool {
	f, m := s.flows[l.flow], s.members[l.to]
	return !l.body && seeding(now, f, f.need(m.group, now), s.groups[m.group]) != ""
}

// seeker names a member that a flow waits for, as it may find more of it: of several groups
// that have one, the one whose name comes first.
func (s *Site) seeker(now time.Time, f *flow) string {
	var names []string
	for g, members := range s.groups {
		n := f.need(g, now)
		if n.supply.Open() == 0 || s.bodyNeeded(f, g) {
			continue
		}
		if name := seeding(now, f, n, members); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// seeks says that a flow waits for that, where it does.
func (s *Site) seeks(now time.Time, f *flow) string {
	name := s.seeker(now, f)
	if name == "" {
		return ""
	}
	return reason.Reason{Code: reason.Seeking, Who: name}.Text(nil)
}
