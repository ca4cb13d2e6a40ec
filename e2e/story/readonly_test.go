//go:build linux

package story

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/storage/chunk/chunktest"
	"github.com/sitecast/sitecast/storage/chunk/disk"
)

// An agent on a disk that was mounted read-only says so and what to do, and finds
// everything once it is mounted otherwise. What is on it can be verified all the time.
func TestStoreOnAReadOnlyMountSaysWhatToDo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	defer func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	}()
	remount := func(flags uintptr) {
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what string) {
		remount(unix.MS_RDONLY)
		_, err := disk.Open(dir, slog.New(slog.DiscardHandler))
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "remount,rw") {
			t.Errorf("%s: %v, want that it is read-only, and what to do", what, err)
		}
		remount(0)
	}
	refused("a new store")
	sample := chunktest.Typical(t, "v1")
	for _, fill := range []bool{true, false} {
		store, err := disk.Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if fill {
			sample.Fill(t, store)
		}
		sample.CheckHeld(t, sample.Open(t, store), sample.All()...)
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		refused("a store that was filled")
		remount(unix.MS_RDONLY)
		report, err := disk.Verify(t.Context(), dir, nil, slog.New(slog.DiscardHandler), func(_, _ int64) {})
		if err != nil || len(report.Versions) != 1 || !report.Versions[0].Complete {
			t.Errorf("verified %+v (%v), want it complete", report, err)
		}
		remount(0)
	}
}
