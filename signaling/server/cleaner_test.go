package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/pace"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// memory keeps objects in memory.
type memory map[content.Digest][]byte

type opened struct{ *bytes.Reader }

func (opened) Close() error { return nil }

func (m memory) Put(ctx context.Context, d content.Digest, size int64, r io.Reader) error {
	if m[d] != nil {
		return nil
	}
	data, err := io.ReadAll(blob.Checked(ctx, d, size, r))
	if err == nil {
		m[d] = data
	}
	return err
}

func (m memory) Open(_ context.Context, d content.Digest) (blob.Object, int64, error) {
	if m[d] == nil {
		return nil, 0, blob.ErrNotFound
	}
	return opened{bytes.NewReader(m[d])}, int64(len(m[d])), nil
}

func (m memory) Has(_ context.Context, d content.Digest) (bool, error) { return m[d] != nil, nil }

func (m memory) Delete(_ context.Context, d content.Digest) error {
	if m[d] == nil {
		return blob.ErrNotFound
	}
	delete(m, d)
	return nil
}

func (m memory) List(context.Context) iter.Seq2[content.Digest, error] {
	return func(yield func(content.Digest, error) bool) {
		for d := range m {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// tb is what tests of all kinds have.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// desk is the API on a real catalog, and what collects beside it.
type desk struct {
	t         tb
	ctx       context.Context
	catalog   *sqlite.Catalog
	objects   memory
	handler   http.Handler
	token     string
	publisher ed25519.PrivateKey
	removed   []content.Ref // the API was told of
	running   []content.Ref // what pages have fetched

	// step is called before and after each change that the cleaner makes, and may make
	// it fail.
	step func() error
}

func newDesk(ctx context.Context, t tb, dir string) *desk {
	d := &desk{t: t, ctx: ctx, objects: memory{}, step: func() error { return nil }}
	var err error
	d.catalog, err = sqlite.Open(d.ctx, sqlitetest.Put(t, filepath.Join(dir, "sitecast.db")))
	d.must(err)
	keys, _, err := credential.OpenKeys(dir)
	d.must(err)
	public, private, err := ed25519.GenerateKey(nil)
	d.must(err)
	d.publisher = private
	doc, err := content.SignTrust(content.TrustDocument{Serial: 1, Created: time.Now(), Publishers: []content.Publisher{{Key: public, Name: "ci", Prefixes: []string{""}}}}, keys.Root)
	d.must(err)
	d.must(d.catalog.PutTrust(d.ctx, "test", 1, doc))
	secret, hash := credential.NewSecret()
	d.must(d.catalog.PutToken(d.ctx, "test", catalog.Token{Name: "ci", Hash: hash, Role: catalog.RoleAdmin}))
	d.token = credential.APIToken(secret)
	hub := site.NewHub(site.Config{Epoch: 1, Log: slog.New(slog.DiscardHandler)}, nil)
	none := http.NotFoundHandler()
	d.handler = api.New(api.Config{Catalog: d.catalog, Keys: keys, Objects: d.objects, Hub: hub, Socket: none, Tunnel: none, Metrics: none,
		Served: func(int) {}, Pacer: new(pace.Pacer), PublicURL: &url.URL{Scheme: "https", Host: "sitecast.example"}, Log: slog.New(slog.DiscardHandler),
		Removed: func(ref content.Ref) { d.removed = append(d.removed, ref) },
		Fetched: func(context.Context) ([]content.Ref, error) { return d.running, nil }})
	return d
}

func (d *desk) close() { d.must(d.catalog.Close()) }

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// ask makes a request, and returns the status and the code of a problem.
func (d *desk) ask(method, path string, in, out any) (status int, code string) {
	d.t.Helper()
	body, raw := in.([]byte)
	if !raw && in != nil {
		var err error
		body, err = json.Marshal(in)
		d.must(err)
	}
	r := httptest.NewRequest(method, "/api/v1"+path, bytes.NewReader(body))
	if in != nil && !raw {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+d.token)
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	var p api.Problem
	if w.Code >= 300 {
		d.must(json.Unmarshal(w.Body.Bytes(), &p))
	} else if out != nil {
		d.must(json.Unmarshal(w.Body.Bytes(), out))
	}
	return w.Code, p.Code
}

// call is ask for what must succeed.
func (d *desk) call(method, path string, in, out any) {
	d.t.Helper()
	if status, code := d.ask(method, path, in, out); status >= 300 {
		d.t.Fatalf("%s %s answered %d %s", method, path, status, code)
	}
}

// chunk is the bytes of one of few chunks.
func chunk(i int) []byte {
	b := make([]byte, 200)
	_, _ = rand.NewChaCha8([32]byte{byte(i), byte(i >> 8), 7}).Read(b) // never fails
	return b
}

// job publishes a version step by step, as a publisher does.
type job struct {
	ref      content.Ref
	chunks   []int
	steps    int // done
	reserved time.Time
	serial   uint64
	body     []byte
	pack     []byte // nil: none is needed
	done     bool
}

// next does the next step. One that fails, begins anew.
func (d *desk) next(j *job) {
	d.t.Helper()
	steps := []func(*job) (int, string){d.reserve, d.cut, d.sendPack, d.sendBody, d.complete}
	status, code := steps[j.steps](j)
	if status < 300 {
		j.steps++
		j.done = j.steps == len(steps)
		return
	}
	if code == "being_deleted" && j.steps < len(steps)-1 {
		return // the same object was left half deleted; it is tried again
	}
	// Within its time nothing disturbs a publisher, however many others come and go.
	if age := time.Since(j.reserved); age < server.PublishGrace {
		d.t.Fatalf("step %d of %s answered %d %s, %v after it was reserved", j.steps, j.ref, status, code, age)
	}
	if code != "being_deleted" && code != "chunks_missing" && code != "invalid" {
		d.t.Fatalf("step %d of %s answered %d %s", j.steps, j.ref, status, code)
	}
	j.steps = 0
}

func (d *desk) reserve(j *job) (int, string) {
	var out api.Reserved
	status, code := d.ask("POST", "/versions", api.NewVersion{Name: j.ref.Name, Version: j.ref.Version}, &out)
	j.reserved, j.serial = time.Now(), out.Serial
	return status, code
}

// cut asks what is missing, and makes a pack of it.
func (d *desk) cut(j *job) (int, string) {
	var builder content.Builder
	var all api.Objects
	bytesOf, size := map[content.Digest][]byte{}, int64(0)
	for _, i := range j.chunks {
		plain := chunk(i)
		digest := content.Sum(plain)
		builder.Add(digest, uint32(len(plain)))
		bytesOf[digest], size = plain, size+int64(len(plain))
		all.Digests = append(all.Digests, digest)
	}
	body, err := builder.Body([]content.File{{Path: "file.bin", Size: size}})
	d.must(err)
	j.body, j.pack = body.Encode(), nil
	var missing api.Objects
	if status, code := d.ask("POST", "/chunks/missing", all, &missing); status >= 300 {
		return status, code
	}
	if len(missing.Digests) == 0 {
		return http.StatusOK, ""
	}
	var out bytes.Buffer
	w, err := pack.NewWriter(&out)
	d.must(err)
	for _, digest := range missing.Digests {
		d.must(w.Append(digest, pack.Plain, bytesOf[digest], uint32(len(bytesOf[digest]))))
	}
	_, _, err = w.Finish()
	d.must(err)
	j.pack = out.Bytes()
	return http.StatusOK, ""
}

func (d *desk) sendPack(j *job) (int, string) { return d.send(j.pack) }
func (d *desk) sendBody(j *job) (int, string) { return d.send(j.body) }

// send uploads an object, unless it is there.
func (d *desk) send(object []byte) (int, string) {
	if object == nil {
		return http.StatusOK, ""
	}
	digest := content.Sum(object)
	var missing api.Objects
	if status, code := d.ask("POST", "/objects/missing", api.Objects{Digests: []content.Digest{digest}}, &missing); status >= 300 || len(missing.Digests) == 0 {
		return status, code
	}
	return d.ask("PUT", "/objects/"+digest.String(), object, nil)
}

func (d *desk) complete(j *job) (int, string) {
	size := int64(0)
	for _, i := range j.chunks {
		size += int64(len(chunk(i)))
	}
	head, _, err := content.SignHead(content.Head{Name: j.ref.Name, Version: j.ref.Version, Serial: j.serial, Created: time.Now(), Kind: content.KindFile,
		Bytes: size, UniqueBytes: size, Chunks: uint32(len(j.chunks)), Body: content.Sum(j.body), BodyBytes: int64(len(j.body))}, d.publisher)
	d.must(err)
	in := api.SignedVersion{Head: head, Packs: []content.Digest{}}
	if j.pack != nil {
		in.Packs = append(in.Packs, content.Sum(j.pack))
	}
	return d.ask("PUT", "/versions/"+j.ref.Name+"/"+j.ref.Version, in, nil)
}

// publish publishes a version at once.
func (d *desk) publish(name, version string, chunks ...int) *job {
	d.t.Helper()
	j := &job{ref: content.Ref{Name: name, Version: version}, chunks: chunks}
	for !j.done {
		d.next(j)
	}
	return j
}

// unpatched notes that a version has no patches, which would be due else.
func (d *desk) unpatched(j *job) {
	d.t.Helper()
	d.must(d.catalog.PutPatches(d.ctx, j.serial, catalog.Patches{}))
}

func (d *desk) remove(j *job) (int, string) {
	d.t.Helper()
	return d.ask("DELETE", "/versions/"+j.ref.Name+"/"+j.ref.Version, nil, nil)
}

// whole holds that all that a version names is there, and returns its objects.
func (d *desk) whole(j *job) map[content.Digest]bool {
	d.t.Helper()
	v, err := d.catalog.Version(d.ctx, j.ref.Name, j.ref.Version)
	if err != nil {
		d.t.Fatalf("%s: %v", j.ref, err)
	}
	p, err := catalog.DecodePlacement(v.Placement)
	d.must(err)
	named := map[content.Digest]bool{v.Body: true}
	for i, place := range p.Chunks {
		digest := p.Packs[place.Pack]
		named[digest] = true
		object := d.objects[digest]
		if end := place.Offset + int64(place.Length); int64(len(object)) < end || !bytes.Equal(object[place.Offset:end], chunk(j.chunks[i])) {
			d.t.Fatalf("chunk %d of %s is not at %d in pack %s, which has %d bytes", i, j.ref, place.Offset, digest, len(object))
		}
	}
	if d.objects[v.Body] == nil {
		d.t.Fatalf("the body of %s is gone", j.ref)
	}
	return named
}

// crashing is what the cleaner sees of the catalog and of the objects.
type crashing struct {
	catalog.Catalog
	d *desk
}

// around does a step, unless the cleaner ends before it, and tells whether it ended
// after it.
func (d *desk) around(do func() error) error {
	if err := d.step(); err != nil {
		return err
	}
	return errors.Join(do(), d.step())
}

func (c crashing) Remove(ctx context.Context, by string, ref content.Ref, generation uint64) error {
	return c.d.around(func() error { return c.Catalog.Remove(ctx, by, ref, generation) })
}

func (c crashing) NoteUnused(ctx context.Context, objects []content.Digest) error {
	return c.d.around(func() error { return c.Catalog.NoteUnused(ctx, objects) })
}

func (c crashing) NoteUsed(ctx context.Context, objects []content.Digest, before time.Time) error {
	return c.d.around(func() error { return c.Catalog.NoteUsed(ctx, objects, before) })
}

func (c crashing) Doom(ctx context.Context, objects []content.Digest, before time.Time) (doomed []content.Digest, err error) {
	err = c.d.around(func() error {
		doomed, err = c.Catalog.Doom(ctx, objects, before)
		return err
	})
	return doomed, err
}

func (c crashing) Deleted(ctx context.Context, object content.Digest) error {
	return c.d.around(func() error { return c.Catalog.Deleted(ctx, object) })
}

type crashingStore struct {
	blob.Store
	d *desk
}

func (c crashingStore) Delete(ctx context.Context, object content.Digest) error {
	return c.d.around(func() error { return c.Store.Delete(ctx, object) })
}

// cleaner is a new one, as after a start.
func (d *desk) cleaner() server.Cleaner {
	return server.NewCleaner(crashing{d.catalog, d}, crashingStore{d.objects, d}, func(content.Ref) {},
		func() []content.Ref { return d.running }, slog.New(slog.DiscardHandler))
}

func (d *desk) collect() {
	d.t.Helper()
	d.must(d.cleaner().Collect(d.ctx))
}

func TestWhatNoVersionNeedsIsDeletedADayLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t.Context(), t, t.TempDir())
		defer d.close()
		first := d.publish("app", "1", 1, 2)
		second := d.publish("app", "2", 2, 3)
		d.unpatched(second)
		other := d.publish("film", "1", 4)
		shared, own := content.Sum(first.pack), content.Sum(other.pack)
		stray := content.Sum(chunk(99))
		time.Sleep(2 * server.UnusedGrace)
		d.call("PUT", "/objects/"+stray.String(), chunk(99), nil)
		d.call("DELETE", "/versions/app/1", nil, nil)
		d.call("DELETE", "/versions/film/1", nil, nil)
		if want := []content.Ref{first.ref, other.ref}; !slices.Equal(d.removed, want) {
			t.Errorf("told of %v, want %v", d.removed, want)
		}
		for range 2 {
			d.collect()
			if d.objects[own] == nil || d.objects[content.Sum(first.body)] == nil {
				t.Error("objects were deleted within a day")
			}
			time.Sleep(server.UnusedGrace - time.Minute)
		}
		d.collect()
		named := d.whole(second)
		if !named[shared] || d.objects[shared] == nil {
			t.Error("the pack is gone that the second version needs a chunk of")
		}
		if got := slices.Collect(maps.Keys(d.objects)); len(got) != len(named) || d.objects[own] != nil || d.objects[stray] != nil {
			t.Errorf("%d objects are left, want the %d that the second names", len(got), len(named))
		}
		entries, err := d.catalog.Audit(d.ctx, 0, 1)
		if err != nil || entries[0].Action != "delete objects" || !strings.HasPrefix(entries[0].Detail, "4 ") {
			t.Errorf("audited %+v (%v), want the pack, two bodies and the stray", entries, err)
		}
		// What was deleted can be published again, under another name.
		if again := d.publish("app", "3", 1, 4); again.pack == nil {
			t.Error("the chunks that are gone count as there")
		} else {
			d.whole(again)
		}
	})
}

func TestOccupancySaysWhatIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t.Context(), t, t.TempDir())
		defer d.close()
		first := d.publish("app", "1", 1, 2, 3)
		d.unpatched(d.publish("app", "2", 3, 4))
		d.call("DELETE", "/versions/app/1", nil, nil)
		time.Sleep(time.Minute)
		c := d.cleaner()
		d.must(c.Collect(d.ctx))
		got := c.Occupancy()
		got.At = time.Time{}
		// Only its body is noted as unused: the pack is named by the second, too.
		if want := (api.Occupancy{Versions: 1, Packs: 2, Bytes: 800, Dead: 400, Partly: 1, Unused: 1}); got != want {
			t.Errorf("occupancy %+v, want %+v", got, want)
		}
		d.publish("app", "3", 1)
		d.must(c.Collect(d.ctx))
		if got := c.Occupancy(); got.Dead != 200 || got.Versions != 2 {
			t.Errorf("occupancy %+v, want one chunk less dead", got)
		}
		if d.whole(&job{ref: content.Ref{Name: "app", Version: "3"}, chunks: []int{1}})[content.Sum(first.pack)] == false {
			t.Error("the third does not take its chunk from the first pack")
		}
	})
}

func TestRetentionRemovesWhatIsNotKeptAndNotNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t.Context(), t, t.TempDir())
		defer d.close()
		d.call("POST", "/sites", api.NewSite{Name: "shop"}, nil)
		jobs := map[string]*job{}
		for i := range 6 {
			version := fmt.Sprint(i + 1)
			jobs[version] = d.publish("app", version, i, i+1)
			time.Sleep(48 * time.Hour)
		}
		d.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "2", Sites: []string{"shop"}, Priority: "normal"}, nil)
		d.call("POST", "/rules", api.NewRule{Kind: catalog.RulePin, Content: "app", Version: "1"}, nil)
		d.running = []content.Ref{jobs["3"].ref}
		left := func() (versions []string) {
			t.Helper()
			all, err := d.catalog.Published(d.ctx, 0, 0)
			d.must(err)
			for _, v := range all {
				versions = append(versions, v.Version)
			}
			return versions
		}
		d.collect()
		if got := left(); len(got) != 6 {
			t.Errorf("%v are left without a rule", got)
		}
		d.call("PUT", "/retention", api.Retention{Keep: 1, YoungerSeconds: int64(60 * time.Hour / time.Second)}, nil)
		d.collect()
		if got := left(); !slices.Equal(got, []string{"1", "2", "3", "5", "6"}) {
			t.Errorf("%v are left, want what is pinned, ordered and fetched, the newest, and what its patches are of", got)
		}
		d.running = nil
		d.call("POST", "/rules/unpin", api.EndedRules{Content: "app"}, nil)
		d.call("POST", "/distributions", api.NewDistribution{Name: "app", Version: "6", Sites: []string{"shop"}, Priority: "normal"}, nil)
		d.collect()
		if got := left(); !slices.Equal(got, []string{"5", "6"}) {
			t.Errorf("%v are left, want the newest and what its patches are of", got)
		}
		d.whole(jobs["6"])
	})
}

// TestACatalogThatCanNotBeReadDeletesNothing: what a version names that can't be read is
// not known.
func TestACatalogThatCanNotBeReadDeletesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t.Context(), t, t.TempDir())
		defer d.close()
		gone := d.publish("app", "1", 1)
		d.call("DELETE", "/versions/app/1", nil, nil)
		serial, err := d.catalog.Reserve(d.ctx, "test", "spoilt", "1")
		d.must(err)
		d.must(d.catalog.Publish(d.ctx, "test", catalog.Version{Name: "spoilt", Version: "1", Serial: serial, Head: []byte("{}"), Placement: []byte("?")}))
		time.Sleep(2 * server.PublishGrace)
		if err := d.cleaner().Collect(d.ctx); err == nil || !strings.Contains(err.Error(), "spoilt@1") {
			t.Errorf("collected (%v), want an error that names what can't be read", err)
		}
		if d.objects[content.Sum(gone.pack)] == nil {
			t.Error("a pack was deleted")
		}
	})
}

// TestObjectsThatTheCatalogDoesNotKnowStay: another server may have the same bucket, or
// this one lost its catalog.
func TestObjectsThatTheCatalogDoesNotKnowStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t.Context(), t, t.TempDir())
		defer d.close()
		d.objects[content.Sum(chunk(1))] = chunk(1)
		for range 3 {
			d.collect()
			time.Sleep(2 * server.PublishGrace)
		}
		if len(d.objects) != 1 {
			t.Error("an object was deleted that this catalog never knew")
		}
	})
}
