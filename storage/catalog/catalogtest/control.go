package catalogtest

import (
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

func controlIsKept(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "shop")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	set := func(r catalog.Rule) uint64 {
		generation, err := c.SetRule(ctx, who, r)
		must(t, err)
		return generation
	}
	set(catalog.Rule{Kind: catalog.RulePause, Expires: until, Reason: "stocktaking, \u00e9t\u00e9"})
	entries, err := c.Audit(ctx, 0, 1)
	must(t, err)
	if d := entries[0].Detail; !strings.Contains(d, "stocktaking") || !strings.Contains(d, "until "+until.Format(time.RFC3339)) {
		t.Errorf("the audit log says %q, want until when and why", d)
	}
	set(catalog.Rule{Kind: catalog.RuleCap, Cap: 62_500, Selector: catalog.Selector{Name: "app"}})
	rules := orders(t, c, "shop").Rules
	if len(rules) != 2 || !rules[0].Expires.Equal(until) || rules[0].Reason != "stocktaking, \u00e9t\u00e9" || rules[0].Cap != 0 || rules[1].Cap != 62_500 || rules[1].Reason != "" {
		t.Fatalf("got %+v, want a pause with its end and reason, and a cap", rules)
	}
	set(catalog.Rule{Kind: catalog.RulePause, Reason: "again"})
	rules, err = c.Rules(ctx)
	must(t, err)
	if len(rules) != 2 || rules[1].Reason != "again" || !rules[1].Expires.IsZero() {
		t.Errorf("got %+v, want the pause replaced as a whole", rules)
	}
	if removed, _, err := c.ClearRules(ctx, who, catalog.RuleCap, catalog.Selector{}); removed != 1 || err != nil {
		t.Errorf("ended %d caps (%v), want 1", removed, err)
	}
}
