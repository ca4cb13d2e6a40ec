package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// NewDistribution orders a version to sites.
type NewDistribution struct {
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	Sites     []string      `json:"sites,omitempty" maxItems:"10000"`
	All       bool          `json:"all,omitempty"`
	Priority  wire.Priority `json:"priority,omitempty" enum:"high,normal,low" default:"normal"`
	ReadyBy   time.Time     `json:"ready_by,omitzero" doc:"When it shall be complete at the latest: in the future, within a year. The rate is then the least that suffices."`
	PreStage  int           `json:"pre_stage,omitempty" minimum:"0" maximum:"64" doc:"Copies to place at each site ahead of need; 0: every endpoint shall have it."`
	Target    string        `json:"target,omitempty" maxLength:"1000" doc:"A query of sites, in place of sites or all: who it means now, and later."`
	NotBefore time.Time     `json:"not_before,omitzero" doc:"Nothing of it is fetched before: within a year."`
	Window    string        `json:"window,omitempty" maxLength:"2048" doc:"Hours of the week in which it may be fetched, by the site's clock, such as mon-fri 22:00-05:00; sat,sun. The site's own windows have to be open, too. What the last distribution of a version says counts."`
	Rings     []NewRing     `json:"rings,omitempty" maxItems:"20" doc:"Parts of these sites in which it goes on, in order; none: to all at once."`
	Replaces  int64         `json:"replaces,omitempty" minimum:"0" maximum:"9007199254740991" doc:"The distribution that this one rolls back. It goes to where that one went unless it says where."`
	// Activate and Statement say from when on it is used, see NewActivation.
	Activate  string          `json:"activate,omitempty" enum:"hold,at" doc:"When it is used: absent, as soon as it is there; when it is activated; or from an instant on, see statement."`
	Statement json.RawMessage `json:"statement,omitempty" doc:"Of at: the instant, signed by a publisher of the version (a DSSE envelope)."`
}

// NewRule sets a rule for all flows that match, also later ones.
type NewRule struct {
	Kind     string        `json:"kind" enum:"pause,priority,cap,budget,pin,purge"`
	Site     string        `json:"site,omitempty"`
	Content  string        `json:"content,omitempty"`
	Version  string        `json:"version,omitempty"`
	Priority wire.Priority `json:"priority,omitempty" enum:"high,normal,low"`
	Cap      *int64        `json:"cap_bytes_per_second,omitempty" minimum:"0" doc:"Of a cap: the most that each site takes over the WAN, or (with a content) each flow of it; of a budget what all sites take together. What is on the LAN goes round as ever."`
	Expires  time.Time     `json:"expires,omitzero" doc:"When it ends by itself, within a year (a pin: ten); absent: when it is ended. A purge does not end."`
	Seconds  int64         `json:"for_seconds,omitempty" minimum:"0" maximum:"316224000" doc:"In place of expires: how long it holds, by the server's clock."`
	Reason   string        `json:"reason,omitempty" maxLength:"160" doc:"Why, for others who see it: one line."`
}

// EndedRules says which pauses, caps or pins to end.
type EndedRules struct {
	Site    string `json:"site,omitempty"`
	Content string `json:"content,omitempty"`
	Version string `json:"version,omitempty"`
	// Together: of caps, end the bounds on what all sites take together.
	Together bool `json:"together,omitempty"`
}

// Change is the generation a change of desired state made.
type Change struct {
	Generation uint64 `json:"generation,omitempty"`
	Removed    int    `json:"removed,omitempty"`  // rules ended
	Released   int    `json:"released,omitempty"` // halted flows that go on
	Proposal   int64  `json:"proposal,omitempty"` // nothing changed yet: somebody else has to approve it
	// Sites are those that a distribution would mean now; nothing changed.
	Sites []MeantSite `json:"sites,omitempty"`
	// Distribution is the number of the one that was made.
	Distribution int64 `json:"distribution,omitempty"`
}

func (s *server) control() {
	register(s, about(scopeBody, operation("POST", "/distributions", "distribute", "Order a version to sites", catalog.RoleOperator)),
		func(ctx context.Context, in *struct {
			DryRun bool `query:"dry_run" doc:"change nothing, and list the sites that it means now"`
			Body   NewDistribution
		}) (*reply[Change], error) {
			return s.distribute(ctx, in.Body, in.DryRun)
		})
	register(s, about(scopeBody, operation("POST", "/rules", "set-rule", "Pause, reprioritise or cap flows, pin or purge versions", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewRule }) (*reply[Change], error) {
			return s.setRule(ctx, in.Body)
		})
	register(s, about(scopeBody, operation("POST", "/rules/resume", "resume", "End pause rules, and let halted flows go on", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRules }) (*reply[Change], error) {
			which := catalog.Selector{Site: in.Body.Site, Name: in.Body.Content, Version: in.Body.Version}
			out, err := s.endRules(ctx, catalog.RulePause, which)
			if err != nil {
				return nil, err
			}
			ctx, stop := context.WithTimeout(ctx, viewTimeout)
			defer stop()
			out.Body.Released, err = s.Hub.Resume(ctx, which.Site, content.Ref{Name: which.Name, Version: which.Version})
			return out, err
		})
	register(s, about(scopeShared, operation("GET", "/rules/effects/{generation}", "show-effect", "Show what became of a rule that was set, or of rules that were ended, at the sites that one may see", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Generation uint64 `path:"generation" minimum:"1" maximum:"9007199254740991"`
		}) (*reply[Effect], error) {
			return s.effect(ctx, in.Generation)
		})
	register(s, about(scopeBody, operation("POST", "/rules/uncap", "uncap", "End caps that are rules", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRules }) (*reply[Change], error) {
			if in.Body.Together {
				if in.Body != (EndedRules{Together: true}) {
					return nil, bad("a budget is for all sites together", "leave out site and content")
				}
				return s.endRules(ctx, catalog.RuleBudget, catalog.Selector{})
			}
			return s.uncap(ctx, catalog.Selector{Site: in.Body.Site, Name: in.Body.Content, Version: in.Body.Version})
		})
	register(s, about(scopeBody, operation("POST", "/rules/unpin", "unpin", "End pins", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRules }) (*reply[Change], error) {
			return s.unpin(ctx, catalog.Selector{Site: in.Body.Site, Name: in.Body.Content, Version: in.Body.Version})
		})
}

func (s *server) distribute(ctx context.Context, in NewDistribution, dry bool) (*reply[Change], error) {
	if dry {
		preview, _, err := s.planned(ctx, in)
		return preview, err
	}
	asked, d, err := s.meaning(ctx, in)
	if err != nil {
		return nil, err
	}
	change, err := s.order(ctx, asked, d)
	return &reply[Change]{change}, err
}

// planned is the distribution that is asked for, and what sites it means; nothing changes.
func (s *server) planned(ctx context.Context, in NewDistribution) (*reply[Change], catalog.Distribution, error) {
	_, d, err := s.meaning(ctx, in)
	if err != nil {
		return nil, d, err
	}
	preview, err := s.preview(ctx, d)
	return preview, d, err
}

// meaning checks what is asked for, and returns the distribution as it was asked for and as it
// would be made.
func (s *server) meaning(ctx context.Context, in NewDistribution) (asked, d catalog.Distribution, err error) {
	where := 0
	for _, said := range []bool{in.All, len(in.Sites) > 0, in.Target != ""} {
		if said {
			where++
		}
	}
	if where > 1 || where == 0 && in.Replaces == 0 {
		return asked, d, bad("name sites, say all, or say which by a query", "use one of --site NAME (repeatable), --all, --tag TAG and --query QUERY")
	}
	if err := catalog.CheckReadyBy(in.ReadyBy, time.Now()); err != nil {
		return asked, d, bad(err.Error(), "say a time ahead, such as --ready-by 6h")
	}
	when, err := s.whenOf(ctx, in)
	if err != nil {
		return asked, d, err
	}
	if err := s.unblocked(ctx, in); err != nil {
		return asked, d, err
	}
	slices.Sort(in.Sites)
	d = catalog.Distribution{Name: in.Name, Version: in.Version,
		Sites: slices.Compact(in.Sites), All: in.All, Priority: string(in.Priority), ReadyBy: in.ReadyBy, PreStage: in.PreStage, When: when}
	if err := s.aimed(ctx, in, &d); err != nil {
		return asked, d, err
	}
	asked = d
	if where == 0 {
		err = s.back(ctx, &d)
	}
	return asked, d, err
}

// exists refuses a selector that names a site or version nobody knows: it is more
// likely a slip than a wish for the future.
func (s *server) exists(ctx context.Context, which catalog.Selector) error {
	if which.Version != "" && which.Name == "" {
		return bad("a version needs its content's name", "")
	}
	if which.Name != "" {
		if err := content.CheckName(which.Name); err != nil {
			return bad(err.Error(), "")
		}
	}
	if which.Site != "" {
		if _, err := s.Catalog.Site(ctx, which.Site); err != nil {
			return err
		}
	}
	if which.Version != "" {
		if _, err := s.Catalog.Version(ctx, which.Name, which.Version); err != nil {
			return err
		}
	}
	return nil
}

// viewTimeout bounds the wait for one site's answer.
const viewTimeout = 5 * time.Second
