package api_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is the API on a real catalog and object store.
type stand struct {
	t       testing.TB
	handler http.Handler
	catalog *sqlite.Catalog
	keys    *credential.Keys
	objects *dir.Store
	packs   string // folder of the objects
	hub     *site.Hub
	tokens  map[string]string // by role

	// mu guards the rest.
	mu     sync.Mutex
	log    bytes.Buffer
	served int
}

// newStand starts it. change, if given, has the last word on the configuration.
func newStand(t testing.TB, change ...func(*api.Config)) *stand {
	t.Helper()
	s := &stand{t: t, packs: filepath.Join(t.TempDir(), "packs"), tokens: map[string]string{}}
	data := t.TempDir()
	var err error
	s.catalog, err = sqlite.Open(t.Context(), sqlitetest.Put(t, filepath.Join(data, "sitecast.db")))
	s.must(err)
	s.objects, err = dir.Open(s.packs)
	s.must(err)
	s.keys, _, err = credential.OpenKeys(data)
	s.must(err)
	doc, err := content.SignTrust(content.TrustDocument{Serial: 1, Created: time.Now()}, s.keys.Root)
	s.must(err)
	s.must(s.catalog.PutTrust(t.Context(), "test", 1, doc))
	for _, role := range []string{catalog.RoleViewer, catalog.RoleOperator, catalog.RoleAdmin} {
		s.tokens[role] = s.token(role, time.Time{})
	}
	s.hub = site.NewHub(site.Config{Epoch: 1, Log: slog.New(slog.DiscardHandler),
		URL: func(o site.Object, ttl time.Duration) string {
			return s.keys.SignURL("/"+string(o.Kind)+"/"+o.Digest.String(), time.Now().Add(ttl))
		}}, source{s.catalog})
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.hub.Run(ctx) })
	t.Cleanup(func() {
		stop()
		wg.Wait()
		s.must(s.catalog.Close())
		s.must(s.objects.Close())
	})
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	cfg := api.Config{Passwords: credential.NewPasswords(credential.Cost{KiB: 64, Passes: 1}), PublicURL: &url.URL{Scheme: "https", Host: "sitecast.example:8443"}, Pacer: new(pace.Pacer), Catalog: s.catalog, Keys: s.keys, Objects: s.objects, Hub: s.hub, Socket: teapot, Tunnel: teapot, Metrics: teapot,
		Served: s.count, Pin: func() string { return strings.Repeat("ab", 32) }, Log: slog.New(slog.NewTextHandler(s, nil))}
	for _, f := range change {
		f(&cfg)
	}
	s.handler = api.New(cfg)
	return s
}

// source is what a server gives its hub, without its cache.
type source struct{ catalog.Catalog }

func (s source) Desired(ctx context.Context, name string, _ []wire.Named) (site.Desired, error) {
	orders, err := s.Orders(ctx, name)
	orders = orders.At(time.Now())
	d := site.Desired{Generation: orders.Generation, Until: orders.Ends(), Cap: orders.Site.Cap}
	for _, o := range catalog.Resolve(orders) {
		v, err := s.Version(ctx, o.Name, o.Version)
		if err != nil {
			return d, err
		}
		head, id, err := content.ReadHead(v.Head)
		if err != nil {
			return d, err
		}
		d.Flows = append(d.Flows, site.FlowSpec{ID: id, Head: head, Envelope: v.Head, Places: make([]schedule.Place, head.Chunks),
			Priority: wire.Priority(o.Priority), Paused: o.Paused, PausedBy: o.PausedBy, PausedUntil: o.PausedUntil})
	}
	return d, err
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.served += n
}

// Write takes the lines of the log.
func (s *stand) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

func (s *stand) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// token makes an API token.
func (s *stand) token(role string, expires time.Time) string {
	s.t.Helper()
	secret, hash := credential.NewSecret()
	s.must(s.catalog.PutToken(s.t.Context(), "test", catalog.Token{Name: "the " + role, Hash: hash, Role: role, Expires: expires}))
	return credential.APIToken(secret)
}

// request makes a request with the token of a role ("" for none). A body that is
// no string is sent as JSON.
func (s *stand) request(role, method, path string, body any) *http.Request {
	s.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		b, err := json.Marshal(body)
		s.must(err)
		text = string(b)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[role])
	}
	return r
}

func (s *stand) as(role, method, path string, body any) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.do(s.request(role, method, path, body))
}

func (s *stand) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// call asks as an admin for what must succeed; out, if given, is what the answer
// is read into.
func (s *stand) call(method, path string, in, out any) {
	s.t.Helper()
	w := s.as(catalog.RoleAdmin, method, "/api/v1"+path, in)
	if w.Code < 200 || w.Code > 299 {
		s.t.Fatalf("%s %s answered %d %s", method, path, w.Code, w.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		s.t.Fatalf("%s %s answered %s: %v", method, path, w.Body, err)
	}
}

// wantProblem checks that an answer is a problem document with that status and
// code, and a hint.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) api.Problem {
	t.Helper()
	var p api.Problem
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("answer %d %q has type %q, want application/problem+json", w.Code, w.Body, got)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Errorf("answer %d %q is no problem document: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Code != code || p.Status != w.Code {
		t.Errorf("answered %d with %+v, want %d with code %s", w.Code, p, status, code)
	}
	if p.Hint == "" || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %+v lacks a title, a detail or a hint", p)
	}
	return p
}

// version is one that can be published: one file in a pack.
type version struct {
	ref    content.Ref
	plain  []byte
	body   []byte
	head   content.Head
	pack   []byte
	digest content.Digest // of the pack
	key    ed25519.PrivateKey
}

// newVersion makes a version of one file.
func newVersion(t testing.TB, ref content.Ref) *version {
	t.Helper()
	v := &version{ref: ref, plain: bytes.Repeat([]byte("content of "+ref.String()+"\n"), 100)}
	size := uint32(len(v.plain))
	var builder content.Builder
	builder.Add(content.Sum(v.plain), size)
	body, err := builder.Body([]content.File{{Path: "file.bin", Size: int64(size)}})
	if err != nil {
		t.Fatal(err)
	}
	v.body = body.Encode()
	v.pack, v.digest = packOf(t, content.Sum(v.plain), v.plain)
	v.head = content.Head{Name: ref.Name, Version: ref.Version, Created: time.Now(), Kind: content.KindFile,
		Bytes: int64(size), UniqueBytes: int64(size), Chunks: 1, Body: content.Sum(v.body), BodyBytes: int64(len(v.body))}
	return v
}

// packOf makes a pack of one plain chunk that claims that digest.
func packOf(t testing.TB, chunk content.Digest, plain []byte) ([]byte, content.Digest) {
	t.Helper()
	var out bytes.Buffer
	w, err := pack.NewWriter(&out)
	if err == nil {
		err = w.Append(chunk, pack.Plain, plain, uint32(len(plain)))
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, _, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), digest
}

// publisher makes a key and has it added to the trust document.
func (s *stand) publisher(prefix string) ed25519.PrivateKey {
	s.t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	s.must(err)
	s.call("POST", "/publishers", api.NewPublisher{Key: public, Name: "tester", Prefixes: []string{prefix}}, nil)
	return key
}

// reserve gives the version its serial.
func (s *stand) reserve(v *version) {
	s.t.Helper()
	var got api.Reserved
	s.call("POST", "/versions", api.NewVersion{Name: v.ref.Name, Version: v.ref.Version}, &got)
	v.head.Serial = got.Serial
}

// upload puts objects into the store.
func (s *stand) upload(objects ...[]byte) {
	s.t.Helper()
	for _, o := range objects {
		s.call("PUT", "/objects/"+content.Sum(o).String(), string(o), nil)
	}
}

// signed is the request that completes a version.
func (s *stand) signed(v *version) api.SignedVersion {
	s.t.Helper()
	head, _, err := content.SignHead(v.head, v.key)
	s.must(err)
	return api.SignedVersion{Head: head, Packs: []content.Digest{v.digest}}
}

func (v *version) path() string { return "/versions/" + v.ref.Name + "/" + v.ref.Version }

// ready makes a version that lacks only its signed head.
func (s *stand) ready(name, number string) *version {
	s.t.Helper()
	v := newVersion(s.t, content.Ref{Name: name, Version: number})
	v.key = s.publisher("")
	s.reserve(v)
	s.upload(v.body, v.pack)
	return v
}

// published publishes a version from scratch.
func (s *stand) published(name, number string) *version {
	s.t.Helper()
	v := s.ready(name, number)
	s.call("PUT", v.path(), s.signed(v), nil)
	return v
}
