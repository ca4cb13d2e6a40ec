package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// NewVersion reserves a version.
type NewVersion struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Reserved is the serial a new version's head must carry.
type Reserved struct {
	Serial uint64 `json:"serial"`
}

// Objects is a list of objects, or of chunks.
type Objects struct {
	Digests []content.Digest `json:"digests" maxItems:"4096"`
}

// SignedVersion completes a version: its head, and the packs of those chunks that no
// earlier version had.
type SignedVersion struct {
	Head  json.RawMessage  `json:"head"`
	Packs []content.Digest `json:"packs" maxItems:"4096"`
	// External is where its bytes lie, if not in packs.
	External *VendorFile `json:"external,omitempty"`
}

// Published is a version that can be distributed.
type Published struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Serial  uint64            `json:"serial"`
	ID      content.VersionID `json:"id"`
	Head    content.Head      `json:"head"`
	// External is where its bytes lie, if not at the origin.
	External *VendorState `json:"external,omitempty"`
}

func (s *server) versions() {
	register(s, about(scopeOrganisation, operation("POST", "/versions", "reserve-version", "Reserve a version and get its serial", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body NewVersion }) (*reply[Reserved], error) {
			if err := errors.Join(content.CheckName(in.Body.Name), content.CheckVersion(in.Body.Version)); err != nil {
				return nil, bad(err.Error(), "names hold letters, digits, '.', '_' and '-'; versions also '+'")
			}
			serial, err := s.Catalog.Reserve(ctx, actor(ctx), in.Body.Name, in.Body.Version)
			return &reply[Reserved]{Reserved{serial}}, err
		})
	register(s, about(scopeOrganisation, operation("POST", "/objects/missing", "missing-objects", "Tell which objects the origin lacks", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body Objects }) (*reply[Objects], error) {
			missing, err := s.missing(ctx, in.Body.Digests)
			return &reply[Objects]{Objects{missing}}, err
		})
	register(s, about(scopeOrganisation, operation("POST", "/chunks/missing", "missing-chunks", "Tell which chunks no pack at the origin holds", catalog.RoleOperator)),
		func(ctx context.Context, in *struct{ Body Objects }) (*reply[Objects], error) {
			at, err := s.Catalog.Claim(ctx, in.Body.Digests)
			missing := []content.Digest{}
			for _, d := range in.Body.Digests {
				if _, has := at[d]; !has {
					missing = append(missing, d)
				}
			}
			return &reply[Objects]{Objects{missing}}, err
		})
	register(s, about(scopeOrganisation, operation("PUT", "/versions/{name}/{version}", "publish-version", "Complete a version with its signed head", catalog.RoleOperator)),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Version string `path:"version"`
			Body    SignedVersion
		}) (*reply[Published], error) {
			return s.publish(ctx, content.Ref{Name: in.Name, Version: in.Version}, in.Body)
		})
	register(s, about(scopeShared, operation("GET", "/versions/{name}/{version}", "show-version", "Show a published version", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name    string `path:"name"`
			Version string `path:"version"`
		}) (*reply[Published], error) {
			v, err := s.Catalog.Version(ctx, in.Name, in.Version)
			if err != nil {
				return nil, err
			}
			return s.published(ctx, v)
		})
}

// missing lists the objects that the origin lacks, in order. Where each is a request to
// elsewhere, several are made at a time.
func (s *server) missing(ctx context.Context, digests []content.Digest) ([]content.Digest, error) {
	has := make([]bool, len(digests))
	doomed, err := s.Catalog.Renew(catalog.Apart(ctx), digests)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookUps)
	for i, d := range digests {
		if slices.Contains(doomed, d) {
			continue
		}
		group.Go(func() (err error) {
			has[i], err = s.Objects.Has(ctx, d)
			return err
		})
	}
	err = group.Wait()
	missing := []content.Digest{}
	for i, d := range digests {
		if !has[i] {
			missing = append(missing, d)
		}
	}
	return missing, err
}

// publish checks a signed head against everything it names and completes the
// version.
func (s *server) publish(ctx context.Context, ref content.Ref, in SignedVersion) (*reply[Published], error) {
	trust, err := s.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	head, id, err := trust.OpenHead(in.Head, time.Now())
	if err != nil {
		return nil, bad(err.Error(), "the head must be signed by a key in the trust document whose prefixes cover the name")
	}
	if head.Ref() != ref {
		return nil, bad(fmt.Sprintf("the head is of %s, not of %s", head.Ref(), ref), "")
	}
	body, err := s.readBody(ctx, head)
	if err != nil {
		return nil, err
	}
	var placement catalog.Placement
	if in.External != nil {
		placement, err = s.placeExternal(ctx, head, body, in)
	} else {
		placement, err = s.place(ctx, body, in.Packs)
	}
	if err != nil {
		return nil, err
	}
	v := catalog.Version{Name: ref.Name, Version: ref.Version, Serial: head.Serial, ID: id, Head: in.Head,
		Body: head.Body, Placement: placement.Encode()}
	err = s.Catalog.Publish(ctx, actor(ctx), v)
	if errors.Is(err, catalog.ErrConflict) {
		// Whoever got no answer asks again.
		if kept, other := s.Catalog.Version(ctx, ref.Name, ref.Version); other == nil && kept.ID == id {
			return s.published(ctx, kept)
		}
	}
	if err != nil {
		return nil, err
	}
	if s.Published != nil {
		s.Published()
	}
	s.Hub.Changed("") // browsers may wait for the newest of a content
	return s.published(ctx, v)
}

// published shows a version.
func (s *server) published(ctx context.Context, v catalog.Version) (*reply[Published], error) {
	head, id, err := content.ReadHead(v.Head)
	if err != nil {
		return nil, err
	}
	out := &reply[Published]{Published{Name: v.Name, Version: v.Version, Serial: v.Serial, ID: id, Head: head}}
	e, err := s.externalOf(ctx, v)
	if e != nil {
		out.Body.External = stateOf(*e)
	}
	return out, err
}

func (s *server) readBody(ctx context.Context, head content.Head) (*content.Body, error) {
	encoded, err := blob.Read(ctx, s.Objects, head.Body, content.MaxBodyBytes)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil, bad("the body has not been uploaded", "upload it with PUT /api/v1/objects/DIGEST")
	case errors.Is(err, blob.ErrTooLarge):
		return nil, bad("the body is too large", "")
	case err != nil:
		return nil, err
	}
	body, err := head.OpenBody(encoded)
	if err != nil {
		return nil, bad(err.Error(), "")
	}
	return body, nil
}

// place finds every chunk of body at the origin, in these packs or in any that came
// before.
func (s *server) place(ctx context.Context, body *content.Body, packs []content.Digest) (catalog.Placement, error) {
	for _, digest := range packs {
		if err := s.index(ctx, digest); err != nil {
			return catalog.Placement{}, err
		}
	}
	digests := make([]content.Digest, len(body.Chunks))
	for i, c := range body.Chunks {
		digests[i] = c.Digest
	}
	at, err := s.Catalog.Locate(ctx, digests)
	if err != nil {
		return catalog.Placement{}, err
	}
	p, err := catalog.PlaceChunks(body.Chunks, at)
	if err != nil {
		return p, &Problem{Status: http.StatusUnprocessableEntity, Detail: err.Error(), Code: "chunks_missing",
			Hint: "publish again: what the origin lacks is uploaded then"}
	}
	return p, nil
}

// index has the catalog note what lies in a pack, unless it did before. Later
// versions, also those of others, rely on it: so every chunk is checked first. It stays
// known whatever becomes of the version, so that who tries again waits for the rest only.
func (s *server) index(ctx context.Context, digest content.Digest) error {
	if has, err := s.Catalog.HasPack(ctx, digest); has || err != nil {
		return err
	}
	object, size, err := s.Objects.Open(ctx, digest)
	if errors.Is(err, blob.ErrNotFound) {
		return bad(fmt.Sprintf("pack %s has not been uploaded", digest), "upload it with PUT /api/v1/objects/DIGEST")
	}
	if err != nil {
		return err
	}
	defer object.Close()
	entries, err := pack.Verify(ctx, object, size)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return bad(err.Error(), "make the pack again")
	}
	chunks := make([]catalog.Packed, len(entries))
	for i, e := range entries {
		chunks[i] = catalog.Packed{Chunk: content.Chunk{Digest: e.Digest, Length: e.Plain}, Pack: digest,
			Offset: e.Offset, Length: e.Length, Encoding: uint8(e.Encoding)}
	}
	return s.Catalog.AddPack(catalog.Apart(ctx), digest, chunks)
}

// objects serves the origin: uploads by operators, and signed downloads.
func (s *server) objects() {
	s.router.Put("/api/v1/objects/{digest}", s.require(catalog.RoleOperator, s.upload))
	s.router.Patch("/api/v1/objects/{digest}", s.require(catalog.RoleOperator, s.uploadPart))
	s.router.Head("/api/v1/objects/{digest}", s.require(catalog.RoleViewer, s.uploaded))
	for _, kind := range []string{"packs", "bodies", "patches"} {
		s.router.Get("/"+kind+"/{digest}", s.download)
	}
}

// upload keeps an object under its digest.
func (s *server) upload(w http.ResponseWriter, r *http.Request) {
	digest, err := content.ParseDigest(r.PathValue("digest"))
	if err != nil {
		s.fail(w, r, bad(err.Error(), ""))
		return
	}
	switch {
	case r.ContentLength < 0:
		s.fail(w, r, &Problem{Status: http.StatusLengthRequired, Detail: "the length of the object is not said",
			Code: "length_required", Hint: "send a Content-Length"})
		return
	case r.ContentLength > pack.MaxBytes:
		s.fail(w, r, &Problem{Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("object of %d bytes, limit %d", r.ContentLength, int64(pack.MaxBytes))})
		return
	}
	if err := s.Catalog.Uploading(r.Context(), digest); err != nil {
		s.fail(w, r, err)
		return
	}
	times, end := http.NewResponseController(w), time.Now().Add(uploadTimeout)
	_, _ = times.SetReadDeadline(end), times.SetWriteDeadline(end.Add(answerTimeout)) // not all writers can
	wrong := new(blob.MismatchError)
	switch err := s.Objects.Put(r.Context(), digest, r.ContentLength, r.Body); {
	case errors.As(err, &wrong):
		s.fail(w, r, bad(err.Error(), "the object was damaged on the way: upload it again"))
	case err != nil:
		s.fail(w, r, err)
	default:
		s.arrived(r.Context(), digest)
		w.WriteHeader(http.StatusNoContent)
	}
}

// arrived notes what lies in an object that was uploaded. Here nobody waits for an answer
// of the API, which is bounded more tightly. What is no pack, as a body, or a bad one is
// refused when a version names it as one.
func (s *server) arrived(ctx context.Context, digest content.Digest) {
	if err := s.index(ctx, digest); err != nil {
		s.Log.DebugContext(ctx, "object is no pack", "object", digest, "err", err)
	}
}

// download answers a signed address with the object or a range of it.
func (s *server) download(w http.ResponseWriter, r *http.Request) {
	if err := s.Keys.VerifyURL(r.URL.Path, r.URL.Query(), time.Now()); err != nil {
		s.fail(w, r, &Problem{Status: http.StatusForbidden, Code: "not_signed", Detail: err.Error(),
			Hint: "take the address of a new lease"})
		return
	}
	if !credential.Within(r.URL.Query(), r.Header.Get("Range")) {
		s.fail(w, r, &Problem{Status: http.StatusForbidden, Code: "not_signed", Detail: "the address is for a part of the object",
			Hint: "ask for one range within the lease"})
		return
	}
	if r.URL.Query().Has("part") {
		r.Header.Del("If-Range") // by which all of it would be sent
	}
	digest, err := content.ParseDigest(r.PathValue("digest"))
	if err != nil {
		s.fail(w, r, bad(err.Error(), ""))
		return
	}
	object, size, err := s.Objects.Open(r.Context(), digest)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer object.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("ETag", `"`+digest.String()+`"`)
	served := io.ReadSeeker(object)
	if strings.HasPrefix(r.URL.Path, "/bodies/") {
		if served, err = compressed(w.Header(), r.Header, object, size); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	paced := s.Pacer.Begin(r, w.Header())
	defer paced.End()
	answer := &answered{ResponseWriter: w, paced: w.Header().Get(wire.PacedHeader) != ""}
	http.ServeContent(answer, r, "", time.Time{}, counting{served, s.Served, http.NewResponseController(w), paced})
	if answer.status == http.StatusRequestedRangeNotSatisfiable {
		s.Refused.Add(wire.DoorObjects, "invalid_range")
	}
}

// compressed returns a body as it is served: compressed for who says to know how.
func compressed(out, asked http.Header, body io.ReadSeeker, size int64) (io.ReadSeeker, error) {
	out.Set("Vary", "Accept-Encoding")
	if asked.Get("Accept-Encoding") != pack.BodyEncoding || size > pack.MaxEncodedBody {
		return body, nil
	}
	plain, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	encoded, err := pack.EncodeBody(plain)
	if err != nil {
		return nil, err
	}
	if len(encoded) >= len(plain) {
		return bytes.NewReader(plain), nil
	}
	out.Set("Content-Encoding", pack.BodyEncoding)
	out.Set("ETag", strings.TrimSuffix(out.Get("ETag"), `"`)+`-`+pack.BodyEncoding+`"`)
	return bytes.NewReader(encoded), nil
}

// answered notes the status of an answer that somebody else makes.
type answered struct {
	http.ResponseWriter
	paced  bool
	status int
}

// WriteHeader sends the header of a paced answer at once. Who asked for it with a
// rate of nothing says a better one when it knows that the answer is paced.
func (a *answered) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
	if a.paced {
		_ = http.NewResponseController(a.ResponseWriter).Flush() // not all writers can
	}
}

// counting tells how much of an object was read to be served, and gives whoever
// takes it time for the next piece. It hides whatever else the object is, so that no
// byte goes round the counter.
type counting struct {
	io.ReadSeeker
	served func(bytes int)
	times  *http.ResponseController
	paced  *pace.Answer
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.ReadSeeker.Read(b[:c.paced.Step(len(b))])
	c.paced.Wait(n)
	_ = c.times.SetWriteDeadline(time.Now().Add(takeTimeout)) // not all writers can
	c.served(n)
	return n, err
}
