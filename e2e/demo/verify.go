package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// verify compares every endpoint's delivered tree with the original.
func (d *demo) verify(ctx context.Context) error {
	want, err := digestTree(ctx, d.content)
	if err != nil {
		return fmt.Errorf("read the original: %w", err)
	}
	for _, ep := range d.endpoints {
		got, err := digestTree(ctx, filepath.Join(ep.data, "content", contentName, "1"))
		if err != nil {
			return fmt.Errorf("%s: %w", ep.name, err)
		}
		if got != want {
			return fmt.Errorf("%s: the delivered tree differs from the original", ep.name)
		}
	}
	return nil
}

// digestTree hashes names, sizes, contents and the executable bit of everything
// below path. A single
// file stands for a folder that holds just that file.
func digestTree(ctx context.Context, path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	root, only := path, ""
	if !info.IsDir() {
		root, only = filepath.Dir(path), filepath.Base(path)
	}
	tree := os.DirFS(root)
	sum := sha256.New()
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if entry.IsDir() {
			if only != "" && name != "." {
				return fs.SkipDir
			}
			return nil
		}
		if only != "" && name != only {
			return nil
		}
		return digestFile(sum, tree, name, entry)
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func digestFile(sum io.Writer, tree fs.FS, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q %d %t\n", name, info.Size(), info.Mode()&0o111 != 0)
	file, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(sum, file)
	return err
}
