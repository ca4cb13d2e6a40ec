package content_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/content"
)

// body is a small one with everything in it: chunks 0 1 0 2, and files that
// share a chunk, span two, are empty, or are folders.
func body(t testing.TB) *content.Body {
	t.Helper()
	var b content.Builder
	for _, c := range []struct {
		name   string
		length uint32
	}{{"a", 100}, {"b", 50}, {"a", 100}, {"c", 7}} {
		b.Add(content.Sum([]byte(c.name)), c.length)
	}
	made, err := b.Body([]content.File{
		{Path: "a", Size: 30}, {Path: "empty"}, {Path: "folder/kept", Dir: true},
		{Path: "run.sh", Size: 100, Executable: true}, {Path: "x/y", Size: 127},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestBodyIsDecodedAsEncoded(t *testing.T) {
	want := body(t)
	if want.Bytes() != 257 || want.UniqueBytes() != 157 || len(want.Chunks) != 3 || len(want.Runs) != 3 {
		t.Fatalf("%d bytes, %d unique, %+v", want.Bytes(), want.UniqueBytes(), want)
	}
	got, err := content.DecodeBody(want.Encode())
	if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("decoded %+v, %v, want %+v", got, err, want)
	}
}

func TestBodyFormatDoesNotChange(t *testing.T) {
	const path = "testdata/body-v1.bin"
	got := body(t).Encode()
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("encoding differs from %s, which was published by an earlier release", path)
	}
}

func TestInconsistentBodiesAreRefused(t *testing.T) {
	for name, change := range map[string]func(*content.Body){
		"empty chunk":         func(b *content.Body) { b.Chunks[0].Length = 0 },
		"large chunk":         func(b *content.Body) { b.Chunks[0].Length = content.MaxChunkBytes + 1 },
		"chunk twice":         func(b *content.Body) { b.Chunks[2].Digest = b.Chunks[0].Digest },
		"unused chunk":        func(b *content.Body) { b.Chunks = append(b.Chunks, content.Chunk{Digest: content.Sum(nil), Length: 1}) },
		"empty run":           func(b *content.Body) { b.Runs[1].Count = 0 },
		"run past the end":    func(b *content.Body) { b.Runs[2].Count = 9 },
		"run that overflows":  func(b *content.Body) { b.Runs[2] = content.Run{First: 2, Count: 1<<32 - 1} },
		"not in order of use": func(b *content.Body) { b.Runs[0], b.Runs[2] = b.Runs[2], b.Runs[0] },
		"run cut in two": func(b *content.Body) {
			b.Runs = append([]content.Run{{First: 0, Count: 1}, {First: 1, Count: 1}}, b.Runs[1:]...)
		},
		"negative size":        func(b *content.Body) { b.Files[0].Size, b.Files[3].Size = -1, 131 },
		"size that overflows":  func(b *content.Body) { b.Files[0].Size, b.Files[3].Size = 1<<62, 1<<62 },
		"files too small":      func(b *content.Body) { b.Files[0].Size-- },
		"files too large":      func(b *content.Body) { b.Files[4].Size++ },
		"folder with bytes":    func(b *content.Body) { b.Files[0].Dir = true },
		"executable folder":    func(b *content.Body) { b.Files[2].Executable = true },
		"file twice":           func(b *content.Body) { b.Files[1].Path = "A" },
		"file in a file":       func(b *content.Body) { b.Files[1].Path = "a/b" },
		"file in empty folder": func(b *content.Body) { b.Files[1].Path = "folder/kept/a" },
		"unsafe path":          func(b *content.Body) { b.Files[1].Path = "../a" },
		"no files":             func(b *content.Body) { b.Files = nil },
		"no runs":              func(b *content.Body) { b.Runs = nil },
	} {
		b := body(t)
		change(b)
		if b.Check() == nil {
			t.Errorf("%s: passed the check", name)
		}
		if _, err := content.DecodeBody(b.Encode()); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestUnsafePathInABodyIsNamed(t *testing.T) {
	b := body(t)
	b.Files[1].Path = "x/NUL.txt"
	var refused *content.PathError
	if _, err := content.DecodeBody(b.Encode()); !errors.As(err, &refused) || refused.Path != "x/NUL.txt" {
		t.Errorf("%v, want the path refused", err)
	}
}

func TestMalformedBodiesAreRefused(t *testing.T) {
	good := body(t).Encode()
	for n := range good {
		if _, err := content.DecodeBody(good[:n]); err == nil {
			t.Errorf("decoded the first %d bytes", n)
		}
	}
	if _, err := content.DecodeBody(append(bytes.Clone(good), 0)); err == nil {
		t.Error("decoded with a byte too many")
	}
	for name, change := range map[string]func([]byte){
		"magic":      func(b []byte) { b[0]++ },
		"version":    func(b []byte) { b[3]++ },
		"chunks":     func(b []byte) { b[4] = 0xff },
		"runs":       func(b []byte) { b[8] = 0xff },
		"files":      func(b []byte) { b[12] = 0xff },
		"flags":      func(b []byte) { b[16+3*36+3*8] |= 4 },
		"large size": func(b []byte) { b[16+3*36+3*8+1] |= 0x80 },
	} {
		b := bytes.Clone(good)
		change(b)
		if _, err := content.DecodeBody(b); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestBodyIsOpenedOnlyByItsHead(t *testing.T) {
	encoded := body(t).Encode()
	good := content.Head{
		Name: "app", Version: "1", Serial: 1, Created: time.Unix(1, 0), Kind: content.KindTree,
		Bytes: 257, UniqueBytes: 157, Chunks: 3, Body: content.Sum(encoded), BodyBytes: int64(len(encoded)),
	}
	if _, err := good.OpenBody(encoded); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*content.Head){
		"digest": func(h *content.Head) { h.Body[0]++ },
		"length": func(h *content.Head) { h.BodyBytes++ },
		"bytes":  func(h *content.Head) { h.Bytes++ },
		"unique": func(h *content.Head) { h.UniqueBytes-- },
		"chunks": func(h *content.Head) { h.Chunks++ },
		"kind":   func(h *content.Head) { h.Kind = content.KindFile },
	} {
		h := good
		change(&h)
		if _, err := h.OpenBody(encoded); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// drawBody draws any body of small chunks.
func drawBody(t *rapid.T) *content.Body {
	var builder content.Builder
	var total int64
	for _, name := range rapid.SliceOfN(rapid.IntRange(0, 12), 0, 40).Draw(t, "stream") {
		length := uint32(1 + name*name%17)
		builder.Add(content.Sum([]byte{byte(name)}), length)
		total += int64(length)
	}
	var files []content.File
	for i := 0; total > 0 || i < 2; i++ {
		size := rapid.Int64Range(0, min(total, 60)).Draw(t, "size")
		dir := size == 0 && rapid.Bool().Draw(t, "folder")
		files = append(files, content.File{Path: fmt.Sprintf("f%d", i), Size: size, Dir: dir, Executable: !dir && i%3 == 0})
		total -= size
	}
	b, err := builder.Body(files)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnyBodyIsDecodedAsEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		encoded := drawBody(t).Encode()
		b, err := content.DecodeBody(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Encode(), encoded) {
			t.Error("encoded differently")
		}
	})
}

func TestLayoutCoversEveryByteOfEveryFileOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBody(t)
		// What each file must hold, spelled out: byte o of chunk c.
		type origin struct {
			chunk  uint32
			offset int
		}
		var stream []origin
		for _, r := range b.Runs {
			for c := r.First; c < r.First+r.Count; c++ {
				for o := range int(b.Chunks[c].Length) {
					stream = append(stream, origin{c, o})
				}
			}
		}
		type place struct {
			file   int
			offset int64
		}
		want := make(map[place]origin)
		for i, f := range b.Files {
			for o := range f.Size {
				want[place{i, o}] = stream[0]
				stream = stream[1:]
			}
		}
		layout := content.NewLayout(b)
		for c := range uint32(len(b.Chunks)) {
			for _, s := range layout.Segments(c) {
				if s.Length <= 0 {
					t.Fatalf("segment %+v", s)
				}
				for o := range s.Length {
					at := place{s.File, s.Offset + int64(o)}
					if got, ok := want[at]; !ok || got != (origin{c, s.Start + o}) {
						t.Fatalf("chunk %d: segment %+v, but %+v is of %+v", c, s, at, got)
					}
					delete(want, at)
				}
			}
		}
		if len(want) != 0 {
			t.Errorf("%d bytes lie nowhere", len(want))
		}
		if got := layout.Segments(uint32(len(b.Chunks))); got != nil {
			t.Errorf("a chunk that is not listed lies at %+v", got)
		}
	})
}

func FuzzDecodeBody(f *testing.F) {
	f.Add(body(f).Encode())
	f.Add((&content.Body{}).Encode())
	f.Add([]byte("SCB\x01\x00\x10\x00\x00\x00\x10\x00\x00\x00\x10\x00\x00"))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		b, err := content.DecodeBody(encoded)
		if err != nil {
			return
		}
		if !bytes.Equal(b.Encode(), encoded) {
			t.Error("encoded differently")
		}
		layout, sum := content.NewLayout(b), int64(0)
		for c := range uint32(len(b.Chunks)) {
			for _, s := range layout.Segments(c) {
				sum += int64(s.Length)
			}
		}
		if sum != b.Bytes() {
			t.Errorf("layout of %d bytes, files of %d", sum, b.Bytes())
		}
	})
}
