//go:build linux

package story

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// onDisk runs a test in a folder on a file system of its own, of so many bytes.
func onDisk(t *testing.T, kind string, bytes int64, test func(t *testing.T, dir string)) {
	t.Run(kind, func(t *testing.T) {
		mkfs, err := exec.LookPath("mkfs." + kind)
		if err != nil {
			t.Skipf("no mkfs.%s here (apt-get install xfsprogs btrfs-progs)", kind)
		}
		if os.Getuid() != 0 {
			t.Skip("mounting a file system needs root")
		}
		image, dir := filepath.Join(t.TempDir(), "disk"), t.TempDir()
		f, err := os.Create(image)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(bytes); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{mkfs, "-q", image}, {"mount", "-o", "loop", image, dir}} {
			if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
				t.Skipf("%v: %v: %s", command, err, out)
			}
		}
		defer func() {
			if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
				t.Errorf("umount: %v: %s", err, out)
			}
		}()
		test(t, dir)
	})
}

// used is how many bytes of a file system are in use.
func used(t *testing.T, dir string) int64 {
	t.Helper()
	unix.Sync()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Blocks-s.Bfree) * int64(s.Bsize)
}

// release is a version of 200 MiB in one file, and one in which the file was renamed
// and a chunk in its middle changed.
func release(t *testing.T) (one, two *chunktest.Sample) {
	const chunks, size = 800, 256 << 10
	lengths, uses := make([]int, chunks), make([]int, chunks)
	for i := range lengths {
		lengths[i], uses[i] = size-1, i // so that no chunk begins where a block does
	}
	one = chunktest.NewSample(t, content.Ref{Name: "app", Version: "1"}, lengths, uses, []content.File{{Path: "app", Size: chunks * (size - 1)}})
	patch := chunktest.NewSample(t, content.Ref{Name: "patch", Version: "1"}, []int{size - 1}, []int{0}, []content.File{{Path: "p", Size: size - 1}})
	stream := append([][]byte{}, one.Chunks...)
	stream[chunks/2] = patch.Chunks[0]
	two = chunktest.Compose(t, content.Ref{Name: "app", Version: "2"}, stream, []content.File{{Path: "bin/app-2", Size: chunks * (size - 1)}})
	return one, two
}

// Where the file system shares blocks, a new version takes the room of what is new,
// and is accepted where there is no room for all of it.
func TestNewVersionSharesItsBlocksWithTheOldOne(t *testing.T) {
	long(t)
	for kind, bytes := range map[string]int64{"xfs": 400 << 20, "btrfs": 400 << 20} {
		onDisk(t, kind, bytes, func(t *testing.T, dir string) {
			store, err := disk.Open(dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			}()
			one, two := release(t)
			if err := one.Fill(t, store).Close(); err != nil {
				t.Fatal(err)
			}
			before := used(t, dir)
			v := two.Open(t, store)
			if err := v.Seed(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if got, want := v.Counters().Bytes[chunk.Reused], two.Head.UniqueBytes-(256<<10)+1; got != want {
				t.Errorf("%d bytes reused, want %d", got, want)
			}
			two.Put(t, v, 400)
			if err := v.Complete(); err != nil {
				t.Fatal(err)
			}
			took := used(t, dir) - before
			t.Logf("a version of %d MiB took %.1f MiB more", two.Head.Bytes>>20, float64(took)/(1<<20))
			if took > 16<<20 {
				t.Errorf("it took %d bytes more, want what is new and what the file system notes of it", took)
			}
			for _, s := range []*chunktest.Sample{one, two} {
				if err := s.CheckTree(filepath.Join(dir, "content", "app", s.Head.Version)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
