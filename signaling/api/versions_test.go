package api_test

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

func TestAVersionIsPublishedOnce(t *testing.T) {
	s := newStand(t)
	v := s.published("app", "1")
	var got api.Published
	s.call("GET", v.path(), nil, &got)
	if got.Name != "app" || got.Version != "1" || got.Serial != v.head.Serial || got.Head.Body != content.Sum(v.body) {
		t.Errorf("shown %+v, want what was published", got)
	}
	kept, err := s.catalog.Version(t.Context(), "app", "1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := catalog.DecodePlacement(kept.Placement)
	if err != nil || len(p.Chunks) != 1 || p.Packs[p.Chunks[0].Pack] != v.digest || p.Chunks[0].Length != uint32(len(v.plain)) {
		t.Errorf("placed at %+v, %v; want the chunk in pack %s", p, err, v.digest)
	}
	var again api.Published // to who got no answer
	if s.call("PUT", v.path(), s.signed(v), &again); again.ID != got.ID || again.Serial != got.Serial {
		t.Errorf("completed again: %+v, want what was published", again)
	}
	v.head.Created = v.head.Created.Add(time.Second)
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path(), s.signed(v)), http.StatusConflict, "conflict")
	wantProblem(t, s.as(catalog.RoleOperator, "POST", "/api/v1/versions", api.NewVersion{Name: "app", Version: "1"}),
		http.StatusConflict, "conflict")
}

func TestReservingAgainGivesTheSameSerialAndALaterVersionAHigher(t *testing.T) {
	s := newStand(t)
	serial := func(name, version string) uint64 {
		var r api.Reserved
		s.call("POST", "/versions", api.NewVersion{Name: name, Version: version}, &r)
		return r.Serial
	}
	first := serial("app", "1")
	if again := serial("app", "1"); again != first {
		t.Errorf("serial of the same version = %d, want %d", again, first)
	}
	if next := serial("other", "1"); next <= first {
		t.Errorf("serial of the next version = %d, want more than %d", next, first)
	}
	wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1/versions/app/1", nil), http.StatusNotFound, "not_found")
}

// TestVersionsThatAreWrongAreRefused spoils one thing of a version that is ready,
// and then publishes it as it should be, to show that nothing was kept.
func TestVersionsThatAreWrongAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(s *stand, v *version, in *api.SignedVersion)
		want  string // in the detail
	}{
		"a pack nobody uploaded": {func(_ *stand, _ *version, in *api.SignedVersion) {
			in.Packs = []content.Digest{content.Sum([]byte("elsewhere"))}
		}, content.Sum([]byte("elsewhere")).String()},
		"a chunk nobody uploaded": {func(s *stand, v *version, in *api.SignedVersion) {
			lone := newVersion(t, content.Ref{Name: "app", Version: "elsewhere"})
			lone.key, lone.head.Version, lone.head.Serial = v.key, v.head.Version, v.head.Serial
			s.upload(lone.body)
			*in = s.signed(lone)
			in.Packs = []content.Digest{}
		}, "none of the packs"},
		"a pack that is none": {func(_ *stand, v *version, in *api.SignedVersion) {
			in.Packs = []content.Digest{content.Sum(v.body)}
		}, "pack"},
		"a pack with a chunk of another length": {func(s *stand, v *version, in *api.SignedVersion) {
			other, digest := packOf(t, content.Sum(v.plain), v.plain[1:])
			s.upload(other)
			in.Packs = []content.Digest{digest}
		}, "verify pack"},
		"a body nobody uploaded": {func(s *stand, v *version, in *api.SignedVersion) {
			head := *v
			head.head.Body = content.Sum([]byte("elsewhere"))
			*in = s.signed(&head)
		}, "body has not been uploaded"},
		"a body that is not what the head says": {func(s *stand, v *version, in *api.SignedVersion) {
			head := *v
			head.head.Bytes++
			*in = s.signed(&head)
		}, "not what the head announces"},
		"another name": {func(s *stand, v *version, in *api.SignedVersion) {
			head := *v
			head.head.Name = "other"
			*in = s.signed(&head)
		}, "other@1"},
		"another serial": {func(s *stand, v *version, in *api.SignedVersion) {
			head := *v
			head.head.Serial += 5
			*in = s.signed(&head)
		}, "serial"},
		"an expired head": {func(s *stand, v *version, in *api.SignedVersion) {
			head := *v
			head.head.Created, head.head.Expires = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
			*in = s.signed(&head)
		}, "expired"},
		"a key nobody trusts": {func(s *stand, v *version, in *api.SignedVersion) {
			stranger := *v
			_, stranger.key, _ = ed25519.GenerateKey(nil)
			*in = s.signed(&stranger)
		}, "open head"},
		"a key for other names": {func(s *stand, v *version, in *api.SignedVersion) {
			other := *v
			other.key = s.publisher("till-")
			*in = s.signed(&other)
		}, "open head"},
		"a damaged signature": {func(_ *stand, _ *version, in *api.SignedVersion) {
			in.Head = []byte(strings.Replace(string(in.Head), `"sig":"`, `"sig":"AAAA`, 1))
		}, "open head"},
		"no head": {func(_ *stand, _ *version, in *api.SignedVersion) { in.Head = []byte("null") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			v := s.ready("app", "1")
			in := s.signed(v)
			c.spoil(s, v, &in)
			w := s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path(), in)
			want, code := http.StatusUnprocessableEntity, "invalid"
			switch name {
			case "another serial":
				want, code = http.StatusConflict, "conflict"
			case "a chunk nobody uploaded":
				code = "chunks_missing"
			}
			if p := wantProblem(t, w, want, code); !strings.Contains(p.Detail, c.want) {
				t.Errorf("detail %q, want %q in it", p.Detail, c.want)
			}
			wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1"+v.path(), nil), http.StatusNotFound, "not_found")
			s.call("PUT", v.path(), s.signed(v), nil)
		})
	}
}

func TestUnsafePathsAreRefusedByName(t *testing.T) {
	s := newStand(t)
	key := s.publisher("")
	for i, paths := range [][]string{{"../escape"}, {"/etc/passwd"}, {"a/../../b"}, {`a\b`}, {"C:x"}, {"nul.txt"}, {"a\x00b"}, {"a", "A"}, {"a", "a/b"}} {
		v := newVersion(t, content.Ref{Name: "app", Version: string(rune('a' + i))})
		v.key = key
		body := content.Body{Chunks: []content.Chunk{{Digest: content.Sum(v.plain), Length: uint32(len(v.plain))}},
			Runs: []content.Run{{Count: 1}}}
		for k, p := range paths {
			f := content.File{Path: p}
			if k == 0 {
				f.Size = int64(len(v.plain))
			}
			body.Files = append(body.Files, f)
		}
		v.body = body.Encode()
		v.head.Kind, v.head.Body, v.head.BodyBytes = content.KindTree, content.Sum(v.body), int64(len(v.body))
		s.reserve(v)
		s.upload(v.body, v.pack)
		p := wantProblem(t, s.as(catalog.RoleOperator, "PUT", "/api/v1"+v.path(), s.signed(v)), http.StatusUnprocessableEntity, "invalid")
		bad := paths[len(paths)-1]
		if quoted := strings.Trim(strings.ReplaceAll(bad, "\x00", `\x00`), `"`); !strings.Contains(strings.ReplaceAll(p.Detail, `\\`, `\`), quoted) {
			t.Errorf("detail %q does not name the path %q", p.Detail, bad)
		}
		wantProblem(t, s.as(catalog.RoleViewer, "GET", "/api/v1"+v.path(), nil), http.StatusNotFound, "not_found")
	}
}

// TestAVersionTakesChunksThatAnotherContentHas publishes the same bytes under two
// names, the second time without a pack.
func TestAVersionTakesChunksThatAnotherContentHas(t *testing.T) {
	s := newStand(t)
	first := s.published("app", "1")
	again := *first
	again.ref, again.head.Name, again.head.Version = content.Ref{Name: "other", Version: "7"}, "other", "7"
	s.reserve(&again)
	in := s.signed(&again)
	in.Packs = []content.Digest{}
	s.call("PUT", again.path(), in, nil)
	kept, err := s.catalog.Version(t.Context(), "other", "7")
	s.must(err)
	p, err := catalog.DecodePlacement(kept.Placement)
	if err != nil || len(p.Packs) != 1 || p.Packs[0] != first.digest || p.Chunks[0].Length != uint32(len(first.plain)) {
		t.Errorf("placed at %+v (%v), want in pack %s of the first", p, err, first.digest)
	}
}

// TestNoChunkIsTakenFromAPackThatLies uploads a pack that gives other bytes for a
// chunk: whoever publishes that chunk later must not be sent to it.
func TestNoChunkIsTakenFromAPackThatLies(t *testing.T) {
	s := newStand(t)
	v := newVersion(t, content.Ref{Name: "app", Version: "1"})
	lie := bytes.Clone(v.plain)
	lie[0]++
	poisoned, _ := packOf(t, content.Sum(v.plain), lie)
	s.upload(poisoned)
	missing := func() int {
		var out api.Objects
		s.call("POST", "/chunks/missing", api.Objects{Digests: []content.Digest{content.Sum(v.plain)}}, &out)
		return len(out.Digests)
	}
	if missing() != 1 {
		t.Error("a chunk counts as held that only a pack which lies has")
	}
	s.upload(v.pack)
	if missing() != 0 {
		t.Error("a chunk is missing though its pack was uploaded")
	}
}

func TestUploadsAreKeptUnderTheirDigestOrNotAtAll(t *testing.T) {
	s := newStand(t)
	object := []byte("an object")
	digest := content.Sum(object)
	path := "/api/v1/objects/" + digest.String()
	missing := func() int {
		var out api.Objects
		s.call("POST", "/objects/missing", api.Objects{Digests: []content.Digest{digest}}, &out)
		return len(out.Digests)
	}
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", path, "another object"), http.StatusUnprocessableEntity, "invalid")
	wantProblem(t, s.as(catalog.RoleOperator, "PUT", path, "an objecT"), http.StatusUnprocessableEntity, "invalid")
	r := s.request(catalog.RoleOperator, "PUT", path, string(object))
	r.ContentLength = -1
	wantProblem(t, s.do(r), http.StatusLengthRequired, "length_required")
	r = s.request(catalog.RoleOperator, "PUT", path, string(object))
	r.ContentLength = 1 << 40
	wantProblem(t, s.do(r), http.StatusRequestEntityTooLarge, "too_large")
	if missing() != 1 {
		t.Error("a refused object counts as held")
	}
	if left := files(t, s.packs); len(left) != 0 {
		t.Errorf("refused uploads left %v", left)
	}
	for range 2 { // the second finds it there
		if w := s.as(catalog.RoleOperator, "PUT", path, string(object)); w.Code != http.StatusNoContent {
			t.Fatalf("upload answered %d %s", w.Code, w.Body)
		}
	}
	if missing() != 0 {
		t.Error("an object that was uploaded is missing")
	}
}

// files lists the files below a folder.
func files(t *testing.T, folder string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPublishersAddedAtOnceAreAllKept(t *testing.T) {
	s := newStand(t)
	const n = 6
	var wg sync.WaitGroup
	for range n {
		public, _, _ := ed25519.GenerateKey(nil)
		wg.Go(func() {
			w := s.as(catalog.RoleAdmin, "POST", "/api/v1/publishers", api.NewPublisher{Key: public, Name: "p", Prefixes: []string{""}})
			if w.Code != http.StatusOK {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	var state api.TrustState
	s.call("GET", "/trust", nil, &state)
	trust, err := content.OpenTrust(state.Document, s.keys.RootPublic)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(trust.Document().Publishers); got != n || state.Serial != n+1 {
		t.Errorf("%d publishers at serial %d, want %d at %d", got, state.Serial, n, n+1)
	}
}

func TestAddingAPublisherAgainReplacesIt(t *testing.T) {
	s := newStand(t)
	public, _, _ := ed25519.GenerateKey(nil)
	for _, prefix := range []string{"a", "b"} {
		s.call("POST", "/publishers", api.NewPublisher{Key: public, Name: "p", Prefixes: []string{prefix}}, nil)
	}
	var state api.TrustState
	s.call("GET", "/trust", nil, &state)
	trust, err := content.OpenTrust(state.Document, s.keys.RootPublic)
	if err != nil {
		t.Fatal(err)
	}
	if doc := trust.Document(); len(doc.Publishers) != 1 || doc.Publishers[0].Prefixes[0] != "b" {
		t.Errorf("publishers %+v, want one with prefix b", doc.Publishers)
	}
}

func TestATrustDocumentThatGrowsTooLargeIsRefused(t *testing.T) {
	s := newStand(t)
	prefixes := make([]string, content.MaxPrefixes)
	for i := range prefixes {
		prefixes[i] = strings.Repeat("x", content.MaxNameBytes)
	}
	for range 10 {
		public, _, _ := ed25519.GenerateKey(nil)
		w := s.as(catalog.RoleAdmin, "POST", "/api/v1/publishers", api.NewPublisher{Key: public, Name: "p", Prefixes: prefixes})
		if w.Code != http.StatusOK {
			wantProblem(t, w, http.StatusUnprocessableEntity, "invalid")
			return
		}
	}
	t.Errorf("a trust document of more than %d bytes was signed", content.MaxTrustBytes)
}

func TestAnOfflineRootSignsNothing(t *testing.T) {
	s := newStand(t)
	s.keys.Root = nil
	public, _, _ := ed25519.GenerateKey(nil)
	w := s.as(catalog.RoleAdmin, "POST", "/api/v1/publishers", api.NewPublisher{Key: public, Name: "p", Prefixes: []string{""}})
	wantProblem(t, w, http.StatusConflict, "root_offline")
}
