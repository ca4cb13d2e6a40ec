package catalogtest

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// roaming are tests of endpoints that are fixed to a site, or not.
var roaming = map[string]func(*testing.T, catalog.Catalog){"an endpoint roams, and is fixed again": roams}

func roams(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	enrolAt(t, c, "shop", "e1", time.Now())
	for _, on := range []bool{true, true, false} {
		must(t, c.SetRoaming(t.Context(), who, "e1", on))
		if e, err := c.Endpoint(t.Context(), "e1"); e.Roaming != on || e.Site != "shop" || err != nil {
			t.Errorf("got %+v (%v), want roaming %v", e, err, on)
		}
	}
	entries, err := c.Audit(t.Context(), 0, 1)
	must(t, err)
	if e := entries[0]; e.Target != "e1" || e.Detail != "fixed" || string(e.Before) != `{"roaming":true}` || string(e.After) != `{"roaming":false}` {
		t.Errorf("audited as %+v", e)
	}
	wantErr(t, "an endpoint nobody knows", c.SetRoaming(t.Context(), who, "e2", true), catalog.ErrNotFound)
}
