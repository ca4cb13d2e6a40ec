package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/pack"
)

// origin is a catalog and objects, without a server.
type origin struct {
	t       *testing.T
	dir     string
	catalog *sqlite.Catalog
	objects *dir.Store
	log     log
	changes atomic.Int32

	// mu guards the rest.
	mu      sync.Mutex
	running []content.Ref // what sites fetch, apart from what they shall have
	// broken, where it is set, is how the store of objects fails.
	broken func(op string, d content.Digest) error
}

// log is what the patcher says.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// breaks has the store of objects fail from now on, or (nil) work.
func (o *origin) breaks(how func(op string, d content.Digest) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = how
}

// runs has sites fetch some versions.
func (o *origin) runs(refs ...content.Ref) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running = refs
}

func (o *origin) fetched() []content.Ref {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.running
}

// store is the origin's objects, which may be out of reach.
type store struct {
	blob.Store
	o *origin
}

func (s store) fails(op string, d content.Digest) error {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	if s.o.broken == nil {
		return nil
	}
	return s.o.broken(op, d)
}

func (s store) Open(ctx context.Context, d content.Digest) (blob.Object, int64, error) {
	if err := s.fails("open", d); err != nil {
		return nil, 0, err
	}
	return s.Store.Open(ctx, d)
}

func (s store) Put(ctx context.Context, d content.Digest, size int64, r io.Reader) error {
	if err := s.fails("put", d); err != nil {
		return err
	}
	return s.Store.Put(ctx, d, size, r)
}

func (s store) Delete(ctx context.Context, d content.Digest) error {
	if err := s.fails("delete", d); err != nil {
		return err
	}
	return s.Store.Delete(ctx, d)
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	o := &origin{t: t, dir: t.TempDir()}
	var err1, err2 error
	o.catalog, err1 = sqlite.Open(t.Context(), sqlitetest.Put(t, filepath.Join(o.dir, "sitecast.db")))
	o.objects, err2 = dir.Open(filepath.Join(o.dir, "packs"))
	o.must(errors.Join(err1, err2))
	t.Cleanup(func() {
		if err := errors.Join(o.objects.Close(), o.catalog.Close()); err != nil {
			t.Error(err)
		}
	})
	return o
}

func (o *origin) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// publish takes in a version of one file, of the content that most tests are about.
func (o *origin) publish(version string, data []byte) (v catalog.Version, packs []content.Digest) {
	o.t.Helper()
	return o.publishAs("app", version, data)
}

func (o *origin) publishAs(name, version string, data []byte) (v catalog.Version, packs []content.Digest) {
	o.t.Helper()
	ctx, path := o.t.Context(), filepath.Join(o.dir, "app")
	o.must(os.WriteFile(path, data, 0o600))
	made, err := ingest.Run(ctx, path, o.dir, ingest.Options{})
	o.must(err)
	at := map[content.Digest]catalog.Packed{}
	for _, p := range made.Packs {
		file, err := os.ReadFile(p.Path)
		o.must(err)
		o.must(o.objects.Put(ctx, p.Digest, p.Size, bytes.NewReader(file)))
		for _, e := range p.Entries {
			at[e.Digest] = catalog.Packed{Chunk: content.Chunk{Digest: e.Digest, Length: e.Plain}, Pack: p.Digest,
				Offset: e.Offset, Length: e.Length, Encoding: uint8(e.Encoding)}
		}
		packs = append(packs, p.Digest)
	}
	placement, err := catalog.PlaceChunks(made.Body.Chunks, at)
	o.must(err)
	body := content.Sum(made.Encoded)
	o.must(o.objects.Put(ctx, body, int64(len(made.Encoded)), bytes.NewReader(made.Encoded)))
	serial, err := o.catalog.Reserve(ctx, "test", name, version)
	o.must(err)
	head, id, err := content.SignHead(content.Head{Name: name, Version: version, Serial: serial, Created: time.Now(), Kind: made.Kind,
		Bytes: made.Bytes, UniqueBytes: made.Body.UniqueBytes(), Chunks: uint32(len(made.Body.Chunks)), Body: body, BodyBytes: int64(len(made.Encoded))},
		ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	o.must(err)
	v = catalog.Version{Name: name, Version: version, Serial: serial, ID: id, Head: head, Body: body, Placement: placement.Encode()}
	o.must(o.catalog.Publish(ctx, "test", v))
	return v, packs
}

// edited is a file in which a few bytes of every chunk differ from seed to seed.
func edited(edition byte) []byte {
	data := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	for at := 0; at < len(data); at += 10_000 {
		data[at] = edition
	}
	return data
}

// patcher is what makes patches.
func (o *origin) patcher() server.Patcher {
	return server.NewPatcher(o.catalog, store{o.objects, o}, o.dir, func() { o.changes.Add(1) }, o.fetched,
		slog.New(slog.NewTextHandler(&o.log, nil)))
}

// patching runs do beside what makes patches.
func (o *origin) patching(t *testing.T, do func(published func())) { o.patchingBy(o.patcher(), do) }

func (o *origin) patchingBy(p server.Patcher, do func(published func())) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	do(p.Published)
	stop()
	o.must(<-ended)
}

func (o *origin) patches(v catalog.Version) catalog.Patches {
	o.t.Helper()
	p, err := o.catalog.Patches(o.t.Context(), v.Serial)
	o.must(err)
	return p
}

// await lets the patcher finish; the database's own goroutines keep the bubble from
// telling when that is, so it is asked.
func (o *origin) await(v catalog.Version) catalog.Patches {
	o.t.Helper()
	for range 10_000 {
		if p := o.patches(v); !p.Due {
			return p
		}
		time.Sleep(time.Millisecond)
	}
	o.t.Fatalf("no patches are made (log: %s)", &o.log)
	return catalog.Patches{}
}

func TestPatchesAreMadeWhenAVersionIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		first, _ := o.publish("1", edited(1))
		var second catalog.Version
		o.patching(t, func(published func()) {
			second, _ = o.publish("2", edited(2))
			published()
			o.await(second)
		})
		p := o.patches(second)
		if p.Base != first.ID || p.Due || o.changes.Load() != 1 {
			t.Fatalf("patches %+v, told %d times; want those of the first, and told once", p, o.changes.Load())
		}
		object, size, err := o.objects.Open(t.Context(), p.Object)
		o.must(err)
		defer object.Close()
		read, err := pack.ReadPatches(object, size)
		if err != nil || read.Base != first.ID || len(read.Entries) == 0 || size > 20_000 {
			t.Errorf("%d patches of %s in %d bytes (%v), want few bytes of patches of the first", len(read.Entries), read.Base, size, err)
		}
		if left, err := filepath.Glob(filepath.Join(o.dir, "patches-*")); len(left) > 0 || err != nil {
			t.Errorf("left %v (%v)", left, err)
		}
	})
}

func TestPatchesThatWereInterruptedAreMadeAtTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		o.publish("1", edited(1))
		second, _ := o.publish("2", edited(2))
		o.must(os.WriteFile(filepath.Join(o.dir, "patches-123"), []byte("half of it"), 0o600))
		o.patching(t, func(func()) {
			if p := o.await(second); p.Object == (content.Digest{}) {
				t.Errorf("patches %+v, want some", p)
			}
		})
		if left, err := filepath.Glob(filepath.Join(o.dir, "patches-*")); len(left) > 0 || err != nil {
			t.Errorf("left %v (%v)", left, err)
		}
	})
}

func TestVersionThatCanNotBePatchedHasNone(t *testing.T) {
	for name, spoil := range map[string]func(o *origin, packs []content.Digest){
		"all new": func(*origin, []content.Digest) {},
		"a pack that is gone": func(o *origin, packs []content.Digest) {
			o.must(o.objects.Delete(o.t.Context(), packs[0]))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(t)
			_, packs := o.publish("1", edited(1))
			data := edited(2)
			if name == "all new" {
				_, _ = rand.NewChaCha8([32]byte{9}).Read(data) // never fails
			}
			second, _ := o.publish("2", data)
			spoil(o, packs)
			o.patching(t, func(func()) {
				if p := o.await(second); p.Object != (content.Digest{}) {
					t.Errorf("%s: patches %+v, want none", name, p)
				}
			})
			if said := strings.Contains(o.log.String(), "a version has no patches"); said != (name != "all new") {
				t.Errorf("%s: it said so: %v", name, said)
			}
		})
	}
}

func TestSitesHearOfPatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		o.must(o.catalog.CreateSite(t.Context(), "test", catalog.Site{Name: "shop", Cap: catalog.NoCap}))
		first, _ := o.publish("1", edited(1))
		second, _ := o.publish("2", edited(2))
		_, err := o.catalog.Distribute(t.Context(), "test", catalog.Distribution{Name: "app", Version: "2", All: true, Priority: "normal"})
		o.must(err)
		source := server.NewPatchedSource(o.catalog, o.objects, o.patcher(), slog.New(slog.NewTextHandler(&o.log, nil)))
		flow := func() site.FlowSpec {
			t.Helper()
			d, err := source.Desired(t.Context(), "shop", nil)
			o.must(err)
			if len(d.Flows) != 1 {
				t.Fatalf("%d flows, want one", len(d.Flows))
			}
			return d.Flows[0]
		}
		if f := flow(); f.PatchesOf != first.ID || f.Patches != nil {
			t.Errorf("patches %+v of %s, want that those of the first are made", f.Patches, f.PatchesOf)
		}
		o.patching(t, func(func()) { o.await(second) })
		f := flow()
		if f.PatchesOf != first.ID || f.Patches == nil || f.Patches.Base != first.ID || len(f.Patches.Places) == 0 {
			t.Fatalf("patches %+v of %s, want those of the first", f.Patches, f.PatchesOf)
		}
		var chunks []uint32
		for _, p := range f.Patches.Places {
			chunks = append(chunks, p.Chunk)
		}
		if !slices.IsSorted(chunks) || int(chunks[len(chunks)-1]) >= len(f.Places) {
			t.Errorf("patches of chunks %v of %d", chunks, len(f.Places))
		}

		// An object that is gone is no reason to deliver nothing.
		o.must(o.objects.Delete(t.Context(), f.Patches.Object))
		source = server.NewPatchedSource(o.catalog, o.objects, o.patcher(), slog.New(slog.NewTextHandler(&o.log, nil)))
		if f := flow(); f.Patches != nil || f.PatchesOf != (content.VersionID{}) || !strings.Contains(o.log.String(), "without its patches") {
			t.Errorf("patches %+v of %s, want none, and that it says so", f.Patches, f.PatchesOf)
		}
	})
}
