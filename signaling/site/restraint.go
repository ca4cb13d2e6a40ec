package site

import (
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Endpoints hold back out of regard for their users: on a metered network they fetch
// nothing, on a low battery they serve nobody, and a user may pause his own. Each says so
// flow by flow, because flows of high priority go past what is only regard. For the site
// who fetches nothing is no candidate for a lease, and what somebody holds who serves
// nobody is not there: others fetch what they lack, as they would if he had left.

// offers reports whether what a member holds counts as there for others.
func (h *holding) offers() bool { return !h.doubted && !h.restraint.Scope.Serve() }

// fetches reports whether a member takes leases.
func (h *holding) fetches() bool { return !h.restraint.Scope.Fetch() }

// restrain takes in what a member does without for a flow.
func (s *Site) restrain(f *flow, h *holding, n *need, g groupID, said *wire.Restraint) {
	var is wire.Restraint
	if said != nil {
		is = *said
	}
	did := h.offers()
	if did && is.Scope.Serve() {
		f.again(n, func() { f.count(h, n, false) })
	}
	h.restraint = is
	switch {
	case did && is.Scope.Serve():
		s.bodyGone(f, h, n, g)
	case !did && h.offers():
		f.count(h, n, true)
	}
}

// restrained says who holds a flow up by that, where somebody does: who takes nothing
// lacks it, and where a group waits for the origin and nobody fetches, those who might.
// Others only slow it down.
func (s *Site) restrained(f *flow) (held, slow string) {
	var holds, slows []*member
	for g, members := range s.groups {
		waits := f.needs[g] != nil && (f.needs[g].supply.Open() > 0 || s.bodyNeeded(f, g)) && !s.leased(f, g)
		for _, m := range members {
			switch h := m.holds[f.ID]; {
			case h == nil || h.complete && !(waits && h.restraint.Scope.Serve()) || h.restraint.Code == "":
			case h.restraint.Scope.Take(), waits && !h.fetches():
				holds = append(holds, m)
			case h.fetches():
				slows = append(slows, m)
			}
		}
	}
	why := func(m *member) string { return m.holds[f.ID].restraint.Reason }
	return named(holds, why), named(slows, why)
}

// listed adds what a member does without for one flow to what was listed of it.
func listed(all []string, r wire.Restraint) []string {
	if text := r.Code + ": " + r.Reason; r.Code != "" && !slices.Contains(all, text) {
		return append(all, text)
	}
	return all
}
