package pack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// chunks are a few that compress, do not, and are small.
func chunks() [][]byte {
	return [][]byte{
		[]byte(strings.Repeat("compresses well ", 4096)),
		random(100_000),
		[]byte("x"),
		make([]byte, content.MaxChunkBytes),
		random(content.MaxChunkBytes),
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// write makes a pack of chunks.
func write(t testing.TB, chunks ...[]byte) ([]byte, []pack.Entry) {
	t.Helper()
	var out bytes.Buffer
	w, err := pack.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range chunks {
		encoded, encoding := pack.Encode(plain, nil)
		size := w.SizeWith(len(encoded))
		if err := w.Append(content.Sum(plain), encoding, encoded, uint32(len(plain))); err != nil {
			t.Fatal(err)
		}
		if w.Size() != size {
			t.Errorf("size %d, announced %d", w.Size(), size)
		}
	}
	digest, entries, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if digest != content.Sum(out.Bytes()) || w.Size() != int64(out.Len()) {
		t.Errorf("pack %s of %d bytes, announced %s of %d", content.Sum(out.Bytes()), out.Len(), digest, w.Size())
	}
	return out.Bytes(), entries
}

func TestPackIsReadAsWritten(t *testing.T) {
	plain := chunks()
	written, want := write(t, plain...)
	entries, err := pack.ReadIndex(bytes.NewReader(written), int64(len(written)))
	if err != nil || !reflect.DeepEqual(entries, want) {
		t.Fatalf("index %+v, %v, want %+v", entries, err, want)
	}
	for i, e := range entries {
		got, err := pack.Decode(e.Encoding, written[e.Offset:e.Offset+int64(e.Length)], e.Plain, nil)
		if err != nil || content.Sum(got) != e.Digest || !bytes.Equal(got, plain[i]) {
			t.Errorf("chunk %d: %d bytes, %v", i, len(got), err)
		}
	}
	if entries[0].Encoding != pack.Zstd || entries[1].Encoding != pack.Plain || entries[2].Encoding != pack.Plain {
		t.Errorf("encodings of %+v", entries)
	}
}

func TestVerifyFindsAnyChunkThatIsAnother(t *testing.T) {
	written, want := write(t, chunks()...)
	entries, err := pack.Verify(t.Context(), bytes.NewReader(written), int64(len(written)))
	if err != nil || !reflect.DeepEqual(entries, want) {
		t.Fatalf("verified %d entries (%v), want %d", len(entries), err, len(want))
	}
	for i, e := range want {
		damaged := bytes.Clone(written)
		damaged[bytes.LastIndex(written, e.Digest[:])] ^= 1 // in the index, behind the chunks
		if _, err := pack.Verify(t.Context(), bytes.NewReader(damaged), int64(len(damaged))); err == nil {
			t.Errorf("chunk %d is another and was not noticed", i)
		}
	}
}

func TestPackFormatDoesNotChange(t *testing.T) {
	want, err := os.ReadFile("testdata/pack-v1.bin")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := pack.ReadIndex(bytes.NewReader(want), int64(len(want)))
	if err != nil {
		t.Fatal(err)
	}
	plain := chunks()
	for i, e := range entries {
		got, err := pack.Decode(e.Encoding, want[e.Offset:e.Offset+int64(e.Length)], e.Plain, nil)
		if err != nil || !bytes.Equal(got, plain[[]int{0, 2}[i]]) {
			t.Errorf("chunk %d of a pack of an earlier release: %v", i, err)
		}
	}
}

func TestEmptyPackIsRead(t *testing.T) {
	written, _ := write(t)
	if entries, err := pack.ReadIndex(bytes.NewReader(written), int64(len(written))); err != nil || len(entries) != 0 {
		t.Errorf("%+v, %v", entries, err)
	}
}

func TestInconsistentPacksAreRefused(t *testing.T) {
	good, entries := write(t, chunks()...)
	index := len(good) - 8 - 41*len(entries)
	for name, change := range map[string]func([]byte) []byte{
		"header":         func(b []byte) []byte { b[0]++; return b },
		"version":        func(b []byte) []byte { b[3]++; return b },
		"footer":         func(b []byte) []byte { b[len(b)-4]++; return b },
		"many entries":   func(b []byte) []byte { binary.BigEndian.PutUint32(b[len(b)-8:], 1<<31); return b },
		"few entries":    func(b []byte) []byte { b[len(b)-5]--; return b },
		"long chunk":     func(b []byte) []byte { b[index+32+3]++; return b },
		"huge chunk":     func(b []byte) []byte { b[index+36] = 0x80; return b },
		"empty chunk":    func(b []byte) []byte { clear(b[index+36 : index+40]); return b },
		"encoding":       func(b []byte) []byte { b[index+40] = 9; return b },
		"plain as zstd":  func(b []byte) []byte { b[index+41+40] = 1; return b },
		"zstd as plain":  func(b []byte) []byte { b[index+40] = 0; return b },
		"chunk twice":    func(b []byte) []byte { copy(b[index+41:], b[index:index+32]); return b },
		"byte too many":  func(b []byte) []byte { return append(b, 0) },
		"byte in a gap":  func(b []byte) []byte { return append(b[:index:index], append([]byte{0}, b[index:]...)...) },
		"nothing at all": func([]byte) []byte { return nil },
	} {
		b := change(bytes.Clone(good))
		if _, err := pack.ReadIndex(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	for n := 0; n < len(good); n += 997 {
		if _, err := pack.ReadIndex(bytes.NewReader(good[:n]), int64(n)); err == nil {
			t.Errorf("read the first %d bytes", n)
		}
		if _, err := pack.ReadIndex(bytes.NewReader(good[:n]), int64(len(good))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("read %d bytes of a pack cut off: %v", n, err)
		}
	}
	if _, err := pack.ReadIndex(bytes.NewReader(good), pack.MaxBytes+1); err == nil {
		t.Error("read a pack over the limit")
	}
}

func TestWriterRefusesWhatNoIndexMaySay(t *testing.T) {
	w, err := pack.NewWriter(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"empty chunk":   w.Append(content.Digest{}, pack.Plain, nil, 0),
		"other length":  w.Append(content.Digest{}, pack.Plain, []byte("ab"), 3),
		"larger by far": w.Append(content.Digest{}, pack.Zstd, []byte("abc"), 3),
		"encoding":      w.Append(content.Digest{}, 7, []byte("abc"), 3),
	} {
		if err == nil {
			t.Errorf("%s: written", name)
		}
	}
	block := make([]byte, content.MaxChunkBytes)
	for w.SizeWith(len(block)) <= pack.MaxBytes {
		if err := w.Append(content.Digest{}, pack.Plain, block, content.MaxChunkBytes); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Append(content.Digest{}, pack.Plain, block, content.MaxChunkBytes); err == nil {
		t.Error("a pack grew over its limit")
	}
}

func TestWriterReportsADiskThatFails(t *testing.T) {
	full := errors.New("disk full")
	w, err := pack.NewWriter(writerFunc(func([]byte) (int, error) { return 0, full }))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(content.Digest{}, pack.Plain, []byte("x"), 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Finish(); !errors.Is(err, full) {
		t.Errorf("finish: %v, want disk full", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestAnyChunkIsDecodedAsEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SliceOfN(rapid.Byte(), 1, 300).Draw(t, "unit")
		plain := bytes.Repeat(unit, rapid.IntRange(1, 800).Draw(t, "times"))
		before := []byte("before")
		encoded, encoding := pack.Encode(plain, bytes.Clone(before))
		if !bytes.HasPrefix(encoded, before) {
			t.Fatal("what was in the buffer is gone")
		}
		encoded = encoded[len(before):]
		if encoding == pack.Plain != bytes.Equal(encoded, plain) || encoding == pack.Zstd && len(encoded) >= len(plain) {
			t.Fatalf("%d bytes with encoding %d, of %d", len(encoded), encoding, len(plain))
		}
		got, err := pack.Decode(encoding, encoded, uint32(len(plain)), bytes.Clone(before))
		if err != nil || !bytes.Equal(got, append(before, plain...)) {
			t.Fatalf("decoded %d bytes of %d: %v", len(got), len(plain), err)
		}
	})
}

func TestEqualChunksEncodeEqually(t *testing.T) {
	want, _ := pack.Encode(chunks()[0], nil)
	for range 20 { // each encoder of the pool, with whatever it has encoded before
		for _, other := range chunks() {
			pack.Encode(other, nil)
		}
		if got, _ := pack.Encode(chunks()[0], nil); !bytes.Equal(got, want) {
			t.Fatal("the same chunk was encoded differently")
		}
	}
}

func TestLittleSavingsAreNotTaken(t *testing.T) {
	plain := random(64 << 10)
	copy(plain[60<<10:], make([]byte, 1<<10)) // 1.6 %
	if _, encoding := pack.Encode(plain, nil); encoding != pack.Plain {
		t.Error("compressed for less than 3 %")
	}
	copy(plain[40<<10:], make([]byte, 4<<10)) // 6 %
	if _, encoding := pack.Encode(plain, nil); encoding != pack.Zstd {
		t.Error("not compressed for 6 %")
	}
}

// Random bytes that come twice look random by the count of each byte.
func TestWhatLooksRandomIsCompressedWhereItRecurs(t *testing.T) {
	half := random(content.MinChunkBytes)
	out, encoding := pack.Encode(append(half, half...), nil)
	if encoding != pack.Zstd || len(out) > content.MinChunkBytes*11/10 {
		t.Errorf("encoded %d bytes to %d, want about half of them", 2*len(half), len(out))
	}
	if out, encoding = pack.Encode(half, []byte("before")); encoding != pack.Plain || len(out) != len(half)+len("before") {
		t.Errorf("random bytes are encoded as %d to %d bytes, want them as they are", encoding, len(out))
	}
}

func TestDecodeIsBoundByTheSizeExpected(t *testing.T) {
	zeros := make([]byte, content.MaxChunkBytes)
	bomb, _ := pack.Encode(zeros, nil)
	two := append(bytes.Clone(bomb), bomb...)
	lying := bytes.Clone(bomb)
	i := bytes.Index(lying, []byte{0, 0, 4, 0}) // the content size, little-endian
	if i < 0 {
		t.Fatalf("frame % x", lying)
	}
	copy(lying[i:], []byte{0, 16, 0, 0})
	for name, test := range map[string]struct {
		encoding pack.Encoding
		encoded  []byte
		plain    uint32
	}{
		"larger than expected":  {pack.Zstd, bomb, 4096},
		"smaller than expected": {pack.Zstd, bomb[:0], 4096},
		"a frame that lies":     {pack.Zstd, lying, 4096},
		"two frames":            {pack.Zstd, two, content.MaxChunkBytes},
		"two frames as one":     {pack.Zstd, two, 2 * content.MaxChunkBytes},
		"cut off":               {pack.Zstd, bomb[:len(bomb)-1], content.MaxChunkBytes},
		"no frame":              {pack.Zstd, []byte("plain text"), 10},
		"skippable frame":       {pack.Zstd, []byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), 4},
		"plain, too short":      {pack.Plain, zeros[:9], 10},
		"plain, too long":       {pack.Plain, zeros[:11], 10},
		"nothing":               {pack.Plain, nil, 0},
		"beyond the limit":      {pack.Plain, make([]byte, content.MaxChunkBytes+1), content.MaxChunkBytes + 1},
		"unknown encoding":      {2, zeros[:10], 10},
	} {
		dst := make([]byte, 0, 2*content.MaxChunkBytes)
		if out, err := pack.Decode(test.encoding, test.encoded, test.plain, dst); err == nil {
			t.Errorf("%s: decoded %d bytes", name, len(out))
		}
	}
}

func FuzzReadIndex(f *testing.F) {
	written, _ := write(f, chunks()[0], chunks()[2])
	f.Add(written)
	empty, _ := write(f)
	f.Add(empty)
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := pack.ReadIndex(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		at := int64(4)
		for _, e := range entries {
			if e.Offset != at {
				t.Fatalf("entry at %d, want %d", e.Offset, at)
			}
			at += int64(e.Length)
		}
		if want := int64(len(b)) - 8 - 41*int64(len(entries)); at != want {
			t.Errorf("chunks end at %d, index begins at %d", at, want)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, plain := range chunks()[:3] {
		encoded, encoding := pack.Encode(plain, nil)
		f.Add(uint8(encoding), encoded, uint32(len(plain)))
	}
	f.Fuzz(func(t *testing.T, encoding uint8, encoded []byte, plain uint32) {
		out, err := pack.Decode(pack.Encoding(encoding), encoded, plain, nil)
		if err == nil && len(out) != int(plain) {
			t.Errorf("decoded %d bytes, want %d", len(out), plain)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	source, err := os.ReadFile("pack_test.go")
	if err != nil {
		b.Fatal(err)
	}
	for name, plain := range map[string][]byte{"source": source, "random": random(64 << 10)} {
		b.Run(name, func(b *testing.B) {
			var out []byte
			b.SetBytes(int64(len(plain)))
			for b.Loop() {
				out, _ = pack.Encode(plain, out[:0])
			}
		})
	}
}
