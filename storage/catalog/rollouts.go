package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
	"github.com/sitecast/sitecast/storage/target"
)

// Aim says whom a distribution means beside the sites that it names, when, and in which
// order.
type Aim struct {
	Target    string    `json:"target,omitempty"`    // a query, see package target: who it means now, and later
	NotBefore time.Time `json:"not_before,omitzero"` // nothing of it is fetched before, in milliseconds
	Window    string    `json:"window,omitempty"`    // hours of the week in which it is fetched, at the site's clock, see policy.ParseWindow; empty: all
	Rings     []Ring    `json:"rings,omitempty"`     // in their order; none: all sites at once
	// Replaces is the distribution that this one rolls back: from then on that one reaches
	// nobody. 0: none.
	Replaces int64 `json:"replaces,omitempty"`
	// Retry is the generation in which it was last asked for that who failed to activate
	// the version tries again; 0: never.
	Retry   uint64  `json:"retry,omitempty"`
	Rollout Rollout `json:"rollout,omitzero"` // how far the rings are
}

// Ring is a part of the sites that a distribution means: those that its target means, and
// no ring before it. It opens when the gates of all rings before it are passed.
type Ring struct {
	Name   string `json:"name"`
	Target string `json:"target"` // a query, or RestTarget
	Gates
}

// RestTarget as a ring's target means all sites that no ring before it has.
const RestTarget = "rest"

// Gates are what a ring has to pass before the next one opens, and what halts all. Shares
// are per cent.
type Gates struct {
	// Delivered is the share of the ring's endpoints that have all of it, of those that
	// were online in the last Lately or are.
	Delivered int `json:"delivered_percent"`
	// Failed is the most of those that tried to activate it that may have failed. Where
	// endpoints activate the content one of them has to have tried.
	Failed int `json:"failed_percent"`
	// SoakSeconds is how long both have to have been passed.
	SoakSeconds int64 `json:"soak_seconds"`
	// AtOnce is how many of its sites may be at it at a time; 0: all.
	AtOnce int `json:"at_once"`
	// Halt is the share of the ring's endpoints that fail, in activating it or in getting
	// it, from which on everything is halted; NoHalt: never.
	Halt int `json:"halt_percent"`
	// WAN is the most that the ring's sites may take over the WAN, all together and of
	// whatever, in bits per second; 0: no matter.
	WAN int64 `json:"wan_bps,omitempty"`
}

// What gates are where nobody says, and how a ring may never halt.
const (
	DefaultDelivered = 95
	DefaultFailed    = 5
	DefaultHalt      = 10
	NoHalt           = 0
)

// Bounds of rings.
const (
	MaxRings    = 20
	MaxAtOnce   = 10_000
	MaxRingWAN  = 1_000_000_000_000 // bits per second
	MaxSoak     = 90 * 24 * time.Hour
	MaxRingName = 64 // bytes
	// Lately is how long ago an endpoint may have been online to count among those that a
	// ring waits for.
	Lately = 7 * 24 * time.Hour
)

// Soak is how long the gates have to be passed.
func (g Gates) Soak() time.Duration { return time.Duration(g.SoakSeconds) * time.Second }

// States of a rollout.
const (
	RolloutRunning    = "running"     // an open ring has yet to get it
	RolloutWaiting    = "waiting"     // for a gate, or a time
	RolloutHalted     = "halted"      // by an operator, or as too much failed
	RolloutDone       = "done"        // all rings passed their gates
	RolloutSuperseded = "superseded"  // a newer distribution took its place
	RolloutRolledBack = "rolled_back" // it reaches nobody any more
)

// Rollout is how far a distribution in rings is. One without rings has none, unless it
// was rolled back.
type Rollout struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"` // of the state, in words
	Open   int    `json:"open"`             // how many of the rings are open
	// Upto is the last site by name that the newest open ring let in, where it lets in
	// some at a time.
	Upto string `json:"upto,omitempty"`
	// Stopped: the open rings get nothing more. It outlives its halt where a newer
	// distribution takes its place.
	Stopped bool      `json:"stopped,omitempty"`
	Opened  time.Time `json:"opened,omitzero"` // when the newest ring was
	Met     time.Time `json:"met,omitzero"`    // since when it passes its gates, but for the soak
	// Since is when an operator last let it go on or had failures tried again: failures
	// before it do not count.
	Since   time.Time `json:"since,omitzero"`
	Changed time.Time `json:"changed,omitzero"` // when the state did
}

// Ended reports whether nothing more becomes of a rollout by itself.
func (r Rollout) Ended() bool {
	return r.State == RolloutDone || r.State == RolloutSuperseded || r.State == RolloutRolledBack
}

// Rollouts are distributions in rings.
type Rollouts interface {
	// RolloutsBefore lists distributions with rings, with the names of their sites, the
	// newest first: those with an id below before (0: all), and with live only those that
	// have not ended.
	RolloutsBefore(ctx context.Context, before int64, limit int, live bool) ([]Distribution, error)
	// ChangeRollout has f say how far a distribution with rings is from now on, given how
	// far it is. Where f fails nothing changes and its error comes back. The generation
	// rises. With an empty action it is not audited. ErrNotFound where it has no rings.
	ChangeRollout(ctx context.Context, by, action string, id int64, f func(Distribution) (Rollout, error)) (generation uint64, err error)
	// Retry has who failed to activate the version of a distribution try again.
	Retry(ctx context.Context, by string, id int64) (generation uint64, err error)
	// NextNotBefore is the first time after now at which a distribution may begin; zero:
	// there is none.
	NextNotBefore(ctx context.Context, now time.Time) (time.Time, error)
	// LiveTargets lists the distributions whose sites may become others: those with a
	// query or with rings that have not ended.
	LiveTargets(ctx context.Context) ([]Distribution, error)
	// TagsOf lists the tags that sites bear, in order, by site.
	TagsOf(ctx context.Context) (map[string][]string, error)
}

// Means reports whether a distribution is for a site, now or when its ring opens.
// Named says whether it names the site or is for all.
func (a Aim) Means(s target.Site, named bool) bool {
	if a.Target != "" {
		q, err := target.Parse(a.Target)
		named = err == nil && q.Means(s) // it was checked when it was made
	}
	return named && (len(a.Rings) == 0 || a.RingOf(s) >= 0)
}

// RingOf is the ring of a site; -1 where it is in none.
func (a Aim) RingOf(s target.Site) int {
	return slices.IndexFunc(a.Rings, func(r Ring) bool {
		q, err := r.query()
		return err == nil && q.Means(s)
	})
}

func (r Ring) query() (target.Query, error) {
	if r.Target == RestTarget {
		return target.Parse("all")
	}
	return target.Parse(r.Target)
}

// Lets reports whether a site gets a distribution that means it: its ring is open, and it is
// its turn.
func (a Aim) Lets(s target.Site) bool {
	switch {
	case a.Rollout.State == RolloutRolledBack:
		return false
	case len(a.Rings) == 0:
		return true
	}
	ring, newest := a.RingOf(s), a.Rollout.Open-1
	if ring < 0 || ring > newest {
		return false
	}
	return ring < newest || a.Rings[ring].AtOnce == 0 || s.Name <= a.Rollout.Upto
}

// For is the site as targets are asked about it.
func (o Orders) For() target.Site {
	return target.Site{Name: o.Site.Name, TZ: o.Site.TZ, Tags: o.Tags}
}

// reaches reports whether a distribution, which means the site, has come there.
func (o Orders) reaches(d Distribution) bool { return d.Lets(o.For()) }

// halted says why nothing more of a distribution comes.
func (o Orders) halted(d Distribution) (bool, string) {
	if !d.Rollout.Stopped || len(d.Rings) == 0 {
		return false, ""
	}
	return true, fmt.Sprintf("rollout %d is halted: %s", d.ID, d.Rollout.Reason)
}

// retry is the newest wish to try again of all distributions of a version.
func retry(all []Distribution, of Distribution) (generation uint64) {
	for _, d := range all {
		if d.Name == of.Name && d.Serial == of.Serial {
			generation = max(generation, d.Retry)
		}
	}
	return generation
}

// Check reports what is wrong with an aim, at now, and writes its queries and its window as
// they are kept.
func (a *Aim) Check(now time.Time) error {
	if a.Target != "" {
		q, err := target.Parse(a.Target)
		if err != nil {
			return err
		}
		a.Target = q.String()
	}
	if a.NotBefore.Sub(now) > MaxAhead {
		return errors.New("it is not to begin before a time that is more than a year ahead")
	}
	if a.Window != "" {
		var err error
		if _, a.Window, err = policy.ParseWindow(a.Window); err != nil {
			return fmt.Errorf("window: %w", err)
		}
	}
	if len(a.Rings) > MaxRings {
		return fmt.Errorf("%d rings, limit %d", len(a.Rings), MaxRings)
	}
	for i := range a.Rings {
		if err := a.Rings[i].check(); err != nil {
			return fmt.Errorf("ring %.60q: %w", a.Rings[i].Name, err)
		}
		if slices.ContainsFunc(a.Rings[:i], func(r Ring) bool { return r.Name == a.Rings[i].Name }) {
			return fmt.Errorf("two rings are called %s", a.Rings[i].Name)
		}
	}
	return nil
}

func (r *Ring) check() error {
	if err := content.CheckName(r.Name); err != nil || len(r.Name) > MaxRingName {
		return fmt.Errorf("its name: want up to %d letters, digits, '.', '_' and '-'", MaxRingName)
	}
	q, err := r.query()
	if err != nil {
		return err
	}
	if r.Target != RestTarget {
		r.Target = q.String()
	}
	share := func(n int) bool { return n < 0 || n > 100 }
	switch {
	case share(r.Delivered) || share(r.Failed) || share(r.Halt):
		return errors.New("shares are 0 to 100 per cent")
	case r.SoakSeconds < 0 || r.Soak() > MaxSoak:
		return fmt.Errorf("it soaks for %v: want up to %v", r.Soak(), MaxSoak)
	case r.AtOnce < 0 || r.AtOnce > MaxAtOnce:
		return fmt.Errorf("%d sites at once: want up to %d, or 0 for all", r.AtOnce, MaxAtOnce)
	case r.WAN < 0 || r.WAN > MaxRingWAN:
		return fmt.Errorf("%d bits per second over the WAN: want up to %d, or 0 for no bound", r.WAN, int64(MaxRingWAN))
	}
	return nil
}

// Queries lists the queries of an aim, to look at the tags that they name.
func (a Aim) Queries() (all []target.Query) {
	if q, err := target.Parse(a.Target); err == nil && a.Target != "" {
		all = append(all, q)
	}
	for _, r := range a.Rings {
		if q, err := r.query(); err == nil {
			all = append(all, q)
		}
	}
	return all
}

// EncodeRings and DecodeRings are how rings are kept.
func EncodeRings(rings []Ring) (string, error) {
	if len(rings) == 0 {
		return "", nil
	}
	text, err := json.Marshal(rings)
	return string(text), err
}

// DecodeRings reads what EncodeRings wrote.
func DecodeRings(text string) (rings []Ring, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &rings); err != nil {
		return nil, fmt.Errorf("read rings: %w", err)
	}
	return rings, nil
}

// Supersedes reports whether a distribution takes the place of another's rings: it is of the
// same version or a newer one, and for whoever the other is for.
func (d Distribution) Supersedes(old Distribution) bool {
	same := len(d.Sites) > 0 && slices.Equal(d.Sites, old.Sites) || d.Target != "" && d.Target == old.Target
	return d.ID != old.ID && d.Name == old.Name && d.Serial >= old.Serial && d.PreStage == 0 && (d.All || same)
}
