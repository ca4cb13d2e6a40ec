package patch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/blob/dir"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
	"github.com/sitecast/sitecast/storage/pack"
	"github.com/sitecast/sitecast/storage/patch"
)

// stand is an origin on disk.
type stand struct {
	t       *testing.T
	dir     string
	objects *dir.Store
	at      map[content.Digest]catalog.Packed
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{t: t, dir: t.TempDir(), at: map[content.Digest]catalog.Packed{}}
	var err error
	if s.objects, err = dir.Open(filepath.Join(s.dir, "objects")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.objects.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// publish takes in a version of these files.
func (s *stand) publish(files map[string][]byte) patch.Version {
	s.t.Helper()
	tree, err := os.MkdirTemp(s.dir, "tree-")
	if err != nil {
		s.t.Fatal(err)
	}
	for name, data := range files {
		path := filepath.Join(tree, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			s.t.Fatal(err)
		}
	}
	known := func(_ context.Context, digests []content.Digest) (map[content.Digest]bool, error) {
		out := map[content.Digest]bool{}
		for _, d := range digests {
			_, out[d] = s.at[d]
		}
		return out, nil
	}
	made, err := ingest.Run(s.t.Context(), tree, s.dir, ingest.Options{Known: known})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range made.Packs {
		data, err := os.ReadFile(p.Path)
		if err == nil {
			err = s.objects.Put(s.t.Context(), p.Digest, p.Size, bytes.NewReader(data))
		}
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range p.Entries {
			s.at[e.Digest] = catalog.Packed{Chunk: content.Chunk{Digest: e.Digest, Length: e.Plain}, Pack: p.Digest,
				Offset: e.Offset, Length: e.Length, Encoding: uint8(e.Encoding)}
		}
	}
	placement, err := catalog.PlaceChunks(made.Body.Chunks, s.at)
	if err != nil {
		s.t.Fatal(err)
	}
	sum := content.Sum(made.Encoded)
	return patch.Version{ID: content.VersionID(sum[:16]), Body: made.Body, Placement: placement}
}

// make makes patches, and checks that they make the chunks that older lacks.
func (s *stand) make(older, newer patch.Version) patch.Made {
	s.t.Helper()
	var out bytes.Buffer
	made, err := (&patch.Maker{Objects: s.objects}).Make(s.t.Context(), older, newer, &out)
	if err != nil {
		s.t.Fatal(err)
	}
	if !made.Worth {
		return made
	}
	if made.Size != int64(out.Len()) || made.Object != content.Sum(out.Bytes()) {
		s.t.Errorf("object %s of %d bytes, announced %s of %d", content.Sum(out.Bytes()), out.Len(), made.Object, made.Size)
	}
	read, err := pack.ReadPatches(bytes.NewReader(out.Bytes()), made.Size)
	if err != nil || read.Base != older.ID {
		s.t.Fatalf("patches of %s (%v), want of %s", read.Base, err, older.ID)
	}
	from := patch.NewReader(s.objects, older)
	defer from.Close()
	window, missing := from.Window(s.t.Context()), lacking(older, newer)
	for _, e := range read.Entries {
		encoded, c := out.Bytes()[e.Offset:][:e.Length], newer.Body.Chunks[e.Chunk]
		plain, err := []byte(nil), error(nil)
		if e.Encoding == pack.Patch {
			dictionary, err := window.Run(e.First, e.Count)
			if err != nil {
				s.t.Fatal(err)
			}
			plain, err = pack.DecodePatch(encoded, dictionary, c.Length, nil)
			if err != nil {
				s.t.Fatal(err)
			}
		} else if plain, err = pack.Decode(e.Encoding, encoded, c.Length, nil); err != nil {
			s.t.Fatal(err)
		}
		if content.Sum(plain) != c.Digest {
			s.t.Errorf("chunk %d is another one", e.Chunk)
		}
		delete(missing, e.Chunk)
	}
	if len(missing) > 0 {
		s.t.Errorf("%d chunks that the older version lacks are missing", len(missing))
	}
	return made
}

func lacking(older, newer patch.Version) map[uint32]bool {
	held, out := map[content.Digest]bool{}, map[uint32]bool{}
	for _, c := range older.Body.Chunks {
		held[c.Digest] = true
	}
	for i, c := range newer.Body.Chunks {
		if !held[c.Digest] {
			out[uint32(i)] = true
		}
	}
	return out
}

func random(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// program is like machine code whose addresses are all other ones after a change: each
// chunk differs, a little.
func program(seed byte, n int, base uint32) []byte {
	b := random(seed, n)
	for at := 0; at+4 <= n; at += 64 {
		b[at], b[at+1], b[at+2] = byte(base>>16), byte(base>>8), byte(base)
	}
	return b
}

func TestPatchesTakeLittleOfAProgramThatMoved(t *testing.T) {
	s := newStand(t)
	older := s.publish(map[string][]byte{"bin/app": program(1, 2<<20, 0x1234), "share/text": random(2, 50_000)})
	newer := s.publish(map[string][]byte{"bin/app": program(1, 2<<20, 0x5678), "share/text": random(2, 50_000)})
	if made := s.make(older, newer); !made.Worth || made.Own < 1<<20 || made.Bytes > made.Own/4 {
		t.Errorf("made %d bytes of %d, worth it %v; want less than a quarter", made.Bytes, made.Own, made.Worth)
	}
}

func TestPlaceFollowsWhatWasPutInBefore(t *testing.T) {
	s := newStand(t)
	data := random(1, 4<<20)
	older := s.publish(map[string][]byte{"data": data})
	newer := slices.Concat(random(3, 1<<20), data) // farther than a dictionary reaches
	for at := 3 << 20; at < len(newer); at += 300_000 {
		newer[at] ^= 1
	}
	if made := s.make(older, s.publish(map[string][]byte{"data": newer})); !made.Worth || made.Bytes > made.Own*3/4 {
		t.Errorf("made %d bytes of %d, worth it %v; want what was put in and next to nothing", made.Bytes, made.Own, made.Worth)
	}
}

func TestFileOfAnotherNameIsFoundByWhatItShares(t *testing.T) {
	s := newStand(t)
	data := random(1, 2<<20)
	older := s.publish(map[string][]byte{"a": random(7, 1<<20), "lib.so.1": data})
	moved := slices.Clone(data)
	for at := 500_000; at < len(moved); at += 300_000 {
		moved[at] ^= 1
	}
	if made := s.make(older, s.publish(map[string][]byte{"a": random(7, 1<<20), "lib.so.2": moved})); !made.Worth || made.Bytes > made.Own/20 {
		t.Errorf("made %d bytes of %d, worth it %v; want next to nothing", made.Bytes, made.Own, made.Worth)
	}
}

func TestWhatIsAllNewHasNoPatches(t *testing.T) {
	s := newStand(t)
	older := s.publish(map[string][]byte{"film": random(1, 1<<20)})
	for name, files := range map[string]map[string][]byte{
		"the same": {"film": random(1, 1<<20)}, "another": {"film": random(2, 1<<20)}, "a long one": {"film": random(3, 8<<20)}, "nothing": {"empty": nil},
	} {
		if made := s.make(older, s.publish(files)); made.Worth {
			t.Errorf("%s: kept %d bytes in place of %d", name, made.Bytes, made.Own)
		}
	}
	if made := s.make(s.publish(map[string][]byte{"empty": nil}), older); made.Worth {
		t.Errorf("of nothing: kept %d bytes in place of %d", made.Bytes, made.Own)
	}
}

func TestLittleIsTriedOfWhatIsAllNew(t *testing.T) {
	s := newStand(t)
	older, newer := s.publish(map[string][]byte{"film": random(1, 1<<20)}), s.publish(map[string][]byte{"film": random(2, 8<<20)})
	tried := 0
	maker := patch.Maker{Objects: s.objects, Rest: func(context.Context, time.Duration) error { tried++; return nil }}
	made, err := maker.Make(t.Context(), older, newer, new(bytes.Buffer))
	if err != nil || made.Worth || tried > 64 {
		t.Errorf("tried %d of %d chunks (%v), want 64", tried, len(newer.Body.Chunks), err)
	}
}

func TestMakingEndsWithItsContextAndAtDamage(t *testing.T) {
	s := newStand(t)
	older, newer := s.publish(map[string][]byte{"app": program(1, 1<<20, 1)}), s.publish(map[string][]byte{"app": program(1, 1<<20, 2)})
	ctx, stop := context.WithCancel(t.Context())
	maker := patch.Maker{Objects: s.objects, Rest: func(context.Context, time.Duration) error { stop(); return nil }}
	if _, err := maker.Make(ctx, older, newer, new(bytes.Buffer)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was stopped", err)
	}
	maker.Rest = func(context.Context, time.Duration) error { return os.ErrDeadlineExceeded }
	if _, err := maker.Make(t.Context(), older, newer, new(bytes.Buffer)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the error of the rest", err)
	}
	maker.Rest = nil
	wrong := older
	wrong.Placement = newer.Placement // other bytes lie there
	if _, err := maker.Make(t.Context(), wrong, newer, new(bytes.Buffer)); !errors.Is(err, patch.ErrDamaged) {
		t.Errorf("made patches of damaged chunks (%v)", err)
	}
}

// TestAnyVersionIsMadeOfAnyOther: whatever moves, recurs, appears or goes.
func TestAnyVersionIsMadeOfAnyOther(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newStand(t)
		s.t = t
		draw := func(label string) map[string][]byte {
			files := map[string][]byte{"empty": nil}
			for i := range rapid.IntRange(0, 2).Draw(r, label) {
				var data []byte
				for range rapid.IntRange(0, 2).Draw(r, "parts") {
					part := random(byte(rapid.IntRange(0, 3).Draw(r, "seed")), rapid.SampledFrom([]int{10, 20_000, 80_000}).Draw(r, "bytes"))
					if rapid.Bool().Draw(r, "edited") {
						part[len(part)/2] ^= 1
					}
					data = append(data, part...)
				}
				files[fmt.Sprintf("f%d", (i+rapid.IntRange(0, 1).Draw(r, "renamed"))%5)] = data
			}
			return files
		}
		older := s.publish(draw("older"))
		s.make(older, s.publish(draw("newer")))
	})
}

func TestWindowIsBounded(t *testing.T) {
	reads := 0
	w := patch.NewWindow(func(i uint32) ([]byte, error) {
		if reads++; i > 100 {
			return nil, errors.New("no such chunk")
		}
		return bytes.Repeat([]byte{byte(i)}, 100_000), nil
	})
	for _, run := range [][2]uint32{{3, 5}, {5, 4}} {
		all, err := w.Run(run[0], run[1])
		if err != nil || len(all) != int(run[1])*100_000 || all[0] != byte(run[0]) {
			t.Errorf("run %v: %d bytes (%v)", run, len(all), err)
		}
	}
	if reads != 6 {
		t.Errorf("%d reads, want 6: what both have is read once", reads)
	}
	if all, err := w.Run(0, 1<<31); err == nil || reads > 20 {
		t.Errorf("a run of all chunks: %d bytes after %d reads", len(all), reads)
	}
	if all, err := w.Run(100, 2); err == nil {
		t.Errorf("a run beyond the last chunk: %d bytes", len(all))
	}
}
