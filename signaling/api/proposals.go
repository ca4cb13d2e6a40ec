package api

import (
	"context"

	"github.com/sitecast/sitecast/storage/catalog"
)

// FourEyes says whether what reaches all sites, or a query, waits until somebody else approves it.
type FourEyes struct {
	On bool `json:"on"`
}

// numbered is a proposal in a path.
type numbered struct {
	ID int64 `path:"id" minimum:"1"`
}

// proposals are the routes about what four eyes look at.
func (s *server) proposals() {
	register(s, about(scopeShared, operation("GET", "/four-eyes", "show-four-eyes", "Say whether what reaches all sites or a query needs approval", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[FourEyes], error) {
			on, err := s.Catalog.FourEyes(ctx)
			return &reply[FourEyes]{FourEyes{on}}, err
		})
	register(s, about(scopeOrganisation, operation("PUT", "/four-eyes", "set-four-eyes", "Say whether what reaches all sites or a query needs approval", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body FourEyes }) (*reply[FourEyes], error) {
			return &reply[FourEyes]{in.Body}, s.Catalog.SetFourEyes(ctx, actor(ctx), in.Body.On)
		})
	register(s, about(scopeOrganisation, operation("GET", "/proposals", "list-proposals", "List what waits for approval", catalog.RoleViewer)),
		func(ctx context.Context, in *struct{ PageAfter }) (*listed[catalog.Proposal], error) {
			all, err := s.Catalog.Proposals(ctx)
			return pageOf(ctx, all, in.PageAfter, proposalKey), err
		})
	register(s, about(scopeOrganisation, operation("POST", "/proposals/{id}/approve", "approve", "Approve what somebody else proposed", catalog.RoleOperator)),
		func(ctx context.Context, in *numbered) (*reply[Change], error) {
			generation, err := s.Catalog.Approve(ctx, actor(ctx), asker(ctx).person, in.ID,
				func(d *catalog.Distribution) error { return s.back(ctx, d) })
			if err != nil {
				return nil, err
			}
			return s.rolled(Change{Generation: generation}, nil)
		})
	register(s, about(scopeOrganisation, operation("POST", "/proposals/{id}/reject", "reject", "Reject or withdraw a proposal", catalog.RoleOperator)),
		func(ctx context.Context, in *numbered) (*struct{}, error) {
			return nil, s.Catalog.Reject(ctx, actor(ctx), in.ID)
		})
}

// propose keeps what reaches all sites for somebody else, where four eyes look at that; the
// number is 0 where they don't.
func (s *server) propose(ctx context.Context, p catalog.Proposal) (id int64, err error) {
	four, err := s.Catalog.FourEyes(ctx)
	if err != nil || !four {
		return 0, err
	}
	p.By, p.Person = actor(ctx), asker(ctx).person
	return s.Catalog.Propose(ctx, p)
}

// order makes a distribution, or proposes it as it was asked for where four eyes look at
// those to all sites or a query. One that rolls another back ends that everywhere.
func (s *server) order(ctx context.Context, asked, d catalog.Distribution) (change Change, err error) {
	if asked.All || asked.Target != "" || asked.Replaces > 0 {
		if change.Proposal, err = s.propose(ctx, catalog.Proposal{Distribution: asked}); err != nil || change.Proposal > 0 {
			return change, err
		}
	}
	if change.Generation, err = s.Catalog.Distribute(ctx, actor(ctx), d); err != nil {
		return change, err
	}
	_, _ = s.rolled(change, nil) // which fails only where it is told to
	made, err := s.Catalog.FindDistributions(ctx, catalog.DistributionsQuery{Content: d.Name, Version: d.Version, Limit: 1})
	if err == nil && len(made) > 0 {
		change.Distribution = made[0].ID
	}
	return change, err
}
