package disk

import (
	"encoding/binary"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/content"
)

// BenchmarkLookup looks for 10 GiB of chunks in another version that has most of
// them, and in one that has none.
func BenchmarkLookup(b *testing.B) {
	s, err := OpenSparse(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for name, first := range map[string]uint64{"v1": 1000, "v2": 1 << 32} {
		v := numbered(b, name, first).Open(b, s)
		for i := range v.(*version).chunks() {
			Pretend(v, i)
		}
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
	v := numbered(b, "v3", 0).Open(b, s).(*version)
	b.ReportAllocs()
	for b.Loop() {
		found := 0
		err := v.eachLender(b.Context(), func(l *lender, _ *wanted) error {
			found += len(l.loans)
			return nil
		})
		if err != nil || found != numberedChunks-1000 {
			b.Fatalf("found %d chunks, %v", found, err)
		}
	}
}

const numberedChunks = 134_000

// numbered is a version of 10 GiB whose digests are made of numbers from first on.
func numbered(b *testing.B, name string, first uint64) *chunktest.Sample {
	const size = 80_000
	body := &content.Body{Runs: []content.Run{{Count: numberedChunks}}, Files: []content.File{{Path: "f", Size: numberedChunks * size}}}
	for i := range uint64(numberedChunks) {
		n := binary.BigEndian.AppendUint64(nil, first+i)
		body.Chunks = append(body.Chunks, content.Chunk{Digest: content.Sum(n), Length: size})
	}
	return chunktest.Signed(b, content.Ref{Name: "numbered", Version: name}, body)
}
