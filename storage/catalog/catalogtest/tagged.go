package catalogtest

import (
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/policy"
)

// tagged are tests of what the audit log tells of tags.
var tagged = map[string]func(*testing.T, catalog.Catalog){"of tags the audit log has what was and what is": tagsAreAuditedWithValues}

func tagsAreAuditedWithValues(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	priority := 7
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "rural", AddSites: []string{"shop"}}))
	must(t, c.ChangeSettings(t.Context(), who, policy.Scope{Level: policy.Tag, Subject: "rural"}, []policy.Assignment{{Key: policy.WANCap, Value: "5mbit"}}))
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "rural", Priority: &priority, RemoveSites: []string{"shop"}}))
	must(t, c.DropTag(t.Context(), who, "rural"))
	entries, err := c.Audit(t.Context(), 0, 4)
	must(t, err)
	const none = `{"name":"rural","priority":7,"sites":[],"endpoints":[],"settings":{"wan_cap":"5mbit"}}`
	for i, want := range []struct{ action, before, after string }{
		{"drop tag", none, ""},
		{"tag", `{"name":"rural","priority":0,"sites":["shop"],"endpoints":[],"settings":{"wan_cap":"5mbit"}}`, none},
		{}, // settings
		{"tag", "", `{"name":"rural","priority":0,"sites":["shop"],"endpoints":[]}`},
	} {
		if e := entries[i]; want.action != "" && (e.Action != want.action || string(e.Before) != want.before || string(e.After) != want.after) {
			t.Errorf("entry %d: %s was %s, became %s\nwant %+v", i, e.Action, e.Before, e.After, want)
		}
	}
}
