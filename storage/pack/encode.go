package pack

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/sitecast/sitecast/storage/content"
)

// leastSaving is the part of a chunk (1/32, about 3 %) that compression must
// save, for less does not pay for the decoding at every endpoint.
const leastSaving = 32

// coders are shared by all: they hold one state per processor and are safe for
// use by several goroutines. They start none of their own.
var coders = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), // once, for what thousands of sites fetch
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithWindowSize(content.MaxChunkBytes),
		zstd.WithSingleSegment(true),
		zstd.WithEncoderCRC(false)) // chunks are hashed
	if err != nil {
		panic(err) // the options are constant
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithDecoderMaxMemory(content.MaxChunkBytes),
		zstd.WithDecoderMaxWindow(content.MaxChunkBytes),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err)
	}
	return encoder, decoder
})

// Encode appends the encoding of a chunk to dst, compressed where that pays. Equal
// chunks encode equally. The encoder itself gives up early on what does not
// compress (it passes over random bytes at several GB/s), so nothing guards it.
func Encode(plain, dst []byte) ([]byte, Encoding) {
	encoder, _ := coders()
	out := encoder.EncodeAll(plain, dst)
	if len(out)-len(dst) < len(plain)-len(plain)/leastSaving {
		return out, Zstd
	}
	return append(out[:len(dst)], plain...), Plain
}

// Decode appends to dst the chunk of plain bytes that encoded holds. It takes no
// memory beyond that, whatever encoded claims to be. It does not hash the chunk.
func Decode(encoding Encoding, encoded []byte, plain uint32, dst []byte) ([]byte, error) {
	if plain == 0 || plain > content.MaxChunkBytes {
		return nil, fmt.Errorf("decode chunk of %d bytes, want 1 to %d", plain, content.MaxChunkBytes)
	}
	switch encoding {
	case Plain:
		if len(encoded) != int(plain) {
			return nil, fmt.Errorf("decode chunk: %d bytes, want %d", len(encoded), plain)
		}
		return append(dst, encoded...), nil
	case Zstd:
		return decodeZstd(encoded, int(plain), dst)
	}
	return nil, fmt.Errorf("decode chunk: unknown encoding %d", encoding)
}

func decodeZstd(encoded []byte, plain int, dst []byte) ([]byte, error) {
	var header zstd.Header
	if err := header.Decode(encoded); err != nil {
		return nil, fmt.Errorf("decode chunk: %w", err)
	}
	if header.Skippable || !header.HasFCS || header.FrameContentSize != uint64(plain) {
		return nil, errors.New("decode chunk: its frame announces another size")
	}
	_, decoder := coders()
	n := len(dst)
	dst = slices.Grow(dst, plain)
	out, err := decoder.DecodeAll(encoded, dst[n:n:n+plain])
	if err != nil {
		return nil, fmt.Errorf("decode chunk: %w", err)
	}
	if len(out) != plain {
		return nil, fmt.Errorf("decode chunk: %d bytes, want %d", len(out), plain)
	}
	return dst[:n+plain], nil
}
