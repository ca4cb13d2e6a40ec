package catalogtest

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// proposed are tests of versions that somebody proposed to order.
var proposed = map[string]func(*testing.T, catalog.Catalog){"what a proposal names is not removed": proposedIsKept}

func proposedIsKept(t *testing.T, c catalog.Catalog) {
	ref := content.Ref{Name: "app", Version: "1"}
	publish(t, c, ref.Name, ref.Version)
	id, err := c.Propose(t.Context(), catalog.Proposal{Distribution: catalog.Distribution{Name: ref.Name, Version: ref.Version, All: true, Priority: "normal"}, By: "ann", Person: "ann"})
	must(t, err)
	facts, err := catalog.Survey(t.Context(), c)
	must(t, err)
	if needs := catalog.Needed(facts, time.Now())(ref); len(needs) != 1 || needs[0].Code != catalog.NeedProposed {
		t.Errorf("it is needed for %+v", needs)
	}
	wantErr(t, "removing it", c.Remove(t.Context(), who, ref, facts.Generation), catalog.ErrConflict)
	must(t, c.Reject(t.Context(), who, id))
	must(t, c.Remove(t.Context(), who, ref, facts.Generation))
}
