package chunktest

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// next is a version that has chunks 1 to 4 of a typical one in another order and in
// other files, one of them twice, and one chunk of its own, number 1.
func next(t *testing.T, old *Sample) *Sample {
	own := NewSample(t, content.Ref{Name: "own", Version: "v1"}, []int{50_000}, []int{0}, []content.File{{Path: "f", Size: 50_000}})
	c := old.Chunks
	return Compose(t, content.Ref{Name: "next", Version: "v1"}, [][]byte{c[3], own.Chunks[0], c[4], c[1], c[2], c[3]},
		[]content.File{{Path: "moved", Size: 100_000}, {Path: "rest/of/it", Size: 100_006}})
}

// taker remembers what was taken.
func taker() (*[]uint32, func(uint32)) {
	var took []uint32
	return &took, func(i uint32) { took = append(took, i) }
}

func seeded(t *testing.T, f fixture) {
	old := Typical(t, "v1")
	old.Fill(t, f.store)
	s := next(t, old)
	v := s.Open(t, f.store)
	took, hear := taker()
	for range 2 { // the second time there is nothing to take
		if err := v.Seed(t.Context(), hear); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(*took)
	if want := []uint32{0, 2, 3, 4}; !slices.Equal(*took, want) {
		t.Errorf("took %v, want %v", *took, want)
	}
	s.CheckHeld(t, v, 0, 2, 3, 4)
	want := chunk.Counters{}
	want.Bytes[chunk.Reused] = s.Body.UniqueBytes() - 50_000
	if got := v.Counters(); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	f = f.reopened(t)
	v = s.Open(t, f.store)
	s.CheckHeld(t, v, 0, 2, 3, 4)
	s.Put(t, v, 1)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	f.expectVisible(t, s)
	f.expectVisible(t, old)
}

func seededFromParts(t *testing.T, f fixture) {
	old := Typical(t, "v1")
	w := old.Open(t, f.store)
	old.Put(t, w, 1)
	s := next(t, old)
	v := s.Open(t, f.store)
	if err := v.Seed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.CheckHeld(t, v, 3)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	old.Put(t, old.Open(t, f.store), 3)
	if err := v.Seed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	s.CheckHeld(t, v, 0, 3)
}

func seededFromEdited(t *testing.T, f fixture) {
	old := Typical(t, "v1")
	old.Fill(t, f.store)
	file := f.file(old, "b") // of which the second chunk begins in it
	edited, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited[50_000] ^= 1
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, edited, 0o600), os.Remove(f.file(old, "z/last"))); err != nil {
		t.Fatal(err)
	}
	s := next(t, old)
	v := s.Open(t, f.store)
	if err := v.Seed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	// Of chunk 1 the first of its two places was edited, and chunk 4 is gone.
	s.CheckHeld(t, v, 0, 4)
	s.Put(t, v, 1, 2, 3)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	f.expectVisible(t, s)
}

func seedingEnds(t *testing.T, f fixture) {
	old := Typical(t, "v1")
	old.Fill(t, f.store)
	s := next(t, old)
	v := s.Open(t, f.store)
	ctx, stop := context.WithCancel(t.Context())
	err := v.Seed(ctx, func(uint32) { stop() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("seeding under an ended context: %v", err)
	}
	if n := v.Have().Count(); n != 1 {
		t.Errorf("%d chunks are held, want the one that was taken before", n)
	}
}
