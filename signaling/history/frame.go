package history

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A file is a line and then frames, one for each step:
//
//	u32 length of what is compressed, u32 CRC-32C of all behind it, i64 milliseconds since
//	1970, u32 milliseconds until the next step at the latest, u8 1 for a whole picture,
//	3 bytes 0, ... what is compressed
//
// Integers are big-endian. The first frame is a whole picture.
const (
	fileHead   = "sitecast history 1\n"
	frameBytes = 24
	// maxFrameBytes bounds what is compressed of one.
	maxFrameBytes = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is one step in a file.
type frame struct {
	offset int64 // of its payload
	length uint32
	sum    uint32
	at     int64 // milliseconds since 1970
	next   uint32
	full   bool
}

// until is how long it is what is known: later than that nobody recorded.
func (f frame) until() int64 { return f.at + late*int64(f.next) }

// late is how many times as late as said a step may come.
const late = 3

func (f frame) time() time.Time { return time.UnixMilli(f.at).UTC() }

// coders are shared by all who write and read.
var coders = sync.OnceValue(func() (c struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}) {
	var err error
	if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)); err != nil {
		panic(err) // the options are constant
	}
	if c.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRawBytes)); err != nil {
		panic(err)
	}
	return c
})

// appendFrame writes a step.
func appendFrame(out, raw []byte, at time.Time, full bool) []byte {
	head := len(out)
	out = append(out, make([]byte, frameBytes)...)
	out = coders().encoder.EncodeAll(raw, out)
	binary.BigEndian.PutUint32(out[head:], uint32(len(out)-head-frameBytes))
	binary.BigEndian.PutUint64(out[head+8:], uint64(at.UnixMilli()))
	if full {
		out[head+16+4] = 1
	}
	return out
}

// seal says in a frame when the next one comes, and sums it up.
func seal(out []byte, next time.Duration) {
	binary.BigEndian.PutUint32(out[16:], uint32(min(next, maxStep)/time.Millisecond))
	binary.BigEndian.PutUint32(out[4:], crc32.Checksum(out[8:], castagnoli))
}

// parseFrame reads the head of a frame whose payload begins at an offset.
func parseFrame(head [frameBytes]byte, offset int64) (frame, error) {
	f := frame{offset: offset, length: binary.BigEndian.Uint32(head[:]), sum: binary.BigEndian.Uint32(head[4:]), at: int64(binary.BigEndian.Uint64(head[8:])),
		next: binary.BigEndian.Uint32(head[16:]), full: head[20] == 1}
	switch {
	case f.length > maxFrameBytes:
		return f, fmt.Errorf("a frame of %d bytes, limit %d: %w", f.length, maxFrameBytes, errCorrupt)
	case f.at <= 0 || f.at > maxMillis || f.next > uint32(maxStep/time.Millisecond) || head[20] > 1:
		return f, fmt.Errorf("the head of a frame: %w", errCorrupt)
	}
	return f, nil
}

// maxMillis is a time that will not come, far from where sums overflow.
const maxMillis = 1 << 48

// payload checks and unpacks what a frame holds.
func (f frame) payload(head [frameBytes]byte, packed []byte) ([]byte, error) {
	if crc32.Update(crc32.Checksum(head[8:], castagnoli), castagnoli, packed) != f.sum {
		return nil, fmt.Errorf("the sum of the frame at %d: %w", f.offset, errCorrupt)
	}
	if len(packed) == 0 {
		return nil, nil // nothing changed
	}
	raw, err := coders().decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack the frame at %d: %w: %w", f.offset, err, errCorrupt)
	}
	return raw, nil
}
