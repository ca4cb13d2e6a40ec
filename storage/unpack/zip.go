package unpack

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// encrypted is the flag of an entry that needs a password.
const encrypted = 1

// unzip unpacks a zip.
func unzip(in io.ReaderAt, size int64, t *tree) error {
	r, err := zip.NewReader(in, size)
	// Whether a name is safe is for the tree to say.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	for _, f := range r.File {
		if err := unzipEntry(f, t); err != nil {
			return err
		}
	}
	return nil
}

func unzipEntry(f *zip.File, t *tree) error {
	mode := f.Mode()
	switch {
	case mode.IsDir():
		return t.folder(f.Name)
	case !mode.IsRegular():
		return t.refuse(f.Name, mode)
	case f.Flags&encrypted != 0:
		return named(f.Name, errors.New("is encrypted: unpack it with its password and publish the folder"))
	case f.UncompressedSize64 > uint64(t.limits.MaxBytes):
		return &LimitError{f.Name, fmt.Sprintf("%d bytes", t.limits.MaxBytes)}
	}
	if mode.Perm() == 0 {
		mode |= fs.FileMode(0o644) // of a system without modes
	}
	in, err := f.Open()
	if err != nil {
		return named(f.Name, err)
	}
	return errors.Join(t.file(f.Name, mode, int64(f.UncompressedSize64), in), in.Close())
}
