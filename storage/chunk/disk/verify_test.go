//go:build unix

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

// harm is what may happen to a version that lies on the disk, and what is lost by it.
type harm struct {
	name     string
	do       func(tree, folder string) error
	complete bool     // it befalls complete versions only
	lost     []uint32 // chunks that can't be read any more
	problem  string
}

var harms = []harm{
	{name: "nothing", do: func(string, string) error { return nil }},
	{name: "a bit flipped", do: func(tree, _ string) error { return flipBit(filepath.Join(tree, "x"), 200) }, lost: []uint32{2}},
	{name: "a bit flipped where a chunk is for the second time", do: func(tree, _ string) error {
		return flipBit(filepath.Join(tree, "x"), 500)
	}, lost: []uint32{0}},
	{name: "a file cut", do: func(tree, _ string) error { return os.Truncate(filepath.Join(tree, "x"), 540) }, lost: []uint32{0, 3}, problem: "x has 540 bytes, want 700"},
	{name: "a file deleted", do: func(tree, _ string) error { return os.Remove(filepath.Join(tree, "d", "e")) }, lost: []uint32{0, 1}, problem: "d/e is gone"},
	{name: "a folder for a file", do: func(tree, _ string) error {
		return errors.Join(os.Remove(filepath.Join(tree, "z")), os.Mkdir(filepath.Join(tree, "z"), 0o755))
	}, lost: []uint32{3, 4}, problem: "z is no file"},
	{name: "a file for a folder", do: func(tree, _ string) error {
		return errors.Join(os.RemoveAll(filepath.Join(tree, "d")), os.WriteFile(filepath.Join(tree, "d"), nil, 0o600))
	}, lost: []uint32{0, 1}, problem: "d/e is gone"},
	{name: "a file made longer", do: func(tree, _ string) error {
		return os.Truncate(filepath.Join(tree, "z"), 1000)
	}, complete: true, problem: "z has 1000 bytes, want 298"},
	{name: "an empty file deleted", do: func(tree, _ string) error { return os.Remove(filepath.Join(tree, "empty")) }, complete: true, problem: "empty is gone"},
	{name: "a file made writable", do: func(tree, _ string) error { return os.Chmod(filepath.Join(tree, "x"), 0o755) }, complete: true, problem: "x has mode"},
	{name: "the tree deleted", do: func(tree, _ string) error { return os.RemoveAll(tree) }, lost: []uint32{0, 1, 2, 3, 4}, problem: "its tree is gone"},
	{name: "the journal deleted", do: func(_, folder string) error { return os.Remove(filepath.Join(folder, journalName)) }, problem: "journal can't be read"},
	{name: "the journal cut to nothing", do: func(_, folder string) error { return os.Truncate(filepath.Join(folder, journalName), 0) }, problem: "journal can't be read"},
}

func flipBit(name string, at int64) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	data[at] ^= 1
	return overwrite(name, data)
}

// overwrite changes a file that may be read-only, and leaves its mode.
func overwrite(name string, data []byte) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, data, 0o600), os.Chmod(name, info.Mode()))
}

// eachHarm runs a test for each harm to a complete version, and to one in which
// chunk 1 is missing.
func eachHarm(t *testing.T, test func(t *testing.T, dir string, h harmed)) {
	for _, h := range harms {
		for _, complete := range []bool{true, false} {
			if h.complete && !complete {
				continue
			}
			t.Run(fmt.Sprint(h.name, ", complete ", complete), func(t *testing.T) {
				dir := MemoryDir(t)
				s := harmed{small: small(t, "kept", 4), complete: complete, harm: h}
				s.make(t, dir)
				test(t, dir, s)
			})
		}
	}
}

// harmed is a version to which something happened.
type harmed struct {
	small    *chunktest.Sample
	complete bool
	harm     harm
}

func (h harmed) make(t *testing.T, dir string) {
	_, s := begun(t, dir)
	tree := filepath.Join(dir, folderOf(h.small.ID), treeName)
	if h.complete {
		h.small.Fill(t, s)
		tree = filepath.Join(dir, placeOf(h.small.Head.Ref()))
	} else {
		h.small.Put(t, h.small.Open(t, s), 0, 2, 3, 4)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.harm.do(tree, filepath.Join(dir, folderOf(h.small.ID))); err != nil {
		t.Fatal(err)
	}
}

// before and after are the chunks that the version had, and those that it has.
func (h harmed) before() []uint32 {
	if h.complete {
		return h.small.All()
	}
	return []uint32{0, 2, 3, 4}
}

func (h harmed) after() []uint32 {
	return slices.DeleteFunc(h.before(), func(i uint32) bool { return slices.Contains(h.harm.lost, i) })
}

// expect checks what a check found.
func (h harmed) expect(t *testing.T, got Checked) {
	t.Helper()
	held, sound := len(h.before()), len(h.after())
	if got.ID != h.small.ID || got.Content != "kept@v1" || got.Chunks != 5 || int(got.Held) != held ||
		int(got.Damaged) != held-sound || int(got.Missing) != 5-held {
		t.Errorf("found %+v, want %d of 5 chunks held and %d of these damaged", got, held, held-sound)
	}
	said := strings.Join(got.Problems, "\n")
	// The files of a tree that is being filled are made whole when it is complete.
	tell := h.harm.problem != "" && (h.complete || strings.Contains(h.harm.problem, "journal") || strings.Contains(h.harm.problem, "tree"))
	if tell != (said != "") || tell && !strings.Contains(said, h.harm.problem) {
		t.Errorf("problems are %q, want %q (%v)", said, h.harm.problem, tell)
	}
	if got.Sound() != (held == sound && !tell) {
		t.Errorf("sound: %v", got.Sound())
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// gauge keeps the progress of a check, and that it is told in bounds.
type gauge struct {
	t           *testing.T
	mu          sync.Mutex
	most, total int64
}

func (g *gauge) told(done, total int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most, g.total = max(g.most, done), total
	if done > total {
		g.t.Errorf("%d of %d bytes done", done, total)
	}
}

func TestVerifyFindsDamageAndChangesNothing(t *testing.T) {
	eachHarm(t, func(t *testing.T, dir string, h harmed) {
		before := snapshot(t, dir)
		g := &gauge{t: t}
		report, err := Verify(t.Context(), dir, nil, quiet(), g.told)
		if err != nil || len(report.Versions) != 1 || len(report.Leftovers) != 0 {
			t.Fatalf("verify: %+v, %v, want one version", report, err)
		}
		got := report.Versions[0]
		h.expect(t, got)
		if want := h.complete && got.Sound(); got.Complete != want || len(got.Repairs) > 0 {
			t.Errorf("complete %v, want %v; repaired %q", got.Complete, want, got.Repairs)
		}
		if g.most != g.total {
			t.Errorf("told of %d bytes of %d", g.most, g.total)
		}
		if after := snapshot(t, dir); after != before {
			t.Errorf("the folder was\n%s\nand is\n%s", before, after)
		}
	})
}

// snapshot describes all that lies in a folder.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprint(&b, name, " ", info.Mode(), " ", info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(name)
			fmt.Fprint(&b, " ", content.Sum(data), err)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRepairLeavesAStoreThatTellsTheTruth(t *testing.T) {
	eachHarm(t, func(t *testing.T, dir string, h harmed) {
		report, err := Repair(t.Context(), dir, nil, quiet(), (&gauge{t: t}).told)
		if err != nil || len(report.Versions) != 1 {
			t.Fatalf("repair: %+v, %v, want one version", report, err)
		}
		got := report.Versions[0]
		h.expect(t, got)
		whole := h.complete && len(h.harm.lost) == 0
		if got.Complete != whole || (len(got.Repairs) == 0) != got.Sound() {
			t.Errorf("complete %v, want %v; repaired %q", got.Complete, whole, got.Repairs)
		}
		place := filepath.Join(dir, placeOf(h.small.Head.Ref()))
		if _, err := os.Lstat(place); (err == nil) != whole {
			t.Errorf("visible: %v, want %v", err, whole)
		}
		if again, err := Verify(t.Context(), dir, nil, quiet(), (&gauge{t: t}).told); err != nil || again.Damaged() > 0 || again.Versions[0].Complete != whole {
			t.Errorf("after the repair: %+v, %v, want nothing damaged", again, err)
		}
		_, s := begun(t, dir)
		v := h.small.Open(t, s)
		expectHeld(t, v, h.after()...)
		expectTrue(t, v.(*version), h.small)
		have := v.Have()
		for _, i := range h.small.All() {
			if !have.Has(i) {
				h.small.Put(t, v, i)
			}
		}
		if err := v.Complete(); err != nil {
			t.Fatal(err)
		}
		expectTree(t, dir, h.small)
	})
}

func TestDamagedHeadIsReportedAndLeft(t *testing.T) {
	dir := MemoryDir(t)
	h := harmed{small: small(t, "kept", 4), complete: true, harm: harm{do: func(_, folder string) error {
		return os.Truncate(filepath.Join(folder, headName), 10)
	}}}
	h.make(t, dir)
	for name, check := range Checks {
		report, err := check(t.Context(), dir, nil, quiet(), (&gauge{t: t}).told)
		if err != nil || report.Damaged() != 1 || !strings.Contains(report.Versions[0].Problems[0], "head or body is damaged") {
			t.Errorf("%s: %+v, %v, want a damaged head", name, report, err)
		}
	}
	_, s := begun(t, dir)
	if v := h.small.Open(t, s); !v.Done() {
		t.Error("not done after the head was mended")
	}
}

func TestRepairRemovesLeftovers(t *testing.T) {
	dir := MemoryDir(t)
	h := harmed{small: small(t, "kept", 4), complete: true, harm: harms[0]}
	h.make(t, dir)
	folder := folderOf(h.small.ID)
	want := []string{storeName + "/a.gone", storeName + "/b.new", folder + "/body.new", folder + "/replaced", folder + "/tree.new"}
	for _, name := range want {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, name), 0o700), os.WriteFile(filepath.Join(dir, name, "f"), nil, 0o400)); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	for _, name := range []string{"verify", "repair"} {
		report, err := Checks[name](t.Context(), dir, nil, quiet(), (&gauge{t: t}).told)
		slices.Sort(report.Leftovers)
		if err != nil || report.Damaged() > 0 || !slices.Equal(report.Leftovers, want) {
			t.Errorf("found %+v, %v, want leftovers %q and no damage", report, err, want)
		}
	}
	for _, name := range want {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there (%v)", name, err)
		}
	}
}

func TestStoreInUseOrNotThereIsNotChecked(t *testing.T) {
	used, none := MemoryDir(t), MemoryDir(t)
	begun(t, used)
	for name, check := range Checks {
		if _, err := check(t.Context(), used, nil, quiet(), (&gauge{t: t}).told); !errors.Is(err, ErrLocked) {
			t.Errorf("%s of a store in use: %v, want it locked", name, err)
		}
		for _, dir := range []string{none, filepath.Join(none, "nowhere")} {
			if _, err := check(t.Context(), dir, nil, quiet(), (&gauge{t: t}).told); !errors.Is(err, ErrNoStore) {
				t.Errorf("%s of no store: %v, want to be told", name, err)
			}
		}
	}
	if left, err := os.ReadDir(none); err != nil || len(left) > 0 {
		t.Errorf("%v was made (%v)", left, err)
	}
}
