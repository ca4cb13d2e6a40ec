package site

import (
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// purgesFor says what a member shall delete, oldest first. Purges are rules for ever: an
// endpoint that was away for a year obeys those it missed. A message holds few of
// them, so a member is told the newest purge of each version that it has spare,
// and beside those the newest of all: of flows that end with them it has not said
// yet that they are spare.
func (s *Site) purgesFor(m *member) []wire.Purge {
	if m.named != nil {
		return nil
	}
	all := s.desired.Purges
	if len(all) <= wire.MaxKeeping {
		return all
	}
	told := map[int]bool{}
	for _, v := range m.spare[:min(len(m.spare), wire.MaxKeeping)] {
		for i, p := range slices.Backward(all) {
			if p.Covers(v) {
				told[i] = true
				break
			}
		}
	}
	for i := len(all) - 1; len(told) < wire.MaxKeeping; i-- {
		told[i] = true
	}
	out := make([]wire.Purge, 0, len(told))
	for i, p := range all {
		if told[i] {
			out = append(out, p)
		}
	}
	return out
}
