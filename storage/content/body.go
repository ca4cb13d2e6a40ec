package content

import (
	"io"
	"iter"
)

// Sizes of chunks in bytes.
const (
	MinChunkBytes = 32 << 10
	AvgChunkBytes = 64 << 10
	MaxChunkBytes = 256 << 10
)

// Limits of a body.
const (
	MaxChunks    = 1 << 20
	MaxFiles     = 1 << 20
	MaxBodyBytes = 256 << 20
)

// Chunk is one unique chunk.
type Chunk struct {
	Digest Digest
	Length uint32
}

// Run is Count consecutive chunk indexes from First on.
type Run struct{ First, Count uint32 }

// File is one file, or one empty folder, of a version.
type File struct {
	Path       string
	Size       int64
	Executable bool
	Dir        bool
}

// Body lists what a version consists of.
type Body struct {
	Chunks []Chunk
	Runs   []Run
	Files  []File
}

// Encode returns the encoding of b.
func (b *Body) Encode() []byte { panic("next commit") }

// Check reports whether b is consistent and within its limits.
func (b *Body) Check() error { panic("next commit") }

// Bytes returns the length of the stream; UniqueBytes that of all chunks, each once.
func (b *Body) Bytes() int64 { panic("next commit") }

// UniqueBytes returns the length of all chunks, each counted once.
func (b *Body) UniqueBytes() int64 { panic("next commit") }

// DecodeBody decodes and checks a body.
func DecodeBody(encoded []byte) (*Body, error) { panic("next commit") }

// A Builder makes a body from chunks in stream order.
type Builder struct{}

// Add appends a chunk to the stream and returns its index, and whether it is new.
func (b *Builder) Add(digest Digest, length uint32) (index uint32, fresh bool) {
	panic("next commit")
}

// Body returns the body of what was added, as files in stream order.
func (b *Builder) Body(files []File) (*Body, error) { panic("next commit") }

// Segment is a part of a chunk that lies in one file: bytes [Start, Start+Length)
// of the chunk are at Offset of Files[File].
type Segment struct {
	File          int
	Offset        int64
	Start, Length int
}

// Layout says where chunks lie in files.
type Layout struct{}

// NewLayout prepares the layout of b, which must have passed Check.
func NewLayout(b *Body) *Layout { panic("next commit") }

// Segments returns all places where the chunk lies.
func (l *Layout) Segments(chunk uint32) []Segment { panic("next commit") }

// Order returns files in canonical order.
func Order(files []File) []File { panic("next commit") }

// Objects yields the index ranges [from, to) of files, in canonical order, that
// are cut together.
func Objects(files []File) iter.Seq2[int, int] { panic("next commit") }

// Split cuts one object into chunks. The slice given to emit is valid until it returns.
func Split(r io.Reader, emit func([]byte) error) error { panic("next commit") }
