package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sitecast/sitecast/storage/content"
)

// input is the file or folder that is ingested. Nothing outside root is read.
type input struct {
	kind  content.Kind
	files []content.File // in canonical order
	bytes int64

	root folder // that is ingested, or that of the single file
	disk string // for a single file, its name in root, which need not be its path
}

// open lists and checks what is at path, with so many goroutines. It reads no file.
func open(ctx context.Context, path string, workers int) (*input, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openTree(ctx, resolved, workers)
	}
	return openFile(path, resolved, info)
}

func openFile(path, resolved string, info fs.FileInfo) (*input, error) {
	name := filepath.Base(path)
	file, err := describe(name, info.Mode(), info.Size())
	if err != nil {
		return nil, err
	}
	if err := content.CheckPaths([]string{name}); err != nil {
		return nil, err
	}
	root, err := openFolder(filepath.Dir(resolved))
	if err != nil {
		return nil, err
	}
	return &input{
		kind:  content.KindFile,
		files: []content.File{file},
		bytes: file.Size,
		root:  root,
		disk:  filepath.Base(resolved),
	}, nil
}

func openTree(ctx context.Context, resolved string, workers int) (*input, error) {
	root, err := openFolder(resolved)
	if err != nil {
		return nil, err
	}
	in := &input{kind: content.KindTree, root: root}
	if err := in.list(ctx, workers); err != nil {
		return nil, errors.Join(err, root.close())
	}
	return in, nil
}

// list fills in the files of a tree.
func (in *input) list(ctx context.Context, workers int) error {
	w := &walker{in: in}
	w.group, w.ctx = errgroup.WithContext(ctx)
	w.group.SetLimit(workers)
	w.group.Go(func() error { return w.walk(in.root, "") })
	if err := w.group.Wait(); err != nil {
		return err
	}
	if len(in.files) == 0 {
		return errors.New("the folder is empty")
	}
	paths := make([]string, len(in.files))
	for i, f := range in.files {
		paths[i] = f.Path
		in.bytes += f.Size
	}
	in.files = content.Order(in.files)
	return content.CheckPaths(paths)
}

// A walker lists a tree, each folder in a goroutine of its own while there are few.
type walker struct {
	ctx   context.Context
	group *errgroup.Group

	mu sync.Mutex
	in *input // mu guards its files
}

// walk lists what lies in a folder, itself where that is nothing.
func (w *walker) walk(folder folder, name string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	names, err := folder.names()
	if err != nil {
		return err
	}
	var files []content.File
	if len(names) == 0 && name != "" {
		files = append(files, content.File{Path: name, Dir: true})
	}
	for _, base := range names {
		child := path.Join(name, base)
		// Before anything is resolved by that name.
		if err := content.CheckPath(child); err != nil {
			return err
		}
		now, err := folder.look(base)
		if err != nil {
			return err
		}
		if now.mode.IsDir() {
			if err := w.into(folder, base, child); err != nil {
				return err
			}
			continue
		}
		file, err := describe(child, now.mode, now.size)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	return w.found(files)
}

// into lists a folder in a folder.
func (w *walker) into(folder folder, base, name string) error {
	child, err := folder.enter(base)
	if err != nil {
		return err
	}
	work := func() error { return errors.Join(w.walk(child, name), child.close()) }
	if w.group.TryGo(work) {
		return nil
	}
	return work()
}

func (w *walker) found(files []content.File) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.in.files = append(w.in.files, files...); len(w.in.files) > content.MaxFiles {
		return fmt.Errorf("more than %d files", content.MaxFiles)
	}
	return nil
}

// describe refuses what is no plain file.
func describe(name string, mode fs.FileMode, size int64) (content.File, error) {
	reason := content.RefusedMode(mode)
	if reason != "" {
		return content.File{}, &content.PathError{Path: name, Reason: reason}
	}
	return content.File{Path: name, Size: size, Executable: mode&0o111 != 0}, nil
}

func (in *input) close() error { return in.root.close() }
