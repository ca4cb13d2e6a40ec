// Package unpack writes the tree inside an archive into a folder, to be published
// from there: a compressed archive changes in every byte when one file in it does,
// the tree inside changes in that file. It knows tar, plain or compressed with
// gzip, xz or zstd, zip, and Debian packages, told apart by their first bytes.
//
// An archive is of somebody else's making. Nothing is written outside the folder;
// entries and bytes are bounded before they are written; an error names the entry.
// What publishing a folder refuses (links, devices, set-uid, paths that are not safe
// everywhere) is refused with the same *content.PathError. A hard link becomes
// a file like the one it names. Archives are read as streams: an archive of any size
// takes the memory of its decompressor, 64 MiB at most, and the disk of its tree. Zip
// also takes that of its directory.
package unpack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"github.com/sitecast/sitecast/storage/content"
)

// Bounds of what is unpacked.
const (
	// MaxEntries bounds the files and folders of an archive.
	MaxEntries = content.MaxFiles
	// MaxBytes bounds the tree: a small archive may hold a lot of nothing.
	MaxBytes = 256 << 30
	// maxWindow bounds the memory of a decompressor. xz -9 and zstd -19 ask for no more.
	maxWindow = 64 << 20
)

// Options are what a caller may want otherwise. The zero value is usual.
type Options struct {
	// Progress, where set, is told now and then how many of the archive's bytes have
	// been read.
	Progress func(done, total int64)

	MaxEntries int   // 0: the constant of that name
	MaxBytes   int64 // 0: the constant of that name
}

// Run writes the tree inside the archive at path into the folder dir, which is
// empty and belongs to the caller. After an error dir holds a part of it.
func Run(ctx context.Context, path, dir string, opts Options) error {
	if err := run(ctx, path, dir, opts); err != nil {
		return fmt.Errorf("unpack %s: %w", path, err)
	}
	return nil
}

func run(ctx context.Context, path, dir string, opts Options) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("is no file: publish a folder without --unpack")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	t := newTree(root, opts)
	a := &archive{ctx: ctx, file: file, size: info.Size(), progress: opts.Progress}
	return a.unpack(t)
}

// What archives begin with.
var (
	gzipMagic = []byte{0x1f, 0x8b}
	xzMagic   = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	zipMagic  = []byte("PK\x03\x04")
	zipEmpty  = []byte("PK\x05\x06")
	arMagic   = []byte("!<arch>\n")
	tarMagic  = []byte("ustar")
)

const (
	tarMagicAt = 257
	peekBytes  = tarMagicAt + 5
)

// ErrUnknown means that a file is no archive of a kind that is known.
var ErrUnknown = errors.New("is no tar (plain, gzip, xz or zstd), zip or deb")

// archive is the file that is unpacked. It can be read from its beginning and from
// anywhere; either ends with its context.
type archive struct {
	ctx      context.Context
	file     *os.File
	size     int64
	done     int64
	progress func(done, total int64)
}

// Read implements io.Reader.
func (a *archive) Read(b []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.file.Read(b)
	a.step(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (a *archive) ReadAt(b []byte, at int64) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.file.ReadAt(b, at)
	a.step(n)
	return n, err
}

// step counts what was read; of zip its directory is read twice.
func (a *archive) step(n int) {
	a.done = min(a.done+int64(n), a.size)
	if a.progress != nil {
		a.progress(a.done, a.size)
	}
}

func (a *archive) unpack(t *tree) error {
	in := bufio.NewReaderSize(a, 1<<20)
	begin, err := in.Peek(peekBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(begin, zipMagic), bytes.HasPrefix(begin, zipEmpty):
		return unzip(a, a.size, t)
	case bytes.HasPrefix(begin, arMagic):
		return undeb(in, t)
	}
	return untar(in, "", t)
}

// decompress returns what a stream holds where it is compressed, and the stream
// itself where it is not.
func decompress(in *bufio.Reader) (io.Reader, func(), error) {
	begin, err := in.Peek(len(xzMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	nothing := func() {}
	switch {
	case bytes.HasPrefix(begin, gzipMagic):
		out, err := gzip.NewReader(in)
		return out, nothing, err
	case bytes.HasPrefix(begin, xzMagic):
		out, err := xz.NewReader(in, maxWindow)
		return out, nothing, err
	case bytes.HasPrefix(begin, zstdMagic):
		out, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return out, out.Close, nil
	}
	return in, nothing, nil
}
