package content

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	chunkers "github.com/PlakarKorp/go-cdc-chunkers"
	_ "github.com/PlakarKorp/go-cdc-chunkers/chunkers/fastcdc" // registers the algorithm
)

// Sizes of chunks in bytes. Only the last chunk of an object may be under the
// minimum. Changing one moves every boundary there is: the golden vectors in
// testdata guard them.
const (
	MinChunkBytes = 32 << 10
	AvgChunkBytes = 64 << 10
	MaxChunkBytes = 256 << 10
)

// algorithm is the one implementation of FastCDC in the module that honours the
// sizes it is given and finds its boundaries again after an insertion.
const algorithm = "fastcdc-v1.0.0"

var splitBuffers = sync.Pool{New: func() any { return new([2 * MaxChunkBytes]byte) }}

// Split cuts the object in r into chunks by FastCDC (Xia et al., USENIX ATC 2016),
// and gives each to emit, which may use it until it returns. It ends with the first
// error of r or of emit.
func Split(r io.Reader, emit func([]byte) error) error {
	buffer := splitBuffers.Get().(*[2 * MaxChunkBytes]byte)
	defer splitBuffers.Put(buffer)
	return split(r, buffer[:], emit)
}

// SplitBytes cuts an object that is in memory as [Split] does. Where object has a
// capacity of MaxChunkBytes the chunks are parts of it, and stay valid.
func SplitBytes(object []byte, emit func([]byte) error) error {
	if cap(object) < MaxChunkBytes {
		return Split(bytes.NewReader(object), emit)
	}
	return split(resident(len(object)), object[:max(len(object), MaxChunkBytes)], emit)
}

// resident reads what lies in the buffer already.
type resident int

func (n resident) Read([]byte) (int, error) { return int(n), io.EOF }

func split(r io.Reader, buffer []byte, emit func([]byte) error) error {
	// The module writes into the options it is given, so each use makes its own.
	chunker, err := chunkers.NewChunkerBuffer(algorithm, r, &chunkers.ChunkerOpts{
		MinSize:    MinChunkBytes,
		NormalSize: AvgChunkBytes,
		MaxSize:    MaxChunkBytes,
	}, buffer)
	if err != nil {
		return fmt.Errorf("split: %w", err)
	}
	for {
		data, err := chunker.Next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		// The last chunk may come with io.EOF or before it.
		if len(data) > 0 {
			if err := emit(data); err != nil {
				return err
			}
		}
		if err != nil {
			return nil
		}
	}
}
