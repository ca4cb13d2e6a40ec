package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// checkKeeping refuses a rule that makes no sense, a pin that endpoints would not be told of, and a purge of what is pinned: they would keep it.
func (s *server) checkKeeping(ctx context.Context, r catalog.Rule) error {
	now := time.Now()
	if err := catalog.CheckRule(r, now); err != nil {
		return bad(err.Error(), "")
	}
	if r.Kind != catalog.RulePin && r.Kind != catalog.RulePurge {
		return nil
	}
	if err := catalog.CheckKeeping(r, now); err != nil {
		return bad(err.Error(), "")
	}
	rules, err := s.Catalog.Rules(ctx)
	if err != nil {
		return err
	}
	if r.Kind == catalog.RulePin {
		if catalog.Crowded(rules, r.Selector, now) {
			return &Problem{Status: http.StatusConflict, Code: "conflict", Hint: "end some with `sitecast unpin`, or pin a content and not each of its versions",
				Detail: fmt.Sprintf("a site may have %d pins", catalog.MaxKeeping)}
		}
		return nil
	}
	for _, pin := range rules {
		if pin.Kind == catalog.RulePin && pin.Overlaps(r.Selector) && (pin.Expires.IsZero() || pin.Expires.After(now)) {
			return &Problem{Status: http.StatusConflict, Code: "conflict", Hint: "end the pin first, with `sitecast unpin`",
				Detail: fmt.Sprintf("%s pinned %s, of which this would purge some", pin.By, pin.Selector)}
		}
	}
	return nil
}

// unpin ends the pins within a selection.
func (s *server) unpin(ctx context.Context, which catalog.Selector) (*reply[Change], error) {
	if err := s.exists(ctx, which); err != nil {
		return nil, err
	}
	removed, generation, err := s.Catalog.ClearRules(ctx, actor(ctx), catalog.RulePin, which)
	if err != nil {
		return nil, err
	}
	s.Hub.Changed("")
	return &reply[Change]{Change{Generation: generation, Removed: removed}}, nil
}
