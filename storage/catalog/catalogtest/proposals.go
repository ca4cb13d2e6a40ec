package catalogtest

import (
	"encoding/json"
	"errors"
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
	"an activation is approved by somebody else":    activationIsApproved,
	"where a rollback goes is said at its approval": rollbackIsSettled,
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
	_, err = c.Approve(ctx, "anna's token", "anna", id, nil)
	wantErr(t, "by who proposed it", err, catalog.ErrConflict)
	if o := orders(t, c, "shop"); len(o.Distributions) != 0 {
		t.Errorf("got %+v before it was approved", o.Distributions)
	}
	generation, err := c.Approve(ctx, "ben", "ben", id, nil)
	o := orders(t, c, "shop")
	if err != nil || generation == 0 || generation != o.Generation || len(o.Distributions) != 1 || !o.Distributions[0].All || o.Distributions[0].Serial == 0 {
		t.Errorf("got generation %d (%v) and orders %+v", generation, err, o)
	}
	_, err = c.Approve(ctx, "ben", "ben", id, nil)
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
	_, err := c.Approve(t.Context(), "ben", "ben", id, nil)
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
	_, err = c.Approve(t.Context(), "ben", "ben", id, nil)
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

func activationIsApproved(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal", When: catalog.When{Activate: catalog.ActivateHold}})
	activation := func(w catalog.When) catalog.Proposal {
		return catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1"}, Activation: &w, By: "anna", Person: "anna"}
	}
	at := func(from time.Time, serial uint64) catalog.When {
		return catalog.When{Activate: catalog.ActivateAt, Statement: json.RawMessage(`{"n":1}`), At: from, Instant: serial}
	}
	from := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	var ids []int64
	for _, w := range []catalog.When{{}, at(from, 3), at(from.Add(-2*time.Hour), 4)} {
		id, err := c.Propose(ctx, activation(w))
		must(t, err)
		ids = append(ids, id)
	}
	list, err := c.Proposals(ctx)
	if err != nil || len(list) != 3 || list[0].Activation == nil || list[0].Activation.Activate != "" || list[0].Distribution.Name != "app" ||
		list[1].Activation == nil || !list[1].Activation.At.Equal(from) || list[1].Activation.Instant != 3 || string(list[1].Activation.Statement) != `{"n":1}` {
		t.Fatalf("waiting: %+v (%v)", list, err)
	}
	if got, want := list[0].String(), "activate app@1 wherever it is"; got != want {
		t.Errorf("it is to %s, want %s", got, want)
	}
	_, err = c.Approve(ctx, "anna", "anna", ids[0], nil)
	wantErr(t, "by who proposed it", err, catalog.ErrConflict)
	if o := orders(t, c, "shop"); len(o.Activations) != 0 || len(o.Distributions) != 1 {
		t.Errorf("before anything was approved: %+v", o)
	}
	generation, err := c.Approve(ctx, "ben", "ben", ids[1], nil)
	o := orders(t, c, "shop")
	if err != nil || generation != o.Generation || len(o.Distributions) != 1 || len(o.Activations) != 1 || o.Activations[0].Site != "" || o.Activations[0].Instant != 3 {
		t.Errorf("got generation %d (%v) and %+v", generation, err, o)
	}
	_, err = c.Propose(ctx, activation(at(from, 3)))
	wantErr(t, "propose an instant that is not newer", err, catalog.ErrConflict)
	_, err = c.Approve(ctx, "ben", "ben", ids[2], nil)
	wantErr(t, "approve an instant that has passed", err, catalog.ErrConflict)
	must(t, c.Reject(ctx, "ben", ids[2]))
	if _, err = c.Approve(ctx, "ben", "ben", ids[0], nil); err != nil || len(orders(t, c, "shop").Activations) != 2 {
		t.Errorf("approved at last: %+v (%v)", orders(t, c, "shop").Activations, err)
	}
}

func rollbackIsSettled(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "shop", "depot")
	publish(t, c, "app", "2")
	publish(t, c, "app", "1b")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "2", Sites: []string{"shop"}, Priority: "normal"})
	bad := orders(t, c, "shop").Distributions[0].ID
	id, err := c.Propose(ctx, catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1b", Priority: "high", Aim: catalog.Aim{Replaces: bad}}, By: "anna", Person: "anna"})
	must(t, err)
	broken := errors.New("broken")
	_, err = c.Approve(ctx, "ben", "ben", id, func(*catalog.Distribution) error { return broken })
	wantErr(t, "when nobody can say where", err, broken)
	_, err = c.Approve(ctx, "ben", "ben", id, func(d *catalog.Distribution) error {
		d.Sites = []string{"depot"}
		return nil
	})
	must(t, err)
	if o := orders(t, c, "depot").Distributions; len(o) != 1 || o[0].Version != "1b" {
		t.Errorf("where it was said to go is ordered %+v", o)
	}
	if o := catalog.Resolve(orders(t, c, "shop")); len(o) != 0 {
		t.Errorf("what was rolled back still reaches %+v", o)
	}
	all, err := c.Propose(ctx, catalog.Proposal{Distribution: catalog.Distribution{Name: "app", Version: "1b", All: true}, By: "anna", Person: "anna"})
	must(t, err)
	_, err = c.Approve(ctx, "ben", "ben", all, func(*catalog.Distribution) error { return broken }) // not asked
	must(t, err)
}
