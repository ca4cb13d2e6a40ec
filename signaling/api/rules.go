package api

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// RuleView is a rule, and what became of it.
type RuleView struct {
	catalog.Rule
	// Effect is absent where no site was at work when the rule was set, and after the server
	// was started anew.
	Effect *Effect `json:"effect,omitempty"`
}

// Effect is what became of a rule at the endpoints that were online when it was set. Times
// are from the moment at which the server had the operator's call, by the server's clock.
type Effect struct {
	Sites     int `json:"sites"`                   // where one of them is
	Reading   int `json:"sites_reading,omitempty"` // sites that have yet to read the rule
	Endpoints int `json:"endpoints"`               // that were told
	Confirmed int `json:"confirmed"`               // of them, that said to obey
	Pending   int `json:"pending"`                 // that did not yet
	Away      int `json:"away,omitempty"`          // that left before they did; they obey when they are back
	// LastByte is, of a pause, when the last word of each endpoint came in: that it obeys, or
	// that it had received something more.
	LastByte *Spread `json:"last_byte_ms,omitempty"`
	// Confirmation is the same of other rules: when each endpoint said that it obeys.
	Confirmation *Spread `json:"confirmed_ms,omitempty"`
	// FirstEffect is, of a priority or a cap, when the first lease was granted by it at each site, or
	// a fetch that ran took its new place or rate; of a pause that was ended when the first bytes
	// came in.
	FirstEffect *Spread `json:"first_effect_ms,omitempty"`
}

// Spread sums up times in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// spread sums times up; nil where there are none.
func spread(times []time.Duration) *Spread {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	at := func(share float64) float64 {
		i := min(int(share*float64(len(times))), len(times)-1)
		return float64(times[i].Microseconds()) / 1000
	}
	return &Spread{P50: at(0.5), P99: at(0.99), Max: at(1)}
}

// gathered is what sites say of one rule.
type gathered struct {
	Effect
	kind        string
	last, first []time.Duration
}

// effects sums up what became of rules at the sites that who asks may see, by generation.
func (s *server) effects(ctx context.Context) (map[uint64]*Effect, error) {
	names, err := s.runningOf(ctx, "")
	if err != nil {
		return nil, err
	}
	who, sums := asker(ctx), map[uint64]*gathered{}
	for _, name := range names {
		shown := s.board.Site(name)
		if shown == nil || !who.sees(name) {
			continue
		}
		for _, e := range shown.Effects {
			if sums[e.Generation] == nil {
				sums[e.Generation] = &gathered{kind: e.Kind}
			}
			sums[e.Generation].add(e)
		}
	}
	out := make(map[uint64]*Effect, len(sums))
	for generation, g := range sums {
		out[generation] = g.sum()
	}
	return out, nil
}

func (g *gathered) add(e site.EffectView) {
	if !e.Begun {
		g.Reading++
	} else if e.Endpoints > 0 {
		g.Sites++
	}
	g.Endpoints += e.Endpoints
	g.Confirmed += e.Confirmed
	g.Away += e.Away
	g.Pending += e.Endpoints - e.Confirmed - e.Away
	g.last = append(g.last, e.Last...)
	if e.First >= 0 {
		g.first = append(g.first, e.First)
	}
}

func (g *gathered) sum() *Effect {
	out := g.Effect
	switch g.kind {
	case catalog.RulePause:
		out.LastByte = spread(g.last)
	case catalog.RulePriority, catalog.RuleCap, catalog.RuleBudget, site.Resumed:
		out.Confirmation, out.FirstEffect = spread(g.last), spread(g.first)
	default:
		out.Confirmation = spread(g.last)
	}
	return &out
}

// setRule sets a rule, and has its effect measured from now on.
func (s *server) setRule(ctx context.Context, in NewRule) (*reply[Change], error) {
	clicked := time.Now()
	which := catalog.Selector{Site: in.Site, Name: in.Content, Version: in.Version}
	rule := catalog.Rule{Kind: in.Kind, Priority: string(in.Priority), Selector: which, Expires: in.Expires, Reason: in.Reason}
	switch {
	case (in.Kind == catalog.RuleCap || in.Kind == catalog.RuleBudget) && in.Cap == nil:
		return nil, bad("a "+in.Kind+" needs cap_bytes_per_second", "to end caps, use /rules/uncap")
	case in.Kind == catalog.RuleCap || in.Kind == catalog.RuleBudget:
		rule.Cap = *in.Cap
	case in.Cap != nil:
		return nil, bad("only a cap or a budget has cap_bytes_per_second", "")
	}
	if in.Seconds > 0 {
		if !in.Expires.IsZero() {
			return nil, bad("say for_seconds or expires, not both", "")
		}
		rule.Expires = clicked.Add(time.Duration(in.Seconds) * time.Second).UTC()
	}
	if err := s.exists(ctx, which); err != nil {
		return nil, err
	}
	if err := s.checkKeeping(ctx, rule); err != nil {
		return nil, err
	}
	generation, err := s.Catalog.SetRule(ctx, actor(ctx), rule)
	if err != nil {
		return nil, err
	}
	switch in.Kind {
	case catalog.RulePause, catalog.RulePriority, catalog.RuleCap, catalog.RuleBudget:
		s.Hub.Asked(in.Site, site.Asked{Kind: in.Kind, Ref: content.Ref{Name: in.Content, Version: in.Version}, Generation: generation, At: clicked})
	}
	s.Hub.Changed(in.Site)
	return &reply[Change]{Change{Generation: generation}}, nil
}

// uncap ends the caps within a selection.
func (s *server) uncap(ctx context.Context, which catalog.Selector) (*reply[Change], error) {
	if err := s.exists(ctx, which); err != nil {
		return nil, err
	}
	return s.endRules(ctx, catalog.RuleCap, which)
}

// rules are those that hold, the oldest first, with what became of them.
func (s *server) rules(ctx context.Context) ([]RuleView, error) {
	all, err := s.Catalog.Rules(ctx)
	if err != nil {
		return nil, err
	}
	effects, err := s.effects(ctx)
	if err != nil {
		return nil, err
	}
	out := []RuleView{}
	for _, r := range catalog.Holding(all, time.Now()) {
		out = append(out, RuleView{r, effects[r.Generation]})
	}
	return out, nil
}

// listRules reads all rules: there are as many as operators set by hand.
func (s *server) listRules(ctx context.Context, q rulesQuery) (*listed[RuleView], error) {
	behind := uint64(0)
	if q.After != "" {
		var err error
		if behind, err = strconv.ParseUint(q.After, 10, 64); err != nil {
			return nil, bad("after is no number", "follow the Link header of the page before")
		}
	}
	all, err := s.rules(ctx)
	if err != nil {
		return nil, err
	}
	rows := []RuleView{}
	for _, r := range all { // by generation, and each has one of its own
		if r.Generation <= behind || cmp.Or(q.Kind, r.Kind) != r.Kind || cmp.Or(q.Site, r.Site) != r.Site || cmp.Or(q.Content, r.Name) != r.Name {
			continue
		}
		if rows = append(rows, r); len(rows) == q.Limit {
			break
		}
	}
	return page(ctx, rows, q.Limit, "after", func(r RuleView) string { return strconv.FormatUint(r.Generation, 10) }), nil
}
