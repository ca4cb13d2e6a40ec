package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

var version = content.VersionID{0: 0xa0, 15: 0xaf}

// frames is one of each kind.
var frames = []wire.Frame{
	{Kind: wire.FrameHello, Number: 1},
	{Kind: wire.FrameCredit, Total: 1 << 40},
	{Kind: wire.FrameJoin, Version: version, Flags: wire.JoinBodyHeld | wire.JoinReplyWanted, Number: 134000},
	{Kind: wire.FrameLeave, Version: version},
	{Kind: wire.FrameHave, Version: version, Number: 64, Payload: []byte{0xff, 0x01}},
	{Kind: wire.FrameHaveList, Version: version, Chunks: []uint32{7}},
	{Kind: wire.FrameWant, Version: version, Chunks: []uint32{9, 1, 5}},
	{Kind: wire.FrameCancel, Version: version, Chunks: []uint32{5}},
	{Kind: wire.FrameRefuse, Version: version, Flags: wire.RefuseBusy, Chunks: []uint32{9}},
	{Kind: wire.FrameHaveBody, Version: version},
	{Kind: wire.FrameWantBody, Version: version, Offset: 65536, Length: 1000},
	{Kind: wire.FrameData, Version: version, Number: 3, Offset: 4096, Payload: []byte("chunk bytes")},
	{Kind: wire.FrameBody, Version: version, Offset: 12, Payload: []byte("body bytes")},
}

func TestEveryFrameSurvivesTheWire(t *testing.T) {
	for _, f := range frames {
		got, err := wire.ParseFrame(wire.AppendFrame(nil, f))
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("frame %#02x came back as %+v, %v; want %+v", f.Kind, got, err, f)
		}
	}
}

func TestBulkCarriesBytesAndCtlTheRest(t *testing.T) {
	for _, f := range frames {
		want := wire.ChannelCtl
		if f.Kind == wire.FrameData || f.Kind == wire.FrameBody {
			want = wire.ChannelBulk
		}
		if got := f.Kind.Channel(); got != want {
			t.Errorf("frame %#02x travels on channel %d, want %d", f.Kind, got, want)
		}
	}
}

func TestFramesBeyondALimitAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"oversize":        make([]byte, wire.MaxFrameBytes+1),
		"half a version":  wire.AppendFrame(nil, frames[3])[:9],
		"trailing byte":   append(wire.AppendFrame(nil, frames[3]), 0),
		"odd list":        append(wire.AppendFrame(nil, frames[6]), 0),
		"long list":       wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameWant, Chunks: make([]uint32, wire.MaxListed+1)}),
		"chunk number":    wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameWant, Chunks: []uint32{content.MaxChunks}}),
		"join":            wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameJoin, Number: content.MaxChunks + 1}),
		"unaligned have":  wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameHave, Number: 7, Payload: []byte{1}}),
		"have past end":   wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameHave, Number: content.MaxChunks, Payload: []byte{1}}),
		"data past end":   wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameData, Offset: content.MaxChunkBytes, Payload: []byte{1}}),
		"empty data":      wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameData}),
		"body past end":   wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameBody, Offset: content.MaxBodyBytes, Payload: []byte{1}}),
		"wanting nothing": wire.AppendFrame(nil, wire.Frame{Kind: wire.FrameWantBody}),
	} {
		if f, err := wire.ParseFrame(b); !errors.Is(err, wire.ErrBadFrame) {
			t.Errorf("%s: %+v, %v; want ErrBadFrame", name, f, err)
		}
	}
	if _, err := wire.ParseFrame([]byte{0x7f}); !errors.Is(err, wire.ErrUnknownFrame) {
		t.Errorf("kind 0x7f: %v, want ErrUnknownFrame", err)
	}
}

func TestDataFramesAllocateNothing(t *testing.T) {
	f := wire.Frame{Kind: wire.FrameData, Version: version, Payload: make([]byte, wire.MaxDataBytes)}
	buf := make([]byte, 0, wire.MaxFrameBytes)
	n := testing.AllocsPerRun(100, func() {
		buf = wire.AppendFrame(buf[:0], f)
		if _, err := wire.ParseFrame(buf); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per frame, want 0", n)
	}
}

func FuzzParseFrame(f *testing.F) {
	for _, fr := range frames {
		f.Add(wire.AppendFrame(nil, fr))
	}
	for _, v := range vectors(f, "frames.txt") {
		if b, err := hex.DecodeString(strings.ReplaceAll(v.in, " ", "")); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := wire.ParseFrame(b)
		if err != nil {
			return
		}
		if again := wire.AppendFrame(nil, fr); !bytes.Equal(again, b) {
			t.Errorf("%x came back as %x", b, again)
		}
	})
}

func BenchmarkDataFrame(b *testing.B) {
	f := wire.Frame{Kind: wire.FrameData, Version: version, Payload: make([]byte, 16<<10)}
	buf := make([]byte, 0, wire.MaxFrameBytes)
	b.SetBytes(int64(len(f.Payload)))
	for b.Loop() {
		buf = wire.AppendFrame(buf[:0], f)
		if _, err := wire.ParseFrame(buf); err != nil {
			b.Fatal(err)
		}
	}
}
