package pack_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/pack"
)

func TestABodyIsDecodedAsEncodedAndToItsSizeOnly(t *testing.T) {
	for _, body := range [][]byte{{1}, []byte(strings.Repeat("usr/share/doc/package/", 10_000)), random(100_000)} {
		encoded, err := pack.EncodeBody(body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pack.DecodeBody(encoded, int64(len(body)))
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes became %d (%v)", len(body), len(got), err)
		}
		for _, size := range []int64{-1, 0, int64(len(body)) - 1, int64(len(body)) + 1, 1 << 40} {
			if _, err := pack.DecodeBody(encoded, size); err == nil {
				t.Errorf("a body of %d bytes was decoded as one of %d", len(body), size)
			}
		}
		if _, err := pack.DecodeBody(encoded[:len(encoded)-1], int64(len(body))); err == nil {
			t.Error("a body that is cut off was decoded")
		}
	}
}

func FuzzDecodeBody(f *testing.F) {
	encoded, err := pack.EncodeBody([]byte("a body"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded, int64(6))
	f.Fuzz(func(t *testing.T, encoded []byte, size int64) {
		size %= 1 << 20
		if body, err := pack.DecodeBody(encoded, size); err == nil && int64(len(body)) != size {
			t.Errorf("decoded %d bytes, want %d", len(body), size)
		}
	})
}
