//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

// putMissing puts every chunk that is not held.
func putMissing(t *testing.T, v chunk.Version, sample *chunktest.Sample) {
	t.Helper()
	have := v.Have()
	for _, i := range sample.All() {
		if _, err := v.Put(i, sample.Chunks[i], chunk.Peer, 0); err != nil && !have.Has(i) {
			t.Fatal(err)
		}
	}
}

// whole completes a version, putting again what turns out to be missing.
func whole(t *testing.T, v chunk.Version, sample *chunktest.Sample) {
	t.Helper()
	err := chunk.ErrNotHeld
	for n := 0; errors.Is(err, chunk.ErrNotHeld) && n < 3; n++ {
		putMissing(t, v, sample)
		err = v.Complete()
	}
	if err != nil || !v.Done() {
		t.Fatalf("complete: %v, done %v", err, v.Done())
	}
}

// The owner of a version learns of the loss when a chunk is read, puts that chunk,
// and finds the rest missing when it completes.
func TestTreeDeletedUnderARunningStoreIsMadeAnew(t *testing.T) {
	for _, complete := range []bool{true, false} {
		for _, cut := range []bool{true, false} {
			t.Run(fmt.Sprint("complete ", complete, ", power cut ", cut), func(t *testing.T) {
				dir := MemoryDir(t)
				p, s := begun(t, dir)
				sample := small(t, "kept", 4)
				v := sample.Open(t, s)
				sample.Put(t, v, 0, 1, 2, 3)
				tree := filepath.Join(dir, folderOf(sample.ID), treeName)
				if complete {
					sample.Put(t, v, 4)
					tree = filepath.Join(dir, placeOf(sample.Head.Ref()))
					if err := v.Complete(); err != nil {
						t.Fatal(err)
					}
				}
				if err := errors.Join(v.Commit(), os.RemoveAll(tree)); err != nil {
					t.Fatal(err)
				}
				s.files.drop(v.(*version), func(int) bool { return true }) // as the work of others would
				var corrupt *chunk.CorruptError
				if _, err := v.Read(0, nil); !errors.As(err, &corrupt) {
					t.Errorf("read from a deleted tree: %v, want corrupt", err)
				}
				sample.Put(t, v, 0)
				expectHeld(t, v, 0)
				if v.Done() {
					t.Error("done with a tree that was deleted")
				}
				if cut {
					if err := v.Commit(); err != nil {
						t.Fatal(err)
					}
					p.cut(s, cuts["nothing"])
					promises{chunks: bitmap(5, 0), counters: v.Counters()}.keepsTo(t, dir, sample, small(t, "other", 4))
					return
				}
				whole(t, v, sample)
				expectTree(t, dir, sample)
			})
		}
	}
}

func TestCompleteNoticesADeletedTree(t *testing.T) {
	dir := MemoryDir(t)
	_, s := begun(t, dir)
	sample := small(t, "kept", 4)
	v := sample.Fill(t, s)
	if err := os.RemoveAll(filepath.Join(dir, contentName)); err != nil {
		t.Fatal(err)
	}
	if err := v.Complete(); !errors.Is(err, chunk.ErrNotHeld) || v.Done() {
		t.Errorf("complete without a tree: %v, done %v, want everything missing", err, v.Done())
	}
	whole(t, v, sample)
	expectTree(t, dir, sample)
}

// A folder moved away and put back as a copy is another, under the same name.
func TestTreeReplacedByACopyIsWrittenTo(t *testing.T) {
	dir := MemoryDir(t)
	_, s := begun(t, dir)
	sample := small(t, "kept", 4)
	v := sample.Open(t, s)
	sample.Put(t, v, 0, 1, 2)
	tree := filepath.Join(dir, folderOf(sample.ID), treeName)
	if err := errors.Join(os.CopyFS(tree+"-copy", os.DirFS(tree)), os.RemoveAll(tree), os.Rename(tree+"-copy", tree)); err != nil {
		t.Fatal(err)
	}
	whole(t, v, sample)
	expectTree(t, dir, sample)
}

// What is put into a file that was deleted and made anew does not bring back what
// it held before.
func TestFileMadeAnewHoldsNothing(t *testing.T) {
	dir := MemoryDir(t)
	_, first := begun(t, dir)
	sample := small(t, "kept", 4)
	sample.Put(t, sample.Open(t, first), 0, 1, 2)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, folderOf(sample.ID), treeName, "x")); err != nil {
		t.Fatal(err)
	}
	p, s := begun(t, dir)
	v := sample.Open(t, s)
	sample.Put(t, v, 3) // it lies in x, too, and makes it as long as it was
	expectHeld(t, v, 3)
	if err := v.Commit(); err != nil {
		t.Fatal(err)
	}
	p.cut(s, cuts["nothing"])
	promises{chunks: bitmap(5, 3)}.keepsTo(t, dir, sample, small(t, "other", 4))
}

func TestWhatIsInTheWayOfAFileIsRemoved(t *testing.T) {
	for name, put := range map[string]func(tree string) error{
		"folder": func(tree string) error { return os.Mkdir(filepath.Join(tree, "d", "e"), 0o700) },
		"link":   func(tree string) error { return os.Symlink("/etc/hostname", filepath.Join(tree, "d", "e")) },
		"file for its folder": func(tree string) error {
			return errors.Join(os.Remove(filepath.Join(tree, "d")), os.WriteFile(filepath.Join(tree, "d"), nil, 0o600))
		},
	} {
		dir := MemoryDir(t)
		_, s := begun(t, dir)
		sample := small(t, "kept", 4)
		v := sample.Open(t, s)
		tree := filepath.Join(dir, folderOf(sample.ID), treeName)
		if err := errors.Join(os.Remove(filepath.Join(tree, "d", "e")), put(tree)); err != nil {
			t.Fatal(err)
		}
		if added, err := v.Put(0, sample.Chunks[0], chunk.Peer, 0); !added || err != nil {
			t.Errorf("%s in the way: put: %v, %v", name, added, err)
		}
		whole(t, v, sample)
		expectTree(t, dir, sample)
	}
}

func TestDamageShowsInEveryPlaceOfAChunk(t *testing.T) {
	const uses = 7
	recurs := make([]int, uses)
	for damaged := range uses {
		dir := MemoryDir(t)
		_, s := begun(t, dir)
		sample := chunktest.NewSample(t, content.Ref{Name: "recurs", Version: "v1"}, []int{100}, recurs, []content.File{{Path: "f", Size: uses * 100}})
		v := sample.Fill(t, s)
		if err := flipBit(filepath.Join(dir, placeOf(sample.Head.Ref()), "f"), int64(damaged*100)); err != nil {
			t.Fatal(err)
		}
		var err error
		for range uses - 1 { // each looks at the first place and at one other
			if _, err = v.Read(0, nil); err != nil {
				break
			}
		}
		var corrupt *chunk.CorruptError
		if !errors.As(err, &corrupt) {
			t.Errorf("place %d damaged: %v, want corrupt", damaged, err)
		}
		whole(t, v, sample)
		expectTree(t, dir, sample)
	}
}
