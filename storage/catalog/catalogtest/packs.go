package catalogtest

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// packOf makes a pack of chunks [from, to), each with something in every field.
func packOf(name string, from, to uint32) (content.Digest, []catalog.Packed) {
	pack := content.Sum([]byte(name))
	var chunks []catalog.Packed
	for i := from; i < to; i++ {
		chunks = append(chunks, catalog.Packed{Chunk: content.Chunk{Digest: chunkDigest(i), Length: 2*i + 1}, Pack: pack,
			Offset: int64(i) << 10, Length: i + 1, Encoding: uint8(i % 2)})
	}
	return pack, chunks
}

func chunkDigest(i uint32) content.Digest { return content.Sum(binary.BigEndian.AppendUint32(nil, i)) }

func packsAreKept(t *testing.T, c catalog.Catalog) {
	const n = 1200 // more than one query takes
	first, chunks := packOf("first", 0, n)
	if has, err := c.HasPack(t.Context(), first); has || err != nil {
		t.Errorf("has a pack before it was added (%v, %v)", has, err)
	}
	for range 2 { // the second time changes nothing
		must(t, c.AddPack(t.Context(), first, chunks))
	}
	if has, err := c.HasPack(t.Context(), first); !has || err != nil {
		t.Errorf("lacks a pack that was added (%v, %v)", has, err)
	}
	want, digests := map[content.Digest]catalog.Packed{}, []content.Digest{content.Sum([]byte("unknown"))}
	for _, p := range chunks {
		want[p.Digest] = p
		digests = append(digests, p.Digest, p.Digest)
	}
	got, err := c.Locate(t.Context(), digests)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("located %d chunks (%v), want %d as they were added", len(got), err, len(want))
	}
	if got, err := c.Locate(t.Context(), nil); len(got) != 0 || err != nil {
		t.Errorf("located %d chunks of none (%v)", len(got), err)
	}
	if entries := latest(t, c); entries != 0 {
		t.Errorf("got %d audit entries, want none", entries)
	}
}

func firstPackCounts(t *testing.T, c catalog.Catalog) {
	first, chunks := packOf("first", 0, 4)
	must(t, c.AddPack(t.Context(), first, chunks))
	second, others := packOf("second", 2, 6)
	must(t, c.AddPack(t.Context(), second, others))
	for i, want := range []content.Digest{first, first, first, first, second, second} {
		d := chunkDigest(uint32(i))
		got, err := c.Locate(t.Context(), []content.Digest{d})
		if err != nil || got[d].Pack != want {
			t.Errorf("chunk %d lies in %s (%v), want %s", i, got[d].Pack, err, want)
		}
	}
}
