// Package chunktest holds the tests that every chunk.Store must pass, and makes
// versions for tests.
package chunktest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// A Maker makes the stores under test.
type Maker struct {
	// Open opens the store in a folder, which is empty or that of a store closed
	// before, and closes it with the test where the test has not.
	Open func(t *testing.T, dir string) chunk.Store
	// OpenFull is Open where the disk has no more than a mebibyte of room.
	OpenFull func(t *testing.T, dir string) chunk.Store
	// Place is where a complete version is visible.
	Place func(dir string, ref content.Ref) string
	// Name is what a file of a version is called there; nil says that it has its path.
	Name func(s *Sample, path string) string
	// Check reports how what the store delivers of a complete version differs from it;
	// nil says that it is a tree at its place.
	Check func(dir string, store chunk.Store, s *Sample) error
}

// Run tests the stores that m makes.
func Run(t *testing.T, m Maker) {
	for name, test := range map[string]func(*testing.T, fixture){
		"what is put is read back":                  putIsReadBack,
		"bytes that do not match are refused":       corruptIsRefused,
		"a chunk outside the version is refused":    outsideIsRefused,
		"a chunk is counted once":                   duplicateIsUncounted,
		"several put one chunk at a time":           concurrentPut,
		"bytes may be reused after put":             bytesAreNotKept,
		"unsafe paths are refused":                  unsafePaths,
		"a head that names another body is refused": mismatchedBody,
		"an ended context leaves nothing":           endedContext,
		"a full disk is told before the first byte": noRoom,
		"an incomplete version is not visible":      incompleteIsInvisible,
		"a version becomes visible as a whole":      visibleAtOnce,
		"reads go on while a version is completed":  readsDuringComplete,
		"a version without bytes is completed":      emptyVersion,
		"a version opened twice is one":             openTwice,
		"versions lie side by side":                 sideBySide,
		"a removed version is gone":                 removed,
		"removing what is not there is nothing":     removeUnknown,
		"what is committed survives":                survives,
		"a complete version survives":               completeSurvives,
		"what was damaged after reopening is found": damageAfterReopening,
		"a check finds damage in every place":       checkFindsDamage,
		"a check beside everything else is sound":   checkBesideOthers,
		"a version takes what others hold":          seeded,
		"a version that is not whole lends, too":    seededFromParts,
		"what was edited is not taken":              seededFromEdited,
		"seeding ends with its context":             seedingEnds,
		"a version that is whole is lent":           lends,
		"nothing that is damaged is lent":           lendsNothingDamaged,
		"a closed store refuses":                    closedRefuses,
		"a closed version is opened again":          closedVersion,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			test(t, fixture{m, dir, m.Open(t, dir)})
		})
	}
	damages(t, m)
}

// fixture is what a test begins with.
type fixture struct {
	Maker
	dir   string
	store chunk.Store
}

func (f fixture) place(s *Sample) string { return f.Place(f.dir, s.Head.Ref()) }

// file is where a file of a complete version lies.
func (f fixture) file(s *Sample, path string) string {
	if f.Name != nil {
		path = f.Name(s, path)
	}
	return filepath.Join(f.place(s), filepath.FromSlash(path))
}

// reopened closes the store and opens it as another process would.
func (f fixture) reopened(t *testing.T) fixture {
	t.Helper()
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	return fixture{f.Maker, f.dir, f.Open(t, f.dir)}
}

func (f fixture) expectInvisible(t *testing.T, s *Sample) {
	t.Helper()
	if _, err := os.Lstat(f.place(s)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("place of %s: %v, want that nothing is there", s.Head.Ref(), err)
	}
}

func (f fixture) expectVisible(t *testing.T, s *Sample) {
	t.Helper()
	check := func() error { return s.CheckTree(f.place(s)) }
	if f.Check != nil {
		check = func() error { return f.Check(f.dir, f.store, s) }
	}
	if err := check(); err != nil {
		t.Errorf("delivered tree of %s: %v", s.Head.Ref(), err)
	}
}

// expectHeld checks what a restart would find.
func (f fixture) expectHeld(t *testing.T, complete map[*Sample]bool) {
	t.Helper()
	held := f.store.Held()
	if len(held) != len(complete) {
		t.Errorf("%d versions held, want %d", len(held), len(complete))
	}
	for s, done := range complete {
		i := slices.IndexFunc(held, func(h chunk.Held) bool { return h.ID == s.ID })
		if i < 0 {
			t.Errorf("%s is not held", s.Head.Ref())
			continue
		}
		h := held[i]
		if !bytes.Equal(h.Envelope, s.Envelope) || !bytes.Equal(h.Body, s.Body.Encode()) || h.Complete != done {
			t.Errorf("%s is held with %d bytes of head, %d of body, complete %v, want %d, %d, %v", s.Head.Ref(),
				len(h.Envelope), len(h.Body), h.Complete, len(s.Envelope), len(s.Body.Encode()), done)
		}
	}
}

func putIsReadBack(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	s.CheckHeld(t, v)
	for n, i := range []uint32{3, 0, 4, 1, 2} {
		s.Put(t, v, i)
		s.CheckHeld(t, v, []uint32{3, 0, 4, 1, 2}[:n+1]...)
	}
	v.Have().Clear(0)
	s.CheckHeld(t, v, s.All()...)
}

func corruptIsRefused(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	for name, data := range map[string][]byte{
		"another chunk": s.Chunks[0], "cut": s.Chunks[1][1:], "nothing": nil, "more": append(bytes.Clone(s.Chunks[1]), 0),
	} {
		added, err := v.Put(1, data, chunk.Peer, 7)
		var corrupt *chunk.CorruptError
		if added || !errors.As(err, &corrupt) {
			t.Errorf("%s: added %v, %v, want corrupt", name, added, err)
			continue
		}
		if want := (chunk.CorruptError{Chunk: 1, Want: content.Sum(s.Chunks[1]), Got: content.Sum(data)}); *corrupt != want {
			t.Errorf("%s: %+v, want %+v", name, *corrupt, want)
		}
	}
	if got := v.Counters(); got != (chunk.Counters{}) {
		t.Errorf("counted %+v, want nothing", got)
	}
	s.CheckHeld(t, v)
	s.Put(t, v, 1)
	if _, err := v.Put(1, s.Chunks[0], chunk.Peer, 0); err == nil {
		t.Error("other bytes accepted for a chunk that is held")
	}
	s.CheckHeld(t, v, 1)
}

func outsideIsRefused(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	for _, i := range []uint32{5, 8, 1<<32 - 1} {
		if added, err := v.Put(i, s.Chunks[0], chunk.Peer, 0); added || err == nil {
			t.Errorf("put chunk %d of 5: added %v, %v, want an error", i, added, err)
		}
		if got, err := v.Read(i, nil); len(got) > 0 || !errors.Is(err, chunk.ErrNotHeld) {
			t.Errorf("read chunk %d of 5: %d bytes, %v, want not held", i, len(got), err)
		}
	}
	if added, err := v.Put(0, s.Chunks[0], chunk.Reused+1, 0); added || err == nil {
		t.Errorf("put from a source that does not exist: added %v, %v, want an error", added, err)
	}
	s.CheckHeld(t, v)
}

func duplicateIsUncounted(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	sources := []chunk.Source{chunk.Origin, chunk.Peer, chunk.Relay, chunk.Reused, chunk.Origin}
	for range 2 {
		for i, from := range sources {
			if _, err := v.Put(uint32(i), s.Chunks[i], from, int64(i+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if added, err := v.Put(2, s.Chunks[2], chunk.Origin, 100); added || err != nil {
		t.Errorf("put again: added %v, %v, want neither", added, err)
	}
	want := chunk.Counters{WAN: 15}
	for i, from := range sources {
		want.Bytes[from] += int64(len(s.Chunks[i]))
	}
	if got := v.Counters(); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func concurrentPut(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	var wg sync.WaitGroup
	var mu sync.Mutex
	times := 0
	for range 4 {
		wg.Go(func() {
			for i, data := range s.Chunks {
				added, err := v.Put(uint32(i), data, chunk.Peer, 0)
				if err == nil {
					_, err = v.Read(uint32(i), nil)
				}
				if err != nil {
					t.Error(err)
				}
				if added {
					mu.Lock()
					times++
					mu.Unlock()
				}
			}
			if err := v.Commit(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := v.Counters(); times != len(s.Chunks) || got.Bytes[chunk.Peer] != s.Body.UniqueBytes() {
		t.Errorf("added %d times and counted %d bytes, want %d and %d", times, got.Bytes[chunk.Peer], len(s.Chunks), s.Body.UniqueBytes())
	}
	s.CheckHeld(t, v, s.All()...)
}

func bytesAreNotKept(t *testing.T, f fixture) {
	s := Typical(t, "v1")
	v := s.Open(t, f.store)
	data := bytes.Clone(s.Chunks[1])
	if _, err := v.Put(1, data, chunk.Peer, 0); err != nil {
		t.Fatal(err)
	}
	clear(data)
	s.CheckHeld(t, v, 1)
}

func unsafePaths(t *testing.T, f fixture) {
	before := listing(t, f.dir)
	for _, path := range []string{"../b", "/b", "x/../../b", "NUL", `x\b`, "a/one/below", "A/two"} {
		s := Typical(t, "v1")
		s.Body.Files[2].Path = path
		s.sign(t, s.Head.Ref())
		_, err := f.store.Open(t.Context(), s.Head, s.Envelope, s.Body)
		var refused *content.PathError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, want the path refused", path, err)
		}
	}
	if after := listing(t, f.dir); !slices.Equal(before, after) {
		t.Errorf("refused paths left %q, want %q", after, before)
	}
	f.expectHeld(t, nil)
}

func mismatchedBody(t *testing.T, f fixture) {
	s, other := Typical(t, "v1"), Typical(t, "v2")
	if _, err := f.store.Open(t.Context(), s.Head, s.Envelope, other.Body); err == nil {
		t.Error("opened with the body of another version")
	}
	if _, err := f.store.Open(t.Context(), s.Head, other.Envelope, s.Body); err == nil {
		t.Error("opened with the signed head of another version")
	}
	f.expectHeld(t, nil)
}

func endedContext(t *testing.T, f fixture) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := Typical(t, "v1")
	before := listing(t, f.dir)
	if _, err := f.store.Open(ctx, s.Head, s.Envelope, s.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("open under an ended context: %v", err)
	}
	if after := listing(t, f.dir); !slices.Equal(before, after) {
		t.Errorf("an opening that was cancelled left %q, want %q", after, before)
	}
	s.Fill(t, f.store)
	f.expectVisible(t, s)
}

func noRoom(t *testing.T, f fixture) {
	dir := t.TempDir()
	full := f.OpenFull(t, dir)
	before := listing(t, dir)
	s := Typical(t, "v1")
	if _, err := full.Open(t.Context(), s.Head, s.Envelope, s.Body); !errors.Is(err, chunk.ErrNoRoom) {
		t.Errorf("open on a full disk: %v, want no room", err)
	}
	if after := listing(t, dir); !slices.Equal(before, after) {
		t.Errorf("a version without room left %q, want %q", after, before)
	}
}

// listing returns everything that lies in a folder.
func listing(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
