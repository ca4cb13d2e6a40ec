package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// casync is one of its stores.
type casync struct{ dir string }

func newCasync() (casync, error) {
	dir, err := os.MkdirTemp("", "casync-delta-")
	return casync{dir}, err
}

func (c casync) close() { _ = os.RemoveAll(c.dir) }

// make takes in a version, and returns what is new in the store, and the index,
// as a site would fetch them: each chunk by a request of its own.
func (c casync) make(path, name string) (f fetched, took time.Duration, err error) {
	before, err := sizes(filepath.Join(c.dir, "store"))
	if err != nil {
		return f, 0, err
	}
	index := filepath.Join(c.dir, name+".caidx")
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		index = filepath.Join(c.dir, name+".caibx")
	}
	start := time.Now()
	if err := run("casync", "make", "--without=all", "--with=permissions", "--store="+filepath.Join(c.dir, "store"), index, path); err != nil {
		return f, 0, err
	}
	took = time.Since(start)
	after, err := sizes(filepath.Join(c.dir, "store"))
	if err != nil {
		return f, took, err
	}
	info, err := os.Stat(index)
	if err != nil {
		return f, took, err
	}
	f = fetched{bytes: info.Size(), list: info.Size(), requests: []int64{info.Size()}}
	for path, size := range after {
		if _, old := before[path]; !old {
			f.bytes += size
			f.requests = append(f.requests, size)
		}
	}
	return f, took, nil
}

// sizes lists the files below a folder, none where it is not there.
func sizes(dir string) (map[string]int64, error) {
	out := map[string]int64{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			out[p] = info.Size()
		}
		return err
	})
	if os.IsNotExist(err) {
		return out, nil
	}
	return out, err
}

// patchFrom is what zstd makes of the difference of two tars,
// for one step from one version to one other.
func patchFrom(from, to string) (int64, error) {
	dir, err := os.MkdirTemp("", "zstd-delta-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	old, fresh, patch := filepath.Join(dir, "old.tar"), filepath.Join(dir, "new.tar"), filepath.Join(dir, "patch")
	for tar, tree := range map[string]string{old: from, fresh: to} {
		if err := run("tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-C", tree, "-cf", tar, "."); err != nil {
			return 0, err
		}
	}
	if err := run("zstd", "-q", "--long=31", "--patch-from="+old, fresh, "-o", patch); err != nil {
		return 0, err
	}
	info, err := os.Stat(patch)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.500s", cmd, err, out)
	}
	return nil
}
