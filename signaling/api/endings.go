package api

import (
	"context"

	"github.com/sitecast/sitecast/storage/catalog"
)

// EndedRule names one rule. What /rules/resume, /rules/uncap, /rules/unpin and /blocks/end end
// is all that they span.
type EndedRule struct {
	Site       string `json:"site,omitempty" doc:"that the rule is about; absent: it holds everywhere"`
	Generation uint64 `json:"generation" minimum:"1" maximum:"9007199254740991" doc:"in which it was set, as /rules lists it"`
}

func (n EndedRule) sites() []string { return []string{n.Site} }

// endings is how one rule is ended among many.
func (s *server) endings() {
	register(s, about(scopeBody, operation("POST", "/rules/end", "end-rule", "End one rule, and no other that it spans", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body EndedRule }) (*reply[Change], error) {
			if _, err := s.Catalog.EndRule(ctx, actor(ctx), in.Body.Site, in.Body.Generation); err != nil {
				return nil, err
			}
			s.Hub.Changed(in.Body.Site)
			return &reply[Change]{Change{Removed: 1}}, nil
		})
}
