package catalogtest

import (
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
)

// proposals are the tests of what waits for approval.
var proposals = map[string]func(*testing.T, catalog.Catalog){
	"four eyes are asked for, and no more":          fourEyesAreKept,
	"a proposal is approved by somebody else, once": proposalIsApproved,
	"a proposal is rejected, and its number kept":   proposalIsRejected,
	"a proposal whose time has passed is no order":  proposalIsLate,
	"no more proposals wait than some":              proposalsAreBounded,
}

// propose proposes app@1 everywhere.
func propose(t *testing.T, c catalog.Catalog, by string) int64 {
	t.Helper()
	id, err := c.Propose(t.Context(), catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"}, By: by, Person: by})
	must(t, err)
	return id
}

func fourEyesAreKept(t *testing.T, c catalog.Catalog) {
	for _, want := range []bool{false, true, false} {
		if want {
			must(t, c.SetFourEyes(t.Context(), who, want))
		}
		if got, err := c.FourEyes(t.Context()); got != want || err != nil {
			t.Errorf("got %v (%v), want %v", got, err, want)
		}
		must(t, c.SetFourEyes(t.Context(), who, false))
	}
}

func proposalIsApproved(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	_, err := c.Propose(ctx, catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1", All: true}, By: "anna", Person: "anna"})
	wantErr(t, "of a version that is not published", err, catalog.ErrNotFound)
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	id := propose(t, c, "anna")
	list, err := c.Proposals(ctx)
	if len(list) != 1 || list[0].ID != id || list[0].By != "anna" || list[0].Distribution.Name != "app" || !list[0].Distribution.All || !near(list[0].Created) || err != nil {
		t.Errorf("got %+v (%v)", list, err)
	}
	_, err = c.Approve(ctx, "anna's token", "anna", id)
	wantErr(t, "by who proposed it", err, catalog.ErrConflict)
	if o := orders(t, c, "shop"); len(o.Distributions) != 0 {
		t.Errorf("got %+v before it was approved", o.Distributions)
	}
	generation, err := c.Approve(ctx, "ben", "ben", id)
	o := orders(t, c, "shop")
	if err != nil || generation == 0 || generation != o.Generation || len(o.Distributions) != 1 || !o.Distributions[0].All || o.Distributions[0].Serial == 0 {
		t.Errorf("got generation %d (%v) and orders %+v", generation, err, o)
	}
	_, err = c.Approve(ctx, "ben", "ben", id)
	wantErr(t, "again", err, catalog.ErrNotFound)
	if list, err := c.Proposals(ctx); len(list) != 0 || err != nil {
		t.Errorf("still waiting: %+v (%v)", list, err)
	}
}

func proposalIsRejected(t *testing.T, c catalog.Catalog) {
	publish(t, c, "app", "1")
	id := propose(t, c, "anna")
	must(t, c.Reject(t.Context(), "anna", id))
	wantErr(t, "again", c.Reject(t.Context(), "anna", id), catalog.ErrNotFound)
	_, err := c.Approve(t.Context(), "ben", "ben", id)
	wantErr(t, "approve it then", err, catalog.ErrNotFound)
	if next := propose(t, c, "anna"); next <= id {
		t.Errorf("the next has number %d after %d", next, id)
	}
}

func proposalIsLate(t *testing.T, c catalog.Catalog) {
	publish(t, c, "app", "1")
	late := catalog.Distribution{Name: "app", Version: "1", All: true, ReadyBy: time.Now().Add(-time.Minute)}
	id, err := c.Propose(t.Context(), catalog.Proposal{Distribution: late, By: "anna", Person: "anna"})
	must(t, err)
	_, err = c.Approve(t.Context(), "ben", "ben", id)
	wantErr(t, "approve it", err, catalog.ErrConflict)
	if list, err := c.Proposals(t.Context()); len(list) != 1 || err != nil {
		t.Errorf("got %+v (%v), want that it still waits to be rejected", list, err)
	}
}

func proposalsAreBounded(t *testing.T, c catalog.Catalog) {
	publish(t, c, "app", "1")
	for range catalog.MaxProposals {
		propose(t, c, "anna")
	}
	_, err := c.Propose(t.Context(), catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1", All: true}, By: "anna", Person: "anna"})
	wantErr(t, "one more", err, catalog.ErrConflict)
}
