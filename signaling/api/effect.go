package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// endRules ends the rules of a kind within a selection, and has the effect of that measured
// from now on.
func (s *server) endRules(ctx context.Context, kind string, which catalog.Selector) (*reply[Change], error) {
	clicked := time.Now()
	if err := s.exists(ctx, which); err != nil {
		return nil, err
	}
	removed, generation, err := s.Catalog.ClearRules(ctx, actor(ctx), kind, which)
	if err != nil {
		return nil, err
	}
	if removed > 0 {
		asked := site.Asked{Kind: kind, Ref: content.Ref{Name: which.Name, Version: which.Version}, Generation: generation, At: clicked}
		if kind == catalog.RulePause {
			asked.Kind = site.Resumed
		}
		s.Hub.Asked(which.Site, asked)
	}
	s.Hub.Changed("")
	return &reply[Change]{Change{Generation: generation, Removed: removed}}, nil
}

// effect is what became of the change of rules that made a generation.
func (s *server) effect(ctx context.Context, generation uint64) (*reply[Effect], error) {
	all, err := s.effects(ctx)
	if err != nil {
		return nil, err
	}
	if e := all[generation]; e != nil {
		return &reply[Effect]{*e}, nil
	}
	return nil, &Problem{Status: http.StatusNotFound, Code: "not_found", Detail: fmt.Sprintf("nothing is known of what became of generation %d", generation),
		Hint: "only the last rules are remembered, at sites that were at work when they were set, and until the server is started anew"}
}
