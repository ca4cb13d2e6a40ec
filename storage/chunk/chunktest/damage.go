package chunktest

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// edit changes a delivered file as somebody with an editor and no manners does.
func edit(t *testing.T, name string, change func(f *os.File) error) {
	t.Helper()
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(change(f), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func flip(at int64) func(f *os.File) error {
	return func(f *os.File) error {
		var b [1]byte
		_, err := f.ReadAt(b[:], at)
		b[0] ^= 1
		if err == nil {
			_, err = f.WriteAt(b[:], at)
		}
		return err
	}
}

// damages tests what is found in a delivered tree of chunks 0 1 2 1 3 4: chunk 0
// holds a/one and a/two and begins b, which chunk 1 goes on.
func damages(t *testing.T, m Maker) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, file func(path string) string)
		lost   []uint32 // at the least
	}{
		"an edit is noticed and repaired": {func(t *testing.T, file func(string) string) {
			edit(t, file("a/two"), flip(3))
		}, []uint32{0}},
		"an edit of two chunks is noticed and repaired": {func(t *testing.T, file func(string) string) {
			edit(t, file("b"), flip(0))
			edit(t, file("b"), flip(5000))
		}, []uint32{0, 1}},
		"a file made longer by its edit is repaired": {func(t *testing.T, file func(string) string) {
			edit(t, file("a/one"), func(f *os.File) error {
				_, err := f.WriteAt([]byte("and much more than was there"), 1)
				return err
			})
		}, []uint32{0}},
		"a file cut short is repaired": {func(t *testing.T, file func(string) string) {
			edit(t, file("b"), func(f *os.File) error { return f.Truncate(50_000) })
		}, []uint32{1}},
		"a deleted file is made anew": {func(t *testing.T, file func(string) string) {
			if err := os.Remove(file("a/one")); err != nil {
				t.Fatal(err)
			}
		}, []uint32{0}},
		"a deleted folder is made anew": {func(t *testing.T, file func(string) string) {
			for _, path := range []string{"z/deep/er/file", "z/last", "z/deep/er", "z/deep", "z"} {
				// Files that lie under numbers have no folders.
				if err := os.Remove(file(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
		}, []uint32{3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := fixture{m, dir, m.Open(t, dir)}
			s := Typical(t, "v1")
			s.Fill(t, f.store)
			f = f.reopened(t)
			c.damage(t, func(path string) string { return f.file(s, path) })
			v := s.Open(t, f.store)
			f.expectNoticed(t, s, v, c.lost)
			f.expectRepaired(t, s, v)
		})
	}
}

// expectNoticed reads every chunk, and checks that the right ones are forgotten.
func (f fixture) expectNoticed(t *testing.T, s *Sample, v chunk.Version, lost []uint32) {
	t.Helper()
	for _, i := range lost {
		var corrupt *chunk.CorruptError
		got, err := v.Read(i, []byte("before"))
		if (!errors.As(err, &corrupt) || corrupt.Chunk != i) && !errors.Is(err, chunk.ErrNotHeld) || string(got) != "before" {
			t.Errorf("read damaged chunk %d: %d bytes, %v, want it corrupt or forgotten", i, len(got), err)
		}
		if _, err := v.Read(i, nil); !errors.Is(err, chunk.ErrNotHeld) || v.Have().Has(i) {
			t.Errorf("read damaged chunk %d again: %v, held %v, want it forgotten", i, err, v.Have().Has(i))
		}
	}
	if len(lost) > 0 && v.Done() {
		t.Error("done although chunks are forgotten")
	}
	for i, want := range s.Chunks {
		if got, err := v.Read(uint32(i), nil); err == nil && string(got) != string(want) {
			t.Errorf("read chunk %d: other bytes than were put", i)
		}
	}
}

// expectRepaired puts what is not held, until the tree is as it was.
func (f fixture) expectRepaired(t *testing.T, s *Sample, v chunk.Version) {
	t.Helper()
	have := v.Have()
	for _, i := range s.All() {
		if !have.Has(i) {
			s.Put(t, v, i)
		}
	}
	if err := v.Complete(); err != nil || !v.Done() {
		t.Errorf("complete the repaired version: %v, done %v", err, v.Done())
	}
	s.CheckHeld(t, v, s.All()...)
	f.expectVisible(t, s)
	f = f.reopened(t)
	f.expectHeld(t, map[*Sample]bool{s: true})
	s.CheckHeld(t, s.Open(t, f.store), s.All()...)
}

// damageAfterReopening forgets a chunk, and restarts before it is back.
func damageAfterReopening(t *testing.T, f fixture) {
	s := NewSample(t, content.Ref{Name: "damaged", Version: "v1"}, []int{100, 100}, []int{0, 1}, []content.File{{Path: "f", Size: 200}})
	v := s.Fill(t, f.store)
	edit(t, f.file(s, "f"), flip(150))
	if _, err := v.Read(1, nil); err == nil {
		t.Error("read an edited chunk")
	}
	f = f.reopened(t)
	f.expectHeld(t, map[*Sample]bool{s: false})
	v = s.Open(t, f.store)
	s.CheckHeld(t, v, 0)
	f.expectRepaired(t, s, v)
}
