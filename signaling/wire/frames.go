package wire

import "github.com/sitecast/sitecast/storage/content"

// FrameKind is the first byte of every frame.
type FrameKind uint8

// Frame layouts after the kind byte. Integers are big-endian, V is the 16 bytes
// of a [content.VersionID], "..." runs to the end of the frame.
//
// Channel `ctl` (id 0, ordered, reliable):
const (
	FrameHello    FrameKind = 0x01 // u16 version; first frame on ctl, once, from both sides
	FrameCredit   FrameKind = 0x02 // u64 total bytes of chunk payload the receiver allows on bulk so far
	FrameJoin     FrameKind = 0x03 // V, u8 flags, u32 chunks; sender takes part in this version
	FrameLeave    FrameKind = 0x04 // V; sender takes part no more, its wants are void
	FrameHave     FrameKind = 0x05 // V, u32 first chunk (multiple of 8), ... bitmap bytes
	FrameHaveList FrameKind = 0x06 // V, ... u32 chunks
	FrameWant     FrameKind = 0x07 // V, ... u32 chunks, most wanted first
	FrameCancel   FrameKind = 0x08 // V, ... u32 chunks no longer wanted
	FrameRefuse   FrameKind = 0x09 // V, u8 code, ... u32 chunks that will not come
	FrameHaveBody FrameKind = 0x0a // V; sender now holds the body
	FrameWantBody FrameKind = 0x0b // V, u32 offset, u32 length
	FrameUplink   FrameKind = 0x0c // u8 flags; whether the sender has a socket to the server
	FrameGrant    FrameKind = 0x0d // u64 epoch, u64 term, u64 seq, u64 bytes/s, u64 site bytes/s, u64 floor bytes/s, u32 valid ms, u8 flags
	FrameTaken    FrameKind = 0x0e // u64 bytes, u8 flags; what the sender took over the WAN since it started
	// Channel `bulk` (id 1, unordered, reliable):
	FrameData FrameKind = 0x20 // V, u32 chunk, u32 offset in the chunk, ... bytes
	FrameBody FrameKind = 0x21 // V, u32 offset in the body, ... bytes
)

// Channel ids and labels, negotiated out of band: both sides just open them.
const (
	ChannelCtl  = 0
	ChannelBulk = 1
)

// Limits of frames.
const (
	// MaxFrameBytes bounds a frame, header included.
	MaxFrameBytes = 64 << 10
	// MaxDataBytes is the most chunk payload one bulk frame carries.
	MaxDataBytes = MaxFrameBytes - 64
	// MaxListed bounds the chunks one list frame names.
	MaxListed = 4096
	// MaxHaveBytes bounds the bitmap bytes of one FrameHave.
	MaxHaveBytes = 32 << 10
)

// Refusal codes in FrameRefuse.
const (
	RefuseNotHeld = 1 // the chunk is not held (any more)
	RefusePaused  = 2 // the flow is paused here
	RefuseBusy    = 3 // too many wants are waiting
)

// Frame is one decoded frame. Which fields count depends on Kind, as laid out
// above. Payload aliases the buffer it was decoded from.
type Frame struct {
	Kind    FrameKind
	Version content.VersionID
	Number  uint32   // protocol version, chunks, first chunk, chunk
	Offset  uint32   // FrameData, FrameBody, FrameWantBody
	Length  uint32   // FrameWantBody
	Total   uint64   // FrameCredit, FrameTaken
	Flags   uint8    // FrameJoin, FrameUplink and FrameTaken flags, FrameRefuse code
	Chunks  []uint32 // list frames
	Payload []byte   // FrameHave, FrameData, FrameBody
	Grant   *Grant   // FrameGrant; without From and To, which the link says
}

// Flags of FrameJoin. A join that wants a reply begins the exchange anew: the
// peer, if it takes part too, answers with a join that wants none, followed by
// what it holds. A peer that takes part later sends a join of its own.
const (
	JoinBodyHeld    = 1 // the sender holds the body
	JoinReplyWanted = 2 // the sender asks for the peer's join and bitmap
)

// UplinkHeld is the flag of FrameUplink: the sender has a socket to the server.
// It is sent when a link begins and whenever it changes. An endpoint that lost its
// own socket learns from it whether only it did, so that another will fetch what
// it was fetching, or everybody did.
const UplinkHeld = 1

// TakenWants is the flag of FrameTaken: the sender could use more than it is
// granted.
const TakenWants = 1
