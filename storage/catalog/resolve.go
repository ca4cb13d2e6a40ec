package catalog

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// Order is a version that a site shall have, and how.
type Order struct {
	Name, Version string
	Priority      string // of OnDemand: empty unless a rule says one
	Paused        bool
	PausedBy      string
	PausedUntil   time.Time // when the pauses have ended by themselves; zero: not before one is ended
	// Capped: of the WAN it takes Cap bytes a second at most. CappedBy says by whom.
	Capped   bool
	Cap      int64
	CappedBy string
	ReadyBy  time.Time // zero: no matter when
	PreStage int       // copies that shall be at the site; 0: every endpoint shall have it
	// Superseded says that a newer version took its place: what is left of the copies is
	// kept, and nothing of it is fetched.
	Superseded bool
	// NotBefore is when it begins to reach the site; zero: it does. Until then nobody gets
	// anything of it, and it takes nothing's place.
	NotBefore time.Time
	// Window is in which hours of the week it is fetched, as the last distribution of it says;
	// empty: in all that the site has open.
	Window string
	// Retry is the generation in which it was last asked for that who failed to activate it
	// tries again; 0: never.
	Retry uint64
	// OnDemand says that nobody asked for it but browsers, and nobody else gets it but
	// those who shall hold copies.
	OnDemand bool
	// When says from when on it is used, which is not yet; nil: as soon as it is there.
	When *When
	// Halted says that its rollout is halted: who has it and does not use it yet shall not,
	// whatever When says.
	Halted bool
}

// MaxSuperseded bounds the superseded versions of which a site keeps copies: those
// distributed last.
const MaxSuperseded = 24

// Resolve says what a site shall have. Of each content it is the version with
// the highest serial that was distributed to the site: a newer one supersedes
// the older. The priority is that of the newest matching priority rule, else of
// the version's newest distribution. Any matching pause rule pauses; of those
// that end last the newest is named. Rules that have ended are not to be in o, see
// [Orders.At]. What was purged since it was distributed was not distributed. Of several times by which the version shall be ready the earliest
// counts: whoever needs it first needs it then. What is distributed to a few endpoints
// ahead of need supersedes nothing until it is distributed to all, and what is not to begin
// yet nothing until it may. A distribution in rings reaches the site once its ring is open;
// where it was halted since, nothing more of it comes, and it is not used where it is not yet. Where the site shall
// keep copies of what was superseded it is ordered, too. What is held until it is
// activated comes beside the version in use, and supersedes nothing before. What is
// blocked was not distributed.
func Resolve(o Orders) []Order {
	all := slices.DeleteFunc(slices.Clone(o.Distributions), func(d Distribution) bool { return o.void(d) || !o.reaches(d) })
	var coming []Distribution
	o.Distributions = nil
	for _, d := range all {
		if d.NotBefore.After(o.Now) {
			coming = append(coming, d)
		} else {
			o.Distributions = append(o.Distributions, d)
		}
	}
	rest, held := o.staged()
	o.Distributions = rest
	open := newest(rest, func(d Distribution) bool { return d.PreStage == 0 })
	chosen := slices.Collect(maps.Values(open))
	for name, d := range newest(rest, func(d Distribution) bool { return d.PreStage > 0 }) {
		if d.Serial > open[name].Serial {
			chosen = append(chosen, d)
		}
	}
	chosen = beside(chosen, open, held)
	for _, d := range newest(coming, func(Distribution) bool { return true }) {
		taken := func(c Distribution) bool {
			return c.Name == d.Name && (c.Serial == d.Serial || c.Serial > d.Serial && !o.when(c).Held(o.Now))
		}
		if !slices.ContainsFunc(chosen, taken) {
			chosen = append(chosen, d)
		}
	}
	var out []Order
	for _, d := range chosen {
		if d.Removed { // nothing takes its place: an older one would be a surprise
			continue
		}
		order := Order{Name: d.Name, Version: d.Version, Priority: d.Priority, ReadyBy: earliest(all, d), PreStage: d.PreStage, Window: d.Window, Retry: retry(all, d)}
		order.Halted, order.PausedBy = o.halted(d)
		order.Paused = order.Halted
		if when := o.when(d); d.PreStage == 0 && when.Held(o.Now) {
			order.When = &when
		}
		if d.NotBefore.After(o.Now) {
			order.NotBefore = d.NotBefore
		}
		out = append(out, o.ruled(order))
	}
	slices.SortStableFunc(out, func(a, b Order) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.NotBefore.Compare(b.NotBefore), cmp.Compare(a.PreStage, b.PreStage), rank(a)-rank(b))
	})
	for _, d := range o.superseded(open) {
		out = append(out, o.ruled(Order{Name: d.Name, Version: d.Version, Priority: d.Priority, PreStage: o.Site.Replicas, Superseded: true}))
	}
	return out
}

// newest is the newest distribution of each content, of those that count: of several of a
// version the last.
func newest(all []Distribution, counts func(Distribution) bool) map[string]Distribution {
	out := map[string]Distribution{}
	for _, d := range all {
		have, ok := out[d.Name]
		if counts(d) && (!ok || cmp.Or(cmp.Compare(d.Serial, have.Serial), cmp.Compare(d.ID, have.ID)) > 0) {
			out[d.Name] = d
		}
	}
	return out
}

// Everywhere names the version of a content that every endpoint of a site shall have,
// "" where there is none.
func Everywhere(orders []Order, name string) string {
	for _, order := range orders {
		if order.Name == name && order.PreStage == 0 && !order.OnDemand && order.When == nil && order.NotBefore.IsZero() {
			return order.Version
		}
	}
	return ""
}

// Meant is the version that a browser means which names a content: the one that it says,
// else the one that every endpoint of its site shall have, else the newest that was
// published; ErrNotFound where there is none.
func Meant(ctx context.Context, c Catalog, orders []Order, name, version string) (string, error) {
	if version == "" {
		version = Everywhere(orders, name)
	}
	if version == "" {
		return c.Newest(ctx, name)
	}
	return version, nil
}

// Demand adds what browsers ask for to what a site shall have, under the same rules. It
// reports false for a version that a purge took away, which only a distribution brings
// back.
func (o Orders) Demand(orders []Order, name, version string, serial uint64) ([]Order, bool) {
	for i, order := range orders {
		if order.Name == name && order.Version == version {
			orders[i].OnDemand = order.OnDemand || order.Superseded
			return orders, true
		}
	}
	if o.blocked(name, version) {
		return orders, false
	}
	for _, r := range o.Rules {
		if r.Kind != RulePurge || r.Name != name || r.Version != "" && r.Version != version || r.Site != "" && r.Site != o.Site.Name {
			continue
		}
		if p, ok := o.purge(r); ok && serial <= p.Serial {
			return orders, false
		}
	}
	return append(orders, o.ruled(Order{Name: name, Version: version, OnDemand: true})), true
}

// superseded lists the distributions to all that newer ones superseded, the last
// first, where the site shall keep copies of their versions.
func (o Orders) superseded(open map[string]Distribution) (out []Distribution) {
	if o.Site.Replicas == 0 {
		return nil
	}
	type version struct{ name, version string }
	seen := map[version]bool{}
	for _, d := range slices.Backward(o.Distributions) {
		v := version{d.Name, d.Version}
		if d.PreStage > 0 || d.Removed || d.Serial >= open[d.Name].Serial || seen[v] {
			continue
		}
		seen[v] = true
		if out = append(out, d); len(out) == MaxSuperseded {
			break
		}
	}
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

// Overlaps reports whether something can be in both selections.
func (s Selector) Overlaps(other Selector) bool {
	common := func(x, y string) bool { return x == "" || y == "" || x == y }
	return common(s.Site, other.Site) && common(s.Name, other.Name) && common(s.Version, other.Version)
}
