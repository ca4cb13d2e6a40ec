package catalogtest

import (
	"reflect"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

// externals are the tests of files at somebody else's URL.
var externals = map[string]func(*testing.T, catalog.Catalog){
	"what was seen of a vendor's file is kept":     externalIsKept,
	"what can't be a vendor's file is refused":     externalIsRefused,
	"what a check finds is audited when it is new": checksAreKept,
	"a vendor's file goes with its last version":   externalGoes,
	"no chunk is looked up in a vendor's file":     externalLendsNothing,
}

// externalOf makes one with something in every field.
func externalOf(url string) catalog.External {
	body := content.Sum([]byte("body of " + url))
	return catalog.External{Object: external.Object(url, body), Body: body, Checked: begin,
		File: external.File{URL: url, ETag: `"v1"`, Modified: "Tue, 24 Nov 2026 08:00:00 GMT", Bytes: 300_000}}
}

func wantExternal(t *testing.T, c catalog.Catalog, want catalog.External) {
	t.Helper()
	got, err := c.External(t.Context(), want.Object)
	got.Checked, want.Checked = got.Checked.UTC(), want.Checked.UTC()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func externalIsKept(t *testing.T, c catalog.Catalog) {
	ctx := t.Context()
	first, second := externalOf("https://vendor.example/a"), externalOf("https://vendor.example/b")
	second.ETag, second.Modified, second.Checked = "", "", time.Time{}
	_, err := c.External(ctx, first.Object)
	wantErr(t, "one that nobody noted", err, catalog.ErrNotFound)
	must(t, c.PutExternal(ctx, who, first))
	must(t, c.PutExternal(ctx, who, second))
	wantExternal(t, c, first)
	wantExternal(t, c, second)
	must(t, c.CheckedExternal(ctx, who, first.Object, "it is another", begin.Add(time.Hour)))
	first.ETag = `"v2"`
	must(t, c.PutExternal(ctx, who, first))
	wantExternal(t, c, first)
	if all, err := c.Externals(ctx); len(all) != 2 || err != nil {
		t.Errorf("listed %d (%v), want both", len(all), err)
	}
	if _, noted := unused(t, c)[first.Object]; !noted {
		t.Error("it is not noted as unused though no version names it")
	}
}

func externalIsRefused(t *testing.T, c catalog.Catalog) {
	for name, spoil := range map[string]func(*catalog.External){
		"no URL":     func(e *catalog.External) { e.URL = "app.msi" },
		"a password": func(e *catalog.External) { e.URL = "https://me:secret@vendor.example/a" },
		"weak":       func(e *catalog.External) { e.ETag = `W/"v1"` },
		"empty":      func(e *catalog.External) { e.Bytes = 0 },
		"a zero":     func(e *catalog.External) { e.URL += "\x00" },
	} {
		e := externalOf("https://vendor.example/a")
		spoil(&e)
		if c.PutExternal(t.Context(), who, e) == nil {
			t.Errorf("%s: took %+v", name, e)
		}
	}
}

func checksAreKept(t *testing.T, c catalog.Catalog) {
	ctx, e := t.Context(), externalOf("https://vendor.example/a")
	wantErr(t, "checking what is not there", c.CheckedExternal(ctx, who, e.Object, "", begin), catalog.ErrNotFound)
	must(t, c.PutExternal(ctx, who, e))
	audited := func() int {
		entries, err := c.Audit(ctx, 0, 0)
		must(t, err)
		return len(entries)
	}
	before := audited()
	for i, found := range []string{"", "it is another", "it is another", ""} {
		e.Changed, e.Checked = found, begin.Add(time.Duration(i)*time.Minute)
		must(t, c.CheckedExternal(ctx, who, e.Object, e.Changed, e.Checked))
		wantExternal(t, c, e)
	}
	if n := audited() - before; n != 2 {
		t.Errorf("%d entries in the audit log, want one when it changed and one when it was back", n)
	}
}

func externalGoes(t *testing.T, c catalog.Catalog) {
	ctx, e := t.Context(), externalOf("https://vendor.example/a")
	must(t, c.PutExternal(ctx, who, e))
	publishIn(t, c, "app", "1", e.Object)
	publishIn(t, c, "app", "2", e.Object)
	if _, noted := unused(t, c)[e.Object]; noted {
		t.Error("it is noted as unused though versions name it")
	}
	remove(t, c, "app", "1")
	remove(t, c, "app", "2")
	if _, noted := unused(t, c)[e.Object]; !noted {
		t.Error("it is not noted as unused though no version names it any more")
	}
	if doomed, err := c.Doom(ctx, []content.Digest{e.Object}, soon()); len(doomed) != 1 || err != nil {
		t.Fatalf("doomed %v (%v)", doomed, err)
	}
	_, err := c.External(ctx, e.Object)
	wantErr(t, "one that is doomed", err, catalog.ErrNotFound)
	wantErr(t, "noting one that is doomed", c.PutExternal(ctx, who, e), catalog.ErrDoomed)
	must(t, c.Deleted(ctx, e.Object))
	must(t, c.PutExternal(ctx, who, e))
}

func externalLendsNothing(t *testing.T, c catalog.Catalog) {
	ctx, e := t.Context(), externalOf("https://vendor.example/a")
	must(t, c.PutExternal(ctx, who, e))
	chunk := content.Chunk{Digest: content.Sum([]byte("a chunk")), Length: uint32(e.Bytes)}
	b := &content.Body{Chunks: []content.Chunk{chunk}, Runs: []content.Run{{Count: 1}}, Files: []content.File{{Path: "a", Size: e.Bytes}}}
	p, err := catalog.PlaceExternal(e, b)
	must(t, err)
	serial, err := c.Reserve(ctx, who, "app", "1")
	must(t, err)
	v := versionOf("app", "1", serial)
	v.Placement = p.Encode()
	must(t, c.Publish(ctx, who, v))
	for name, look := range map[string]func() (map[content.Digest]catalog.Packed, error){
		"located": func() (map[content.Digest]catalog.Packed, error) {
			return c.Locate(ctx, []content.Digest{chunk.Digest})
		},
		"claimed": func() (map[content.Digest]catalog.Packed, error) {
			return c.Claim(ctx, []content.Digest{chunk.Digest})
		},
	} {
		if found, err := look(); len(found) != 0 || err != nil {
			t.Errorf("%s %v (%v): a version in packs would depend on the vendor", name, found, err)
		}
	}
}
