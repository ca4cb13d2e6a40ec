//go:build unix

package disk_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// large is a version of 10 GiB: 131,072 chunks of 80 KiB in so many files. Its bytes
// are never written: nothing that a restart does reads them but for the first chunk.
func large(b *testing.B, name string, files int) (*chunktest.Sample, []byte) {
	const chunks, length = 131_072, 80 << 10
	first := make([]byte, length)
	var build content.Builder
	build.Add(content.Sum(first), length)
	for i := 1; i < chunks; i++ {
		build.Add(content.Sum(fmt.Append(nil, name, i)), length)
	}
	list := make([]content.File, files)
	for i := range list {
		list[i] = content.File{Path: fmt.Sprintf("%03d/%05d", i/100, i), Size: chunks * length / int64(files)}
	}
	body, err := build.Body(list)
	if err != nil {
		b.Fatal(err)
	}
	return chunktest.Signed(b, content.Ref{Name: name, Version: "v1"}, body), first
}

// restarted is what a restart is ready with: every version open, and what it holds
// known. read then reads the first chunk of each.
func restarted(b *testing.B, dir string, bodies map[content.VersionID]*chunktest.Sample) (ready []chunk.Version, store *disk.Store) {
	store, err := disk.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for _, h := range store.Held() {
		head, _, err := content.ReadHead(h.Envelope)
		if err != nil {
			b.Fatal(err)
		}
		body, err := head.OpenBody(h.Body)
		if err != nil {
			b.Fatal(err)
		}
		v, err := store.Open(b.Context(), head, h.Envelope, body)
		if err != nil {
			b.Fatal(err)
		}
		if got := v.Have().Count(); got == 0 || h.Complete && got != head.Chunks || bodies[h.ID] == nil {
			b.Fatalf("%s holds %d chunks, complete %v", head.Ref(), got, h.Complete)
		}
		ready = append(ready, v)
	}
	if len(ready) != len(bodies) {
		b.Fatalf("%d versions held, want %d", len(ready), len(bodies))
	}
	return ready, store
}

// BenchmarkReopen restarts a store of two versions of 10 GiB, one complete and one
// half filled (every other run of 100 chunks, committed 8 MiB at a time), each in
// a few large files or in many small ones.
func BenchmarkReopen(b *testing.B) {
	for _, files := range []int{16, 16_384} {
		b.Run(fmt.Sprintf("%d files", files), func(b *testing.B) {
			dir := b.TempDir()
			samples := make(map[content.VersionID]*chunktest.Sample)
			for _, name := range []string{"complete", "half"} {
				s, first := large(b, name, files)
				samples[s.ID] = s
				pretend(b, dir, s, first, name == "complete")
			}
			b.ReportAllocs()
			var used time.Duration
			for b.Loop() {
				before := processorTime(b)
				ready, store := restarted(b, dir, samples)
				for _, v := range ready {
					if _, err := v.Read(0, nil); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				used += processorTime(b) - before
				if err := store.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(used.Seconds()*1000/float64(b.N), "cpu-ms/op") // the other figure on a busy machine
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// pretend leaves a store that has put all or half of the chunks, of which only the
// first one's bytes are real.
func pretend(b *testing.B, dir string, s *chunktest.Sample, first []byte, complete bool) {
	store, err := disk.OpenSparse(dir)
	if err != nil {
		b.Fatal(err)
	}
	v := s.Open(b, store)
	if _, err := v.Put(0, first, chunk.Origin, 0); err != nil {
		b.Fatal(err)
	}
	for i := uint32(1); i < s.Head.Chunks; i++ {
		if complete || i/100%2 == 0 {
			disk.Pretend(v, i)
		}
		if i%100 == 0 {
			err = errors.Join(err, v.Commit())
		}
	}
	if err := errors.Join(err, v.Commit(), store.Close()); err != nil {
		b.Fatal(err)
	}
	if complete { // placing needs no bytes either, but a sync of every file
		place := filepath.Join(dir, "content", s.Head.Name, s.Head.Version)
		if err := errors.Join(os.MkdirAll(filepath.Dir(place), 0o755),
			os.Rename(filepath.Join(dir, "store", s.ID.String(), "tree"), place)); err != nil {
			b.Fatal(err)
		}
	}
}
