package chunktest

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// checkAll checks every chunk and returns those that are damaged.
func checkAll(t *testing.T, s *Sample, v chunk.Version) (damaged []uint32) {
	t.Helper()
	for _, i := range s.All() {
		held := v.Have().Has(i)
		var corrupt *chunk.CorruptError
		switch err := v.Check(i); {
		case errors.As(err, &corrupt) && corrupt.Chunk == i && held:
			damaged = append(damaged, i)
		case err != nil && (held || !errors.Is(err, chunk.ErrNotHeld)):
			t.Errorf("check chunk %d: %v", i, err)
		}
		if err := v.Check(i); v.Have().Has(i) != (err == nil) {
			t.Errorf("check chunk %d again: %v, held %v", i, err, v.Have().Has(i))
		}
	}
	return damaged
}

// checkFindsDamage checks chunks 0 1 2 1 3 4, of which 1 lies in two places.
func checkFindsDamage(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	if err := v.Check(99); !errors.Is(err, chunk.ErrNotHeld) {
		t.Errorf("check a chunk that does not exist: %v, want that it is not held", err)
	}
	s.Put(t, v, 0, 3)
	if got := checkAll(t, s, v); len(got) > 0 {
		t.Errorf("damaged %v of what was put a moment ago", got)
	}
	s.Put(t, v, 1, 2, 4)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	if got := checkAll(t, s, v); len(got) > 0 || !v.Done() {
		t.Errorf("damaged %v of what is whole, done %v", got, v.Done())
	}
	for _, at := range s.placesOf(1) { // whichever it is in
		edit(t, f.file(s, at.path), flip(at.offset))
		if got := checkAll(t, s, v); !slices.Equal(got, []uint32{1}) || v.Done() {
			t.Errorf("damaged %v after a flip in %s at %d, done %v, want chunk 1", got, at.path, at.offset, v.Done())
		}
		s.Put(t, v, 1)
		if err := v.Complete(); err != nil || !v.Done() {
			t.Fatalf("complete the repaired version: %v, done %v", err, v.Done())
		}
		f.expectVisible(t, s)
	}
	if err := os.Remove(f.file(s, "a/one")); err != nil {
		t.Fatal(err)
	}
	if got := checkAll(t, s, v); !slices.Contains(got, 0) {
		t.Errorf("damaged %v after a file of chunk 0 was deleted", got)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.Check(1); err == nil {
		t.Error("checked a chunk of a closed version")
	}
	f.expectRepaired(t, s, s.Open(t, f.store))
}

// spot is where a chunk begins in a file.
type spot struct {
	path   string
	offset int64
}

// placesOf lists where a chunk lies, in each of its places.
func (s *Sample) placesOf(i uint32) (at []spot) {
	for _, seg := range content.NewLayout(s.Body).Segments(i) {
		if seg.Start == 0 {
			at = append(at, spot{s.Body.Files[seg.File].Path, seg.Offset})
		}
	}
	return at
}

func checkBesideOthers(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 20 {
				for _, i := range s.All() {
					if err := v.Check(i); err != nil && !errors.Is(err, chunk.ErrNotHeld) {
						t.Errorf("check chunk %d: %v", i, err)
					}
				}
			}
		})
	}
	for _, i := range s.All() {
		s.Put(t, v, i)
	}
	if err := v.Complete(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	s.CheckHeld(t, v, s.All()...)
	f.expectVisible(t, s)
}
