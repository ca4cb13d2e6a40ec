package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

func TestAnyVersionIsFilledInAnyOrder(t *testing.T) {
	dir := disk.MemoryDir(t)
	store := open(t, dir)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		s := drawSample(t, r, n)
		v := s.Open(t, store)
		order := rapid.Permutation(s.All()).Draw(r, "order")
		restart := rapid.IntRange(0, 3*len(order)).Draw(r, "restart before")
		for i, c := range order {
			if i == restart {
				if err := store.Close(); err != nil {
					r.Fatal(err)
				}
				store = open(t, dir)
				v = s.Open(t, store)
			}
			s.CheckHeld(t, v, order[:i]...)
			s.Put(t, v, c)
		}
		if err := v.Complete(); err != nil {
			r.Fatal(err)
		}
		if err := s.CheckTree(place(dir, s.Head.Ref())); err != nil {
			r.Fatal(err)
		}
		s.CheckHeld(t, v, order...)
		if err := store.Remove(t.Context(), s.ID); err != nil {
			r.Fatal(err)
		}
	})
	if left, err := os.ReadDir(filepath.Join(dir, "content")); len(left) > 0 || err != nil {
		t.Errorf("%d names left (%v), want none", len(left), err)
	}
}

func drawSample(t *testing.T, r *rapid.T, n int) *chunktest.Sample {
	lengths := rapid.SliceOfN(rapid.IntRange(4, 300), 0, 12).Draw(r, "lengths")
	var uses []int
	total := 0
	for i := range lengths { // each after its predecessors, and then some again
		uses = append(uses, i)
		total += lengths[i]
		for _, again := range rapid.SliceOfN(rapid.IntRange(0, i), 0, 2).Draw(r, "uses") {
			uses = append(uses, again)
			total += lengths[again]
		}
	}
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-d]/[a-d]/[a-d]`), 1, 10, rapid.ID[string]).Draw(r, "names")
	var files []content.File
	for i, name := range names {
		size := rapid.IntRange(0, total).Draw(r, "size")
		if i == len(names)-1 {
			size = total
		}
		total -= size
		dir := size == 0 && i%3 == 1
		files = append(files, content.File{Path: name, Size: int64(size), Executable: i%3 == 0, Dir: dir})
	}
	return chunktest.NewSample(t, content.Ref{Name: "any", Version: "v" + string(rune('a'+n%26))}, lengths, uses, files)
}
