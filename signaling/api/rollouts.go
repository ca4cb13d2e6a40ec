package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sitecast/sitecast/signaling/rollout"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/target"
)

// Rollouts is who sees to distributions in rings.
type Rollouts interface {
	// Wake has them looked at at once, and does not block.
	Wake()
	// Look is what is seen of a distribution now.
	Look(ctx context.Context, d catalog.Distribution) (rollout.Seen, error)
}

// NewRing is a ring of a distribution. What is not said of its gates is as usual.
type NewRing struct {
	Name        string `json:"name" maxLength:"64"`
	Target      string `json:"target" maxLength:"1000" doc:"A query, or rest for all sites that no ring before has."`
	Delivered   *int   `json:"delivered_percent,omitempty" minimum:"0" maximum:"100" doc:"Share of its endpoints that have it before the next ring opens; 95 where nobody says."`
	Failed      *int   `json:"failed_percent,omitempty" minimum:"0" maximum:"100" doc:"Most of those that tried to activate it that may have failed; 5 where nobody says."`
	SoakSeconds int64  `json:"soak_seconds,omitempty" minimum:"0" maximum:"7776000" doc:"How long these gates are passed before the next ring opens."`
	AtOnce      int    `json:"at_once,omitempty" minimum:"0" maximum:"10000" doc:"How many of its sites may be at it at a time; 0: all."`
	WAN         int64  `json:"wan_bps,omitempty" minimum:"0" maximum:"1000000000000" doc:"Most that its sites may take over the WAN, all together and of whatever, for the next ring to open; 0: no matter."`
	Halt        *int   `json:"halt_percent,omitempty" minimum:"0" maximum:"100" doc:"Share of its endpoints that fail from which on everything is halted; 0: never; 10 where nobody says."`
}

// ring is the ring as it is kept.
func (n NewRing) ring() catalog.Ring {
	gate := func(said *int, usual int) int {
		if said == nil {
			return usual
		}
		return *said
	}
	return catalog.Ring{Name: n.Name, Target: n.Target, Gates: catalog.Gates{Delivered: gate(n.Delivered, catalog.DefaultDelivered),
		Failed: gate(n.Failed, catalog.DefaultFailed), SoakSeconds: n.SoakSeconds, AtOnce: n.AtOnce, Halt: gate(n.Halt, catalog.DefaultHalt), WAN: n.WAN}}
}

// MeantSite is a site that a distribution means now.
type MeantSite struct {
	Site string `json:"site"`
	Ring string `json:"ring,omitempty"`
}

// RingView is a ring, and what is seen of it.
type RingView struct {
	catalog.Ring
	Opened bool            `json:"open"`
	Seen   rollout.Figures `json:"seen"`
}

// RolloutView is how far a distribution is.
type RolloutView struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	State     string    `json:"state"` // running, waiting, halted, done, superseded or rolled_back; open: it has no rings
	Reason    string    `json:"reason,omitempty"`
	Created   time.Time `json:"created"`
	Changed   time.Time `json:"changed,omitzero"`
	NotBefore time.Time `json:"not_before,omitzero"`
	ReadyBy   time.Time `json:"ready_by,omitzero"`
	Window    string    `json:"window,omitempty"` // hours of the week in which it is fetched
	Open      int       `json:"open_rings"`
	// Rings has figures where one rollout is shown, and not in lists.
	Rings  []RingView       `json:"rings"`
	Missed []rollout.Missed `json:"missed,omitempty"` // sites that are late, or will be, and why
}

// Halting says why a rollout is halted.
type Halting struct {
	Reason string `json:"reason,omitempty" maxLength:"300"`
}

func rolloutView(d catalog.Distribution, seen rollout.Seen) RolloutView {
	v := RolloutView{ID: d.ID, Name: d.Name, Version: d.Version, State: cmp.Or(d.Rollout.State, "open"), Reason: cmp.Or(seen.Reason, d.Rollout.Reason), Created: d.Created,
		Changed: d.Rollout.Changed, NotBefore: d.NotBefore, ReadyBy: d.ReadyBy, Window: d.Window, Open: d.Rollout.Open, Rings: []RingView{}, Missed: seen.Missed}
	for i, r := range d.Rings {
		ring := RingView{Ring: r, Opened: i < d.Rollout.Open}
		if i < len(seen.Rings) {
			ring.Seen = seen.Rings[i]
		}
		v.Rings = append(v.Rings, ring)
	}
	return v
}

// rollouts are the routes about distributions in rings.
func (s *server) rollouts() {
	register(s, about(scopeOrganisation, operation("GET", "/rollouts", "list-rollouts", "List distributions in rings, the newest first", catalog.RoleViewer)),
		func(ctx context.Context, in *PageBefore) (*listed[RolloutView], error) {
			all, err := s.Catalog.RolloutsBefore(ctx, in.Before, in.Limit, false)
			if err != nil {
				return nil, err
			}
			rows := []RolloutView{}
			for _, d := range all {
				rows = append(rows, rolloutView(d, rollout.Seen{}))
			}
			return page(ctx, rows, in.Limit, "before", func(v RolloutView) string { return strconv.FormatInt(v.ID, 10) }), nil
		})
	register(s, about(scopeOrganisation, operation("GET", "/rollouts/{id}", "show-rollout", "Show how far a distribution is, what is seen of its rings, and which sites are late and why", catalog.RoleViewer)),
		func(ctx context.Context, in *numbered) (*reply[RolloutView], error) {
			d, err := s.Catalog.Distribution(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			var seen rollout.Seen
			if s.Rollouts != nil {
				if seen, err = s.Rollouts.Look(ctx, d); err != nil {
					return nil, err
				}
			}
			return &reply[RolloutView]{rolloutView(d, seen)}, nil
		})
	register(s, about(scopeOrganisation, operation("POST", "/rollouts/{id}/halt", "halt-rollout", "Halt a rollout: no ring opens, and nothing more of it is fetched", catalog.RoleOperator)),
		func(ctx context.Context, in *struct {
			ID   int64 `path:"id" minimum:"1"`
			Body Halting
		}) (*reply[Change], error) {
			return s.changeRollout(ctx, "halt rollout", in.ID, func(d catalog.Distribution) (catalog.Rollout, error) {
				return rollout.Halted(d.Rollout, actor(ctx), in.Body.Reason, time.Now())
			})
		})
	register(s, about(scopeOrganisation, operation("POST", "/rollouts/{id}/continue", "continue-rollout", "Let a halted rollout go on; what failed until now does not count any more", catalog.RoleOperator)),
		func(ctx context.Context, in *numbered) (*reply[Change], error) {
			return s.changeRollout(ctx, "continue rollout", in.ID, func(d catalog.Distribution) (catalog.Rollout, error) {
				return rollout.Continued(d.Rollout, actor(ctx), time.Now())
			})
		})
	register(s, about(scopeOrganisation, operation("POST", "/rollouts/{id}/retry", "retry-rollout", "Have endpoints try again that failed to activate the version of a distribution", catalog.RoleOperator)),
		func(ctx context.Context, in *numbered) (*reply[Change], error) {
			generation, err := s.Catalog.Retry(ctx, actor(ctx), in.ID)
			return s.rolled(Change{Generation: generation}, err)
		})
}

func (s *server) changeRollout(ctx context.Context, action string, id int64, f func(catalog.Distribution) (catalog.Rollout, error)) (*reply[Change], error) {
	generation, err := s.Catalog.ChangeRollout(ctx, actor(ctx), action, id, f)
	return s.rolled(Change{Generation: generation}, err)
}

// rolled is the answer to a change of a rollout.
func (s *server) rolled(out Change, err error) (*reply[Change], error) {
	if err != nil {
		return nil, err
	}
	s.Hub.Changed("")
	if s.Rollouts != nil {
		s.Rollouts.Wake()
	}
	return &reply[Change]{out}, nil
}

// aimed checks what a distribution says beside its sites, and adds it.
func (s *server) aimed(ctx context.Context, in NewDistribution, d *catalog.Distribution) error {
	d.Aim = catalog.Aim{Target: in.Target, NotBefore: in.NotBefore, Window: in.Window, Replaces: in.Replaces}
	for _, r := range in.Rings {
		d.Rings = append(d.Rings, r.ring())
	}
	now := time.Now()
	if err := d.Aim.Check(now); err != nil {
		return bad(err.Error(), "windows are such as `mon-fri 22:00-05:00; sat,sun`, queries are such as `tag:emea and not tag:pilot or name:store-1*`")
	}
	switch {
	case len(d.Rings) > 0 && d.PreStage > 0:
		return bad("copies ahead of need are not placed ring by ring", "leave out --pre-stage, or the rings")
	case !d.NotBefore.IsZero() && !d.ReadyBy.IsZero() && !d.ReadyBy.After(d.NotBefore):
		return bad("it shall be ready before it may begin", "let --ready-by be later than --not-before")
	}
	if !d.NotBefore.After(now) {
		d.NotBefore = time.Time{}
	}
	queries := d.Queries()
	if len(queries) == 0 {
		return nil
	}
	book, err := s.Catalog.Policy(ctx, "")
	if err != nil {
		return err
	}
	for _, q := range queries {
		for _, tag := range q.Tags() {
			if err := bearable(book, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// meant lists the sites that a distribution means now, by name.
func (s *server) meant(ctx context.Context, d catalog.Distribution, only func(target.Site) bool) ([]MeantSite, error) {
	tags, err := s.Catalog.TagsOf(ctx)
	if err != nil {
		return nil, err
	}
	out := []MeantSite{}
	for after := ""; ; {
		page, err := s.Catalog.Sites(ctx, after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, site := range page {
			after = site.Name
			at := target.Site{Name: site.Name, TZ: site.TZ, Tags: tags[site.Name]}
			if !d.Means(at, d.All || slices.Contains(d.Sites, site.Name)) || !only(at) {
				continue
			}
			m := MeantSite{Site: site.Name}
			if ring := d.RingOf(at); ring >= 0 {
				m.Ring = d.Rings[ring].Name
			}
			out = append(out, m)
		}
		if len(page) < catalog.MaxPage {
			return out, nil
		}
	}
}

// preview says what a distribution would come to.
func (s *server) preview(ctx context.Context, d catalog.Distribution) (*reply[Change], error) {
	if _, err := s.Catalog.Version(ctx, d.Name, d.Version); err != nil {
		return nil, err
	}
	for _, name := range d.Sites {
		if _, err := s.Catalog.Site(ctx, name); err != nil {
			return nil, err
		}
	}
	sites, err := s.meant(ctx, d, func(target.Site) bool { return true })
	return &reply[Change]{Change{Sites: sites}}, err
}

// back says where a distribution goes that rolls another one back: to where that one went.
func (s *server) back(ctx context.Context, d *catalog.Distribution) error {
	old, err := s.Catalog.Distribution(ctx, d.Replaces)
	if err != nil {
		return err
	}
	switch {
	case old.Name != d.Name:
		return bad(fmt.Sprintf("distribution %d is of %s", old.ID, content.Ref{Name: old.Name, Version: old.Version}), "say the number of one of this content")
	case old.Rollout.State == catalog.RolloutRolledBack:
		return &Problem{Status: 409, Code: "conflict", Detail: fmt.Sprintf("distribution %d was rolled back already", old.ID), Hint: "`sitecast rollout show` says to what"}
	case len(old.Rings) == 0:
		d.All, d.Sites, d.Target = old.All, old.Sites, old.Target
		return nil
	}
	reached, err := s.meant(ctx, old, old.Lets)
	if err != nil {
		return err
	}
	for _, m := range reached {
		d.Sites = append(d.Sites, m.Site)
	}
	if len(reached) == 0 {
		return bad(fmt.Sprintf("rollout %d reached no site yet", old.ID), "halt it: `sitecast rollout halt`")
	}
	return nil
}
