package disk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// benchmarked are 64 MiB of chunks of the average size, in a few large files and in
// many small ones.
func benchmarked(b *testing.B, files int) *chunktest.Sample {
	const chunks = 1024
	lengths, uses := make([]int, chunks), make([]int, chunks)
	for i := range chunks {
		lengths[i], uses[i] = content.AvgChunkBytes, i
	}
	list := make([]content.File, files)
	for i := range list {
		list[i] = content.File{Path: fmt.Sprintf("%02d/%04d", i%50, i), Size: int64(chunks * content.AvgChunkBytes / files)}
	}
	return chunktest.NewSample(b, content.Ref{Name: "benchmarked", Version: "v1"}, lengths, uses, list)
}

// BenchmarkStore compares a version put or seeded, completed and read with the same bytes
// written to plain files, synced, and read.
func BenchmarkStore(b *testing.B) {
	for _, files := range []int{4, 2048} {
		s := benchmarked(b, files)
		for _, c := range []struct {
			name string
			run  func(*testing.B, *chunktest.Sample)
		}{
			{"put", putAll(open)}, {"put encrypted", putAll(openEncrypted)}, {"seed", seedAll(open)}, {"seed encrypted", seedAll(openEncrypted)},
			{"plain write", writePlain}, {"read", readAll(open)}, {"read encrypted", readAll(openEncrypted)}, {"plain read", readPlain}, {"hash", hashAll},
		} {
			b.Run(fmt.Sprintf("%s/%d files", c.name, files), func(b *testing.B) {
				b.SetBytes(int64(len(s.Stream)))
				b.ReportAllocs()
				c.run(b, s)
			})
		}
	}
}

// opening opens a store of some kind.
type opening func(testing.TB, string) *disk.Store

func putAll(open opening) func(*testing.B, *chunktest.Sample) {
	return func(b *testing.B, s *chunktest.Sample) {
		store := open(b, b.TempDir())
		for b.Loop() {
			s.Fill(b, store)
			b.StopTimer()
			if err := store.Remove(b.Context(), s.ID); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
}

// seedAll takes all of it from another version.
func seedAll(open opening) func(*testing.B, *chunktest.Sample) {
	return func(b *testing.B, s *chunktest.Sample) { seed(b, s, open(b, b.TempDir())) }
}

func seed(b *testing.B, s *chunktest.Sample, store *disk.Store) {
	if err := s.Fill(b, store).Close(); err != nil {
		b.Fatal(err)
	}
	next := chunktest.Compose(b, content.Ref{Name: "benchmarked", Version: "v2"}, s.Chunks, s.Body.Files)
	for b.Loop() {
		v := next.Open(b, store)
		if err := errors.Join(v.Seed(b.Context(), nil), v.Complete()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := store.Remove(b.Context(), next.ID); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func readAll(open opening) func(*testing.B, *chunktest.Sample) {
	return func(b *testing.B, s *chunktest.Sample) {
		v := s.Fill(b, open(b, b.TempDir()))
		buffer := make([]byte, 0, content.MaxChunkBytes)
		for b.Loop() {
			read(b, s, v, buffer)
		}
	}
}

func read(b *testing.B, s *chunktest.Sample, v chunk.Version, buffer []byte) {
	for i := range s.Chunks {
		if _, err := v.Read(uint32(i), buffer); err != nil {
			b.Fatal(err)
		}
	}
}

func writePlain(b *testing.B, s *chunktest.Sample) {
	dir := b.TempDir()
	for b.Loop() {
		writeFiles(b, dir, s)
		b.StopTimer()
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// writeFiles writes in the pieces that chunks are.
func writeFiles(b *testing.B, dir string, s *chunktest.Sample) {
	stream := s.Stream
	for _, file := range s.Body.Files {
		name := filepath.Join(dir, filepath.FromSlash(file.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		f, err := os.Create(name)
		if err != nil {
			b.Fatal(err)
		}
		for left := file.Size; left > 0 && err == nil; {
			n := min(left, content.AvgChunkBytes)
			_, err = f.Write(stream[:n])
			stream, left = stream[n:], left-n
		}
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			b.Fatal(err)
		}
	}
}

func readPlain(b *testing.B, s *chunktest.Sample) {
	dir := b.TempDir()
	writeFiles(b, dir, s)
	for b.Loop() {
		for _, file := range s.Body.Files {
			if _, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file.Path))); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// hashAll is what neither can do without.
func hashAll(b *testing.B, s *chunktest.Sample) {
	for b.Loop() {
		for i, data := range s.Chunks {
			if content.Sum(data) != s.Body.Chunks[i].Digest {
				b.Fatal("chunk has another digest")
			}
		}
	}
}
