package catalog

import (
	"cmp"
	"slices"
	"time"
)

// Order is a version that a site shall have, and how.
type Order struct {
	Name, Version string
	Priority      string
	Paused        bool
	PausedBy      string
	ReadyBy       time.Time // zero: no matter when
}

// Resolve says what a site shall have. Of each content it is the version with
// the highest serial that was distributed to the site: a newer one supersedes
// the older. The priority is that of the newest matching priority rule, else of
// the version's newest distribution. Any matching pause rule pauses; the newest
// is named. Of several times by which the version shall be ready the earliest
// counts: whoever needs it first needs it then.
func Resolve(o Orders) []Order {
	newest := map[string]Distribution{}
	for _, d := range o.Distributions {
		if have, ok := newest[d.Name]; !ok || cmp.Or(cmp.Compare(d.Serial, have.Serial), cmp.Compare(d.ID, have.ID)) > 0 {
			newest[d.Name] = d
		}
	}
	var out []Order
	for _, d := range newest {
		order := Order{Name: d.Name, Version: d.Version, Priority: d.Priority, ReadyBy: earliest(o.Distributions, d)}
		var set uint64
		for _, r := range o.Rules {
			if !r.Covers(Selector{Site: o.Site.Name, Name: d.Name, Version: d.Version}) {
				continue
			}
			switch {
			case r.Kind == RulePause:
				order.Paused, order.PausedBy = true, r.By+" paused "+r.Selector.String()
			case r.Kind == RulePriority && r.Generation >= set:
				order.Priority, set = r.Priority, r.Generation
			}
		}
		out = append(out, order)
	}
	slices.SortFunc(out, func(a, b Order) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// earliest is when a version shall be ready, of all distributions of it; zero when
// none of them says.
func earliest(all []Distribution, of Distribution) (by time.Time) {
	for _, d := range all {
		if d.Name == of.Name && d.Serial == of.Serial && !d.ReadyBy.IsZero() && (by.IsZero() || d.ReadyBy.Before(by)) {
			by = d.ReadyBy
		}
	}
	return by
}

// Covers reports whether everything that other selects is selected by s.
func (s Selector) Covers(other Selector) bool {
	return (s.Site == "" || s.Site == other.Site) && (s.Name == "" || s.Name == other.Name) &&
		(s.Version == "" || s.Version == other.Version)
}
