package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// NewDistribution orders a version to sites.
type NewDistribution struct {
	Name     string        `json:"name"`
	Version  string        `json:"version"`
	Sites    []string      `json:"sites,omitempty" maxItems:"10000"`
	All      bool          `json:"all,omitempty"`
	Priority wire.Priority `json:"priority,omitempty" enum:"high,normal,low" default:"normal"`
	ReadyBy  time.Time     `json:"ready_by,omitzero" doc:"When it shall be complete at the latest: in the future, within a year. The rate is then the least that suffices."`
	PreStage int           `json:"pre_stage,omitempty" minimum:"0" maximum:"64" doc:"Copies to place at each site ahead of need; 0: every endpoint shall have it."`
}

// NewRule sets a rule for all flows that match, also later ones.
type NewRule struct {
	Kind     string        `json:"kind" enum:"pause,priority,pin,purge"`
	Site     string        `json:"site,omitempty"`
	Content  string        `json:"content,omitempty"`
	Version  string        `json:"version,omitempty"`
	Priority wire.Priority `json:"priority,omitempty" enum:"high,normal,low"`
	Expires  time.Time     `json:"expires,omitzero" doc:"Of a pin: when it ends; absent: when it is ended."`
}

// EndedRules says which pauses or pins to end.
type EndedRules struct {
	Site    string `json:"site,omitempty"`
	Content string `json:"content,omitempty"`
	Version string `json:"version,omitempty"`
}

// Change is the generation a change of desired state made.
type Change struct {
	Generation uint64 `json:"generation,omitempty"`
	Removed    int    `json:"removed,omitempty"`  // rules ended
	Released   int    `json:"released,omitempty"` // halted flows that go on
	Proposal   int64  `json:"proposal,omitempty"` // nothing changed yet: somebody else has to approve it
}

type flowQuery struct {
	Site    string `query:"site"`
	Content string `query:"content"`
}

func (s *server) control() {
	register(s, about(scopeBody, operation("POST", "/distributions", "distribute", "Order a version to sites", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewDistribution }) (*reply[Change], error) {
			return s.distribute(ctx, in.Body)
		})
	register(s, about(scopeBody, operation("POST", "/rules", "set-rule", "Pause or reprioritise flows, pin or purge versions", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewRule }) (*reply[Change], error) {
			return s.setRule(ctx, in.Body)
		})
	register(s, about(scopeBody, operation("POST", "/rules/resume", "resume", "End pause rules, and let halted flows go on", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRules }) (*reply[Change], error) {
			which := catalog.Selector{Site: in.Body.Site, Name: in.Body.Content, Version: in.Body.Version}
			if err := s.exists(ctx, which); err != nil {
				return nil, err
			}
			removed, err := s.Catalog.ClearRules(ctx, actor(ctx), catalog.RulePause, which)
			if err != nil {
				return nil, err
			}
			s.Hub.Changed("")
			ctx, stop := context.WithTimeout(ctx, viewTimeout)
			defer stop()
			released, err := s.Hub.Resume(ctx, which.Site, content.Ref{Name: which.Name, Version: which.Version})
			return &reply[Change]{Change{Removed: removed, Released: released}}, err
		})
	register(s, about(scopeBody, operation("POST", "/rules/unpin", "unpin", "End pins", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRules }) (*reply[Change], error) {
			return s.unpin(ctx, catalog.Selector{Site: in.Body.Site, Name: in.Body.Content, Version: in.Body.Version})
		})
	registerList(s, operation("GET", "/rules", "list-rules", "List rules", catalog.RoleViewer), func(r catalog.Rule) string { return r.Site },
		func(ctx context.Context, _ *struct{}) (*reply[[]catalog.Rule], error) {
			rules, err := s.Catalog.Rules(ctx)
			return &reply[[]catalog.Rule]{rules}, err
		})
	registerList(s, operation("GET", "/flows", "list-flows", "List flows", catalog.RoleViewer), func(f site.FlowView) string { return f.Site },
		func(ctx context.Context, in *flowQuery) (*reply[[]site.FlowView], error) {
			flows, err := s.flows(ctx, *in)
			return &reply[[]site.FlowView]{flows}, err
		})
	registerList(s, operation("GET", "/endpoints", "list-endpoints", "List endpoints", catalog.RoleViewer), func(e site.EndpointView) string { return e.Site },
		func(ctx context.Context, in *flowQuery) (*reply[[]site.EndpointView], error) {
			list, err := s.endpoints(ctx, in.Site)
			return &reply[[]site.EndpointView]{list}, err
		})
	registerList(s, operation("GET", "/lines", "list-lines", "List lines to the WAN, and what their governors do", catalog.RoleViewer), func(l site.LineView) string { return l.Site },
		func(ctx context.Context, in *struct {
			Site string `query:"site" maxLength:"128"`
		}) (*reply[[]site.LineView], error) {
			out := []site.LineView{}
			err := s.eachSite(ctx, in.Site, func(_ string, v site.View) { out = append(out, v.Lines...) })
			return &reply[[]site.LineView]{out}, err
		})
}

func (s *server) distribute(ctx context.Context, in NewDistribution) (*reply[Change], error) {
	if in.All == (len(in.Sites) > 0) {
		return nil, bad("name sites, or say all", "use --site NAME (repeatable) or --all")
	}
	if err := catalog.CheckReadyBy(in.ReadyBy, time.Now()); err != nil {
		return nil, bad(err.Error(), "say a time ahead, such as --ready-by 6h")
	}
	slices.Sort(in.Sites)
	change, err := s.order(ctx, catalog.Distribution{Name: in.Name, Version: in.Version,
		Sites: slices.Compact(in.Sites), All: in.All, Priority: string(in.Priority), ReadyBy: in.ReadyBy, PreStage: in.PreStage})
	return &reply[Change]{change}, err
}

func (s *server) setRule(ctx context.Context, in NewRule) (*reply[Change], error) {
	if in.Kind == catalog.RulePriority && (in.Priority == "" || in.Content == "") {
		return nil, bad("a priority rule needs a content and a priority", "")
	}
	which := catalog.Selector{Site: in.Site, Name: in.Content, Version: in.Version}
	if err := s.exists(ctx, which); err != nil {
		return nil, err
	}
	rule := catalog.Rule{Kind: in.Kind, Priority: string(in.Priority), Selector: which, Expires: in.Expires}
	if err := s.checkKeeping(ctx, rule); err != nil {
		return nil, err
	}
	generation, err := s.Catalog.SetRule(ctx, actor(ctx), rule)
	if err != nil {
		return nil, err
	}
	s.Hub.Changed(in.Site)
	return &reply[Change]{Change{Generation: generation}}, nil
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

// flows asks every site that a query concerns.
func (s *server) flows(ctx context.Context, q flowQuery) ([]site.FlowView, error) {
	out := []site.FlowView{}
	err := s.eachSite(ctx, q.Site, func(_ string, v site.View) {
		for _, f := range v.Flows {
			if q.Content == "" || q.Content == f.Content {
				out = append(out, f)
			}
		}
	})
	return out, err
}

// eachSite calls do with the view of the named site, or of all.
func (s *server) eachSite(ctx context.Context, name string, do func(name string, v site.View)) error {
	if name != "" {
		if _, err := s.Catalog.Site(ctx, name); err != nil {
			return err
		}
		return s.view(ctx, name, do)
	}
	after := ""
	for {
		page, err := s.sitesAfter(ctx, after, catalog.MaxPage)
		if err != nil {
			return err
		}
		for _, found := range page {
			if err := s.view(ctx, found.Name, do); err != nil {
				return err
			}
			after = found.Name
		}
		if len(page) < catalog.MaxPage {
			return nil
		}
	}
}

func (s *server) view(ctx context.Context, name string, do func(string, site.View)) error {
	owner := s.Hub.Site(name)
	if owner == nil {
		return site.ErrStopped
	}
	ctx, stop := context.WithTimeout(ctx, viewTimeout)
	defer stop()
	v, err := owner.View(ctx)
	if err != nil {
		return fmt.Errorf("ask site %s: %w", name, err)
	}
	do(name, v)
	return nil
}

// endpoints lists those that are enrolled, with what is known of those online, and
// behind them the browsers that are online.
func (s *server) endpoints(ctx context.Context, name string) ([]site.EndpointView, error) {
	online := map[wire.EndpointID]site.EndpointView{}
	if err := s.eachSite(ctx, name, func(_ string, v site.View) {
		for _, e := range v.Endpoints {
			online[e.ID] = e
		}
	}); err != nil {
		return nil, err
	}
	out := []site.EndpointView{}
	after := ""
	for {
		page, err := s.Catalog.Endpoints(ctx, name, after, catalog.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			after = e.ID
			if v, ok := online[wire.EndpointID(e.ID)]; ok {
				out = append(out, v)
				delete(online, v.ID)
				continue
			}
			out = append(out, site.EndpointView{ID: wire.EndpointID(e.ID), Name: e.Name, Site: e.Site, Kind: e.Device,
				LastSeen: e.LastSeen, Holds: []string{}, Flows: []site.EndpointInFlow{}})
		}
		if len(page) < catalog.MaxPage {
			break
		}
	}
	for _, id := range slices.Sorted(maps.Keys(online)) {
		if v := online[id]; v.Kind == wire.DeviceBrowser {
			out = append(out, v)
		}
	}
	return out, nil
}
