package unpack

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// untar unpacks a tar, which may be compressed, into the folder prefix ("" or one
// that ends in '/') of a tree.
func untar(in *bufio.Reader, prefix string, t *tree) error {
	plain, end, err := decompress(in)
	if err != nil {
		return err
	}
	defer end()
	begin := bufio.NewReaderSize(plain, 64<<10)
	if magic, err := begin.Peek(peekBytes); len(magic) < peekBytes || !bytes.Equal(magic[tarMagicAt:], tarMagic) {
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return ErrUnknown
	}
	r := tar.NewReader(begin)
	for last := ""; ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		// Whether a name is safe is for the tree to say.
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return fmt.Errorf("after %.200q: %w", last, err)
		}
		if last = h.Name; h.Typeflag == tar.TypeXGlobalHeader {
			continue // a comment, as git makes it
		}
		if err := entry(h, r, prefix, t); err != nil {
			return err
		}
	}
}

func entry(h *tar.Header, r *tar.Reader, prefix string, t *tree) error {
	name, mode := h.Name, h.FileInfo().Mode()
	if prefix != "" && len(name) > 0 && name[0] != '/' {
		name = prefix + trimDots(name)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return t.folder(name)
	case tar.TypeLink:
		target := h.Linkname
		if prefix != "" {
			target = prefix + trimDots(target)
		}
		return t.link(name, mode&^fs.ModeType, target)
	case tar.TypeReg, tar.TypeGNUSparse:
		return t.file(name, mode, h.Size, r)
	case tar.TypeSymlink:
		return t.refuse(name, fs.ModeSymlink)
	}
	return t.refuse(name, mode|fs.ModeIrregular)
}

// trimDots takes "./" off, which archives of "." begin their names with.
func trimDots(name string) string {
	for len(name) > 1 && name[:2] == "./" {
		name = name[2:]
	}
	return name
}
