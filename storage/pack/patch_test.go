package pack_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// edited is a chunk of random bytes and what it was made of: some bytes around it, and a
// few others within.
func edited() (plain, dictionary []byte) {
	dictionary = random(300_000)
	plain = slices.Clone(dictionary[100_000:200_000])
	for at := 0; at < len(plain); at += 10_000 {
		plain[at] ^= 0xff
	}
	return plain, dictionary
}

func TestPatchMakesTheChunkOfItsDictionary(t *testing.T) {
	plain, dictionary := edited()
	for name, d := range map[string][]byte{"around": dictionary, "the longest": append(random(pack.MaxDictionary-len(dictionary)), dictionary...), "of no use": random(100_000), "a byte": {1}} {
		patch, err := pack.EncodePatch(plain, d, []byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := pack.EncodePatch(plain, d, []byte("before")); err != nil || !bytes.Equal(again, patch) {
			t.Errorf("%s: equal chunks are encoded differently (%v)", name, err)
		}
		out, err := pack.DecodePatch(patch[len("before"):], d, uint32(len(plain)), []byte("kept"))
		if err != nil || !bytes.Equal(out, append([]byte("kept"), plain...)) {
			t.Errorf("%s: decoded %d bytes (%v), want the chunk", name, len(out), err)
		}
	}
	if patch, err := pack.EncodePatch(plain, dictionary, nil); err != nil || len(patch) > 1000 {
		t.Errorf("patch of %d bytes (%v), want less than 1000", len(patch), err)
	}
}

func TestPatchIsRefused(t *testing.T) {
	plain, dictionary := edited()
	patch, err := pack.EncodePatch(plain, dictionary, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() ([]byte, error){
		"another length":         func() ([]byte, error) { return pack.DecodePatch(patch, dictionary, 99_999, nil) },
		"no length":              func() ([]byte, error) { return pack.DecodePatch(patch, dictionary, 0, nil) },
		"a length beyond chunks": func() ([]byte, error) { return pack.DecodePatch(patch, dictionary, content.MaxChunkBytes+1, nil) },
		"cut off": func() ([]byte, error) {
			return pack.DecodePatch(patch[:len(patch)/2], dictionary, uint32(len(plain)), nil)
		},
		"no dictionary": func() ([]byte, error) { return pack.DecodePatch(patch, nil, uint32(len(plain)), nil) },
		"too long a dictionary": func() ([]byte, error) {
			return pack.DecodePatch(patch, make([]byte, pack.MaxDictionary+1), uint32(len(plain)), nil)
		},
		"to encode without a dictionary": func() ([]byte, error) { return pack.EncodePatch(plain, nil, nil) },
		"to encode with too long a one": func() ([]byte, error) {
			return pack.EncodePatch(plain, make([]byte, pack.MaxDictionary+1), nil)
		},
	} {
		if out, err := try(); err == nil {
			t.Errorf("%s: got %d bytes, want an error", name, len(out))
		}
	}
	// With another dictionary it makes another chunk, or none: the hash tells.
	other := random(len(dictionary) + 1)[1:]
	if out, err := pack.DecodePatch(patch, other, uint32(len(plain)), nil); err == nil && bytes.Equal(out, plain) {
		t.Error("a patch needs no dictionary")
	}
}

// written makes an object of patches.
func written(t testing.TB) ([]byte, pack.Patches) {
	t.Helper()
	var out bytes.Buffer
	w, err := pack.NewPatchWriter(&out, content.VersionID{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []pack.PatchEntry{{Chunk: 3, Encoding: pack.Patch, First: 7, Count: 3}, {Chunk: 4, Encoding: pack.Zstd}, {Chunk: 9}} {
		if err := w.Append(e, random(int(100+e.Chunk))); err != nil {
			t.Fatal(err)
		}
	}
	digest, patches, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if digest != content.Sum(out.Bytes()) || w.Size() != int64(out.Len()) {
		t.Errorf("object %s of %d bytes, announced %s of %d", content.Sum(out.Bytes()), out.Len(), digest, w.Size())
	}
	return out.Bytes(), patches
}

func TestPatchesAreReadAsWritten(t *testing.T) {
	object, want := written(t)
	got, err := pack.ReadPatches(bytes.NewReader(object), int64(len(object)))
	if err != nil || got.Base != want.Base || !slices.Equal(got.Entries, want.Entries) {
		t.Fatalf("read %+v (%v), want %+v", got, err, want)
	}
	for _, e := range got.Entries {
		if data := object[e.Offset:][:e.Length]; !bytes.Equal(data, random(int(100+e.Chunk))) {
			t.Errorf("chunk %d lies elsewhere than at %d", e.Chunk, e.Offset)
		}
	}
}

func TestDamagedPatchesAreRefused(t *testing.T) {
	object, _ := written(t)
	table := len(object) - 24 - 3*17
	for name, damage := range map[string]func(b []byte) []byte{
		"empty":                    func([]byte) []byte { return nil },
		"a pack":                   func([]byte) []byte { b, _ := write(t, chunks()[0]); return b },
		"cut off":                  func(b []byte) []byte { return b[:len(b)-1] },
		"a byte more":              func(b []byte) []byte { return append([]byte("SCD\x01 "), b[4:]...) },
		"more entries than bytes":  func(b []byte) []byte { binary.BigEndian.PutUint32(b[len(b)-8:], 1<<19); return b },
		"chunks out of order":      func(b []byte) []byte { b[table+3] = 5; return b },
		"an encoding nobody knows": func(b []byte) []byte { b[table+8] = 3; return b },
		"a patch of nothing":       func(b []byte) []byte { b[table+16] = 0; return b },
		"a patch of too much":      func(b []byte) []byte { b[table+16] = pack.MaxDictionaryChunks + 1; return b },
		"a dictionary for a chunk": func(b []byte) []byte { b[table+17+16] = 1; return b },
		"a chunk of no bytes":      func(b []byte) []byte { b[table+7] = 0; return b },
	} {
		b := damage(slices.Clone(object))
		if got, err := pack.ReadPatches(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: read %+v, want an error", name, got)
		}
	}
}

func TestPatchWriterKeepsTheOrder(t *testing.T) {
	w, err := pack.NewPatchWriter(new(bytes.Buffer), content.VersionID{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(pack.PatchEntry{Chunk: 5}, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]pack.PatchEntry{"the same chunk": {Chunk: 5}, "an earlier chunk": {Chunk: 4},
		"a patch of nothing": {Chunk: 6, Encoding: pack.Patch}} {
		if err := w.Append(e, []byte("x")); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if !w.Fits(pack.MaxBytes/2) || w.Fits(pack.MaxBytes) {
		t.Errorf("an object of %d bytes has room for half of a pack: %v, and for a pack: %v", w.Size(), w.Fits(pack.MaxBytes/2), w.Fits(pack.MaxBytes))
	}
}

func FuzzReadPatches(f *testing.F) {
	object, _ := written(f)
	f.Add(object)
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := pack.ReadPatches(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		at := int64(4)
		for _, e := range p.Entries {
			if e.Offset != at {
				t.Fatalf("entry at %d, want %d", e.Offset, at)
			}
			at += int64(e.Length)
		}
		if want := int64(len(b)) - 24 - 17*int64(len(p.Entries)); at != want {
			t.Errorf("chunks end at %d, table begins at %d", at, want)
		}
	})
}

func FuzzDecodePatch(f *testing.F) {
	plain, dictionary := edited()
	patch, err := pack.EncodePatch(plain[:5000], dictionary[95_000:110_000], nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(patch, dictionary[95_000:110_000], uint32(5000))
	f.Fuzz(func(t *testing.T, encoded, dictionary []byte, plain uint32) {
		out, err := pack.DecodePatch(encoded, dictionary, plain, nil)
		if err == nil && len(out) != int(plain) {
			t.Errorf("decoded %d bytes, want %d", len(out), plain)
		}
	})
}

func BenchmarkPatch(b *testing.B) {
	source, err := os.ReadFile("pack_test.go")
	if err != nil {
		b.Fatal(err)
	}
	older := bytes.Repeat(source, pack.MaxDictionary/len(source))
	newer := bytes.ReplaceAll(older[:64<<10], []byte("pack"), []byte("park"))
	patch, err := pack.EncodePatch(newer, older, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.SetBytes(int64(len(newer)))
		for b.Loop() {
			_, _ = pack.EncodePatch(newer, older, nil) // it was encoded above
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(newer)))
		for b.Loop() {
			_, _ = pack.DecodePatch(patch, older, uint32(len(newer)), nil) // it can be, or the figure shows it
		}
	})
}
