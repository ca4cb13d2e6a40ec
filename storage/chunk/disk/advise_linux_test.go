package disk_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
	"github.com/sitecast/sitecast/storage/content"
)

// resident returns how many bytes of a file lie in the system's cache.
func resident(t *testing.T, name string) (bytes int64) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Munmap(data); err != nil {
			t.Error(err)
		}
	}()
	page := os.Getpagesize()
	pages := make([]byte, (len(data)+page-1)/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), uintptr(unsafe.Pointer(&pages[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, p := range pages {
		bytes += int64(p&1) * int64(page)
	}
	return bytes
}

// warm has the cache hold all of a file, as an application does that reads it.
func warm(t *testing.T, name string) {
	t.Helper()
	if _, err := os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
}

// cool lets go of all of a file.
func cool(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}

// A file of 4 MB; what lingers is bounded to 1 MiB for the test.
func TestStoreLeavesTheCacheOfTheSystemToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const chunks, size, limit = 64, 64_000, 1 << 20
		const slack = limit / 2 // the system keeps pages in runs, and lets go of whole ones only
		dir := t.TempDir()
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil || fs.Type == unix.TMPFS_MAGIC {
			t.Skipf("a file system in memory is all cache (%v)", err)
		}
		lengths, uses := make([]int, chunks), make([]int, chunks)
		for i := range lengths {
			lengths[i], uses[i] = size, i
		}
		s := chunktest.NewSample(t, content.Ref{Name: "app", Version: "1"}, lengths, uses, []content.File{{Path: "f", Size: chunks * size}})
		store := open(t, dir)
		disk.Linger(store, limit)
		v := s.Open(t, store)
		for i := range uint32(chunks) {
			s.Put(t, v, i)
			if i%8 == 7 {
				if err := v.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := v.Complete(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		name := filepath.Join(place(dir, s.Head.Ref()), "f")
		if got := resident(t, name); got > limit+slack || got < limit/2 {
			t.Errorf("%d bytes stay in the cache after writing %d, want the newest %d", got, chunks*size, limit)
		}

		cool(t, name)
		for i := range uint32(chunks) {
			if err := v.Check(i); err != nil {
				t.Fatal(err)
			}
		}
		if got := resident(t, name); got > 64<<10 {
			t.Errorf("%d bytes stay in the cache after a scrub", got)
		}

		for i := range uint32(chunks) { // to peers
			if _, err := v.Read(i, nil); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := resident(t, name); got > limit+slack || got < limit/2 {
			t.Errorf("%d bytes stay in the cache after serving %d, want the newest %d", got, chunks*size, limit)
		}

		warm(t, name)
		all := resident(t, name)
		for i := range uint32(chunks) {
			if err := v.Check(i); err != nil {
				t.Fatal(err)
			}
			if _, err := v.Read(i, nil); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := resident(t, name); got < all {
			t.Errorf("%d bytes of the %d that an application had in the cache are left after a scrub and serving", got, all)
		}
	})
}
