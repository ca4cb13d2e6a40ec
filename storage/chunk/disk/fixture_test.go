package disk_test

import (
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// update makes the fixtures of the present format anew. Those of older formats were
// made so by the programs of their time, and are never made again:
//
//	format-1  commit c45ebcf (27 November 2026), the last whose stores did not say their
//	          format; the first that had a test suite, 6bcbf59, made the same, byte for byte
//
// When the format changes, its number is raised and a name added here; the old
// fixtures stay.
var update = flag.Bool("update", false, "make the fixtures of the present format anew")

// fixtures are archives of stores, as some program left them. present ones are made by -update.
var fixtures = []struct {
	name    string
	key     []byte
	present bool
}{
	{name: "format-1"}, {name: "format-2", present: true}, {name: "format-2-encrypted", key: key, present: true},
}

// kept, part and later are what the store of a fixture holds: all of one version, some
// of another, and of a third only the folder.
func fixtureSamples(t *testing.T) (kept, part, later *chunktest.Sample) {
	make := func(version string) *chunktest.Sample {
		return chunktest.NewSample(t, content.Ref{Name: "fixture", Version: version}, []int{100, 200, 300, 400, 50}, []int{0, 1, 2, 0, 3, 4},
			[]content.File{{Path: "d/e", Size: 150}, {Path: "empty"}, {Path: "folder/kept", Dir: true}, {Path: "x", Size: 700, Executable: true}, {Path: "z", Size: 300}})
	}
	return make("v1"), make("v2"), make("v3")
}

// fillFixture puts into a store what a fixture holds.
func fillFixture(t *testing.T, store *disk.Store) {
	t.Helper()
	kept, part, later := fixtureSamples(t)
	kept.Fill(t, store)
	v := part.Open(t, store)
	part.Put(t, v, 3, 0)
	if err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	part.Put(t, v, 1)
	later.Open(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func opener(key []byte) func(t testing.TB, dir string) *disk.Store {
	return func(t testing.TB, dir string) *disk.Store {
		s, err := disk.OpenEncrypted(dir, key, slog.New(slog.DiscardHandler))
		return closed(t, s, err)
	}
}

// What some program of before kept is all there, is served, and goes on.
func TestFixtureIsOpenedAndGoesOn(t *testing.T) {
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			archive := filepath.Join("testdata", f.name+".tar.gz")
			if *update && f.present {
				dir := t.TempDir()
				fillFixture(t, opener(f.key)(t, dir))
				disk.Pack(t, archive, dir)
			}
			dir := t.TempDir()
			disk.Unpack(t, archive, dir)
			for range 2 { // as it was, and upgraded
				goesOn(t, dir, f.key, opener(f.key)(t, dir))
			}
		})
	}
}

// goesOn checks what the store of a fixture holds, and completes a part of it in a copy.
func goesOn(t *testing.T, dir string, key []byte, store *disk.Store) {
	t.Helper()
	kept, part, later := fixtureSamples(t)
	held := map[content.VersionID]bool{}
	for _, h := range store.Held() {
		held[h.ID] = h.Complete
	}
	if len(held) != 3 || !held[kept.ID] || held[part.ID] || held[later.ID] {
		t.Fatalf("holds %v, want %s complete and two more", held, kept.ID)
	}
	if err := delivers(store, kept); err != nil {
		t.Error(err)
	}
	if key == nil {
		if err := kept.CheckTree(place(dir, kept.Head.Ref())); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		sample *chunktest.Sample
		chunks []uint32
	}{{kept, kept.All()}, {part, []uint32{0, 1, 3}}, {later, nil}} {
		v := c.sample.Open(t, store)
		c.sample.CheckHeld(t, v, c.chunks...)
		want := chunk.Counters{}
		for _, i := range c.chunks {
			want.Bytes[chunk.Origin] += int64(len(c.sample.Chunks[i]))
			want.WAN += int64(len(c.sample.Chunks[i]) / 2)
		}
		if got := v.Counters(); got != want {
			t.Errorf("%s counted %+v, want %+v", c.sample.Head.Ref(), got, want)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	store = opener(key)(t, copied)
	v := part.Open(t, store)
	part.Put(t, v, 2, 4)
	if err := errors.Join(v.Complete(), delivers(store, part)); err != nil {
		t.Error(err)
	}
}

// A store that a later program made is not for this one.
func TestFixtureOfALaterFormatIsLeftAsItIs(t *testing.T) {
	archive := filepath.Join("testdata", "format-1000.tar.gz")
	if *update {
		dir := t.TempDir()
		fillFixture(t, open(t, dir))
		mark(t, dir, `{"format":1000,"of":"a later time"}`)
		disk.Pack(t, archive, dir)
	}
	later, unknown, neither := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{later, unknown, neither} {
		disk.Unpack(t, archive, dir)
	}
	mark(t, unknown, `{"format":2,"cipher":"rot13"}`)
	mark(t, neither, `{"format":"2`)
	for _, dir := range []string{later, unknown, neither} {
		before := everything(t, dir)
		for _, key := range [][]byte{nil, key} {
			_, err := disk.OpenEncrypted(dir, key, slog.New(slog.DiscardHandler))
			if err == nil || errors.Is(err, disk.ErrNewerFormat) != (dir != neither) || !strings.Contains(err.Error(), "remove the folders") {
				t.Errorf("open: %v, want it refused, and what to do", err)
			}
			for name, check := range disk.Checks {
				if _, err := check(t.Context(), dir, key, slog.New(slog.DiscardHandler), func(_, _ int64) {}); err == nil {
					t.Errorf("%s did not refuse it", name)
				}
			}
		}
		if after := everything(t, dir); after != before {
			t.Errorf("the store was changed:\n%s\nwant:\n%s", after, before)
		}
	}
}

func mark(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "store", "format"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
