package content_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/content"
)

func TestBitmapIsASetOfChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(0, 100).Draw(t, "chunks")
		b, want := content.NewBitmap(n), make(map[uint32]bool)
		for _, op := range rapid.SliceOfN(rapid.Uint32Range(0, 240), 0, 60).Draw(t, "operations") {
			chunk := op / 2
			if op%2 == 0 {
				b.Set(chunk)
				want[chunk] = true
			} else {
				b.Clear(chunk)
				delete(want, chunk)
			}
		}
		copied := b.Clone()
		b.Trim(n)
		count := uint32(0)
		for chunk := range uint32(130) {
			in := want[chunk] && chunk < n
			if in {
				count++
			}
			if b.Has(chunk) != in {
				t.Errorf("chunk %d of %d: held %v, want %v", chunk, n, b.Has(chunk), in)
			}
		}
		if b.Count() != count {
			t.Errorf("count %d, want %d", b.Count(), count)
		}
		b.Or(copied)
		b.Trim(n)
		if b.Count() != count {
			t.Errorf("count %d after or with itself, want %d", b.Count(), count)
		}
	})
}

func TestBitmapIsPatchedByWholeBytesWithinIt(t *testing.T) {
	b := content.NewBitmap(20)
	for _, test := range []struct {
		from uint32
		bits []byte
		want bool
	}{
		{8, []byte{0x81, 0x01}, true}, {24, nil, true}, {4, []byte{1}, false}, {16, []byte{1, 1}, false}, {1<<32 - 8, []byte{1}, false},
	} {
		if got := b.Patch(test.from, test.bits); got != test.want {
			t.Errorf("patch % x from %d: %v", test.bits, test.from, got)
		}
	}
	if b.Count() != 3 || !b.Has(8) || !b.Has(15) || !b.Has(16) {
		t.Errorf("bitmap % x", b)
	}
}

func TestNamesAreReadBackAsWritten(t *testing.T) {
	type names struct {
		Digest content.Digest            `json:"digest"`
		Held   map[content.VersionID]int `json:"held"`
	}
	want := names{content.Sum([]byte("x")), map[content.VersionID]int{{1, 0xff}: 2}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got names
	if err := json.Unmarshal(text, &got); err != nil || got.Digest != want.Digest || got.Held[content.VersionID{1, 0xff}] != 2 {
		t.Errorf("%s was read as %+v, %v", text, got, err)
	}
	if parsed, err := content.ParseDigest(want.Digest.String()); err != nil || parsed != want.Digest {
		t.Errorf("parsed %s, %v", parsed, err)
	}
	for _, s := range []string{"", "ab", want.Digest.String()[1:] + "g", want.Digest.String() + "00"} {
		if _, err := content.ParseDigest(s); err == nil {
			t.Errorf("%q was read as a digest", s)
		}
	}
}
