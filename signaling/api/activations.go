package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// NewActivation says from when on a version is used that is distributed.
type NewActivation struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	Sites     []string        `json:"sites,omitempty" maxItems:"10000"`
	All       bool            `json:"all,omitempty"`
	Activate  string          `json:"activate,omitempty" enum:"now,hold,at" default:"now" doc:"As soon as it is there; when this is called again; from an instant on, see statement."`
	Statement json.RawMessage `json:"statement,omitempty" doc:"Of at: the instant, signed by a publisher of the version (a DSSE envelope)."`
}

func (n NewActivation) sites() []string {
	if n.All {
		return []string{""}
	}
	return n.Sites
}

// LastInstant is the highest serial of the instants that were signed for a version. The
// next has a higher one.
type LastInstant struct {
	Serial uint64 `json:"serial"`
}

func (s *server) activations() {
	register(s, about(scopeBody, operation("POST", "/activations", "activate", "Say from when on a version is used that is distributed", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewActivation }) (*reply[Change], error) {
			return s.activate(ctx, in.Body)
		})
	register(s, about(scopeShared, operation("GET", "/versions/{name}/{version}/instant", "show-instant", "Show the serial of the last instant signed for a version", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Version string `path:"version"`
		}) (*reply[LastInstant], error) {
			if _, err := s.Catalog.Version(ctx, in.Name, in.Version); err != nil {
				return nil, err
			}
			serial, err := s.Catalog.LastInstant(ctx, in.Name, in.Version)
			return &reply[LastInstant]{LastInstant{serial}}, err
		})
}

func (s *server) activate(ctx context.Context, in NewActivation) (*reply[Change], error) {
	if in.All == (len(in.Sites) > 0) {
		return nil, bad("name sites, or say all", "use --site NAME (repeatable) or --all")
	}
	ref := content.Ref{Name: in.Name, Version: in.Version}
	when, err := s.when(ctx, ref, strings.TrimPrefix(in.Activate, "now"), in.Statement)
	if err != nil {
		return nil, err
	}
	if err := s.reaches(ctx, ref, in.Sites); err != nil {
		return nil, err
	}
	if in.All && when.Activate != catalog.ActivateHold { // to hold is to stop
		id, err := s.propose(ctx, catalog.Proposal{Distribution: catalog.Distribution{Name: in.Name, Version: in.Version}, Activation: &when})
		if err != nil || id > 0 {
			return &reply[Change]{Change{Proposal: id}}, err
		}
	}
	a := catalog.Activation{Name: in.Name, Version: in.Version, When: when}
	generation, err := s.Catalog.Activate(ctx, actor(ctx), a, in.Sites)
	if err != nil {
		return nil, err
	}
	s.Hub.Changed("")
	return &reply[Change]{Change{Generation: generation}}, nil
}

// when is what a caller means, if the version's publisher signed it.
func (s *server) when(ctx context.Context, ref content.Ref, activate string, statement json.RawMessage) (w catalog.When, err error) {
	v, err := s.Catalog.Version(ctx, ref.Name, ref.Version)
	if err != nil {
		return w, err
	}
	now := time.Now()
	if w, err = catalog.ReadWhen(activate, statement, v, now); err != nil {
		return w, bad("activation: "+err.Error(), "say --activate hold, or --activate-at with a time ahead such as 6h")
	}
	if activate != catalog.ActivateAt {
		return w, nil
	}
	trust, err := s.currentTrust(ctx)
	if err != nil {
		return w, err
	}
	if _, err := trust.OpenInstant(statement, now); err != nil {
		return w, &Problem{Status: http.StatusForbidden, Code: "untrusted", Detail: err.Error(),
			Hint: "sign it with the key of a publisher of " + ref.Name + ", see `sitecast publisher list`"}
	}
	return w, nil
}

// reaches refuses to activate what is not distributed, at the named sites or (none) anywhere.
func (s *server) reaches(ctx context.Context, ref content.Ref, sites []string) error {
	hint := "distribute it there first: `sitecast distribute " + ref.String() + " --activate hold`"
	if len(sites) == 0 {
		rows, err := s.Catalog.FindDistributions(ctx, catalog.DistributionsQuery{Content: ref.Name, Version: ref.Version})
		if err == nil && !slices.ContainsFunc(rows, func(l catalog.Listed) bool { return l.PreStage == 0 }) {
			err = &Problem{Status: http.StatusConflict, Code: "conflict", Detail: ref.String() + " is not distributed to any site", Hint: hint}
		}
		return err
	}
	for _, name := range sites {
		orders, err := s.Catalog.Orders(ctx, name)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(orders.Distributions, func(d catalog.Distribution) bool {
			return d.Name == ref.Name && d.Version == ref.Version && d.PreStage == 0
		}) {
			return &Problem{Status: http.StatusConflict, Code: "conflict", Detail: fmt.Sprintf("%s is not distributed to %s", ref, name), Hint: hint}
		}
	}
	return nil
}

// whenOf is from when on a distribution is used.
func (s *server) whenOf(ctx context.Context, in NewDistribution) (catalog.When, error) {
	if in.Activate == "" && len(in.Statement) == 0 {
		return catalog.When{}, nil
	}
	if in.PreStage > 0 {
		return catalog.When{}, bad("copies ahead of need are not used anyway", "say when it is activated when you distribute it to all, without --pre-stage")
	}
	return s.when(ctx, content.Ref{Name: in.Name, Version: in.Version}, in.Activate, in.Statement)
}

// unblocked refuses to order what a block keeps away.
func (s *server) unblocked(ctx context.Context, in NewDistribution) error {
	rules, err := s.Catalog.Rules(ctx)
	if err != nil {
		return err
	}
	sites := in.Sites
	if len(sites) == 0 {
		sites = []string{""} // of some of those a block is said in their flows
	}
	var found error
	for _, r := range rules {
		for _, name := range sites {
			if r.Kind == catalog.RuleBlock && r.Covers(catalog.Selector{Site: name, Name: in.Name, Version: in.Version}) {
				found = errors.Join(found, fmt.Errorf("%s blocked %s", r.By, r.Selector))
			}
		}
	}
	if found == nil {
		return nil
	}
	return &Problem{Status: http.StatusConflict, Code: "blocked", Detail: strings.ReplaceAll(found.Error(), "\n", "; "),
		Hint: "end the block with `sitecast unblock`"}
}
