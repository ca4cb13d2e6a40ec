//go:build unix

package disk

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

func TestSharedRangesAreWholeBlocks(t *testing.T) {
	const size = 100_001
	for name, c := range map[string]struct {
		in   extent
		want extent // zero: not worth while
	}{
		"whole files":       {extent{bytes: size}, extent{bytes: size}},
		"ends are cut off":  {extent{at: 100, fromAt: 4196, bytes: 60_000}, extent{at: 4096, fromAt: 8192, bytes: 53_248}},
		"end of one only":   {extent{at: 4096, bytes: size - 4096}, extent{at: 4096, bytes: 94_208}},
		"lies otherwise":    {extent{at: 100, fromAt: 101, bytes: 60_000}, extent{}},
		"less than a block": {extent{at: 4097, fromAt: 1, bytes: 4000}, extent{}},
		"too short":         {extent{bytes: cloneLeast - 1}, extent{}},
	} {
		if ok := c.in.align(size, size); ok != (c.want.bytes > 0) || ok && c.in != c.want {
			t.Errorf("%s: %+v, %v, want %+v", name, c.in, ok, c.want)
		}
	}
}

func TestSplitCoversASegmentOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const file = 50
		var extents []extent
		in := make([]bool, file)
		for at := 0; at < file; {
			n := rapid.IntRange(1, 10).Draw(t, "length")
			if n = min(n, file-at); rapid.Bool().Draw(t, "shared") {
				extents = append(extents, extent{file: 1, at: int64(at), bytes: int64(n)})
				for i := range n {
					in[at+i] = true
				}
			}
			at += n
		}
		from := rapid.IntRange(0, file-1).Draw(t, "from")
		s := content.Segment{File: 1, Offset: int64(from), Start: 7, Length: rapid.IntRange(1, file-from).Draw(t, "bytes")}
		own, rest := split(s, extents)
		seen := make([]int, file)
		for want, list := range map[bool][]content.Segment{true: own, false: rest} {
			for _, p := range list {
				if p.File != 1 || p.Length < 1 || p.Start-7 != int(p.Offset)-from {
					t.Fatalf("part %+v of %+v", p, s)
				}
				for i := range p.Length {
					seen[int(p.Offset)+i]++
					if in[int(p.Offset)+i] != want {
						t.Fatalf("byte %d is said to be shared: %v", int(p.Offset)+i, want)
					}
				}
			}
		}
		for i, n := range seen {
			if want := i >= from && i < from+s.Length; n > 1 || want != (n == 1) {
				t.Fatalf("byte %d is covered %d times", i, n)
			}
		}
	})
}

// pretended is a store on a disk that shares blocks, as far as anybody can see: it
// copies them. It has so many bytes of room.
func pretended(t *testing.T, dir string, room *int64, clone func(to, from *os.File, toAt, fromAt, bytes int64) error) *Store {
	t.Helper()
	sys := realSystem()
	sys.room = func(string) (int64, error) { return *room, nil }
	sys.clone = clone
	s, err := open(dir, nil, quiet(), sys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func copyRange(to, from *os.File, toAt, fromAt, bytes int64) error {
	b := make([]byte, bytes)
	if _, err := from.ReadAt(b, fromAt); err != nil {
		return err
	}
	_, err := to.WriteAt(b, toAt)
	return err
}

// patched is a version of one file, and its next, in which the second of four chunks
// was replaced by one of the same length and the file moved.
func patched(t *testing.T) (old, s *chunktest.Sample) {
	old = chunktest.NewSample(t, content.Ref{Name: "app", Version: "v1"}, []int{100_000, 50_000, 200_000, 60_001}, []int{0, 1, 2, 3},
		[]content.File{{Path: "app.bin", Size: 410_001}})
	own := chunktest.NewSample(t, content.Ref{Name: "own", Version: "v1"}, []int{50_000}, []int{0}, []content.File{{Path: "f", Size: 50_000}})
	c := old.Chunks
	return old, chunktest.Compose(t, content.Ref{Name: "app", Version: "v2"}, [][]byte{c[0], own.Chunks[0], c[2], c[3]},
		[]content.File{{Path: "bin/app", Size: 410_001}})
}

func TestWhatIsSharedNeedsNoRoom(t *testing.T) {
	dir, room, shared := t.TempDir(), int64(1<<30), int64(0)
	s := pretended(t, dir, &room, func(to, from *os.File, toAt, fromAt, bytes int64) error {
		shared += bytes
		return copyRange(to, from, toAt, fromAt, bytes)
	})
	old, next := patched(t)
	old.Fill(t, s)
	all, saved := s.Needs(t.Context(), next.Head, next.Body)
	if want := int64(98_304 + 258_449); saved != want || all < 410_001+spareBytes {
		t.Errorf("it needs %d bytes and shares %d, want %d", all, saved, want)
	}
	room = spareBytes + 120_000 // for the new chunk, the ends of shared ranges, and the body
	v := next.Open(t, s)
	if err := v.Seed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	next.CheckHeld(t, v, 0, 2, 3)
	if want := int64(98_304 + 258_449 + cloneUnit); shared != want { // and the block of the try
		t.Errorf("%d bytes were shared, want %d", shared, want)
	}
	next.Put(t, v, 1)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := next.CheckTree(filepath.Join(dir, placeOf(next.Head.Ref()))); err != nil {
		t.Error(err)
	}
	if err := old.CheckTree(filepath.Join(dir, placeOf(old.Head.Ref()))); err != nil {
		t.Error(err)
	}
}

func TestVersionWithoutRoomSaysHowMuchItLacks(t *testing.T) {
	dir, room := t.TempDir(), int64(1<<30)
	s := pretended(t, dir, &room, func(*os.File, *os.File, int64, int64, int64) error { return errors.ErrUnsupported })
	old, next := patched(t)
	old.Fill(t, s)
	if all, saved := s.Needs(t.Context(), next.Head, next.Body); saved != 0 || all < 410_001+spareBytes {
		t.Errorf("it needs %d bytes and shares %d, want all of it where nothing can be shared", all, saved)
	}
	room = spareBytes
	_, err := s.Open(t.Context(), next.Head, next.Envelope, next.Body)
	if !errors.Is(err, chunk.ErrNoRoom) || !bytes.Contains([]byte(err.Error()), []byte("0.5 MB too little (17.2 MB needed, 16.8 MB free)")) {
		t.Errorf("%v, want that it lacks half a megabyte", err)
	}
}

// What is shared may have been edited before it was, and then counts for nothing.
func TestSharedBytesThatWereEditedDoNotCount(t *testing.T) {
	dir, room := t.TempDir(), int64(1<<30)
	s := pretended(t, dir, &room, copyRange)
	old, next := patched(t)
	old.Fill(t, s)
	file := filepath.Join(dir, placeOf(old.Head.Ref()), "app.bin")
	if err := flipBit(file, 200_000); err != nil {
		t.Fatal(err)
	}
	v := next.Open(t, s)
	if err := v.Seed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	next.CheckHeld(t, v, 0, 3)
	next.Put(t, v, 1, 2)
	if err := v.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := next.CheckTree(filepath.Join(dir, placeOf(next.Head.Ref()))); err != nil {
		t.Error(err)
	}
}

// A chunk that came from elsewhere meanwhile is not written over by what may be wrong.
func TestRangeWithAHeldChunkIsNotShared(t *testing.T) {
	dir, room, times := t.TempDir(), int64(1<<30), 0
	s := pretended(t, dir, &room, func(to, from *os.File, toAt, fromAt, bytes int64) error {
		times++
		return copyRange(to, from, toAt, fromAt, bytes)
	})
	old, next := patched(t)
	old.Fill(t, s)
	v := next.Open(t, s)
	l, have, err := s.lend(old.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.loans = newWanted(v.(*version)).match(l.body.Chunks, have)
	extents := v.(*version).extents(l)
	next.Put(t, v, 3)
	times = 0
	for k, e := range extents {
		ok, err := v.(*version).clone(l, e)
		if want := k == 0; ok != want || err != nil {
			t.Errorf("range %+v: shared %v, %v, want %v", e, ok, err, want)
		}
	}
	if times != 1 {
		t.Errorf("%d ranges were shared, want 1", times)
	}
}
