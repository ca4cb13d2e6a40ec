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
		return s.blocksFor(m)
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

// blocksFor says what a page shall delete, which keeps versions in its browser: what is blocked
// of the contents that its token names. By whom is not for pages.
func (s *Site) blocksFor(m *member) (out []wire.Purge) {
	for _, p := range slices.Backward(s.desired.Purges) {
		if p.Block && len(out) < wire.MaxKeeping && slices.ContainsFunc(m.Contents, func(n wire.Named) bool { return n.Name == p.Content }) {
			out = append(out, wire.Purge{Content: p.Content, Version: p.Version, Serial: p.Serial, Block: true})
		}
	}
	slices.Reverse(out)
	return out
}
