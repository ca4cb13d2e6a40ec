package content

import (
	"fmt"
	"strings"
)

// Limits of a body. They bound the memory that a body of somebody else's making
// can claim: 256 GiB of unique content, 1 TiB of content in all.
const (
	MaxChunks       = 1 << 20
	MaxRuns         = 1 << 20
	MaxStreamChunks = 1 << 22 // chunks in the stream, recurring ones included
	MaxFiles        = 1 << 20
	MaxBodyBytes    = 256 << 20
)

// Chunk is one unique chunk: its digest, and its length in bytes (1 to
// [MaxChunkBytes]).
type Chunk struct {
	Digest Digest
	Length uint32
}

// Run is Count consecutive chunk indexes from First on.
type Run struct{ First, Count uint32 }

// File is one file, or one empty folder, of a version.
type File struct {
	Path       string // slash-separated, relative; see CheckPath
	Size       int64  // in bytes
	Executable bool
	Dir        bool // an empty folder
}

// Body lists what a version consists of: the unique chunks in the order of their
// first use, the runs of chunk indexes that spell the stream, and the files in
// the order in which they lie in the stream.
type Body struct {
	Chunks []Chunk
	Runs   []Run
	Files  []File
}

// Bytes returns the length of the stream, which is that of all files together.
func (b *Body) Bytes() int64 {
	var n int64
	for _, f := range b.Files {
		n += f.Size
	}
	return n
}

// UniqueBytes returns the length of all chunks, each counted once.
func (b *Body) UniqueBytes() int64 {
	var n int64
	for _, c := range b.Chunks {
		n += int64(c.Length)
	}
	return n
}

// Check reports whether b is consistent and within its limits, and so whether it
// is what [DecodeBody] would return. Unsafe paths are refused with a [*PathError].
func (b *Body) Check() error {
	if err := checkCounts(len(b.Chunks), len(b.Runs), len(b.Files)); err != nil {
		return err
	}
	if err := b.checkChunks(); err != nil {
		return err
	}
	bytes, err := b.checkRuns()
	if err != nil {
		return err
	}
	return b.checkFiles(bytes)
}

func checkCounts(chunks, runs, files int) error {
	switch {
	case chunks > MaxChunks:
		return fmt.Errorf("body of %d chunks, limit %d", chunks, MaxChunks)
	case runs > MaxRuns:
		return fmt.Errorf("body of %d runs, limit %d", runs, MaxRuns)
	case files > MaxFiles:
		return fmt.Errorf("body of %d files, limit %d", files, MaxFiles)
	}
	return nil
}

func (b *Body) checkChunks() error {
	seen := make(map[Digest]struct{}, len(b.Chunks))
	for i, c := range b.Chunks {
		if c.Length == 0 || c.Length > MaxChunkBytes {
			return fmt.Errorf("chunk %d of %d bytes, want 1 to %d", i, c.Length, MaxChunkBytes)
		}
		seen[c.Digest] = struct{}{}
	}
	if len(seen) != len(b.Chunks) {
		return fmt.Errorf("body lists %d chunks, %d distinct", len(b.Chunks), len(seen))
	}
	return nil
}

// checkRuns returns the length of the stream. Runs are as long as they can be,
// and the first use of a chunk follows that of the chunk before it: so there is
// one way to spell a stream, and every chunk is used.
func (b *Body) checkRuns() (bytes int64, err error) {
	var used, stream, end uint32 // end: the index after the previous run
	for i, r := range b.Runs {
		switch {
		case r.Count == 0 || r.Count > MaxChunks || r.First > used || int(r.First+r.Count) > len(b.Chunks):
			return 0, fmt.Errorf("run %d of chunks %d+%d with %d of %d used before", i, r.First, r.Count, used, len(b.Chunks))
		case i > 0 && r.First == end:
			return 0, fmt.Errorf("run %d continues the one before it", i)
		}
		end = r.First + r.Count
		used = max(used, end)
		if stream += r.Count; stream > MaxStreamChunks {
			return 0, fmt.Errorf("stream of more than %d chunks", MaxStreamChunks)
		}
		for _, c := range b.Chunks[r.First:end] {
			bytes += int64(c.Length)
		}
	}
	if int(used) != len(b.Chunks) {
		return 0, fmt.Errorf("%d of %d chunks used", used, len(b.Chunks))
	}
	return bytes, nil
}

func (b *Body) checkFiles(bytes int64) error {
	paths := make([]string, len(b.Files))
	left := bytes
	for i, f := range b.Files {
		if f.Dir && (f.Size != 0 || f.Executable) {
			return &PathError{f.Path, "is a folder, with a size or executable"}
		}
		if f.Size < 0 || f.Size > left {
			return fmt.Errorf("files of more than the %d bytes of the chunks", bytes)
		}
		left -= f.Size
		paths[i] = f.Path
	}
	if left != 0 {
		return fmt.Errorf("files of %d bytes, chunks of %d", bytes-left, bytes)
	}
	return CheckPaths(paths)
}

// singleFile reports whether b can be the body of a [KindFile].
func (b *Body) singleFile() bool {
	return len(b.Files) == 1 && !b.Files[0].Dir && !strings.Contains(b.Files[0].Path, "/")
}

// A Builder makes a body from the chunks of a stream, in order. The zero value is
// ready for use.
type Builder struct {
	index map[Digest]uint32
	body  Body
}

// Add appends a chunk to the stream, and returns its index and whether this is
// its first use.
func (b *Builder) Add(digest Digest, length uint32) (index uint32, fresh bool) {
	index, known := b.index[digest]
	if !known {
		if b.index == nil {
			b.index = make(map[Digest]uint32)
		}
		index = uint32(len(b.body.Chunks))
		b.index[digest] = index
		b.body.Chunks = append(b.body.Chunks, Chunk{Digest: digest, Length: length})
	}
	runs := b.body.Runs
	if n := len(runs); n > 0 && runs[n-1].First+runs[n-1].Count == index {
		runs[n-1].Count++
	} else {
		b.body.Runs = append(runs, Run{First: index, Count: 1})
	}
	return index, !known
}

// Body returns the body of the stream as files, which lie in it in that order,
// and checks it. The builder is not used any more.
func (b *Builder) Body(files []File) (*Body, error) {
	b.body.Files = files
	if err := b.body.Check(); err != nil {
		return nil, err
	}
	return &b.body, nil
}
