package catalogtest

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// removals are the tests of what is not needed any more.
var removals = map[string]func(*testing.T, catalog.Catalog){
	"a rule of retention is kept, and audited":    retentionIsKept,
	"a removed version is gone, and its name not": removedIsGone,
	"a version may be needed again meanwhile":     removedTooLate,
	"distributions of removed versions say so":    distributionsOfRemoved,
	"published versions are listed in pages":      publishedPages,
	"sites of later get what all get":             laterOrders,
	"versions with patches are listed":            patchedAreListed,
	"objects are unused until a version is":       unusedUntilPublished,
	"objects are unused once a version is not":    unusedOnceRemoved,
	"who claims chunks keeps their packs":         claimsKeep,
	"only what is unused for long is doomed":      doomedAfterLong,
	"what is doomed comes back when it is gone":   doomedComesBack,
	"the first open reservation is told":          reservedSince,
}

// soon is after all that was noted till now.
func soon() time.Time { return time.Now().Add(time.Hour) }

// nextMillisecond returns when what is noted has another time than what was before.
func nextMillisecond() {
	for began := time.Now().UnixMilli(); time.Now().UnixMilli() == began; {
		runtime.Gosched()
	}
}

func unused(t *testing.T, c catalog.Catalog) map[content.Digest]catalog.Unused {
	t.Helper()
	list, err := c.Unused(t.Context())
	must(t, err)
	out := map[content.Digest]catalog.Unused{}
	for _, u := range list {
		out[u.Object] = u
	}
	return out
}

// publishIn publishes a version that lies in packs.
func publishIn(t *testing.T, c catalog.Catalog, name, version string, packs ...content.Digest) catalog.Version {
	t.Helper()
	serial, err := c.Reserve(t.Context(), who, name, version)
	must(t, err)
	v := versionOf(name, version, serial)
	v.Placement = catalog.Placement{Packs: packs}.Encode()
	must(t, c.Publish(t.Context(), who, v))
	return v
}

// remove removes a version that nothing needs.
func remove(t *testing.T, c catalog.Catalog, name, version string) {
	t.Helper()
	o, err := c.LaterOrders(t.Context())
	must(t, err)
	must(t, c.Remove(t.Context(), who, content.Ref{Name: name, Version: version}, o.Generation))
}

func retentionIsKept(t *testing.T, c catalog.Catalog) {
	check := func(want catalog.Retention) {
		t.Helper()
		if got, err := c.Retention(t.Context()); got != want || err != nil {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
	check(catalog.Retention{})
	rule := catalog.Retention{Keep: 5, Younger: 720 * time.Hour}
	must(t, c.SetRetention(t.Context(), who, rule))
	check(rule)
	if c.SetRetention(t.Context(), who, catalog.Retention{Younger: time.Hour}) == nil {
		t.Error("took a rule that keeps none")
	}
	check(rule)
	must(t, c.SetRetention(t.Context(), who, catalog.Retention{}))
	check(catalog.Retention{})
	entries, err := c.Audit(t.Context(), 0, 0)
	if err != nil || len(entries) != 2 || entries[1].By != who || !strings.Contains(entries[1].Detail, "newest 5 ") {
		t.Errorf("got entries %+v (%v), want one for each change", entries, err)
	}
}

func removedIsGone(t *testing.T, c catalog.Catalog) {
	first, second := publish(t, c, "app", "1"), publish(t, c, "app", "2")
	ref := content.Ref{Name: "app", Version: "1"}
	remove(t, c, "app", "1")
	if entries, err := c.Audit(t.Context(), 0, 1); err != nil || len(entries) != 1 || entries[0].Action != "remove version" || entries[0].Target != "app@1" || entries[0].By != who {
		t.Errorf("audited %+v (%v), want that it was removed", entries, err)
	}
	_, err := c.Version(t.Context(), "app", "1")
	wantErr(t, "the version", err, catalog.ErrNotFound)
	wantErr(t, "removed again", c.Remove(t.Context(), who, ref, 0), catalog.ErrNotFound)
	_, err = c.Reserve(t.Context(), who, "app", "1")
	wantErr(t, "reserved again", err, catalog.ErrConflict)
	wantErr(t, "published again", c.Publish(t.Context(), who, first), catalog.ErrConflict)
	_, err = c.Distribute(t.Context(), who, catalog.Distribution{Name: "app", Version: "1", All: true})
	wantErr(t, "distributed", err, catalog.ErrNotFound)
	if newest, err := c.Newest(t.Context(), "app"); newest != "2" || err != nil {
		t.Errorf("the newest is %q (%v), want 2", newest, err)
	}
	// Serials go on where they were, also when the newest is removed.
	remove(t, c, "app", "2")
	if third := publish(t, c, "app", "3"); third.Serial <= second.Serial {
		t.Errorf("serial %d after %d", third.Serial, second.Serial)
	}
	_, err = c.Newest(t.Context(), "other")
	wantErr(t, "the newest of nothing", err, catalog.ErrNotFound)
}

func removedTooLate(t *testing.T, c catalog.Catalog) {
	v := publish(t, c, "app", "1")
	o, err := c.LaterOrders(t.Context())
	must(t, err)
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"})
	before := latest(t, c)
	wantErr(t, "it was distributed meanwhile", c.Remove(t.Context(), who, content.Ref{Name: "app", Version: "1"}, o.Generation), catalog.ErrConflict)
	if got, err := c.Version(t.Context(), "app", "1"); got.ID != v.ID || err != nil || latest(t, c) != before || len(unused(t, c)) != 0 {
		t.Errorf("got %+v (%v), want the version, no entry and nothing noted", got, err)
	}
}

func distributionsOfRemoved(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	for _, version := range []string{"1", "2"} {
		publish(t, c, "app", version)
		distribute(t, c, catalog.Distribution{Name: "app", Version: version, Sites: []string{"shop"}, Priority: "normal"})
	}
	remove(t, c, "app", "1")
	got := orders(t, c, "shop").Distributions
	if len(got) != 2 || !got[0].Removed || got[1].Removed {
		t.Errorf("got distributions %+v, want that the first is of a removed version", got)
	}
}

func publishedPages(t *testing.T, c catalog.Catalog) {
	var want []catalog.PublishedVersion
	for _, version := range []string{"1", "2", "3", "4"} {
		v := publish(t, c, "app", version)
		want = append(want, catalog.PublishedVersion{Ref: content.Ref{Name: "app", Version: version}, Serial: v.Serial, Body: v.Body})
	}
	remove(t, c, "app", "2")
	want = slices.Delete(want, 1, 2)
	_, err := c.Reserve(t.Context(), who, "app", "5") // is none yet
	must(t, err)
	for _, n := range []int{1, 2, 0} {
		var got []catalog.PublishedVersion
		for after := uint64(0); ; {
			page, err := c.Published(t.Context(), after, n)
			must(t, err)
			if len(page) == 0 {
				break
			}
			after = page[len(page)-1].Serial
			got = append(got, page...)
		}
		for i := range got {
			if !near(got[i].Created) {
				t.Errorf("%s was published at %v, want now", got[i].Ref, got[i].Created)
			}
			got[i].Created = time.Time{}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d at a time: got %+v, want %+v", n, got, want)
		}
	}
}

func laterOrders(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "shop")
	publish(t, c, "app", "1")
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", Sites: []string{"shop"}, Priority: "normal"})
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "low"})
	setRule(t, c, catalog.RulePause, "", catalog.Selector{Site: "shop"})
	generation := setRule(t, c, catalog.RulePin, "", catalog.Selector{Name: "app"})
	o, err := c.LaterOrders(t.Context())
	if err != nil || o.Site.Name != "" || o.Generation != generation || len(o.Distributions) != 1 || o.Distributions[0].Priority != "low" ||
		len(o.Rules) != 1 || o.Rules[0].Kind != catalog.RulePin {
		t.Errorf("got %+v (%v), want what is for all", o, err)
	}
}

func patchedAreListed(t *testing.T, c catalog.Catalog) {
	first := publish(t, c, "app", "1")
	second, third := publish(t, c, "app", "2"), publish(t, c, "app", "3")
	made := catalog.Patches{Base: first.ID, Object: content.Sum([]byte("patches"))}
	must(t, c.PutPatches(t.Context(), second.Serial, made))
	publish(t, c, "other", "1")
	fifth := publish(t, c, "other", "2")
	must(t, c.PutPatches(t.Context(), fifth.Serial, catalog.Patches{Base: second.ID})) // not worth it
	want := []catalog.Patched{{Ref: content.Ref{Name: "app", Version: "2"}, Base: "1", Object: made.Object},
		{Ref: content.Ref{Name: "app", Version: third.Version}, Base: "2"}}
	if got, err := c.Patched(t.Context()); !slices.Equal(got, want) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	remove(t, c, "app", "2")
	if got, err := c.Patched(t.Context()); len(got) != 1 || got[0].Version != "3" || err != nil {
		t.Errorf("got %+v (%v), want those of the third", got, err)
	}
	if u := unused(t, c)[made.Object]; u.Doomed || !near(u.Since) {
		t.Errorf("its patches are noted as %+v, want as unused since now", u)
	}
}

func unusedUntilPublished(t *testing.T, c catalog.Catalog) {
	pack, chunks := packOf("pack", 0, 3)
	stray := content.Sum([]byte("stray"))
	body := versionOf("app", "1", 1).Body
	for _, object := range []content.Digest{pack, body, stray} {
		must(t, c.Uploading(t.Context(), object))
	}
	must(t, c.AddPack(t.Context(), pack, chunks))
	if got := unused(t, c); len(got) != 3 || got[pack].Doomed || !near(got[pack].Since) {
		t.Errorf("noted %+v, want all three since now", got)
	}
	if v := publishIn(t, c, "app", "1", pack); v.Body != body {
		t.Fatal("the version has another body")
	}
	if got := unused(t, c); len(got) != 1 || got[stray].Object != stray {
		t.Errorf("noted %+v, want only what the version does not name", got)
	}
	packs, err := c.Packs(t.Context())
	if want := []catalog.Pack{{Digest: pack, Bytes: 1 + 2 + 3}}; !slices.Equal(packs, want) || err != nil {
		t.Errorf("packs %+v (%v), want %+v", packs, err, want)
	}
	if entries, err := c.Audit(t.Context(), 0, 0); len(entries) != 2 || err != nil {
		t.Errorf("got entries %+v (%v), want those of the version alone", entries, err)
	}
}

func unusedOnceRemoved(t *testing.T, c catalog.Catalog) {
	shared, own := content.Sum([]byte("shared")), content.Sum([]byte("own"))
	first := publishIn(t, c, "app", "1", shared, own)
	publishIn(t, c, "app", "2", shared)
	remove(t, c, "app", "1")
	got := unused(t, c)
	for _, object := range []content.Digest{first.Body, shared, own} {
		if u := got[object]; u.Doomed || !near(u.Since) {
			t.Errorf("noted %+v, want it since now", u)
		}
	}
	must(t, c.NoteUsed(t.Context(), []content.Digest{shared, own}, got[shared].Since)) // when it was noted: that is newer than what was seen
	if len(unused(t, c)) != 3 {
		t.Error("a note was forgotten that is as new as what is known")
	}
	must(t, c.NoteUsed(t.Context(), []content.Digest{shared}, soon()))
	if now := unused(t, c); len(now) != 2 || now[shared].Object == shared {
		t.Errorf("noted %+v, want what the second does not name", now)
	}
	must(t, c.NoteUnused(t.Context(), []content.Digest{shared, own}))
	if now := unused(t, c); len(now) != 3 || !now[own].Since.Equal(got[own].Since) {
		t.Errorf("noted %+v, want them all, each as before", now)
	}
}

func claimsKeep(t *testing.T, c catalog.Catalog) {
	first, chunks := packOf("first", 0, 3)
	second, others := packOf("second", 3, 6)
	must(t, c.AddPack(t.Context(), first, chunks))
	must(t, c.AddPack(t.Context(), second, others))
	must(t, c.NoteUnused(t.Context(), []content.Digest{first, second}))
	before := unused(t, c)
	nextMillisecond()
	want := map[content.Digest]catalog.Packed{chunks[0].Digest: chunks[0], chunks[2].Digest: chunks[2]}
	got, err := c.Claim(t.Context(), []content.Digest{chunks[0].Digest, content.Sum([]byte("unknown")), chunks[2].Digest})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("claimed %+v (%v), want %+v", got, err, want)
	}
	after := unused(t, c)
	if !after[first].Since.After(before[first].Since) || !after[second].Since.Equal(before[second].Since) {
		t.Errorf("noted %+v after %+v, want that the first pack counts from now", after, before)
	}
	must(t, c.NoteUsed(t.Context(), []content.Digest{first}, soon()))
	nextMillisecond()
	if _, err := c.Claim(t.Context(), []content.Digest{chunks[1].Digest}); err != nil || len(unused(t, c)) != 1 {
		t.Errorf("noted %+v (%v), want nothing of what is used", unused(t, c), err)
	}
	if doomed, err := c.Renew(t.Context(), []content.Digest{first, second}); len(doomed) != 0 || err != nil {
		t.Errorf("doomed are %v (%v), want none", doomed, err)
	}
	if now := unused(t, c); len(now) != 1 || !now[second].Since.After(before[second].Since) {
		t.Errorf("noted %+v, want the second since now", now)
	}
}

func doomedAfterLong(t *testing.T, c catalog.Catalog) {
	pack, chunks := packOf("pack", 0, 3)
	kept, others := packOf("kept", 3, 6)
	must(t, c.AddPack(t.Context(), pack, chunks))
	must(t, c.AddPack(t.Context(), kept, others))
	must(t, c.NoteUnused(t.Context(), []content.Digest{pack}))
	all := []content.Digest{pack, kept, content.Sum([]byte("unknown"))}
	for what, before := range map[string]time.Time{"long ago": time.Now().Add(-time.Hour), "when it was noted": unused(t, c)[pack].Since} {
		if doomed, err := c.Doom(t.Context(), all, before); len(doomed) != 0 || err != nil {
			t.Errorf("unused before %s: doomed %v (%v), want none", what, doomed, err)
		}
	}
	if doomed, err := c.Doom(t.Context(), all, soon()); !slices.Equal(doomed, []content.Digest{pack}) || err != nil {
		t.Errorf("doomed %v (%v), want only what is noted", doomed, err)
	}
	if doomed, err := c.Doom(t.Context(), all, soon()); len(doomed) != 0 || err != nil {
		t.Errorf("doomed %v (%v) again", doomed, err)
	}
	at, err := c.Locate(t.Context(), []content.Digest{chunks[0].Digest, others[0].Digest})
	if has, err2 := c.HasPack(t.Context(), pack); has || len(at) != 1 || at[others[0].Digest].Pack != kept || err != nil || err2 != nil {
		t.Errorf("located %+v, has the pack: %v (%v, %v); want it forgotten, and the other not", at, has, err, err2)
	}
	if packs, err := c.Packs(t.Context()); len(packs) != 1 || packs[0].Digest != kept || err != nil {
		t.Errorf("packs %+v (%v), want the other", packs, err)
	}
}

func doomedComesBack(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	pack, chunks := packOf("pack", 0, 3)
	must(t, c.AddPack(ctx, pack, chunks))
	must(t, c.NoteUnused(ctx, []content.Digest{pack}))
	_, err := c.Doom(ctx, []content.Digest{pack}, soon())
	must(t, err)
	serial, err := c.Reserve(ctx, who, "app", "1")
	must(t, err)
	v := versionOf("app", "1", serial)
	v.Placement = catalog.Placement{Packs: []content.Digest{pack}}.Encode()
	for what, do := range map[string]func(context.Context) error{
		"a version that names it": func(ctx context.Context) error { return c.Publish(ctx, who, v) },
		"its chunks":              func(ctx context.Context) error { return c.AddPack(ctx, pack, chunks) },
		"an upload":               func(ctx context.Context) error { return c.Uploading(ctx, pack) },
	} {
		wantErr(t, what, do(ctx), catalog.ErrDoomed)
	}
	if doomed, err := c.Renew(ctx, []content.Digest{pack}); !slices.Equal(doomed, []content.Digest{pack}) || err != nil {
		t.Errorf("doomed are %v (%v), want the pack", doomed, err)
	}
	must(t, c.NoteUsed(ctx, []content.Digest{pack}, soon()))
	must(t, c.NoteUnused(ctx, []content.Digest{pack}))
	if u := unused(t, c)[pack]; !u.Doomed {
		t.Errorf("noted %+v, want it doomed", u)
	}
	for range 2 { // again is nothing
		must(t, c.Deleted(ctx, pack))
	}
	if len(unused(t, c)) != 0 {
		t.Error("it is noted after it was deleted")
	}
	must(t, c.Uploading(ctx, pack))
	must(t, c.Deleted(ctx, pack)) // it is not doomed any more
	must(t, c.AddPack(ctx, pack, chunks))
	must(t, c.Publish(ctx, who, v))
	if at, err := c.Locate(ctx, []content.Digest{chunks[0].Digest}); len(at) != 1 || len(unused(t, c)) != 0 || err != nil {
		t.Errorf("located %+v (%v), want it back, and used", at, err)
	}
}

func reservedSince(t *testing.T, c catalog.Catalog) {
	check := func(what string, since time.Time, want bool) {
		t.Helper()
		if got, err := c.Reserved(t.Context(), since); err != nil || got.IsZero() == want || want && !near(got) {
			t.Errorf("%s: reserved at %v (%v), want one of now: %v", what, got, err, want)
		}
	}
	long := time.Now().Add(-time.Hour)
	check("nothing", long, false)
	publish(t, c, "app", "1")
	remove(t, c, "app", "1")
	publish(t, c, "app", "2")
	check("all are published", long, false)
	_, err := c.Reserve(t.Context(), who, "app", "3")
	must(t, err)
	check("one is not", long, true)
	check("it is old", soon(), false)
}
