package unpack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sitecast/sitecast/storage/content"
)

// tree is the folder that is written, and what may still be.
type tree struct {
	root    *os.Root
	entries int
	bytes   int64
	limits  Options
}

func newTree(root *os.Root, limits Options) *tree {
	if limits.MaxEntries == 0 {
		limits.MaxEntries = MaxEntries
	}
	if limits.MaxBytes == 0 {
		limits.MaxBytes = MaxBytes
	}
	return &tree{root: root, limits: limits}
}

// A LimitError means that an archive holds more than is unpacked.
type LimitError struct {
	Path  string // of the entry that is too many
	Limit string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%.200q: the archive holds more than %s", e.Path, e.Limit)
}

// name checks the name of an entry and makes it one of ours; "" is the tree itself.
func (t *tree) name(raw string) (string, error) {
	if t.entries++; t.entries > t.limits.MaxEntries {
		return "", &LimitError{raw, fmt.Sprintf("%d entries", t.limits.MaxEntries)}
	}
	name := strings.TrimSuffix(trimDots(raw), "/")
	if name == "" || name == "." {
		if raw == "" || raw[0] == '/' {
			return "", &content.PathError{Path: raw, Reason: "names nothing in the archive"}
		}
		return "", nil
	}
	return name, content.CheckPath(name)
}

// folder makes a folder, which may be there already.
func (t *tree) folder(raw string) error {
	name, err := t.name(raw)
	if err != nil || name == "" {
		return err
	}
	return named(name, t.root.MkdirAll(name, 0o755))
}

// file writes a file of size bytes, or of what in holds where size is not known (-1).
func (t *tree) file(raw string, mode fs.FileMode, size int64, in io.Reader) error {
	name, err := t.place(raw, mode)
	if err != nil {
		return err
	}
	left := t.limits.MaxBytes - t.bytes
	if size > left {
		return &LimitError{name, fmt.Sprintf("%d bytes", t.limits.MaxBytes)}
	}
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	file, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return named(name, err)
	}
	n, err := io.Copy(file, io.LimitReader(in, left+1))
	t.bytes += n
	if err := errors.Join(err, file.Close()); err != nil {
		return named(name, err)
	}
	switch {
	case n > left:
		return &LimitError{name, fmt.Sprintf("%d bytes", t.limits.MaxBytes)}
	case size >= 0 && n != size:
		return named(name, fmt.Errorf("has %d bytes, and should have %d", n, size))
	}
	return nil
}

// place checks the name and mode of a file and makes its folder.
func (t *tree) place(raw string, mode fs.FileMode) (string, error) {
	name, err := t.name(raw)
	if err != nil {
		return "", err
	}
	if name == "" || strings.HasSuffix(raw, "/") {
		return "", &content.PathError{Path: raw, Reason: "names a folder, and is a file"}
	}
	if reason := content.RefusedMode(mode); reason != "" {
		return "", &content.PathError{Path: name, Reason: reason}
	}
	if dir := path.Dir(name); dir != "." {
		return name, named(name, t.root.MkdirAll(dir, 0o755))
	}
	return name, nil
}

// link makes a file like one that came before.
func (t *tree) link(raw string, mode fs.FileMode, target string) error {
	name, err := t.place(raw, mode)
	if err != nil {
		return err
	}
	t.entries-- // the next counts the same entry again
	old, err := t.name(target)
	if err != nil || old == "" {
		return named(name, fmt.Errorf("links to %.200q, which is no file of the archive (%w)", target, errors.Join(err, fs.ErrNotExist)))
	}
	info, err := t.root.Lstat(old)
	if err == nil {
		// Whoever reads the tree reads them all.
		if t.bytes += info.Size(); t.bytes > t.limits.MaxBytes {
			return &LimitError{name, fmt.Sprintf("%d bytes", t.limits.MaxBytes)}
		}
		err = t.root.Link(old, name)
	}
	if err != nil {
		return named(name, fmt.Errorf("links to %.200q: %w", target, err))
	}
	return nil
}

// refuse answers with why an entry of that mode is not unpacked.
func (t *tree) refuse(raw string, mode fs.FileMode) error {
	name, err := t.name(raw)
	if err != nil {
		return err
	}
	return &content.PathError{Path: name, Reason: content.RefusedMode(mode)}
}

// named says which entry an error is about.
func named(name string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		err = errors.New("is in the archive twice")
	}
	if err != nil {
		err = fmt.Errorf("%.200q: %w", name, err)
	}
	return err
}
