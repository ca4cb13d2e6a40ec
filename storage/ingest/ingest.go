// Package ingest turns a file or a folder on disk into what is published: the body
// of a version, and packs of the chunks that the origin does not have yet.
//
// The result depends on the input alone, bit for bit, and not on how many
// processors took part. Every file is read once. What would not be safe or the
// same on every endpoint is refused with a *content.PathError before any file is
// read: see [Run]. Signing the head and uploading are left to the caller.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/pack"
)

// Options are what a caller may want otherwise. The zero value is usual.
type Options struct {
	// Known, where set, says what needs no room in a pack.
	Known Known

	// Progress, where set, is told now and then, from one goroutine, how many of
	// all bytes have been read and encoded.
	Progress func(done, total int64)

	// Parallel is how many goroutines read, hash and encode, and wait for Known; 0
	// means one a processor. Each takes some 16 MiB.
	Parallel int

	// PackBytes bounds a pack, which holds one chunk at least; 0 means pack.MaxBytes.
	PackBytes int64
}

// Known tells which of these chunks, some 100 and at most 1,024, the origin has. It is
// called from several goroutines at once.
type Known func(ctx context.Context, chunks []content.Digest) (map[content.Digest]bool, error)

// Result is a version, ready to be uploaded and signed.
type Result struct {
	Kind    content.Kind
	Body    *content.Body
	Encoded []byte // the encoded body
	Packs   []Pack
	Bytes   int64 // of all files
}

// Pack is one finished pack on disk.
type Pack struct {
	Digest  content.Digest
	Path    string
	Size    int64
	Entries []pack.Entry
}

// Run ingests the file or folder at path and writes packs into the folder dir,
// which exists and belongs to the caller. The path itself may lead through
// symbolic links. What lies in a folder is refused where it is a symbolic link, a
// device or another special file, is set-uid, set-gid or sticky, or has a path
// that content.CheckPaths refuses. Empty folders and the executable bit are kept;
// owners, times and other permissions are not. A file that changes while it is read
// is an error. After an error no pack is left in dir.
func Run(ctx context.Context, path, dir string, opts Options) (Result, error) {
	in, err := open(ctx, path, opts.parallel())
	if err != nil {
		return Result{}, fmt.Errorf("ingest %s: %w", path, err)
	}
	packs := &packer{dir: dir, limit: opts.packBytes()}
	body, err := run(ctx, in, packs, opts)
	if err != nil {
		return Result{}, errors.Join(fmt.Errorf("ingest %s: %w", path, err), packs.discard(), in.close())
	}
	if err := in.close(); err != nil {
		return Result{}, errors.Join(fmt.Errorf("ingest %s: %w", path, err), packs.discard())
	}
	return Result{Kind: in.kind, Body: body, Encoded: body.Encode(), Packs: packs.done, Bytes: in.bytes}, nil
}

func (o Options) packBytes() int64 {
	if o.PackBytes == 0 {
		return pack.MaxBytes
	}
	return min(o.PackBytes, pack.MaxBytes)
}

func (o Options) parallel() int {
	if o.Parallel == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return o.Parallel
}

// run brings the chunks of in, in order, into packs and a body.
func run(ctx context.Context, in *input, packs *packer, opts Options) (*content.Body, error) {
	var builder content.Builder
	var done int64
	progress := func(n int) {
		done += int64(n)
		if opts.Progress != nil {
			opts.Progress(done, in.bytes)
		}
	}
	progress(0)
	line := newLine(in, opts.parallel(), opts.Known)
	err := line.run(ctx, func(c *chunk) error {
		index, fresh := builder.Add(c.digest, uint32(len(c.plain)))
		if index >= content.MaxChunks {
			return fmt.Errorf("more than %d chunks", content.MaxChunks)
		}
		if fresh && !c.known {
			if err := packs.add(c); err != nil {
				return err
			}
		}
		progress(len(c.plain))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := packs.finish(); err != nil {
		return nil, err
	}
	body, err := builder.Body(in.files)
	if err != nil {
		return nil, err
	}
	return body, nil
}
