package site

import (
	"fmt"
	"time"
)

const (
	// seedLookup is how long it is waited for a member to get the body of a flow from
	// others, so that it can tell what of it lies in other versions it holds.
	seedLookup = 10 * time.Second
	// seedMost is how long it is waited for it to take that: what a hard disk can copy
	// meanwhile is 10 GiB.
	seedMost = 2 * time.Minute
)

// seeding names a member that may be about to find more of f in what else it holds:
// what it finds need not cross the WAN, whoever lacks it. It knows only once it has
// the body, which others of its group hold since n.body.
func seeding(now time.Time, f *flow, n *need, members []*member) (name string) {
	held := false
	var waits []*member
	for _, m := range members {
		h := m.holds[f.ID]
		if h == nil || h.code != "" || h.doubted {
			continue
		}
		held = held || h.body
		if h.seeding {
			waits = append(waits, m)
		}
	}
	switch {
	case !held:
		n.body = time.Time{}
	case n.body.IsZero():
		n.body = now
	}
	for _, m := range waits {
		h := m.holds[f.ID]
		begun, most := h.since, seedMost
		if !h.body {
			most = seedLookup
			if n.body.After(begun) {
				begun = n.body
			}
		}
		if !held || now.Sub(begun) < most {
			return m.Hello.Name
		}
	}
	return ""
}

// premature reports whether a lease was granted before it was known that a member
// may hold some of it. What it brought until now is kept.
func (s *Site) premature(now time.Time, l *lease) bool {
	f, m := s.flows[l.flow], s.members[l.to]
	return !l.body && seeding(now, f, f.need(m.group, now), s.groups[m.group]) != ""
}

// seeks says that a flow waits for a member that may find more of it, where it does.
func (s *Site) seeks(now time.Time, f *flow) string {
	for g, members := range s.groups {
		n := f.need(g, now)
		if n.supply.Open() == 0 || s.bodyNeeded(f, g) {
			continue
		}
		if name := seeding(now, f, n, members); name != "" {
			return fmt.Sprintf("waiting for %s to find what it holds of it in other versions", name)
		}
	}
	return ""
}
