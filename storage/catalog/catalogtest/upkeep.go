package catalogtest

import (
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
)

// upkeep are tests of what is put right of a site and its rules.
var upkeep = map[string]func(*testing.T, catalog.Catalog){
	"a site's time zone is changed":               zoneChanges,
	"a rule is ended, and no other that it spans": oneRuleEnds,
}

func zoneChanges(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	before, err := c.Orders(t.Context(), "shop")
	must(t, err)
	for _, tz := range []string{"Europe/Paris", ""} {
		must(t, c.SetZone(t.Context(), who, "shop", tz))
		if s, err := c.Site(t.Context(), "shop"); s.TZ != tz || err != nil {
			t.Errorf("zone %q (%v), want %q", s.TZ, err, tz)
		}
	}
	if s, err := c.Site(t.Context(), "other"); s.TZ != "" || err != nil {
		t.Errorf("another site is in %q (%v)", s.TZ, err)
	}
	if after, err := c.Orders(t.Context(), "shop"); after.Generation <= before.Generation || err != nil {
		t.Errorf("generation %d (%v), want one beyond %d: hours are read by the zone", after.Generation, err, before.Generation)
	}
	entries, err := c.Audit(t.Context(), 0, 1)
	must(t, err)
	if e := entries[0]; e.Action != "time zone" || e.Target != "shop" || e.Detail != "UTC" {
		t.Errorf("audited as %+v", e)
	}
	wantErr(t, "a site nobody created", c.SetZone(t.Context(), who, "nowhere", "UTC"), catalog.ErrNotFound)
	for _, tz := range []string{"Mars/Olympus", "Local", "../../etc/passwd"} {
		if err := c.SetZone(t.Context(), who, "shop", tz); err == nil {
			t.Errorf("%q is taken for a zone", tz)
		}
	}
}

func oneRuleEnds(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	everywhere := setRule(t, c, catalog.RulePause, "", catalog.Selector{})
	here := setRule(t, c, catalog.RulePause, "", catalog.Selector{Site: "shop"})
	purge := setRule(t, c, catalog.RulePurge, "", catalog.Selector{Name: "app"})
	for _, of := range []struct {
		site       string
		generation uint64
	}{{"shop", everywhere}, {"", here}, {"", 1 << 40}} {
		_, err := c.EndRule(t.Context(), who, of.site, of.generation)
		wantErr(t, "a rule of another site, or none", err, catalog.ErrNotFound)
	}
	_, err := c.EndRule(t.Context(), who, "", purge)
	wantErr(t, "a purge", err, catalog.ErrConflict)
	ended, err := c.EndRule(t.Context(), who, "", everywhere)
	if must(t, err); ended.Generation != everywhere || ended.Kind != catalog.RulePause {
		t.Errorf("ended %+v", ended)
	}
	rules, err := c.Rules(t.Context())
	must(t, err)
	if len(rules) != 2 || rules[0].Generation != here {
		t.Errorf("left are %+v, want the pause of the site and the purge", rules)
	}
	_, err = c.EndRule(t.Context(), who, "", everywhere)
	wantErr(t, "one that ended", err, catalog.ErrNotFound)
}
