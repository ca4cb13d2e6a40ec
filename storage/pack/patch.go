package pack

import (
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/sitecast/sitecast/storage/content"
)

// MaxDictionary bounds the dictionary of a patch, in bytes, and with it what a decoder
// takes: it is what lay around the place of the chunk. A wider one gains nothing.
const MaxDictionary = 512 << 10

// patchWindow is how far back an encoder looks: over a whole dictionary and chunk.
const patchWindow = 1 << 20

// errDictionary means that a dictionary is none.
var errDictionary = fmt.Errorf("dictionary of a patch is empty or longer than %d bytes", MaxDictionary)

// EncodePatch appends to dst the chunk as a patch: compressed with a dictionary, which
// whoever decodes it has to have.
func EncodePatch(plain, dictionary, dst []byte) ([]byte, error) {
	if len(dictionary) == 0 || len(dictionary) > MaxDictionary {
		return nil, errDictionary
	}
	// An encoder that is used again would take another dictionary for the one it had.
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedDefault), // the better one saves 1 % and takes several times as long
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(patchWindow),
		zstd.WithSingleSegment(true),
		zstd.WithEncoderCRC(false), // chunks are hashed
		zstd.WithEncoderDictRaw(0, dictionary))
	if err != nil {
		return nil, fmt.Errorf("encode patch: %w", err)
	}
	return encoder.EncodeAll(plain, dst), encoder.Close()
}

// DecodePatch appends to dst the chunk of plain bytes that a patch makes of its
// dictionary. It takes the memory of the chunk beside that of the decoder, whatever
// encoded claims to be. It does not hash the chunk.
func DecodePatch(encoded, dictionary []byte, plain uint32, dst []byte) ([]byte, error) {
	if len(dictionary) == 0 || len(dictionary) > MaxDictionary {
		return nil, errDictionary
	}
	if plain == 0 || plain > content.MaxChunkBytes {
		return nil, fmt.Errorf("decode patch to a chunk of %d bytes, want 1 to %d", plain, content.MaxChunkBytes)
	}
	if err := checkFrame(encoded, plain); err != nil {
		return nil, err
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(content.MaxChunkBytes),
		zstd.WithDecoderMaxWindow(content.MaxChunkBytes),
		zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderDictRaw(0, dictionary))
	if err != nil {
		return nil, fmt.Errorf("decode patch: %w", err)
	}
	defer decoder.Close()
	return decodeAll(decoder, encoded, int(plain), dst)
}

// checkFrame reports whether a frame announces the length of the chunk.
func checkFrame(encoded []byte, plain uint32) error {
	var header zstd.Header
	if err := header.Decode(encoded); err != nil {
		return fmt.Errorf("decode chunk: %w", err)
	}
	if header.Skippable || !header.HasFCS || header.FrameContentSize != uint64(plain) {
		return errors.New("decode chunk: its frame announces another size")
	}
	return nil
}

// decodeAll appends the plain bytes of a frame that was checked.
func decodeAll(decoder *zstd.Decoder, encoded []byte, plain int, dst []byte) ([]byte, error) {
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
