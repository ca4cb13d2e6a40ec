package catalog_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// two packs, two chunks: the bytes are written down, so that a change of the
// format, which would make kept versions unreadable, shows.
var (
	packA, packB = content.Sum([]byte("a")), content.Sum([]byte("b"))
	known        = catalog.Placement{Packs: []content.Digest{packA, packB}, Chunks: []catalog.Place{
		{Pack: 1, Offset: 0x0102_0304_0506, Length: 0x0708_090a, Encoding: 1},
		{Pack: 0, Offset: 1<<48 - 1, Length: 1<<32 - 1, Encoding: 255},
	}}
	knownBytes = "00000002" + "00000002" + packA.String() + packB.String() +
		"0001" + "010203040506" + "0708090a" + "01" + "0000" + "ffffffffffff" + "ffffffff" + "ff"
)

func TestPlacementHasItsKnownBytes(t *testing.T) {
	if got := hex.EncodeToString(known.Encode()); got != knownBytes {
		t.Errorf("got  %s\nwant %s", got, knownBytes)
	}
	b, err := hex.DecodeString(knownBytes)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := catalog.DecodePlacement(b); !reflect.DeepEqual(got, known) || err != nil {
		t.Errorf("got %+v (%v), want %+v", got, err, known)
	}
}

func TestPlacementIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := catalog.Placement{Packs: make([]content.Digest, rapid.IntRange(0, 5).Draw(t, "packs")), Chunks: []catalog.Place{}}
		for i := range want.Packs {
			want.Packs[i] = content.Sum(rapid.SliceOf(rapid.Byte()).Draw(t, "pack"))
		}
		if len(want.Packs) > 0 {
			want.Chunks = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) catalog.Place {
				return catalog.Place{Pack: rapid.Uint16Range(0, uint16(len(want.Packs)-1)).Draw(t, "in"), Offset: rapid.Int64Range(0, 1<<48-1).Draw(t, "offset"),
					Length: rapid.Uint32().Draw(t, "length"), Encoding: rapid.Uint8().Draw(t, "encoding")}
			}), 0, 20).Draw(t, "chunks")
		}
		encoded := want.Encode()
		if got, err := catalog.DecodePlacement(encoded); !reflect.DeepEqual(got, want) || err != nil {
			t.Fatalf("got %+v (%v), want %+v", got, err, want)
		}
		// Nothing that is cut short or longer says the same.
		if _, err := catalog.DecodePlacement(append(bytes.Clone(encoded), 0)); err == nil {
			t.Fatal("a byte more: accepted")
		}
		if _, err := catalog.DecodePlacement(encoded[:rapid.IntRange(0, len(encoded)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("cut short: accepted")
		}
	})
}

func TestMalformedPlacementIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                     "",
		"half a header":               "00000000000000",
		"a chunk in a pack too far":   "00000001" + "00000001" + packA.String() + "0001" + "000000000000" + "00000000" + "00",
		"a chunk and no pack":         "00000000" + "00000001" + "0000" + "000000000000" + "00000000" + "00",
		"a pack that is not there":    "00000001" + "00000000",
		"a chunk that is not there":   "00000001" + "00000001" + packA.String(),
		"something after it":          knownBytes + "00",
		"more packs than can be told": "00010001" + "00000000" + strings.Repeat(packA.String(), 1<<16+1),
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := catalog.DecodePlacement(b); err == nil {
			t.Errorf("%s: got %+v, want an error", name, p)
		}
	}
}

func TestHeaderThatPromisesALotTakesNoMemory(t *testing.T) {
	for _, header := range []string{"ffffffff" + "ffffffff", "00010000" + "00100000", "00000000" + "ffffffff"} {
		b, err := hex.DecodeString(header)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := catalog.DecodePlacement(b); err == nil {
			t.Errorf("%s: accepted", header)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: took %d bytes", header, took)
		}
	}
}

func FuzzDecodePlacement(f *testing.F) {
	f.Add([]byte{})
	f.Add(catalog.Placement{}.Encode())
	f.Add(known.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := catalog.DecodePlacement(b)
		if err != nil {
			return
		}
		for i, c := range p.Chunks {
			if int(c.Pack) >= len(p.Packs) || c.Offset < 0 {
				t.Errorf("chunk %d lies at %d in pack %d of %d", i, c.Offset, c.Pack, len(p.Packs))
			}
		}
		if again := p.Encode(); !bytes.Equal(again, b) {
			t.Errorf("encoded again: got %x, want %x", again, b)
		}
	})
}
