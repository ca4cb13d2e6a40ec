package engine

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// narrow is a pacer that wants small pieces, and lets them go one a turn of gate.
type narrow struct {
	gate         chan struct{}
	begun, ended int
	left         bool
}

func (*narrow) Piece() int { return 10_000 }

func (n *narrow) Begin(ctx context.Context, _ int) error {
	n.begun++
	select {
	case <-n.gate:
		return nil
	case <-ctx.Done():
		n.ended++
		return ctx.Err()
	}
}

func (n *narrow) Done()  { n.ended++ }
func (n *narrow) Leave() { n.left = true }

func TestGovernedUploadGoesInPiecesThatTheReceiverAssembles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := make([]byte, 200_000)
		for i := range data {
			data[i] = byte(i / 7)
		}
		open := &registry{versions: map[content.VersionID]served{}}
		open.put(version(0), served{ver: shelf{}, body: data})
		w, n := &wireEnd{gate: make(chan struct{})}, &narrow{gate: make(chan struct{})}
		close(w.gate)
		u := newUploader(w, n, noManners{}, open, nil, nil)
		u.credit(1 << 30)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); u.run(ctx) }()
		u.want(job{version: version(0), body: true, length: uint32(len(data))})
		synctest.Wait()
		if len(w.bulk) != 0 {
			t.Errorf("%d frames went before their time", len(w.bulk))
		}
		close(n.gate)
		synctest.Wait()
		stop()
		<-done
		if n.begun != len(w.bulk) || n.ended != n.begun {
			t.Errorf("%d pieces begun and %d ended, for %d frames", n.begun, n.ended, len(w.bulk))
		}

		r := newReceiver()
		body := target{version: version(0), body: true}
		r.expect(body, uint32(len(data)))
		for i, f := range w.bulk {
			if len(f.Payload) > 10_000 {
				t.Errorf("a piece of %d bytes, want 10000 at most", len(f.Payload))
			}
			_, whole, ok := r.piece(f)
			if !ok || (whole != nil) != (i == len(w.bulk)-1) || whole != nil && !bytes.Equal(whole, data) {
				t.Fatalf("piece %d: taken %v, whole %v; want the body with the last", i, ok, whole != nil)
			}
		}
	})
}

func TestPiecesOfManySizesMakeAChunkWhole(t *testing.T) {
	const length = 3*wire.MaxDataBytes + 1000
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(i / 3)
	}
	id := target{version: version(0), chunk: 1}
	r := newReceiver()
	r.expect(id, length)
	frame := func(from, end int) wire.Frame {
		return wire.Frame{Kind: wire.FrameData, Version: version(0), Number: 1, Offset: uint32(from), Payload: data[from:end]}
	}
	var got []byte
	for _, p := range [][2]int{
		{2 * wire.MaxDataBytes, 3 * wire.MaxDataBytes}, {0, pieceStep}, {0, pieceStep}, {pieceStep, 5 * pieceStep},
		{3 * wire.MaxDataBytes, length}, {0, wire.MaxDataBytes}, {wire.MaxDataBytes, 2 * wire.MaxDataBytes},
	} {
		if got != nil {
			t.Fatalf("the chunk was whole before the piece at %v", p)
		}
		_, whole, ok := r.piece(frame(p[0], p[1]))
		if !ok {
			t.Fatalf("the piece at %v was refused", p)
		}
		got = whole
	}
	if !bytes.Equal(got, data) {
		t.Errorf("got %d bytes that differ from the %d sent", len(got), length)
	}
}

func TestPiecesOffTheirPlacesAreRefused(t *testing.T) {
	const length = 2*pieceStep + 1000
	for _, f := range []wire.Frame{
		{Offset: 1, Payload: make([]byte, pieceStep)},
		{Offset: 0, Payload: make([]byte, pieceStep+1)},
		{Offset: 2 * pieceStep, Payload: make([]byte, 999)},
		{Offset: 2 * pieceStep, Payload: make([]byte, 1001)},
		{Offset: 3 * pieceStep, Payload: make([]byte, 1)},
		{Offset: 0, Payload: nil},
	} {
		r := newReceiver()
		r.expect(target{version: version(0)}, length)
		f.Kind, f.Version = wire.FrameData, version(0)
		if _, _, ok := r.piece(f); ok {
			t.Errorf("a piece of %d bytes at %d of %d was taken", len(f.Payload), f.Offset, length)
		}
	}
}
