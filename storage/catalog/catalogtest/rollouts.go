package catalogtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// rollouts are the tests of distributions to queries and in rings.
var rollouts = map[string]func(*testing.T, catalog.Catalog){
	"a target is asked whenever it matters":        targetIsLive,
	"an aim is kept":                               aimIsKept,
	"rings open, halt and end in the catalog":      rolloutChanges,
	"a newer distribution ends a rollout":          rolloutIsSuperseded,
	"what was rolled back reaches nobody":          rollBackEnds,
	"a retry is asked for by a generation":         retryIsKept,
	"a window is kept, and the last one counts":    windowIsKept,
	"what has yet to reach a site is still needed": liveIsNeeded,
}

// inRings is app@2 everywhere in two rings.
func inRings() catalog.Distribution {
	gates := catalog.Gates{Delivered: 95, Failed: 5, Halt: 10, SoakSeconds: 60}
	return catalog.Distribution{Name: "app", Version: "2", All: true, Priority: "normal", Aim: catalog.Aim{
		Rings: []catalog.Ring{{Name: "canary", Target: "tag:canary", Gates: gates}, {Name: "rest", Target: catalog.RestTarget, Gates: gates}}}}
}

// fillRollouts leaves one rollout in an empty catalog.
func fillRollouts(t *testing.T, c catalog.Catalog) {
	t.Helper()
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "canary", AddSites: []string{FilledSite}}))
	d := inRings()
	d.NotBefore, d.Window = time.Date(2026, 4, 1, 22, 0, 0, 0, time.UTC), "mon-fri 22:00-05:00 open; * closed"
	distribute(t, c, d)
}

// versionsAt lists what a site is ordered, as NAME@V.
func versionsAt(t *testing.T, c catalog.Catalog, site string) (out []string) {
	t.Helper()
	o := orders(t, c, site)
	o.Now = time.Now()
	for _, order := range catalog.Resolve(o) {
		text := order.Name + "@" + order.Version
		if order.Paused {
			text += " paused"
		}
		out = append(out, text)
	}
	return out
}

// newest is the distribution that was made last.
func newest(t *testing.T, c catalog.Catalog) catalog.Distribution {
	t.Helper()
	rows, err := c.FindDistributions(t.Context(), catalog.DistributionsQuery{Limit: 1})
	must(t, err)
	d, err := c.Distribution(t.Context(), rows[0].ID)
	must(t, err)
	return d
}

func targetIsLive(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop-1", "shop-2")
	publish(t, c, "app", "1")
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "emea", AddSites: []string{"shop-1"}}))
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Priority: "normal", Aim: catalog.Aim{Target: "tag:emea"}})
	wantStrings(t, "at a site with the tag", versionsAt(t, c, "shop-1"), []string{"app@1"})
	wantStrings(t, "at one without", versionsAt(t, c, "shop-2"), nil)
	before := orders(t, c, "shop-2").Generation
	must(t, c.ChangeTag(t.Context(), who, policy.TagChange{Name: "emea", AddSites: []string{"shop-2"}, RemoveSites: []string{"shop-1"}}))
	wantStrings(t, "once it lost it", versionsAt(t, c, "shop-1"), nil)
	wantStrings(t, "once it got it", versionsAt(t, c, "shop-2"), []string{"app@1"})
	if after := orders(t, c, "shop-2").Generation; after <= before {
		t.Errorf("generation %d after %d", after, before)
	}
	tags, err := c.TagsOf(t.Context())
	if err != nil || len(tags) != 1 || !slices.Equal(tags["shop-2"], []string{"emea"}) {
		t.Errorf("got tags %v (%v)", tags, err)
	}
}

func aimIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "2")
	want := inRings()
	want.All, want.Target, want.NotBefore = false, "name:shop*", time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	distribute(t, c, want)
	got := newest(t, c)
	if got.Target != want.Target || !got.NotBefore.Equal(want.NotBefore) || !slices.Equal(got.Rings, want.Rings) || got.Rollout.State != catalog.RolloutWaiting {
		t.Errorf("got %+v, want %+v", got.Aim, want.Aim)
	}
	next, err := c.NextNotBefore(t.Context(), time.Now())
	if err != nil || !next.Equal(want.NotBefore) {
		t.Errorf("the next begins at %v (%v), want %v", next, err, want.NotBefore)
	}
	if next, err := c.NextNotBefore(t.Context(), want.NotBefore); err != nil || !next.IsZero() {
		t.Errorf("after that one begins at %v (%v)", next, err)
	}
}

func rolloutChanges(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	createSites(t, c, "a-shop", "b-shop", "c-shop")
	must(t, c.ChangeTag(ctx, who, policy.TagChange{Name: "canary", AddSites: []string{"a-shop"}}))
	publish(t, c, "app", "1")
	publish(t, c, "app", "2")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"})
	d := inRings()
	d.Rings[1].AtOnce = 1
	distribute(t, c, d)
	id := newest(t, c).ID
	set := func(change func(*catalog.Rollout)) {
		t.Helper()
		_, err := c.ChangeRollout(ctx, who, "test", id, func(d catalog.Distribution) (catalog.Rollout, error) {
			change(&d.Rollout)
			return d.Rollout, nil
		})
		must(t, err)
	}
	wantAt := func(what string, want ...string) {
		t.Helper()
		for i, site := range []string{"a-shop", "b-shop", "c-shop"} {
			wantStrings(t, what+" at "+site, versionsAt(t, c, site), want[i:i+1])
		}
	}
	wantAt("before a ring is open", "app@1", "app@1", "app@1")
	set(func(r *catalog.Rollout) { r.State, r.Open = catalog.RolloutRunning, 1 })
	wantAt("with the first ring", "app@2", "app@1", "app@1")
	set(func(r *catalog.Rollout) { r.Open, r.Upto = 2, "b-shop" })
	wantAt("with one more site", "app@2", "app@2", "app@1")
	set(func(r *catalog.Rollout) { r.State, r.Stopped, r.Reason = catalog.RolloutHalted, true, "too bad" })
	wantAt("when it is halted", "app@2 paused", "app@2 paused", "app@1")

	failed := errors.New("no")
	_, err := c.ChangeRollout(ctx, who, "test", id, func(catalog.Distribution) (catalog.Rollout, error) { return catalog.Rollout{}, failed })
	wantErr(t, "a change that fails", err, failed)
	_, err = c.ChangeRollout(ctx, who, "test", id-1, func(catalog.Distribution) (catalog.Rollout, error) { return catalog.Rollout{}, nil })
	wantErr(t, "of one without rings", err, catalog.ErrNotFound)
	_, err = c.ChangeRollout(ctx, who, "test", 99, func(catalog.Distribution) (catalog.Rollout, error) { return catalog.Rollout{}, nil })
	wantErr(t, "of none", err, catalog.ErrNotFound)
	entries := latest(t, c)
	_, err = c.ChangeRollout(ctx, who, "", id, func(d catalog.Distribution) (catalog.Rollout, error) { return d.Rollout, nil })
	if must(t, err); latest(t, c) != entries {
		t.Error("a change without an action is audited")
	}
	if live, err := c.RolloutsBefore(ctx, 0, 0, true); len(live) != 1 || live[0].ID != id || err != nil {
		t.Errorf("live are %+v (%v)", live, err)
	}
	if none, err := c.RolloutsBefore(ctx, id, 0, false); len(none) != 0 || err != nil {
		t.Errorf("before it came %+v (%v)", none, err)
	}
}

func rolloutIsSuperseded(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop", "other")
	for _, v := range []string{"2", "3"} {
		publish(t, c, "app", v)
	}
	distribute(t, c, inRings())
	id := newest(t, c).ID
	state := func() string {
		d, err := c.Distribution(t.Context(), id)
		must(t, err)
		return d.Rollout.State
	}
	distribute(t, c, catalog.Distribution{Name: "app", Version: "3", Sites: []string{"shop"}, Priority: "normal"})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "3", All: true, PreStage: 2, Priority: "normal"})
	if got := state(); got != catalog.RolloutWaiting {
		t.Errorf("it is %s after a newer version went to one site", got)
	}
	distribute(t, c, catalog.Distribution{Name: "app", Version: "3", All: true, Priority: "normal"})
	if got := state(); got != catalog.RolloutSuperseded {
		t.Errorf("it is %s after a newer version went to all", got)
	}
}

func rollBackEnds(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	for _, v := range []string{"1", "2", "1b"} {
		publish(t, c, "app", v)
	}
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "2", All: true, Priority: "normal"})
	bad := newest(t, c).ID
	_, err := c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop"}, Aim: catalog.Aim{Replaces: bad}})
	wantErr(t, "back to what is older", err, catalog.ErrConflict)
	_, err = c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1b", Sites: []string{"shop"}, Aim: catalog.Aim{Replaces: 99}})
	wantErr(t, "of nothing", err, catalog.ErrNotFound)
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1b", Sites: []string{"shop"}, Priority: "normal", Aim: catalog.Aim{Replaces: bad}})
	wantStrings(t, "where it went", versionsAt(t, c, "shop"), []string{"app@1b"})
	createSites(t, c, "later")
	wantStrings(t, "at a site that is created later", versionsAt(t, c, "later"), []string{"app@1"})
}

func retryIsKept(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"})
	generation, err := c.Retry(t.Context(), who, newest(t, c).ID)
	must(t, err)
	o := orders(t, c, "shop")
	if got := catalog.Resolve(o); len(got) != 1 || got[0].Retry != generation || o.Generation != generation {
		t.Errorf("got %+v in generation %d, want a retry of %d", got, o.Generation, generation)
	}
	_, err = c.Retry(t.Context(), who, 99)
	wantErr(t, "of none", err, catalog.ErrNotFound)
}

func liveIsNeeded(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	for _, v := range []string{"1", "2", "3"} {
		publish(t, c, "app", v)
	}
	publish(t, c, "tagged", "1")
	distribute(t, c, inRings())
	distribute(t, c, catalog.Distribution{Name: "tagged", Version: "1", Priority: "normal", Aim: catalog.Aim{Target: "tag:none-yet"}})
	needed := func(name, version string) bool {
		t.Helper()
		facts, err := catalog.Survey(t.Context(), c)
		must(t, err)
		v, err := c.Version(t.Context(), name, version)
		must(t, err)
		return slices.ContainsFunc(catalog.Needed(facts, time.Now())(content.Ref{Name: v.Name, Version: v.Version}),
			func(n catalog.Need) bool { return n.Code == catalog.NeedOrdered })
	}
	if !needed("app", "2") || !needed("tagged", "1") || needed("app", "1") {
		t.Error("want what has yet to reach its sites to be needed, and nothing else")
	}
	distribute(t, c, catalog.Distribution{Name: "app", Version: "3", All: true, Priority: "normal"})
	if needed("app", "2") {
		t.Error("a version is needed whose rollout was superseded")
	}
}
