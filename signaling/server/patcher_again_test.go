package server_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// has reports whether the origin has an object.
func (o *origin) has(d content.Digest) bool {
	o.t.Helper()
	has, err := o.objects.Has(o.t.Context(), d)
	o.must(err)
	return has
}

// small is the beginning of an edition, in a few chunks.
func small(edition byte) []byte { return edited(edition)[:300_000] }

func (o *origin) distribute(name, version string) {
	o.t.Helper()
	_, err := o.catalog.Distribute(o.t.Context(), "test", catalog.Distribution{Name: name, Version: version, All: true, Priority: "normal"})
	o.must(err)
}

func TestPatchesThatFailForAWhileAreMadeWhenThatIsOver(t *testing.T) {
	for name, broken := range map[string]struct {
		op  string
		err error
	}{
		"store not reached": {"open", syscall.EHOSTUNREACH}, "store is full": {"put", syscall.ENOSPC}, "no room to work": {},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(t)
			o.must(o.catalog.CreateSite(t.Context(), "test", catalog.Site{Name: "shop", Cap: catalog.NoCap}))
			o.publish("1", small(1))
			second, _ := o.publish("2", small(2))
			o.distribute("app", "2")
			folder := o.dir
			o.breaks(func(op string, _ content.Digest) error {
				if op != broken.op {
					return nil
				}
				return broken.err
			})
			if broken.op == "" {
				folder = filepath.Join(o.dir, "gone")
			}
			p := server.NewPatcher(o.catalog, store{o.objects, o}, folder, func() { o.changes.Add(1) }, o.fetched,
				slog.New(slog.NewTextHandler(&o.log, nil)))
			source := server.NewPatchedSource(o.catalog, o.objects, p, slog.New(slog.DiscardHandler))
			flow := func() site.FlowSpec {
				t.Helper()
				d, err := source.Desired(t.Context(), "shop", nil)
				o.must(err)
				return d.Flows[0]
			}
			if flow().PatchesOf == (content.VersionID{}) {
				t.Errorf("%s: nobody waits for patches that are made", name)
			}
			o.patchingBy(p, func(func()) {
				time.Sleep(10 * time.Minute)
				if p := o.patches(second); !p.Due {
					t.Errorf("%s: patches %+v after ten minutes, want that they are due", name, p)
				}
				if said := strings.Count(o.log.String(), "making patches"); said != 4 {
					t.Errorf("%s: %d tries in ten minutes, want 4: a minute later, then two and four", name, said)
				}
				if flow().PatchesOf != (content.VersionID{}) || o.changes.Load() == 0 {
					t.Errorf("%s: what failed is waited for", name)
				}
				if broken.op == "open" { // which takes no work
					time.Sleep(26 * time.Hour)
					if said := strings.Count(o.log.String(), "making patches"); said < 11 || said > 13 {
						t.Errorf("%s: %d tries in a day, want ever fewer, and one in six hours in the end", name, said)
					}
				}
				o.breaks(nil)
				o.must(os.MkdirAll(folder, 0o700))
				time.Sleep(7 * time.Hour)
				if p := o.await(second); p.Object == (content.Digest{}) || !o.has(p.Object) || flow().Patches == nil {
					t.Errorf("%s: patches %+v, want some (log: %s)", name, p, &o.log)
				}
			})
		})
	}
}

func TestPatchesThatFailHoldNoOthersUpAndAreTriedAtTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		o.publishAs("other", "1", small(3))
		other, _ := o.publishAs("other", "2", small(4))
		_, packs := o.publish("1", small(1))
		second, _ := o.publish("2", small(2)) // the newest, so it is tried first
		o.breaks(func(_ string, d content.Digest) error {
			if d == packs[0] {
				return syscall.EIO
			}
			return nil
		})
		o.patching(t, func(func()) {
			if p := o.await(other); p.Object == (content.Digest{}) || !o.patches(second).Due {
				t.Errorf("patches %+v and %+v, want those that can be made, and the others due", p, o.patches(second))
			}
			time.Sleep(time.Hour)
		})
		o.breaks(nil)
		began := time.Now()
		o.patching(t, func(func()) {
			if p := o.await(second); p.Object == (content.Digest{}) || time.Since(began) > time.Minute {
				t.Errorf("patches %+v after %v, want some at once", p, time.Since(began))
			}
		})
	})
}

func TestPatchesThatNobodyHasAUseForAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		ctx := t.Context()
		o.must(o.catalog.CreateSite(ctx, "test", catalog.Site{Name: "shop", Cap: catalog.NoCap, Replicas: 2}))
		p := o.patcher()
		source := server.NewPatchedSource(o.catalog, o.objects, p, slog.New(slog.DiscardHandler))
		o.patchingBy(p, func(published func()) {
			made := map[string]catalog.Patches{}
			versions := map[string]catalog.Version{}
			for i, version := range []string{"1", "2", "3"} {
				versions[version], _ = o.publish(version, small(byte(i)))
				published()
				if i > 0 {
					made[version] = o.await(versions[version])
				}
				if version == "2" {
					o.distribute("app", "2")
				}
			}
			kept := func(what, version string, want bool) {
				t.Helper()
				_, err := source.Desired(ctx, "shop", nil)
				o.must(err)
				time.Sleep(3 * server.SweepEvery)
				if has, row := o.has(made[version].Object), o.patches(versions[version]).Object != (content.Digest{}); has != want || row != want {
					t.Errorf("%s: patches of %s are there: %v, in the catalog: %v; want both %v", what, version, has, row, want)
				}
			}
			kept("a site shall have it, and a newer one was published", "2", true)
			o.distribute("app", "3")
			o.runs(content.Ref{Name: "app", Version: "2"})
			kept("a page has it fetched", "2", true)
			o.runs()
			o.breaks(func(op string, _ content.Digest) error {
				if op == "delete" {
					return syscall.EROFS
				}
				return nil
			})
			kept("they can't be deleted", "2", true)
			o.breaks(nil)
			kept("nobody shall have it", "2", false)
			kept("the newest", "3", true)

			// Who orders it again is told of none.
			if _, err := o.catalog.SetRule(ctx, "test", catalog.Rule{Selector: catalog.Selector{Name: "app", Version: "3"}, Kind: catalog.RulePurge}); err != nil {
				t.Fatal(err)
			}
			o.distribute("app", "2")
			d, err := source.Desired(ctx, "shop", nil)
			o.must(err)
			if len(d.Flows) != 1 || d.Flows[0].Head.Version != "2" || d.Flows[0].Patches != nil {
				t.Errorf("flows %+v, want that of the second, without patches", d.Flows)
			}
			kept("the newest was purged", "3", true)
		})
	})
}
