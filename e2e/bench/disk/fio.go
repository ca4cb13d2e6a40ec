//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// foregroundBytes is the size of the file that each job of fio works on.
const foregroundBytes = 512 << 20

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

// mount makes an ext4 file system of so many bytes at dir. The file is read and
// written without the cache of the file system that it lies on.
func mount(ctx context.Context, image, dir string, bytes int64) (v *volume, err error) {
	v = &volume{image: image}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.unmount())
		}
	}()
	// Written once, so that the file has its blocks before anything is measured.
	if err := run(ctx, "dd", "if=/dev/zero", "of="+image, "bs=1M", fmt.Sprintf("count=%d", bytes>>20), "oflag=direct"); err != nil {
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
	return v, nil
}

// choose has its requests go through an I/O scheduler.
func (v *volume) choose(scheduler string) error {
	queue := filepath.Join("/sys/block", filepath.Base(v.device), "queue/scheduler")
	if err := os.WriteFile(queue, []byte(scheduler), 0); err != nil {
		return fmt.Errorf("choose the scheduler: %w", err)
	}
	return nil
}

func (v *volume) unmount() (err error) {
	if v.dir != "" {
		err = run(context.Background(), "umount", v.dir)
	}
	if v.device != "" {
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
