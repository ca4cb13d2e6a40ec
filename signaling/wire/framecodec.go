package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sitecast/sitecast/storage/content"
)

// Refusals of the frame decoder.
var (
	// ErrUnknownFrame means a kind this build does not know; the link is closed
	// with CodeUnknownType.
	ErrUnknownFrame = errors.New("unknown frame kind")
	// ErrBadFrame means a frame that breaks its layout or a limit; the link is
	// closed with CodeProtocol.
	ErrBadFrame = errors.New("malformed frame")
)

// A layout says which bytes follow the kind byte.
type layout struct {
	known   bool
	version bool // 16 bytes of version id
	fixed   int  // then bytes of fixed fields
	list    bool // then u32 numbers to the end
	payload bool // or at least one byte to the end
}

var layouts = [256]layout{
	FrameHello:    {known: true, fixed: 2},
	FrameCredit:   {known: true, fixed: 8},
	FrameJoin:     {known: true, version: true, fixed: 5},
	FrameLeave:    {known: true, version: true},
	FrameHave:     {known: true, version: true, fixed: 4, payload: true},
	FrameHaveList: {known: true, version: true, list: true},
	FrameWant:     {known: true, version: true, list: true},
	FrameCancel:   {known: true, version: true, list: true},
	FrameRefuse:   {known: true, version: true, fixed: 1, list: true},
	FrameHaveBody: {known: true, version: true},
	FrameWantBody: {known: true, version: true, fixed: 8},
	FrameUplink:   {known: true, fixed: 1},
	FrameGrant:    {known: true, fixed: 53},
	FrameTaken:    {known: true, fixed: 9},
	FrameData:     {known: true, version: true, fixed: 8, payload: true},
	FrameBody:     {known: true, version: true, fixed: 4, payload: true},
}

// Channel returns the id of the channel that frames of kind k travel on. A frame
// that arrives on the other one is a breach of protocol.
func (k FrameKind) Channel() int {
	if k >= FrameData {
		return ChannelBulk
	}
	return ChannelCtl
}

// AppendFrame appends the encoding of f to dst. It encodes what it is given: the
// limits are the caller's to keep and the receiver's to check.
func AppendFrame(dst []byte, f Frame) []byte {
	be := binary.BigEndian
	dst = append(dst, byte(f.Kind))
	if layouts[f.Kind].version {
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
	case FrameRefuse, FrameUplink:
		dst = append(dst, f.Flags)
	case FrameGrant:
		g := f.Grant
		for _, n := range []uint64{g.Epoch, g.Term, g.Seq, uint64(g.BytesPerSecond), uint64(g.Site), uint64(g.Floor)} {
			dst = be.AppendUint64(dst, n)
		}
		dst = be.AppendUint32(dst, g.ValidMs)
		dst = append(dst, grantFlags(g))
	case FrameTaken:
		dst = be.AppendUint64(dst, f.Total)
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

// ParseFrame decodes one frame. Its Payload aliases b; only list frames allocate,
// at most MaxListed numbers. The error is ErrUnknownFrame or ErrBadFrame.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) == 0 || len(b) > MaxFrameBytes {
		return Frame{}, fmt.Errorf("%w: %d bytes", ErrBadFrame, len(b))
	}
	f := Frame{Kind: FrameKind(b[0])}
	l := layouts[f.Kind]
	if !l.known {
		return Frame{}, fmt.Errorf("%w: %#02x", ErrUnknownFrame, b[0])
	}
	head := 1 + l.fixed
	if l.version {
		head += len(f.Version)
	}
	if len(b) < head || len(b) > head && !l.list && !l.payload {
		return Frame{}, fmt.Errorf("%w: kind %#02x with %d bytes", ErrBadFrame, b[0], len(b))
	}
	if l.version {
		copy(f.Version[:], b[1:])
	}
	f.parseFixed(b[head-l.fixed : head])
	rest := b[head:]
	switch {
	case l.list:
		if len(rest)%4 != 0 || len(rest)/4 > MaxListed {
			return Frame{}, fmt.Errorf("%w: list of %d bytes", ErrBadFrame, len(rest))
		}
		f.Chunks = parseList(rest)
	case l.payload:
		f.Payload = rest
	}
	if !f.within() {
		return Frame{}, fmt.Errorf("%w: kind %#02x beyond a limit", ErrBadFrame, b[0])
	}
	return f, nil
}

func (f *Frame) parseFixed(b []byte) {
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
	case FrameRefuse, FrameUplink:
		f.Flags = b[0]
	case FrameGrant:
		f.Grant = &Grant{Epoch: be.Uint64(b), Term: be.Uint64(b[8:]), Seq: be.Uint64(b[16:]), BytesPerSecond: int64(be.Uint64(b[24:])),
			Site: int64(be.Uint64(b[32:])), Floor: int64(be.Uint64(b[40:])), ValidMs: be.Uint32(b[48:]), Lossy: b[52]&grantLossy != 0}
	case FrameTaken:
		f.Total, f.Flags = be.Uint64(b), b[8]
	case FrameWantBody:
		f.Offset, f.Length = be.Uint32(b), be.Uint32(b[4:])
	case FrameData:
		f.Number, f.Offset = be.Uint32(b), be.Uint32(b[4:])
	case FrameBody:
		f.Offset = be.Uint32(b)
	}
}

// grantLossy is the flag of a grant for [Grant.Lossy].
const grantLossy = 1 << 0

func grantFlags(g *Grant) byte {
	if g.Lossy {
		return grantLossy
	}
	return 0
}

func parseList(b []byte) []uint32 {
	if len(b) == 0 {
		return nil
	}
	list := make([]uint32, len(b)/4)
	for i := range list {
		list[i] = binary.BigEndian.Uint32(b[4*i:])
	}
	return list
}

// within reports whether every number is one that some content could have. What
// the version at hand allows is for its owner to check.
func (f *Frame) within() bool {
	size := uint64(len(f.Payload))
	switch f.Kind {
	case FrameGrant:
		return f.Grant.Check() == nil
	case FrameTaken:
		return f.Total <= MaxNumber
	case FrameJoin:
		return f.Number <= content.MaxChunks
	case FrameHave:
		return size > 0 && size <= MaxHaveBytes && f.Number%8 == 0 && uint64(f.Number)+8*size <= content.MaxChunks
	case FrameWantBody:
		return f.Length > 0 && uint64(f.Offset)+uint64(f.Length) <= content.MaxBodyBytes
	case FrameData:
		return size > 0 && size <= MaxDataBytes && f.Number < content.MaxChunks &&
			uint64(f.Offset)+size <= content.MaxChunkBytes
	case FrameBody:
		return size > 0 && size <= MaxDataBytes && uint64(f.Offset)+size <= content.MaxBodyBytes
	}
	for _, c := range f.Chunks {
		if c >= content.MaxChunks {
			return false
		}
	}
	return true
}
