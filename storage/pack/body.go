package pack

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/sitecast/sitecast/storage/content"
)

// BodyEncoding is the HTTP content coding (RFC 8878) in which bodies travel where
// both sides know it: half of a body are paths, which are much alike.
const BodyEncoding = "zstd"

// MaxEncodedBody bounds the bodies that are compressed, in bytes before it: what a
// server does in memory for whoever asks. It is the body of some 25 GiB.
const MaxEncodedBody = 16 << 20

// EncodeBody returns an encoded body compressed for its way.
func EncodeBody(body []byte) ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithSingleSegment(true)) // so that it says its size
	if err != nil {
		return nil, err
	}
	return encoder.EncodeAll(body, nil), encoder.Close()
}

// DecodeBody returns what EncodeBody was given, which had size bytes. It takes no
// memory beyond those, whatever encoded claims to be.
func DecodeBody(encoded []byte, size int64) ([]byte, error) {
	var header zstd.Header
	if err := header.Decode(encoded); err != nil {
		return nil, fmt.Errorf("decode body: %w", err)
	}
	if size < 0 || size > content.MaxBodyBytes || header.Skippable || !header.HasFCS || header.FrameContentSize != uint64(size) {
		return nil, errors.New("decode body: its frame announces another size")
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(size, zstd.MinWindowSize))),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	body, err := decoder.DecodeAll(encoded, make([]byte, 0, size))
	if err == nil && int64(len(body)) != size {
		err = fmt.Errorf("%d bytes, want %d", len(body), size)
	}
	if err != nil {
		return nil, fmt.Errorf("decode body: %w", err)
	}
	return body, nil
}
