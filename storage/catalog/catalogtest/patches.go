package catalogtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

func patchesAreDue(t *testing.T, c catalog.Catalog) {
	first := publish(t, c, "app", "1")
	publish(t, c, "other", "1")
	check := func(what string, v catalog.Version, want catalog.Patches) {
		t.Helper()
		if got, err := c.Patches(t.Context(), v.Serial); got != want || err != nil {
			t.Errorf("%s: patches %+v (%v), want %+v", what, got, err, want)
		}
	}
	due := func(what string, want ...catalog.Succession) {
		t.Helper()
		if got, err := c.Unpatched(t.Context()); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: due %+v (%v), want %+v", what, got, err, want)
		}
	}
	check("the first of a content", first, catalog.Patches{})
	due("nothing has a version before it")

	second := publish(t, c, "app", "2")
	serial, err := c.Reserve(t.Context(), who, "app", "3") // is none yet
	must(t, err)
	check("the second", second, catalog.Patches{Base: first.ID, Due: true})
	due("the second", catalog.Succession{Name: "app", Before: "1", Version: "2", Serial: second.Serial})

	made := catalog.Patches{Base: first.ID, Object: content.Sum([]byte("patches"))}
	must(t, c.PutPatches(t.Context(), second.Serial, made))
	check("made", second, made)
	due("made")
	made.Object = content.Digest{}
	must(t, c.PutPatches(t.Context(), second.Serial, made))
	check("not worth it", second, made)

	third := versionOf("app", "3", serial)
	must(t, c.Publish(t.Context(), who, third))
	fourth := publish(t, c, "app", "4")
	check("no more the newest", third, catalog.Patches{})
	check("the newest", fourth, catalog.Patches{Base: third.ID, Due: true})
	due("the newest alone", catalog.Succession{Name: "app", Before: "3", Version: "4", Serial: fourth.Serial})
	if err := c.PutPatches(t.Context(), fourth.Serial+1, made); err == nil {
		t.Error("took patches of a version that does not exist")
	}
}

func patchesAreOfWhatMostHave(t *testing.T, c catalog.Catalog) {
	createSites(t, c, "large", "small", "empty")
	now := time.Now()
	for i, site := range []string{"large", "large", "small"} {
		enrolAt(t, c, site, fmt.Sprintf("%s%d", site, i), now)
	}
	base := func(what string, v, want catalog.Version) {
		t.Helper()
		if got, err := c.Patches(t.Context(), v.Serial); got != (catalog.Patches{Base: want.ID, Due: true}) || err != nil {
			t.Errorf("%s: patches %+v (%v), want that those of %s are due", what, got, err, want.Version)
		}
	}
	versions := map[int]catalog.Version{}
	next := func(sites ...string) catalog.Version {
		t.Helper()
		n := len(versions) + 1
		versions[n] = publish(t, c, "app", fmt.Sprint(n))
		if len(sites) > 0 {
			distribute(t, c, catalog.Distribution{Name: "app", Version: fmt.Sprint(n), Sites: sites, Priority: "normal"})
		}
		return versions[n]
	}
	next()
	base("nothing was distributed", next(), versions[1])
	distribute(t, c, catalog.Distribution{Name: "app", Version: "1", All: true, Priority: "normal"})
	base("only the first was distributed", next("small"), versions[1])
	base("few have the third", next(), versions[1])
	distribute(t, c, catalog.Distribution{Name: "app", Version: "3", Sites: []string{"large"}, PreStage: 2, Priority: "normal"})
	base("it was placed ahead of need", next("empty"), versions[1])
	distribute(t, c, catalog.Distribution{Name: "app", Version: "4", Sites: []string{"large"}, Priority: "normal"})
	sixth := next()
	base("most have the fourth", sixth, versions[4])
	distribute(t, c, catalog.Distribution{Name: "app", Version: "6", All: true, Priority: "normal"})
	base("it stays so once it was distributed itself", sixth, versions[4])
	want := []catalog.Succession{{Name: "app", Before: "4", Version: "6", Serial: sixth.Serial}}
	if got, err := c.Unpatched(t.Context()); !slices.Equal(got, want) || err != nil {
		t.Errorf("due %+v (%v), want %+v", got, err, want)
	}
}

func oldPatchesAreDropped(t *testing.T, c catalog.Catalog) {
	first := publish(t, c, "app", "1")
	second, third := publish(t, c, "app", "2"), publish(t, c, "app", "3")
	made := catalog.Patches{Base: first.ID, Object: content.Sum([]byte("patches"))}
	must(t, c.PutPatches(t.Context(), second.Serial, made)) // a moment late
	must(t, c.PutPatches(t.Context(), third.Serial, catalog.Patches{Base: second.ID}))
	old := func(what string, want ...catalog.OldPatches) {
		t.Helper()
		if got, err := c.OldPatches(t.Context()); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: old %+v (%v), want %+v", what, got, err, want)
		}
	}
	of := func(v catalog.Version, object content.Digest) catalog.OldPatches {
		return catalog.OldPatches{Name: "app", Version: v.Version, Serial: v.Serial, Object: object}
	}
	old("the second", of(second, made.Object))
	publish(t, c, "app", "4")
	old("the third too", of(second, made.Object), of(third, content.Digest{}))
	must(t, c.DropPatches(t.Context(), second.Serial))
	must(t, c.DropPatches(t.Context(), second.Serial)) // again is nothing
	old("the third", of(third, content.Digest{}))
	if got, err := c.Patches(t.Context(), second.Serial); got != (catalog.Patches{}) || err != nil {
		t.Errorf("dropped patches %+v (%v), want none", got, err)
	}
}
