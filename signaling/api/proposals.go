package api

import (
	"context"

	"github.com/sitecast/sitecast/storage/catalog"
)

// Settings are those of the organisation. What a change leaves out stays.
type Settings struct {
	FourEyes *bool `json:"four_eyes,omitempty" doc:"a distribution to all sites waits until somebody else approves it"`
}

// numbered is a proposal in a path.
type numbered struct {
	ID int64 `path:"id" minimum:"1"`
}

// proposals are the routes about what four eyes look at.
func (s *server) proposals() {
	settings := func(ctx context.Context) (*reply[Settings], error) {
		on, err := s.Catalog.FourEyes(ctx)
		return &reply[Settings]{Settings{&on}}, err
	}
	register(s, about(scopeShared, operation("GET", "/settings", "show-settings", "Show the organisation's settings", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[Settings], error) { return settings(ctx) })
	register(s, about(scopeOrganisation, operation("PATCH", "/settings", "change-settings", "Change the organisation's settings", catalog.RoleAdmin)),
		func(ctx context.Context, in *struct{ Body Settings }) (*reply[Settings], error) {
			if on := in.Body.FourEyes; on != nil {
				if err := s.Catalog.SetFourEyes(ctx, actor(ctx), *on); err != nil {
					return nil, err
				}
			}
			return settings(ctx)
		})
	register(s, about(scopeOrganisation, operation("GET", "/proposals", "list-proposals", "List what waits for approval", catalog.RoleViewer)),
		func(ctx context.Context, _ *struct{}) (*reply[[]catalog.Proposal], error) {
			all, err := s.Catalog.Proposals(ctx)
			return &reply[[]catalog.Proposal]{all}, err
		})
	register(s, about(scopeOrganisation, operation("POST", "/proposals/{id}/approve", "approve", "Approve what somebody else proposed", catalog.RoleOperator)),
		func(ctx context.Context, in *numbered) (*reply[Change], error) {
			generation, err := s.Catalog.Approve(ctx, actor(ctx), asker(ctx).person, in.ID)
			if err != nil {
				return nil, err
			}
			s.Hub.Changed("")
			return &reply[Change]{Change{Generation: generation}}, nil
		})
	register(s, about(scopeOrganisation, operation("POST", "/proposals/{id}/reject", "reject", "Reject or withdraw a proposal", catalog.RoleOperator)),
		func(ctx context.Context, in *numbered) (*struct{}, error) {
			return nil, s.Catalog.Reject(ctx, actor(ctx), in.ID)
		})
}

// order makes a distribution, or proposes it where four eyes look at those to all sites.
func (s *server) order(ctx context.Context, d catalog.Distribution) (change Change, err error) {
	if d.All {
		four, err := s.Catalog.FourEyes(ctx)
		if err != nil {
			return change, err
		}
		if four {
			change.Proposal, err = s.Catalog.Propose(ctx, catalog.Proposal{Distribution: d, By: actor(ctx), Person: asker(ctx).person})
			return change, err
		}
	}
	if change.Generation, err = s.Catalog.Distribute(ctx, actor(ctx), d); err == nil {
		s.Hub.Changed("")
	}
	return change, err
}
