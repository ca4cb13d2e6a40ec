package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/evidence"
	"github.com/sitecast/sitecast/storage/blob"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// failing fails where it is told to.
type failing struct {
	catalog.Catalog
	err    error // of rules
	answer error // of answers that are to be kept
}

func (f *failing) SetRule(ctx context.Context, by string, r catalog.Rule) (uint64, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Catalog.SetRule(ctx, by, r)
}

func (f *failing) KeepAnswer(ctx context.Context, a catalog.Answer) error {
	if f.answer != nil {
		return f.answer
	}
	return f.Catalog.KeepAnswer(ctx, a)
}

// A server that dies, or loses its database, between a change and its answer leaves neither:
// who sends the change again makes it once.
func TestAChangeIsKeptWithItsAnswerOrNotAtAll(t *testing.T) {
	fails := &failing{}
	s := newStand(t, func(cfg *api.Config) { fails.Catalog, cfg.Catalog = cfg.Catalog, fails })
	create := func() int {
		return s.asking("POST", "/sites", api.NewSite{Name: "shop-1"}, "Idempotency-Key", "k").Code
	}
	fails.answer = errors.New("the power went")
	if status := create(); status != http.StatusInternalServerError {
		t.Errorf("without its answer it answered %d", status)
	}
	var sites []catalog.Site
	if s.call("GET", "/sites", nil, &sites); len(sites) != 0 {
		t.Errorf("there are sites %+v", sites)
	}
	fails.answer = nil
	for range 2 {
		if status := create(); status/100 != 2 {
			t.Errorf("sent again it answered %d", status)
		}
	}
	if s.call("GET", "/sites", nil, &sites); len(sites) != 1 {
		t.Errorf("there are sites %+v", sites)
	}
}

// What was refused leaves nothing behind, though its first half went well.
func TestWhatIsRefusedLeavesNothing(t *testing.T) {
	s := newStand(t)
	s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
	before := len(audit(s))
	if w := s.asking("POST", "/sites", api.NewSite{Name: "shop-1"}, "Idempotency-Key", "k"); w.Code != http.StatusConflict {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if after := len(audit(s)); after != before {
		t.Errorf("the audit log has %d entries, had %d", after, before)
	}
}

// watching notes how long the map of networks is whenever it is told of a change.
type watching struct {
	api.Places
	catalog catalog.Catalog
	seen    []int
}

func (w *watching) Standings() []evidence.Standing { return nil }

func (w *watching) Changed() {
	networks, err := w.catalog.Networks(context.Background())
	if err != nil {
		panic(err)
	}
	w.seen = append(w.seen, len(networks))
}

// Who is told of a change before it can be seen is told again.
func TestWhoIsToldOfAChangeSeesIt(t *testing.T) {
	for _, key := range []string{"", "k"} {
		w := &watching{}
		s := newStand(t, func(cfg *api.Config) { w.catalog, cfg.Places = cfg.Catalog, w })
		s.call("POST", "/sites", api.NewSite{Name: "shop-1"}, nil)
		if w := s.asking("PUT", "/networks?cidr=10.1.0.0/16&site=shop-1", nil, "Idempotency-Key", key); w.Code/100 != 2 {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		if len(w.seen) == 0 || w.seen[len(w.seen)-1] != 1 {
			t.Errorf("with key %q who was told saw maps of %v networks, want one in the end", key, w.seen)
		}
	}
}

// distant is an origin during whose answers others want to change something.
type distant struct {
	blob.Store
	meanwhile func()
}

func (d *distant) Has(ctx context.Context, digest content.Digest) (bool, error) {
	d.meanwhile()
	return d.Store.Has(ctx, digest)
}

func (d *distant) Open(ctx context.Context, digest content.Digest) (blob.Object, int64, error) {
	d.meanwhile()
	return d.Store.Open(ctx, digest)
}

// A change of others does not wait for what one handler asks of the origin, which may be far
// away.
func TestNobodyWaitsWhileTheOriginIsAsked(t *testing.T) {
	origin := &distant{meanwhile: func() {}}
	s := newStand(t, func(cfg *api.Config) { origin.Store, cfg.Objects = cfg.Objects, origin })
	v := s.ready("app", "1")
	extra, digest := packOf(t, content.Sum([]byte("extra")), []byte("extra"))
	s.must(s.objects.Put(t.Context(), digest, int64(len(extra)), bytes.NewReader(extra)))
	other, second := packOf(t, content.Sum([]byte("other")), []byte("other"))
	s.must(s.objects.Put(t.Context(), second, int64(len(other)), bytes.NewReader(other)))
	s.must(s.catalog.NoteUnused(t.Context(), []content.Digest{v.digest}))
	in := s.signed(v)
	in.Packs = append(in.Packs, digest, second) // which nobody looked into when they came
	asked := 0
	origin.meanwhile = func() {
		asked++
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if err := s.catalog.SetMeta(ctx, "test", "another change"); err != nil {
			t.Errorf("another change: %v", err)
		}
	}
	for _, c := range []struct {
		method, path string
		in           any
		asks         int
	}{
		{"POST", "/objects/missing", api.Objects{Digests: []content.Digest{v.digest}}, 1},
		{"PUT", v.path(), in, 3},
	} {
		asked = 0
		if w := s.asking(c.method, c.path, c.in, "Idempotency-Key", c.method); w.Code/100 != 2 || asked != c.asks {
			t.Errorf("%s %s: answered %d %s and asked the origin %d times, want %d", c.method, c.path, w.Code, w.Body, asked, c.asks)
		}
	}
}
