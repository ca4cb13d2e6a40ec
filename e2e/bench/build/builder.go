//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// builder builds this project again and again, with all it imports from elsewhere built
// before.
type builder struct {
	warm, cache string // of the go command: as it is at the start of a build, and in use
	out         string
}

func newBuilder(ctx context.Context, dir string) (*builder, error) {
	b := &builder{filepath.Join(dir, "warm"), filepath.Join(dir, "cache"), filepath.Join(dir, "built")}
	list, err := exec.CommandContext(ctx, "go", "list", "-deps", ".").Output()
	if err != nil {
		return nil, fmt.Errorf("list what this project imports: %w", err)
	}
	args := []string{"build"}
	for _, p := range strings.Fields(string(list)) {
		if !strings.HasPrefix(p, "github.com/sitecast/") && p != "unsafe" {
			args = append(args, p)
		}
	}
	return b, b.run(ctx, b.warm, args...)
}

// build builds it once and returns how long that took.
func (b *builder) build(ctx context.Context) (time.Duration, error) {
	if err := os.RemoveAll(b.cache); err != nil {
		return 0, err
	}
	if out, err := exec.CommandContext(ctx, "cp", "-al", b.warm, b.cache).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("copy the cache: %w: %s", err, out)
	}
	begun := time.Now()
	err := b.run(ctx, b.cache, "build", "-o", b.out, ".")
	return time.Since(begun), err
}

func (b *builder) run(ctx context.Context, cache string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOCACHE="+cache, "GOTMPDIR="+filepath.Dir(b.out), "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	return nil
}
