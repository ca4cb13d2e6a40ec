package pack

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress"
	"github.com/klauspost/compress/zstd"

	"github.com/sitecast/sitecast/storage/content"
)

// leastSaving is the part of a chunk (1/32, about 3 %) that compression must
// save, for less does not pay for the decoding at every endpoint.
const leastSaving = 32

// noise is the estimate below which bytes look random: what compresses is above 0.1,
// random bytes are below 0.04.
const noise = 0.05

// codec is shared by all: its parts hold one state per processor and are safe for use
// by several goroutines. They start none of their own.
type codec struct {
	encoder *zstd.Encoder
	// scout looks whether there is something to find in what looks random. It gives up
	// early and passes over random bytes at 4 GB/s, which the encoder does at 0.5.
	scout   *zstd.Encoder
	decoder *zstd.Decoder
}

var coders = sync.OnceValue(func() codec {
	var c codec
	var errs [3]error
	c.encoder, errs[0] = newEncoder(zstd.SpeedBetterCompression) // once, for what thousands of sites fetch
	c.scout, errs[1] = newEncoder(zstd.SpeedFastest)
	c.decoder, errs[2] = zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithDecoderMaxMemory(content.MaxChunkBytes),
		zstd.WithDecoderMaxWindow(content.MaxChunkBytes),
		zstd.WithDecodeAllCapLimit(true))
	if err := errors.Join(errs[:]...); err != nil {
		panic(err) // the options are constant
	}
	c.scout.EncodeAll(make([]byte, content.MinChunkBytes), nil) // it sets up at its first use, which is now for all three
	return c
})

func newEncoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(level),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithWindowSize(content.MaxChunkBytes),
		zstd.WithSingleSegment(true),
		zstd.WithEncoderCRC(false)) // chunks are hashed
}

// Encode appends the encoding of a chunk to dst, compressed where that pays. Equal
// chunks encode equally.
func Encode(plain, dst []byte) ([]byte, Encoding) {
	c := coders()
	pays := func(out []byte) bool { return len(out)-len(dst) < len(plain)-len(plain)/leastSaving }
	out := dst
	if compress.Estimate(plain) < noise {
		if out = c.scout.EncodeAll(plain, dst); !pays(out) {
			return append(out[:len(dst)], plain...), Plain
		}
	}
	if out = c.encoder.EncodeAll(plain, out[:len(dst)]); pays(out) {
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
		if err := checkFrame(encoded, plain); err != nil {
			return nil, err
		}
		return decodeAll(coders().decoder, encoded, int(plain), dst)
	}
	return nil, fmt.Errorf("decode chunk: unknown encoding %d", encoding)
}
