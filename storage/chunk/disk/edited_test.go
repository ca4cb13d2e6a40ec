//go:build unix

package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
)

// tended has a store mend what somebody did to it, and does as long as edits says so,
// whatever fails. It goes where the life of a store without edits never comes.
func tended(t *testing.T, s *Store, dir string, sample *chunktest.Sample, edits func() bool) {
	place := filepath.Join(dir, placeOf(sample.Head.Ref()))
	v := attempt(t, s, sample) // which mends head and body
	if v == nil {
		return
	}
	putLost := func(chunks ...uint32) {
		for _, i := range chunks {
			if _, err := v.Read(i, nil); err != nil {
				_, err := v.Put(i, sample.Chunks[i], chunk.Peer, 0)
				expectNamed(t, err)
			}
		}
	}
	putLost(sample.All()...)
	expectNamed(t, v.Commit())
	for range 2 {
		if edits() {
			_ = os.RemoveAll(place)
		}
		for range 2 {
			putLost(sample.All()...)
			if edits() {
				inTheWay(dir, sample)
			}
			expectNamed(t, v.Complete())
		}
	}
}

// inTheWay puts a tree of nobody's where that of a version is to go, and a folder
// where a file is to be.
func inTheWay(dir string, sample *chunktest.Sample) {
	place, tree := filepath.Join(dir, placeOf(sample.Head.Ref())), filepath.Join(dir, folderOf(sample.ID), treeName)
	if _, err := os.Lstat(tree); err != nil {
		return // it is in its place, or was deleted
	}
	file := filepath.Join(tree, "empty")
	_ = errors.Join(os.MkdirAll(place, 0o755), os.WriteFile(filepath.Join(place, "stranger"), nil, 0o600), os.Remove(file), os.Mkdir(file, 0o700))
}

// edited is a complete version of which head, body and files were changed.
func edited(t *testing.T, dir string, sample *chunktest.Sample) {
	t.Helper()
	s, err := Open(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	sample.Fill(t, s)
	folder, place := filepath.Join(dir, folderOf(sample.ID)), filepath.Join(dir, placeOf(sample.Head.Ref()))
	if err := errors.Join(s.Close(),
		os.Truncate(filepath.Join(folder, headName), 10), os.Remove(filepath.Join(folder, bodyName)),
		os.WriteFile(filepath.Join(folder, bodyName+newSuffix), nil, 0o600),
		flipBit(filepath.Join(place, "d", "e"), 20), os.Remove(filepath.Join(place, "z")), os.Mkdir(filepath.Join(place, "z"), 0o700)); err != nil {
		t.Fatal(err)
	}
}

// expectHealing checks that a store of which anything may have been lost serves
// nothing untrue, and is as new after a repair.
func expectHealing(t *testing.T, dir string, samples ...*chunktest.Sample) {
	t.Helper()
	s, err := Open(dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range samples {
		v := o.Open(t, s)
		for i, want := range o.Chunks {
			var corrupt *chunk.CorruptError
			got, err := v.Read(uint32(i), nil)
			if err == nil && string(got) != string(want) || err != nil && !errors.As(err, &corrupt) && !errors.Is(err, chunk.ErrNotHeld) {
				t.Errorf("read chunk %d: %d bytes, %v, want what was put, or to be told that it is lost", i, len(got), err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Repair(t.Context(), dir, nil, quiet(), (&gauge{t: t}).told); err != nil {
		t.Error(err)
	}
	if report, err := Verify(t.Context(), dir, nil, quiet(), (&gauge{t: t}).told); err != nil || report.Damaged() > 0 || len(report.Leftovers) > 0 {
		t.Errorf("after the repair: %+v, %v, want nothing damaged", report, err)
	}
	_, s = begun(t, dir)
	for _, o := range samples {
		whole(t, o.Open(t, s), o)
		expectTree(t, dir, o)
	}
}

// lives are what a store may do until a fault, and how it is looked at afterwards.
var lives = map[string]func(t *testing.T, p *powered, dir string, end func(*Store)){
	"filled": func(t *testing.T, p *powered, dir string, end func(*Store)) {
		sample, other := small(t, "kept", 4), small(t, "other", 4)
		s, err := p.open(dir)
		var said promises
		if err == nil {
			said = live(t, s, sample, other)
			end(s)
		}
		if p.fault.lie {
			expectHealing(t, dir, sample, other)
		} else {
			said.keepsTo(t, dir, sample, other)
		}
	},
	"edited": func(t *testing.T, p *powered, dir string, end func(*Store)) {
		sample := small(t, "kept", 4)
		edited(t, dir, sample)
		if s, err := p.open(dir); err == nil {
			// Nobody edits after the fault: a power cut might then keep what came into
			// the way and not the tree, and nobody would know whose it is.
			tended(t, s, dir, sample, func() bool { return p.fault.at == 0 || len(p.calls) < p.fault.at && !p.fault.lie })
			end(s)
		}
		expectHealing(t, dir, sample)
	},
}

// under lives a life under a fault, and then ends process and power.
func under(t *testing.T, life string, f fault, kept string) (calls []string) {
	synctest.Test(t, func(t *testing.T) {
		p := newPowered(t, f)
		defer func() {
			if t.Failed() {
				t.Logf("%s, fault %+v, kept %s: %q", life, f, kept, p.log)
			}
		}()
		lives[life](t, p, MemoryDir(t), func(s *Store) { p.cut(s, cuts[kept]) })
		calls = p.calls
	})
	return calls
}

func TestEditedStoreHealsAfterAnyFault(t *testing.T) {
	t.Parallel()
	for at, what := range under(t, "edited", fault{}, "everything") {
		for n, f := range faultsOf[what] {
			f.at, f.fatal = at+1, (at+n)%2 == 0
			under(t, "edited", f, []string{"nothing", "everything", "something"}[(at+n)%3])
		}
	}
}

// The process ends at each call, which it has done half or not at all; then the
// power stays, or goes too.
func TestProcessKilledAtAnyCallLeavesNothingUntrue(t *testing.T) {
	t.Parallel()
	for life := range lives {
		for at, what := range under(t, life, fault{}, "everything") {
			under(t, life, fault{at: at + 1, kill: true}, "everything")
			if life == "filled" || at%3 == 0 {
				under(t, life, fault{at: at + 1, kill: true}, []string{"nothing", "something"}[at%2])
			}
			if what == "write" || what == "remove all" {
				under(t, life, fault{at: at + 1, kill: true, part: true}, "everything")
			}
		}
	}
}

// A disk that says it has kept what it has not may lose anything in a power cut. No
// store survives that whole; this one must not serve or announce what it lost.
func TestLyingDiskIsFoundOut(t *testing.T) {
	t.Parallel()
	for life := range lives {
		for at, what := range under(t, life, fault{}, "everything") {
			if what != "sync" && what != "sync all" {
				continue
			}
			for _, fatal := range []bool{false, true} {
				if life == "edited" && fatal != (at%2 == 0) {
					continue
				}
				under(t, life, fault{at: at + 1, lie: true, fatal: fatal}, []string{"nothing", "something"}[at/2%2])
			}
		}
	}
}

// Every way to change the disk is among the calls that are made to fail.
func TestEveryKindOfCallIsReached(t *testing.T) {
	reached := make(map[string]bool)
	for life := range lives {
		for _, what := range under(t, life, fault{}, "everything") {
			reached[what] = true
		}
	}
	for _, what := range faultless(t, manyFiles+8) {
		reached[what] = true
	}
	for what := range faultsOf {
		if !reached[what] {
			t.Errorf("no life of a store makes the call %q", what)
		}
		delete(reached, what)
	}
	if len(reached) > 0 {
		t.Errorf("no fault is known of the calls %v", reached)
	}
}
