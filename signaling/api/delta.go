package api

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// VersionDetail is what is known of a published version beside what its head says.
type VersionDetail struct {
	VersionView
	Before string `json:"before,omitempty" doc:"the version before it"`
	// NewBytes and PatchBytes are absent where they are not known: of a first version, and
	// where a list of chunks is too large to be read for it.
	NewBytes   *int64         `json:"new_bytes,omitempty" doc:"that cross the WAN to who holds the version before, as they lie in packs"`
	PatchBytes *int64         `json:"patch_bytes,omitempty" doc:"the same with patches, where such are made"`
	Signer     content.Signer `json:"signer"`
	// Where it is held, by endpoints that are online and no pages, at sites that who asks may see.
	Endpoints int `json:"endpoints" doc:"online that hold it whole"`
	Sites     int `json:"sites" doc:"where such an endpoint is"`
	Least     int `json:"copies_least" doc:"fewest copies at such a site"`
	Most      int `json:"copies_most" doc:"most copies at such a site"`
}

const (
	// maxDetailed bounds the versions that are detailed in one answer: two lists of chunks are
	// read for each the first time.
	maxDetailed = 50
	// maxDeltaBody bounds the encoded lists of chunks that are compared in memory, in bytes.
	maxDeltaBody = pack.MaxEncodedBody
	// patchesBy is how long after a version was published its patches may still come.
	patchesBy = time.Hour
	// maxDeltas bounds what is remembered of comparisons.
	maxDeltas = 4096
)

// delta is what a version needs over the WAN where the one before is held.
type delta struct {
	chunks  int64 // as they lie in packs
	patches int64 // with patches
	patched bool
}

// deltas remembers comparisons, as neither of two versions changes.
type deltas struct {
	// mu guards the rest.
	mu   sync.Mutex
	kept map[[2]content.VersionID]delta
}

func (d *deltas) get(of, before content.VersionID) (delta, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out, has := d.kept[[2]content.VersionID{of, before}]
	return out, has
}

func (d *deltas) put(of, before content.VersionID, is delta) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxDeltas || d.kept == nil {
		d.kept = map[[2]content.VersionID]delta{}
	}
	d.kept[[2]content.VersionID{of, before}] = is
}

// details adds the route.
func (s *server) details() {
	register(s, about(scopeShared, operation("GET", "/contents/{name}/details", "detail-versions",
		"List the published versions of a content with who signed them, what they need over the WAN, and where they are held", catalog.RoleViewer)),
		func(ctx context.Context, in *struct {
			Name string `path:"name" maxLength:"100"`
			PageBefore
		}) (*listed[VersionDetail], error) {
			return s.detailVersions(ctx, in.Name, uint64(in.Before), min(in.Limit, maxDetailed))
		})
}

func (s *server) detailVersions(ctx context.Context, name string, before uint64, limit int) (*listed[VersionDetail], error) {
	// One more, of which only the last is compared with.
	rows, err := s.Catalog.VersionsOf(ctx, name, before, limit+1)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 && before == 0 {
		_, err := s.Catalog.Newest(ctx, name) // says that there is none
		return nil, err
	}
	trust, err := s.currentTrust(ctx)
	if err != nil {
		return nil, err
	}
	held, err := s.held(ctx, name)
	if err != nil {
		return nil, err
	}
	out, now := []VersionDetail{}, time.Now()
	for i, row := range rows[:min(limit, len(rows))] {
		view, err := viewOf(row)
		if err != nil {
			return nil, err
		}
		v := VersionDetail{VersionView: view, Signer: trust.Signer(row.Head, now)}
		v.where(held[content.Ref{Name: name, Version: row.Version}.String()])
		if i+1 < len(rows) {
			v.Before = rows[i+1].Version
			if err := s.compare(ctx, &v, row, rows[i+1]); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	answer := page(ctx, out, limit, "before", func(v VersionDetail) string { return strconv.FormatUint(v.Serial, 10) })
	if len(rows) <= limit {
		answer.Link = ""
	}
	return answer, nil
}

// where fills in who holds a version, by site.
func (v *VersionDetail) where(copies map[string]int) {
	for _, n := range copies {
		if v.Sites++; v.Sites == 1 || n < v.Least {
			v.Least = n
		}
		v.Endpoints, v.Most = v.Endpoints+n, max(v.Most, n)
	}
}

// held counts the endpoints that hold versions of a content, by version and site.
func (s *server) held(ctx context.Context, name string) (map[string]map[string]int, error) {
	if err := s.board.LookAtRunning(ctx); err != nil {
		return nil, err
	}
	out := map[string]map[string]int{}
	for _, shown := range s.board.All() {
		if !asker(ctx).sees(shown.Site) {
			continue
		}
		for _, e := range shown.Endpoints {
			if e.View.Kind == wire.DeviceBrowser {
				continue
			}
			for _, ref := range e.View.Holds {
				if len(ref) <= len(name) || ref[:len(name)+1] != name+"@" {
					continue
				}
				if out[ref] == nil {
					out[ref] = map[string]int{}
				}
				out[ref][shown.Site]++
			}
		}
	}
	return out, nil
}

// compare fills in what a version needs where the one before it is held.
func (s *server) compare(ctx context.Context, v *VersionDetail, row, before catalog.Version) error {
	d, has := s.deltas.get(row.ID, before.ID)
	if !has {
		var err error
		if d, has, err = s.delta(ctx, v.Serial, row, before); err != nil || !has {
			return err
		}
		if d.patched || time.Since(v.Created) > patchesBy { // which come later
			s.deltas.put(row.ID, before.ID, d)
		}
	}
	v.NewBytes = &d.chunks
	if d.patched {
		v.PatchBytes = &d.patches
	}
	return nil
}

// delta compares two versions; false where that is not known.
func (s *server) delta(ctx context.Context, serial uint64, row, before catalog.Version) (d delta, known bool, err error) {
	needs, err := s.needs(ctx, row)
	if err != nil || needs == nil {
		return d, false, err
	}
	has, err := s.chunksOf(ctx, before)
	if err != nil || has == nil {
		return d, false, err
	}
	patches, patched, err := s.patchesTo(ctx, serial, before.ID)
	if err != nil {
		return d, false, err
	}
	d.patched = patched
	for i, c := range needs {
		if _, is := has[c.digest]; is {
			continue
		}
		d.chunks += c.bytes
		if length, is := patches[uint32(i)]; is {
			d.patches += length
		} else {
			d.patches += c.bytes
		}
	}
	return d, true, nil
}

// needed is a chunk of a version, and how many bytes of a pack it takes.
type needed struct {
	digest content.Digest
	bytes  int64
}

// needs lists the chunks of a version, in order; nil where they are too many, or gone.
func (s *server) needs(ctx context.Context, row catalog.Version) ([]needed, error) {
	v, err := s.Catalog.Version(ctx, row.Name, row.Version)
	if err != nil {
		return nil, err
	}
	body, err := s.smallBody(ctx, v)
	if err != nil || body == nil {
		return nil, err
	}
	placement, err := catalog.DecodePlacement(v.Placement)
	if err != nil {
		return nil, err
	}
	out := make([]needed, len(body.Chunks))
	for i, c := range body.Chunks {
		out[i] = needed{c.Digest, int64(c.Length)}
		if i < len(placement.Chunks) {
			out[i].bytes = int64(placement.Chunks[i].Length)
		}
	}
	return out, nil
}

// chunksOf is the set of the chunks of a version; nil where they are too many, or gone.
func (s *server) chunksOf(ctx context.Context, v catalog.Version) (map[content.Digest]struct{}, error) {
	body, err := s.smallBody(ctx, v)
	if err != nil || body == nil {
		return nil, err
	}
	out := make(map[content.Digest]struct{}, len(body.Chunks))
	for _, c := range body.Chunks {
		out[c.Digest] = struct{}{}
	}
	return out, nil
}

// smallBody reads the body of a version; nil where it is too large for this, or gone.
func (s *server) smallBody(ctx context.Context, v catalog.Version) (*content.Body, error) {
	encoded, err := blob.Read(ctx, s.Objects, v.Body, maxDeltaBody)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrTooLarge) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return content.DecodeBody(encoded)
}

// patchesTo lists how long the patches are that make a version of a base, by chunk; false
// where there are none of that base.
func (s *server) patchesTo(ctx context.Context, serial uint64, base content.VersionID) (map[uint32]int64, bool, error) {
	p, err := s.Catalog.Patches(ctx, serial)
	if err != nil || p.Due || p.Base != base || p.Object == (content.Digest{}) {
		return nil, false, err
	}
	object, size, err := s.Objects.Open(ctx, p.Object)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer object.Close() // it is only read from
	read, err := pack.ReadPatches(object, size)
	if err != nil {
		return nil, false, err
	}
	out := make(map[uint32]int64, len(read.Entries))
	for _, e := range read.Entries {
		out[e.Chunk] = int64(e.Length)
	}
	return out, true, nil
}
