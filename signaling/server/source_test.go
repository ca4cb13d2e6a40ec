package server_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/catalog/sqlite"
	"github.com/sitecast/sitecast/storage/catalog/sqlite/sqlitetest"
	"github.com/sitecast/sitecast/storage/content"
)

// ordered opens a catalog in which a version of nothing was ordered to all sites.
func ordered(t *testing.T, site string, ref content.Ref) *sqlite.Catalog {
	t.Helper()
	c, err := sqlite.Open(t.Context(), sqlitetest.Put(t, filepath.Join(t.TempDir(), "sitecast.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.CreateSite(t.Context(), "test", catalog.Site{Name: site, Cap: catalog.NoCap}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reserve(t.Context(), "test", ref.Name, ref.Version); err != nil {
		t.Fatal(err)
	}
	_, err = c.Distribute(t.Context(), "test", catalog.Distribution{Name: ref.Name, Version: ref.Version, All: true, Priority: "low"})
	if err == nil {
		t.Fatal("a reserved version was ordered")
	}
	published(t, c, ref)
	if _, err := c.Distribute(t.Context(), "test", catalog.Distribution{Name: ref.Name, Version: ref.Version, All: true, Priority: "low"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// published publishes a version of nothing.
func published(t *testing.T, c *sqlite.Catalog, ref content.Ref) {
	t.Helper()
	body, err := new(content.Builder).Body(nil)
	if err != nil {
		t.Fatal(err)
	}
	encoded := body.Encode()
	_, key, _ := ed25519.GenerateKey(nil) // crypto/rand never fails
	serial, err := c.Reserve(t.Context(), "test", ref.Name, ref.Version)
	if err != nil {
		t.Fatal(err)
	}
	head, id, err := content.SignHead(content.Head{Name: ref.Name, Version: ref.Version, Serial: serial, Created: time.Now(), Kind: content.KindTree,
		Body: content.Sum(encoded), BodyBytes: int64(len(encoded))}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(t.Context(), "test", catalog.Version{Name: ref.Name, Version: ref.Version, Serial: serial, ID: id, Head: head,
		Body: content.Sum(encoded), Placement: catalog.Placement{}.Encode()}); err != nil {
		t.Fatal(err)
	}
}

// TestAPauseReachesEndpointsHoweverLongTheNames: what does not fit on the wire is
// told to nobody.
func TestAPauseReachesEndpointsHoweverLongTheNames(t *testing.T) {
	site, ref := strings.Repeat("s", content.MaxNameBytes), content.Ref{Name: strings.Repeat("n", content.MaxNameBytes), Version: strings.Repeat("v", content.MaxNameBytes)}
	c := ordered(t, site, ref)
	by := "Jürgen"
	for range 8 { // whatever lies at the end, no character may be cut in two
		by += "ü"
		if _, err := c.SetRule(t.Context(), by, catalog.Rule{Kind: catalog.RulePause,
			Selector: catalog.Selector{Site: site, Name: ref.Name, Version: ref.Version}}); err != nil {
			t.Fatal(err)
		}
		d, err := server.NewSource(c).Desired(t.Context(), site, nil)
		if err != nil || len(d.Flows) != 1 {
			t.Fatalf("desired %+v, %v; want one flow", d, err)
		}
		f := d.Flows[0]
		if !f.Paused || !strings.HasPrefix(f.PausedBy, by+" paused "+ref.Name) {
			t.Errorf("paused %v by %q, want by %s", f.Paused, f.PausedBy, by)
		}
		if _, err := wire.EncodeBody(wire.KindFlow, wire.Flow{ID: f.ID, Head: f.Envelope, Priority: f.Priority, Paused: f.Paused, PausedBy: f.PausedBy}); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsWantedFollowsTheCatalog(t *testing.T) {
	ref := content.Ref{Name: "app", Version: "1"}
	c := ordered(t, "shop-1", ref)
	source := server.NewSource(c)
	for _, limit := range []int64{catalog.NoCap, 625_000, 0} {
		if err := c.SetCap(t.Context(), "test", "shop-1", limit); err != nil {
			t.Fatal(err)
		}
		want := limit
		if limit == catalog.NoCap {
			want = wire.Unlimited
		}
		d, err := source.Desired(t.Context(), "shop-1", nil)
		if err != nil || d.Cap != want || len(d.Flows) != 1 || d.Flows[0].Head.Ref() != ref || d.Flows[0].Priority != wire.Low {
			t.Errorf("with cap %d desired %+v, %v", limit, d, err)
		}
	}
	if _, err := source.Desired(t.Context(), "shop-2", nil); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("of a site nobody knows: %v, want ErrNotFound", err)
	}
}

func TestTheTimeItShallBeReadyByReachesTheSite(t *testing.T) {
	ref := content.Ref{Name: "app", Version: "1"}
	c := ordered(t, "shop-1", ref)
	late := time.Date(2027, 1, 1, 6, 0, 0, 0, time.UTC)
	for _, by := range []time.Time{late, late.Add(-time.Hour), late.Add(time.Hour)} {
		if _, err := c.Distribute(t.Context(), "test", catalog.Distribution{Name: ref.Name, Version: ref.Version, All: true, Priority: "low",
			ReadyBy: by}); err != nil {
			t.Fatal(err)
		}
	}
	d, err := server.NewSource(c).Desired(t.Context(), "shop-1", nil)
	if err != nil || len(d.Flows) != 1 || !d.Flows[0].ReadyBy.Equal(late.Add(-time.Hour)) {
		t.Errorf("desired %+v, %v; want the earliest of three times", d, err)
	}
}

// counting is a catalog that counts how often versions are read.
type counting struct {
	catalog.Catalog
	reads int
}

func (c *counting) Version(ctx context.Context, name, version string) (catalog.Version, error) {
	c.reads++
	return c.Catalog.Version(ctx, name, version)
}

func TestAVersionIsReadOnceForAllSites(t *testing.T) {
	c := &counting{Catalog: ordered(t, "shop-0", content.Ref{Name: "app", Version: "1"})}
	source := server.NewSource(c)
	for i := range 5 {
		name := fmt.Sprintf("shop-%d", i)
		if i > 0 {
			if err := c.CreateSite(t.Context(), "test", catalog.Site{Name: name, Cap: catalog.NoCap}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := source.Desired(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if c.reads != 1 {
		t.Errorf("read the version %d times, want once", c.reads)
	}
}

// TestWhatBrowsersNameIsFoundOrThereIsNone: what can't be had must not keep the site from
// hearing of everything else.
func TestWhatBrowsersNameIsFoundOrThereIsNone(t *testing.T) {
	c := ordered(t, "shop-1", content.Ref{Name: "app", Version: "1"})
	published(t, c, content.Ref{Name: "app", Version: "2"})
	published(t, c, content.Ref{Name: "film", Version: "1"})
	published(t, c, content.Ref{Name: "film", Version: "2"})
	named := []wire.Named{{Name: "app"}, {Name: "app", Version: "2"}, {Name: "film"}, {Name: "film", Version: "2"}, {Name: "film", Version: "9"}, {Name: "nothing"}}
	d, err := server.NewSource(c).Desired(t.Context(), "shop-1", named)
	if err != nil || len(d.Demands) != len(named) {
		t.Fatalf("desired %+v, %v", d, err)
	}
	version := map[content.VersionID]string{{}: "none"}
	for _, f := range d.Flows {
		version[f.ID] = f.Head.Ref().String()
		if demanded := f.Head.Ref().String() != "app@1"; f.OnDemand != demanded || demanded && f.Priority != wire.Normal {
			t.Errorf("%s is on demand: %v, with priority %s", version[f.ID], f.OnDemand, f.Priority)
		}
	}
	for i, want := range []string{"app@1", "app@2", "film@2", "film@2", "none", "none"} {
		if got := version[d.Demands[named[i]]]; got != want {
			t.Errorf("%s is %q, want %s", named[i], got, want)
		}
	}
	if len(d.Flows) != 3 {
		t.Errorf("%d flows, want 3", len(d.Flows))
	}
}
