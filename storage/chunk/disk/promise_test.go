//go:build unix

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

// begun opens a store on a disk that has not failed yet.
func begun(t *testing.T, dir string) (*powered, *Store) {
	t.Helper()
	p := newPowered(t, fault{})
	s, err := p.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // where the test has cut its power, it fails
	return p, s
}

func expectHeld(t *testing.T, v chunk.Version, want ...uint32) {
	t.Helper()
	if got := v.Have(); !bytes.Equal(got, bitmap(uint32(len(v.(*version).body.Chunks)), want...)) {
		t.Errorf("chunks held: %08b, want %v", got, want)
	}
}

func fails(err error) func() error { return func() error { return err } }

// A sync that fails may have been told of pages that were put while it ran, and
// the next one succeed.
func TestChunkPutWhileASyncFailsIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := MemoryDir(t)
		p, s := begun(t, dir)
		sample := small(t, "kept", 4)
		v := sample.Open(t, s)
		sample.Put(t, v, 1)
		p.next("sync", func() error {
			sample.Put(t, v, 2)
			return syscall.EIO
		})
		if err := v.Commit(); !errors.Is(err, syscall.EIO) {
			t.Errorf("commit: %v, want an I/O error", err)
		}
		expectHeld(t, v)
		if err := v.Commit(); err != nil {
			t.Fatal(err)
		}
		p.cut(s, cuts["nothing"])
		promises{chunks: content.NewBitmap(5)}.keepsTo(t, dir, sample, small(t, "other", 4))
	})
}

func TestChunkBeingWrittenWhileASyncFailsIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := begun(t, MemoryDir(t))
		sample := small(t, "kept", 4)
		v := sample.Open(t, s)
		sample.Put(t, v, 1)
		p.next("write", func() error {
			p.next("sync", fails(syscall.EIO))
			if err := v.Commit(); !errors.Is(err, syscall.EIO) {
				t.Errorf("commit: %v, want an I/O error", err)
			}
			return nil
		})
		if added, err := v.Put(2, sample.Chunks[2], chunk.Peer, 0); added || err == nil {
			t.Errorf("put: added %v, %v, want it refused", added, err)
		}
		expectHeld(t, v)
		sample.Put(t, v, 1, 2)
		expectHeld(t, v, 1, 2)
	})
}

func TestLostJournalIsRebuiltFromTheContent(t *testing.T) {
	for name, damage := range map[string]func(name string) error{
		"deleted":  os.Remove,
		"emptied":  func(name string) error { return os.Truncate(name, 0) },
		"too long": func(name string) error { return os.Truncate(name, 4*compactBytes+1) },
	} {
		for _, complete := range []bool{false, true} {
			for _, files := range []int{4, manyFiles + 8} {
				t.Run(fmt.Sprint(name, " ", complete, " ", files), func(t *testing.T) {
					lostJournal(t, damage, complete, files)
				})
			}
		}
	}
}

// lostJournal ends the process, but not the power, before anything is committed:
// what is found then must be made durable before a journal says that it is held.
func lostJournal(t *testing.T, damage func(name string) error, complete bool, files int) {
	dir := MemoryDir(t)
	p, s := begun(t, dir)
	sample := small(t, "kept", files)
	v := sample.Open(t, s)
	want := []uint32{0, 2, 3}
	sample.Put(t, v, want...)
	if complete {
		want = sample.All()
		sample.Put(t, v, 1, 4)
		if err := v.Complete(); err != nil {
			t.Fatal(err)
		}
	}
	p.kill(s)
	p.killed = false
	if err := damage(filepath.Join(dir, folderOf(sample.ID), journalName)); err != nil {
		t.Fatal(err)
	}
	s, err := p.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	v = sample.Open(t, s)
	expectHeld(t, v, want...)
	p.cut(s, cuts["nothing"])
	promises{chunks: bitmap(5, want...), complete: complete}.keepsTo(t, dir, sample, small(t, "other", 4))
}

// A removal that could not clear the place must not clear it when it is another's.
func TestFailedRemovalDoesNotTakeALaterVersion(t *testing.T) {
	dir := MemoryDir(t)
	p, s := begun(t, dir)
	sample := small(t, "kept", 4)
	sample.Fill(t, s)
	p.next("rename", func() error { // the folder of the version is renamed, its tree is not
		p.next("rename", fails(syscall.EBUSY))
		return nil
	})
	if err := s.Remove(t.Context(), sample.ID); !errors.Is(err, syscall.EBUSY) {
		t.Fatalf("remove: %v, want busy", err)
	}
	sample.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, s = begun(t, dir)
	if v := sample.Open(t, s); !v.Done() {
		t.Error("the version that came after a failed removal is gone")
	}
	expectTree(t, dir, sample)
}

func TestFailedRemovalIsTriedAgain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		dir := MemoryDir(t)
		p, s := begun(t, dir)
		sample := small(t, "kept", 4)
		sample.Fill(t, s)
		p.next("rename", func() error {
			p.next("rename", fails(syscall.EBUSY))
			return nil
		})
		if err := s.Remove(t.Context(), sample.ID); !errors.Is(err, syscall.EBUSY) {
			t.Fatalf("remove: %v, want busy", err)
		}
		if restart {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			begun(t, dir)
		} else if err := s.Remove(t.Context(), sample.ID); err != nil {
			t.Error(err)
		}
		for _, folder := range []string{contentName, storeName} {
			if left, err := os.ReadDir(filepath.Join(dir, folder)); err != nil || folder == contentName && len(left) > 0 || len(left) > 2 { // format and lock
				t.Errorf("restart %v: %s holds %v (%v), want no version", restart, folder, left, err)
			}
		}
	}
}

func expectTree(t *testing.T, dir string, sample *chunktest.Sample) {
	t.Helper()
	if err := sample.CheckTree(filepath.Join(dir, placeOf(sample.Head.Ref()))); err != nil {
		t.Error(err)
	}
}

func TestTreeOfNoVersionMakesRoom(t *testing.T) {
	dir := MemoryDir(t)
	p, s := begun(t, dir)
	sample := small(t, "kept", 4)
	place := filepath.Join(dir, placeOf(sample.Head.Ref()))
	v := sample.Open(t, s)
	sample.Put(t, v, sample.All()...)
	for _, left := range []string{"first", "second"} {
		if err := errors.Join(os.MkdirAll(place, 0o755), os.WriteFile(filepath.Join(place, left), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		p.next("rename", func() error { // what is there makes room, but the tree does not come
			p.next("rename", fails(syscall.EIO))
			return nil
		})
		if err := v.Complete(); !errors.Is(err, syscall.EIO) || v.Done() {
			t.Errorf("complete: %v, done %v, want an I/O error", err, v.Done())
		}
	}
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	expectTree(t, dir, sample)
	if _, err := os.Lstat(filepath.Join(dir, folderOf(sample.ID), replacedName)); err == nil {
		t.Error("what was replaced is still on the disk")
	}
}

func TestVersionUnderATakenNameIsNotPlaced(t *testing.T) {
	dir := MemoryDir(t)
	_, s := begun(t, dir)
	first := small(t, "kept", 4)
	first.Fill(t, s)
	second := small(t, "kept", 5)
	v := second.Open(t, s)
	second.Put(t, v, second.All()...)
	if err := v.Complete(); err == nil || v.Done() {
		t.Errorf("complete: %v, done %v, want it refused", err, v.Done())
	}
	expectTree(t, dir, first)
	if err := s.Remove(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if err := v.Complete(); err != nil {
		t.Error(err)
	}
	expectTree(t, dir, second)
}

func TestWhatIsChangedBeforeCompletionIsMadeAnew(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(tree string) error
		lost   []uint32
	}{
		"empty file deleted": {func(tree string) error { return os.Remove(filepath.Join(tree, "empty")) }, nil},
		"empty file filled":  {func(tree string) error { return os.WriteFile(filepath.Join(tree, "empty"), []byte("x"), 0o600) }, nil},
		"folder deleted":     {func(tree string) error { return os.RemoveAll(filepath.Join(tree, "folder")) }, nil},
		"file deleted":       {func(tree string) error { return os.Remove(filepath.Join(tree, "file")) }, []uint32{0}},
		"file made longer":   {func(tree string) error { return os.Truncate(filepath.Join(tree, "file"), 99) }, []uint32{0}},
		"folder for a file": {func(tree string) error {
			name := filepath.Join(tree, "file")
			return errors.Join(os.Remove(name), os.Mkdir(name, 0o700))
		}, []uint32{0}},
	} {
		dir := MemoryDir(t)
		_, s := begun(t, dir)
		sample := chunktest.NewSample(t, content.Ref{Name: "changed", Version: "v1"}, []int{50, 60}, []int{0, 1},
			[]content.File{{Path: "empty"}, {Path: "file", Size: 50}, {Path: "folder", Dir: true}, {Path: "other", Size: 60}})
		v := sample.Open(t, s)
		sample.Put(t, v, 0, 1)
		if err := c.damage(filepath.Join(dir, folderOf(sample.ID), treeName)); err != nil {
			t.Fatal(err)
		}
		err := v.Complete()
		if (len(c.lost) == 0) != (err == nil) || len(c.lost) > 0 && !errors.Is(err, chunk.ErrNotHeld) {
			t.Errorf("%s: complete: %v, want chunks %v missing", name, err, c.lost)
		}
		for _, i := range c.lost {
			sample.Put(t, v, i)
		}
		if err := v.Complete(); err != nil {
			t.Errorf("%s: complete again: %v", name, err)
		}
		expectTree(t, dir, sample)
	}
}
