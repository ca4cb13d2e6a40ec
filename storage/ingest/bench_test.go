package ingest_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/ingest"
)

// The benchmarks print side by side what publishing costs and what the usual
// commands need for the same bytes, all of them from the page cache:
//
//	go test -run '^$' -bench Ingest ./storage/ingest

const incompressibleBytes = 256 << 20

func BenchmarkIngestIncompressible(b *testing.B) {
	path := incompressible(b)
	b.Run("sitecast", func(b *testing.B) { benchIngest(b, path, ingest.Options{}) })
	benchCommands(b, incompressibleBytes, path)
}

func BenchmarkIngestGoTree(b *testing.B) {
	tree := goRoot(b)
	files, size := list(b, tree)
	b.Run("sitecast", func(b *testing.B) { benchIngest(b, tree, ingest.Options{}) })
	benchCommands(b, size, files...)
}

// goRoot is the folder of the Go toolchain: some 15,000 files.
func goRoot(b *testing.B) string {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Skip("go is not installed")
	}
	return filepath.Clean(strings.TrimSpace(string(root)))
}

// What the origin has already is read, chunked and hashed, and no more: two workers
// on the Go tree and on one file, beside BenchmarkBound.
func BenchmarkKnown(b *testing.B) {
	all := func(_ context.Context, chunks []content.Digest) (map[content.Digest]bool, error) {
		out := make(map[content.Digest]bool, len(chunks))
		for _, d := range chunks {
			out[d] = true
		}
		return out, nil
	}
	opts := ingest.Options{Known: all, Parallel: 2}
	b.Run("tree", func(b *testing.B) { benchIngest(b, goRoot(b), opts) })
	b.Run("file", func(b *testing.B) { benchIngest(b, incompressible(b), opts) })
}

func benchIngest(b *testing.B, path string, opts ingest.Options) {
	var in, out int64
	for b.Loop() {
		dir := b.TempDir()
		result, err := ingest.Run(context.Background(), path, dir, opts)
		if err != nil {
			b.Fatal(err)
		}
		in, out = result.Bytes, int64(len(result.Encoded))
		for _, p := range result.Packs {
			out += p.Size
		}
		os.RemoveAll(dir)
	}
	b.SetBytes(in)
	b.ReportMetric(float64(out)/float64(in), "size")
}

// benchCommands runs the commands that are installed.
func benchCommands(b *testing.B, size int64, files ...string) {
	for _, command := range []string{"sha256sum", "zstd -1 -T2 -q -c"} {
		words := strings.Fields(command)
		if _, err := exec.LookPath(words[0]); err != nil {
			continue
		}
		b.Run(words[0], func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				// As xargs does: an argument list has a limit.
				for rest := files; len(rest) > 0; rest = rest[min(5000, len(rest)):] {
					cmd := exec.Command(words[0], append(words[1:], rest[:min(5000, len(rest))]...)...)
					if err := cmd.Run(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// incompressible writes a file of random bytes.
func incompressible(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "random")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	random := rand.NewChaCha8([32]byte{})
	block := make([]byte, 1<<20)
	for range incompressibleBytes / len(block) {
		random.Read(block)
		if _, err := file.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

// list returns the files under root and their size.
func list(b *testing.B, root string) (files []string, size int64) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files, size = append(files, path), size+info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return files, size
}
