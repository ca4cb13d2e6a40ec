package api_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

const vendorURL = "https://vendor.example/app.msi"

// vendor says what the server finds at a URL.
type vendor struct {
	err   error
	asked int
}

func (v *vendor) verify(context.Context, catalog.External, *content.Body) error {
	v.asked++
	return v.err
}

func vendorStand(t *testing.T) (*stand, *vendor) {
	v := new(vendor)
	return newStand(t, func(c *api.Config) { c.Vendor = v.verify }), v
}

// elsewhere makes a version that lacks only its head, whose bytes are not uploaded.
func (s *stand) elsewhere(number string) (*version, api.SignedVersion) {
	s.t.Helper()
	v := newVersion(s.t, content.Ref{Name: "app", Version: number})
	v.key = s.publisher("")
	s.reserve(v)
	s.upload(v.body)
	in := s.signed(v)
	in.Packs, in.External = []content.Digest{}, &api.VendorFile{URL: vendorURL, ETag: `"v1"`, Bytes: int64(len(v.plain))}
	return v, in
}

func TestAVersionMayLieAtAVendors(t *testing.T) {
	s, vendor := vendorStand(t)
	v, in := s.elsewhere("1")
	var got api.Published
	s.call("PUT", v.path(), in, &got)
	if got.External == nil || got.External.VendorFile != *in.External || got.External.Checked.IsZero() || vendor.asked != 1 {
		t.Errorf("published %+v after %d looks, want the vendor's file found as it is said to be", got.External, vendor.asked)
	}
	var shown api.Published
	if s.call("GET", v.path(), nil, &shown); shown.External == nil || !reflect.DeepEqual(shown, got) {
		t.Errorf("shown %+v, want %+v", shown, got)
	}
	kept, err := s.catalog.Version(t.Context(), "app", "1")
	s.must(err)
	p, err := catalog.DecodePlacement(kept.Placement)
	if err != nil || len(p.Packs) != 1 || p.Packs[0] != external.Object(vendorURL, v.head.Body) || p.Chunks[0] != (catalog.Place{Length: uint32(len(v.plain))}) {
		t.Errorf("placed at %+v (%v), want plain from the first byte on", p, err)
	}
	var missing api.Objects
	s.call("POST", "/chunks/missing", api.Objects{Digests: []content.Digest{content.Sum(v.plain)}}, &missing)
	if len(missing.Digests) != 1 {
		t.Error("a version in packs would rely on the vendor")
	}
	s.call("PUT", v.path(), in, &got) // by who got no answer
}

func TestWhatIsWrongWithAVendorsFileIsSaid(t *testing.T) {
	s, vendor := vendorStand(t)
	v, good := s.elsewhere("1")
	for name, c := range map[string]struct {
		change func(in *api.SignedVersion, f *api.VendorFile)
		found  error
		code   string
	}{
		"packs too":      {func(in *api.SignedVersion, _ *api.VendorFile) { in.Packs = []content.Digest{v.digest} }, nil, "invalid"},
		"another length": {func(_ *api.SignedVersion, f *api.VendorFile) { f.Bytes++ }, nil, "invalid"},
		"a weak tag":     {func(_ *api.SignedVersion, f *api.VendorFile) { f.ETag = `W/"v1"` }, nil, "invalid"},
		"a password":     {func(_ *api.SignedVersion, f *api.VendorFile) { f.URL = "https://me:pw@vendor.example/" }, nil, "invalid"},
		"changed":        {func(*api.SignedVersion, *api.VendorFile) {}, &external.ChangedError{Detail: "its ETag is another"}, "external_changed"},
		"not public":     {func(*api.SignedVersion, *api.VendorFile) {}, &external.AddressError{Detail: "10.0.0.1 is not public"}, "external_address"},
	} {
		in, f := good, *good.External
		in.External = &f
		c.change(&in, &f)
		vendor.err = c.found
		w := s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path(), in)
		if !strings.Contains(w.Body.String(), c.code) || w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: answered %d %s, want %s", name, w.Code, w.Body, c.code)
		}
	}
	vendor.err = errors.New("no route")
	var got api.Published
	if s.call("PUT", v.path(), good, &got); got.External == nil || !got.External.Checked.IsZero() {
		t.Errorf("published %+v, want it unchecked where the server can't reach the vendor", got.External)
	}
}

func TestAFileOfTheSameBytesIsKnownAnew(t *testing.T) {
	s, vendor := vendorStand(t)
	v, in := s.elsewhere("1")
	s.call("PUT", v.path(), in, nil)
	object := external.Object(vendorURL, v.head.Body)
	s.must(s.catalog.CheckedExternal(t.Context(), "test", object, "its ETag is another", v.head.Created))
	renewed := *in.External
	renewed.ETag = `"v2"`
	var got api.VendorState
	s.call("PUT", v.path()+"/external", renewed, &got)
	if got.VendorFile != renewed || got.Changed != "" || got.Checked.IsZero() {
		t.Errorf("renewed %+v", got)
	}
	moved := renewed
	moved.URL += "?other"
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path()+"/external", moved), http.StatusConflict, "other_place")
	longer := renewed
	longer.Bytes++
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path()+"/external", longer), http.StatusUnprocessableEntity, "invalid")
	vendor.err = &external.ChangedError{Detail: "its bytes are others"}
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path()+"/external", renewed), http.StatusUnprocessableEntity, "external_changed")
	packed := s.published("packed", "1")
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+packed.path()+"/external", renewed), http.StatusConflict, "other_place")
}
