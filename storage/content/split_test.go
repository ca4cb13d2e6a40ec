package content_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sitecast/sitecast/storage/content"
)

// The objects that testdata/split.json has the boundaries of. ChaCha8 is
// specified, so they are the same on every machine and with every Go release.
func vectors() map[string][]byte {
	random := make([]byte, 4<<20)
	rand.NewChaCha8([32]byte([]byte("sitecast golden vectors for cuts"))).Read(random)
	text := make([]byte, 0, 2<<20)
	for i := 0; len(text) < 2<<20; i++ {
		text = append(text, "word"[:1+random[i]%4]...)
		text = append(text, random[i]%64+' ')
	}
	return map[string][]byte{
		"random 4 MiB":          random,
		"text 2 MiB":            text,
		"zeros 1 MiB":           make([]byte, 1<<20),
		"nothing":               nil,
		"one byte":              random[:1],
		"minimum less one byte": random[:content.MinChunkBytes-1],
		"minimum":               random[:content.MinChunkBytes],
		"minimum and one byte":  random[:content.MinChunkBytes+1],
		"maximum of zeros":      make([]byte, content.MaxChunkBytes),
		"maximum and one zero":  make([]byte, content.MaxChunkBytes+1),
	}
}

// lengths splits an object and checks that the chunks are the object.
func lengths(t testing.TB, r io.Reader, object []byte) []int {
	t.Helper()
	out := []int{}
	var whole []byte
	err := content.Split(r, func(chunk []byte) error {
		out = append(out, len(chunk))
		whole = append(whole, chunk...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(whole, object) {
		t.Fatal("the chunks are not the object")
	}
	for i, n := range out {
		if n > content.MaxChunkBytes || n == 0 || n < content.MinChunkBytes && i < len(out)-1 {
			t.Fatalf("chunk %d of %d bytes", i, n)
		}
	}
	return out
}

func TestBoundariesNeverMove(t *testing.T) {
	const path = "testdata/split.json"
	got := make(map[string][]int)
	for name, object := range vectors() {
		got[name] = lengths(t, bytes.NewReader(object), object)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]int
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Errorf("%d vectors, %d in %s", len(got), len(want), path)
	}
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s: chunks %v, want %v: every version published so far would be sent anew", name, got[name], want[name])
		}
	}
}

func TestBoundariesDoNotDependOnTheReads(t *testing.T) {
	object := vectors()["text 2 MiB"][:700<<10]
	want := lengths(t, bytes.NewReader(object), object)
	for name, r := range map[string]io.Reader{
		"halves":       iotest.HalfReader(bytes.NewReader(object)),
		"data and end": iotest.DataErrReader(bytes.NewReader(object)),
		"bytes":        iotest.OneByteReader(bytes.NewReader(object)),
	} {
		if got := lengths(t, r, object); !slices.Equal(got, want) {
			t.Errorf("%s: chunks %v, want %v", name, got, want)
		}
	}
}

func TestWhatIsInMemoryIsCutAlikeAndStaysWhereItIs(t *testing.T) {
	for name, object := range vectors() {
		want := lengths(t, bytes.NewReader(object), object)
		for _, room := range []int{0, content.MaxChunkBytes} {
			in := append(make([]byte, 0, len(object)+room), object...)
			var chunks [][]byte
			err := content.SplitBytes(in, func(chunk []byte) error {
				if cap(in) < content.MaxChunkBytes {
					chunk = bytes.Clone(chunk) // it is valid during the call only
				}
				chunks = append(chunks, chunk)
				return nil
			})
			got := []int{}
			for _, c := range chunks {
				got = append(got, len(c))
			}
			if err != nil || !slices.Equal(got, want) || !bytes.Equal(bytes.Join(chunks, nil), object) {
				t.Errorf("%s with room for %d: chunks %v (%v), want %v", name, cap(in), got, err, want)
			}
		}
	}
}

func TestBoundariesAreFoundAgainAfterAnInsertion(t *testing.T) {
	object := vectors()["random 4 MiB"]
	known := make(map[content.Digest]bool)
	digests := func(chunk []byte) error { known[content.Sum(chunk)] = true; return nil }
	if err := content.Split(bytes.NewReader(object), digests); err != nil {
		t.Fatal(err)
	}
	fresh := 0
	inserted := io.MultiReader(bytes.NewReader(object[:1<<20]), strings.NewReader("!"), bytes.NewReader(object[1<<20:]))
	err := content.Split(inserted, func(chunk []byte) error {
		if !known[content.Sum(chunk)] {
			fresh += len(chunk)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if fresh > 512<<10 {
		t.Errorf("%d bytes are new after one was inserted", fresh)
	}
}

func TestSplitEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	object := vectors()["random 4 MiB"]
	calls := 0
	if err := content.Split(bytes.NewReader(object), func([]byte) error { calls++; return broken }); !errors.Is(err, broken) || calls != 1 {
		t.Errorf("emit failed: %v after %d calls", err, calls)
	}
	r := io.MultiReader(bytes.NewReader(object), iotest.ErrReader(broken))
	if err := content.Split(r, func([]byte) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("read failed: %v", err)
	}
}

func BenchmarkSplit(b *testing.B) {
	object := vectors()["random 4 MiB"]
	b.SetBytes(int64(len(object)))
	for b.Loop() {
		if err := content.Split(bytes.NewReader(object), func([]byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
