package catalogtest

import (
	"slices"
	"testing"

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
