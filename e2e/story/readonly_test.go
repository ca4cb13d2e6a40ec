//go:build linux

package story

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sitecast/sitecast/storage/chunk"
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

// A disk that has errors becomes read-only under an agent that fills it. What it holds is
// served, and after the disk was mended everything goes on from the last commit.
func TestStoreOutlivesADiskWithErrors(t *testing.T) {
	onDisk(t, "ext4", 64<<20, func(t *testing.T, dir string) {
		quiet := slog.New(slog.DiscardHandler)
		store, err := disk.Open(dir, quiet)
		if err != nil {
			t.Fatal(err)
		}
		whole, part := chunktest.Typical(t, "v1"), chunktest.Typical(t, "v2")
		w := whole.Fill(t, store)
		v := part.Open(t, store)
		part.Put(t, v, 0, 1)
		if err := v.Commit(); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mount", "-o", "remount,abort", dir).CombinedOutput(); err != nil {
			t.Fatalf("remount: %v: %s", err, out)
		}
		if _, err := v.Put(3, part.Chunks[3], chunk.Peer, 0); err == nil {
			err = v.Commit()
			if err == nil {
				t.Error("a chunk was kept on a disk that keeps nothing")
			}
		}
		if _, err := store.Open(t.Context(), whole.Head, whole.Envelope, whole.Body); err != nil {
			t.Error(err)
		}
		whole.CheckHeld(t, w, whole.All()...)
		_ = store.Close() // it can commit nothing
		again(t, dir)
		if store, err = disk.Open(dir, quiet); err != nil {
			t.Fatal(err)
		}
		whole.CheckHeld(t, whole.Open(t, store), whole.All()...)
		v = part.Open(t, store)
		part.CheckHeld(t, v, 0, 1)
		part.Put(t, v, 2, 3, 4)
		if err := errors.Join(v.Complete(), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

// again unmounts a file system and mounts it as after a restart.
func again(t *testing.T, dir string) {
	t.Helper()
	device, err := exec.Command("findmnt", "-no", "SOURCE", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	image, err := exec.Command("losetup", "-nO", "BACK-FILE", strings.TrimSpace(string(device))).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"umount", dir}, {"mount", "-o", "loop", strings.TrimSpace(string(image)), dir}} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
}
