package site

import (
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// A version may come as patches to the version before it, to who holds that one whole:
// its leases name the range of patches beside their own, and it says how many parts came
// so. What patches save is taken off what the flow may fetch as it is said, so that
// nobody is halted who can't use them.

// takesPatches reports whether a member can make chunks of f of patches.
func (s *Site) takesPatches(f *flow, m *member) bool {
	if f.PatchesOf == (content.VersionID{}) || !m.Hello.Patches {
		return false
	}
	h := m.holds[f.PatchesOf]
	return h != nil && h.complete || s.presence[m.ID].stock[f.PatchesOf]
}

// patchFor returns the patches that stand for a run, where m can use them.
func (s *Site) patchFor(f *flow, m *member, run schedule.Run) *wire.Patch {
	if f.Patches == nil || !s.takesPatches(f, m) {
		return nil
	}
	if p, ok := f.Patches.For(run); ok {
		return p
	}
	return nil
}

// patchedBy takes in how many leading parts of a lease came as patches.
func (s *Site) patchedBy(f *flow, l *lease, state wire.LeaseState) {
	if l.patch == nil {
		return
	}
	for ; l.patched < min(state.Patched, uint32(len(l.parts))); l.patched++ {
		saved := int64(l.parts[l.patched].Length) - l.patch.Parts[l.patched].Span()
		f.guard.needed = max(f.guard.needed-saved, 0)
	}
}

// respec takes over what is wanted of the flow now, and what patches there are.
func (f *flow) respec(spec FlowSpec) {
	fresh := f.Patches == nil && spec.Patches != nil
	f.FlowSpec = spec
	if !fresh {
		return
	}
	for _, n := range f.needs {
		n.supply.Patch(spec.Patches)
	}
}

// awaitsPatches is how long members that could use patches still wait for them to be
// made.
func (s *Site) awaitsPatches(now time.Time, f *flow, members []*member) time.Duration {
	if f.PatchesOf == (content.VersionID{}) || f.Patches != nil || len(members) == 0 ||
		!slices.ContainsFunc(members, func(m *member) bool { return f.wantedBy(m) && s.takesPatches(f, m) }) {
		return 0
	}
	open := f.need(members[0].group, now).supply.OpenBytes()
	return schedule.PatchPatience(open, s.expected(now, f)) - now.Sub(f.ordered)
}

// patching says that a flow waits for patches, where it does.
func (s *Site) patching(now time.Time, f *flow) string {
	for _, members := range s.groups {
		if left := s.awaitsPatches(now, f, members); left > 0 {
			return fmt.Sprintf("waiting up to %v for patches to what is held of the version before", max(left.Round(time.Second), time.Second))
		}
	}
	return ""
}
