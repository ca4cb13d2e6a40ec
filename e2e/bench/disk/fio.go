//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// foregroundBytes is the size of the file that each job of fio works on.
const foregroundBytes = 512 << 20

// diskRate is what the disk is held to each way, bytes per second: a plain SSD.
const diskRate = 150_000_000

// rates are bytes per second.
type rates struct{ read, write float64 }

// foreground runs a reader and a writer for a while, beside each other. They bypass
// the cache: it is the disk that is shared.
func foreground(ctx context.Context, dir string, span time.Duration) (rates, error) {
	cmd := exec.CommandContext(ctx, "fio", "--directory="+dir, fmt.Sprintf("--size=%d", foregroundBytes), "--bs=1M", "--direct=1",
		"--ioengine=psync", "--time_based", fmt.Sprintf("--runtime=%d", int(span.Seconds())), "--output-format=json",
		"--name=reader", "--rw=read", "--name=writer", "--rw=write")
	out, err := cmd.Output()
	if err != nil {
		return rates{}, fmt.Errorf("fio: %w", err)
	}
	var report struct {
		Jobs []struct {
			Read, Write struct {
				Bytes float64 `json:"bw_bytes"`
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil || len(report.Jobs) != 2 {
		return rates{}, fmt.Errorf("read fio's report of %d jobs: %w", len(report.Jobs), err)
	}
	return rates{report.Jobs[0].Read.Bytes, report.Jobs[1].Write.Bytes}, nil
}

// volume is a file system on a file.
type volume struct {
	image, device, dir string
}

// mount makes an ext4 file system of so many bytes at dir, on a file in memory.
func mount(ctx context.Context, image, dir string, bytes int64) (v *volume, err error) {
	v = &volume{image: image}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.unmount())
		}
	}()
	f, err := os.Create(image)
	if err != nil {
		return v, err
	}
	if err := errors.Join(f.Truncate(bytes), f.Close()); err != nil {
		return v, err
	}
	out, err := exec.CommandContext(ctx, "losetup", "--find", "--show", "--direct-io=on", image).Output()
	if err != nil {
		return v, fmt.Errorf("losetup: %w", err)
	}
	v.device = strings.TrimSpace(string(out))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return v, err
	}
	if err := run(ctx, "mkfs.ext4", "-q", v.device); err != nil {
		return v, err
	}
	if err := run(ctx, "mount", v.device, dir); err != nil {
		return v, err
	}
	v.dir = dir
	return v, v.hold(diskRate)
}

// hold holds the disk to a rate each way, for whoever uses it.
func (v *volume) hold(rate int64) error {
	var st unix.Stat_t
	if err := unix.Stat(v.device, &st); err != nil {
		return err
	}
	for _, way := range []string{"read", "write"} {
		line := fmt.Sprintf("%d:%d %d", unix.Major(st.Rdev), unix.Minor(st.Rdev), rate)
		if err := os.WriteFile("/sys/fs/cgroup/blkio/blkio.throttle."+way+"_bps_device", []byte(line), 0); err != nil {
			return fmt.Errorf("hold the disk to a rate: %w", err)
		}
	}
	return nil
}

func (v *volume) unmount() (err error) {
	if v.dir != "" {
		err = run(context.Background(), "umount", v.dir)
	}
	if v.device != "" {
		err = errors.Join(err, v.hold(0)) // the next who gets the device would inherit it
		err = errors.Join(err, run(context.Background(), "losetup", "--detach", v.device))
	}
	return errors.Join(err, os.RemoveAll(v.image))
}

func run(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}
