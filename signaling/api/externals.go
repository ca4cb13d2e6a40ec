package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

// A version's bytes may lie at somebody else's URL, a vendor's: then they are not uploaded.
// What was seen of the file is told with its head; where its chunks lie in it follows from
// its body, so nobody has to be believed about that.

// VendorFile is what was seen of a file at somebody else's URL.
type VendorFile struct {
	URL      string `json:"url" maxLength:"1024"`
	ETag     string `json:"etag,omitempty" maxLength:"256" doc:"A strong one; absent: there was none."`
	Modified string `json:"modified,omitempty" maxLength:"256" doc:"Last-Modified, as it was sent; absent: there was none."`
	Bytes    int64  `json:"bytes"`
}

// VendorState is such a file, and what was found of it since.
type VendorState struct {
	VendorFile
	Changed string    `json:"changed,omitempty" doc:"Why nobody fetches it any more; absent: it is as it was published."`
	Checked time.Time `json:"checked,omitzero" doc:"When the server last found it; absent: it could not reach it yet."`
}

func stateOf(e catalog.External) *VendorState {
	return &VendorState{VendorFile: VendorFile{e.URL, e.ETag, e.Modified, e.Bytes}, Changed: e.Changed, Checked: e.Checked}
}

func (f VendorFile) file() external.File { return external.File(f) }

func (s *server) externals() {
	register(s, operation("PUT", "/versions/{name}/{version}/external", "renew-vendor-file", "Tell anew how a vendor's file is known, whose bytes are what they were", catalog.RoleOperator),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Version string `path:"version"`
			Body    VendorFile
		}) (*reply[VendorState], error) {
			return s.renewExternal(ctx, content.Ref{Name: in.Name, Version: in.Version}, in.Body)
		})
}

// placeExternal notes a file at somebody else's URL, and says where the chunks of a version
// lie in it.
func (s *server) placeExternal(ctx context.Context, head content.Head, body *content.Body, in SignedVersion) (catalog.Placement, error) {
	e := catalog.External{File: in.External.file(), Object: external.Object(in.External.URL, head.Body), Body: head.Body}
	switch {
	case len(in.Packs) > 0:
		return catalog.Placement{}, bad("a version lies in packs, or at a vendor's URL, and not in both", "")
	case head.Kind != content.KindFile:
		return catalog.Placement{}, bad("a version at a vendor's URL is one file", "publish a folder from your own disk")
	}
	if err := e.Check(); err != nil {
		return catalog.Placement{}, bad(err.Error(), "")
	}
	p, err := catalog.PlaceExternal(e, body)
	if err != nil {
		return p, bad(err.Error(), "the file changed while it was published: publish again")
	}
	return p, s.noteExternal(ctx, e, body)
}

// noteExternal keeps a file once the server itself found it as it is said to be, as far as
// it can reach it: endpoints may, though it can't.
func (s *server) noteExternal(ctx context.Context, e catalog.External, body *content.Body) error {
	if s.Vendor != nil {
		err := s.Vendor(ctx, e, body)
		changed, refused := new(external.ChangedError), new(external.AddressError)
		switch {
		case errors.As(err, &changed):
			return &Problem{Status: http.StatusUnprocessableEntity, Code: "external_changed", Detail: "the vendor's file is another by now: " + changed.Detail,
				Hint: "publish again"}
		case errors.As(err, &refused):
			return &Problem{Status: http.StatusUnprocessableEntity, Code: "external_address", Detail: refused.Error(),
				Hint: "name an address that is public and https; for a mirror inside your own network start the server with --private-vendors"}
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.Log.Warn("the server can't reach a vendor's file, so only endpoints will notice that it changes", "url", e.URL, "err", err)
		default:
			e.Checked = time.Now()
		}
	}
	return s.Catalog.PutExternal(ctx, actor(ctx), e)
}

// renewExternal takes over what is seen of a file whose bytes are those that were published:
// a vendor may have put the same file there anew.
func (s *server) renewExternal(ctx context.Context, ref content.Ref, in VendorFile) (*reply[VendorState], error) {
	v, err := s.Catalog.Version(ctx, ref.Name, ref.Version)
	if err != nil {
		return nil, err
	}
	kept, err := s.externalOf(ctx, v)
	if err != nil {
		return nil, err
	}
	if kept == nil || kept.URL != in.URL {
		return nil, &Problem{Status: http.StatusConflict, Code: "other_place", Detail: ref.String() + " does not lie at that URL",
			Hint: "publish what is there under another version"}
	}
	e := *kept
	e.File, e.Changed, e.Checked = in.file(), "", time.Time{}
	if err := e.Check(); err != nil {
		return nil, bad(err.Error(), "")
	}
	if e.Bytes != kept.Bytes {
		return nil, bad("the file has another length", "publish it under another version")
	}
	encoded, err := blob.Read(ctx, s.Objects, e.Body, content.MaxBodyBytes)
	if err != nil {
		return nil, err
	}
	body, err := content.DecodeBody(encoded)
	if err != nil {
		return nil, err
	}
	if err := s.noteExternal(ctx, e, body); err != nil {
		return nil, err
	}
	s.Hub.Changed("")
	e, err = s.Catalog.External(ctx, e.Object)
	return &reply[VendorState]{*stateOf(e)}, err
}

// externalOf returns the file at somebody else's URL that a version is, nil where it lies in
// packs.
func (s *server) externalOf(ctx context.Context, v catalog.Version) (*catalog.External, error) {
	p, err := catalog.DecodePlacement(v.Placement)
	if err != nil {
		return nil, err
	}
	return catalog.ExternalOf(ctx, s.Catalog, p)
}
