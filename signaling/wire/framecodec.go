package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/content"
)

// Refusals of the frame decoder.
var (
	ErrUnknownFrame = errors.New("unknown frame kind")
	ErrBadFrame     = errors.New("malformed frame")
)

// shape says how the bytes after the kind are laid out.
type shape struct {
	version bool // V comes first
	fixed   int  // bytes of fixed fields after V
	list    bool // u32 numbers follow
	payload bool // bytes follow
}

var shapes = map[FrameKind]shape{
	FrameHello:    {fixed: 2},
	FrameCredit:   {fixed: 8},
	FrameJoin:     {version: true, fixed: 5},
	FrameLeave:    {version: true},
	FrameHave:     {version: true, fixed: 4, payload: true},
	FrameHaveList: {version: true, list: true},
	FrameWant:     {version: true, list: true},
	FrameCancel:   {version: true, list: true},
	FrameRefuse:   {version: true, fixed: 1, list: true},
	FrameHaveBody: {version: true},
	FrameWantBody: {version: true, fixed: 8},
	FrameData:     {version: true, fixed: 8, payload: true},
	FrameBody:     {version: true, fixed: 4, payload: true},
}

// Channel returns the id of the channel that frames of kind k travel on.
func (k FrameKind) Channel() int {
	if k >= FrameData {
		return ChannelBulk
	}
	return ChannelCtl
}

// AppendFrame appends the encoding of f to dst. It encodes what it is given; the
// limits are the caller's to keep and the receiver's to check.
func AppendFrame(dst []byte, f Frame) []byte {
	be := binary.BigEndian
	dst = append(dst, byte(f.Kind))
	if shapes[f.Kind].version {
		dst = append(dst, f.Version[:]...)
	}
	switch f.Kind {
	case FrameHello:
		dst = be.AppendUint16(dst, uint16(f.Number))
	case FrameCredit:
		dst = be.AppendUint64(dst, f.Total)
	case FrameJoin:
		dst = append(dst, f.Flags)
		dst = be.AppendUint32(dst, f.Number)
	case FrameHave:
		dst = be.AppendUint32(dst, f.Number)
	case FrameRefuse:
		dst = append(dst, f.Flags)
	case FrameWantBody:
		dst = be.AppendUint32(dst, f.Offset)
		dst = be.AppendUint32(dst, f.Length)
	case FrameData:
		dst = be.AppendUint32(dst, f.Number)
		dst = be.AppendUint32(dst, f.Offset)
	case FrameBody:
		dst = be.AppendUint32(dst, f.Offset)
	}
	for _, c := range f.Chunks {
		dst = be.AppendUint32(dst, c)
	}
	return append(dst, f.Payload...)
}

// ParseFrame decodes one frame. Its Payload aliases b. An unknown kind is
// ErrUnknownFrame, anything else that breaks the layout or a limit ErrBadFrame.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) == 0 || len(b) > MaxFrameBytes {
		return Frame{}, fmt.Errorf("%w: %d bytes", ErrBadFrame, len(b))
	}
	f := Frame{Kind: FrameKind(b[0])}
	s, known := shapes[f.Kind]
	if !known {
		return Frame{}, fmt.Errorf("%w: %#02x", ErrUnknownFrame, b[0])
	}
	b = b[1:]
	if s.version {
		if len(b) < len(content.VersionID{}) {
			return Frame{}, fmt.Errorf("%w: kind %#02x is too short", ErrBadFrame, f.Kind)
		}
		b = b[copy(f.Version[:], b):]
	}
	if len(b) < s.fixed || len(b) > s.fixed && !s.list && !s.payload {
		return Frame{}, fmt.Errorf("%w: kind %#02x has %d bytes", ErrBadFrame, f.Kind, len(b))
	}
	f.fixed(b[:s.fixed])
	return f, f.rest(b[s.fixed:], s)
}

// fixed reads the fixed fields.
func (f *Frame) fixed(b []byte) {
	be := binary.BigEndian
	switch f.Kind {
	case FrameHello:
		f.Number = uint32(be.Uint16(b))
	case FrameCredit:
		f.Total = be.Uint64(b)
	case FrameJoin:
		f.Flags, f.Number = b[0], be.Uint32(b[1:])
	case FrameHave:
		f.Number = be.Uint32(b)
	case FrameRefuse:
		f.Flags = b[0]
	case FrameWantBody:
		f.Offset, f.Length = be.Uint32(b), be.Uint32(b[4:])
	case FrameData:
		f.Number, f.Offset = be.Uint32(b), be.Uint32(b[4:])
	case FrameBody:
		f.Offset = be.Uint32(b)
	}
}

// rest reads what runs to the end of the frame.
func (f *Frame) rest(b []byte, s shape) error {
	switch {
	case s.list:
		if len(b)%4 != 0 || len(b)/4 > MaxListed {
			return fmt.Errorf("%w: list of %d bytes", ErrBadFrame, len(b))
		}
		for ; len(b) > 0; b = b[4:] {
			f.Chunks = append(f.Chunks, binary.BigEndian.Uint32(b))
		}
	case s.payload:
		f.Payload = b
		if f.Kind == FrameHave && (len(b) > MaxHaveBytes || f.Number%8 != 0) ||
			f.Kind != FrameHave && (len(b) == 0 || len(b) > MaxDataBytes) {
			return fmt.Errorf("%w: kind %#02x carries %d bytes", ErrBadFrame, f.Kind, len(b))
		}
	}
	return nil
}
