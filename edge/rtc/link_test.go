package rtc_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

var version = content.VersionID{1, 2, 3}

func TestLinkCarriesFramesBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, la, lb := linked(t)
		if la.Peer() != b.id || lb.Peer() != a.id || la.Attempt() != 1 || lb.Attempt() != 1 || la.Relayed() || lb.Relayed() {
			t.Errorf("links %s/%d/%v and %s/%d/%v, want the other end, attempt 1, not relayed",
				la.Peer().Short(), la.Attempt(), la.Relayed(), lb.Peer().Short(), lb.Attempt(), lb.Relayed())
		}
		want := wire.Frame{Kind: wire.FrameHave, Version: version, Number: 8, Payload: []byte{0xf0}}
		for _, way := range []struct {
			name string
			send func(wire.Frame) error
			to   *end
		}{{"a to b", la.SendCtl, b}, {"b to a", lb.SendCtl, a}} {
			if err := way.send(want); err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
			got, err := take(way.to.ctl, soon)
			if err != nil || got.Kind != want.Kind || got.Version != version || !bytes.Equal(got.Payload, want.Payload) {
				t.Errorf("%s: got %+v, %v; want %+v", way.name, got, err, want)
			}
		}
		payload := make([]byte, wire.MaxDataBytes)
		for range 3 {
			if err := la.SendBulk(t.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload}); err != nil {
				t.Fatal(err)
			}
			if err := lb.SendBulk(t.Context(), wire.Frame{Kind: wire.FrameData, Payload: payload}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(soon)
		if a.received.Load() != 3*wire.MaxDataBytes || b.received.Load() != 3*wire.MaxDataBytes {
			t.Errorf("received %d and %d bytes, want %d at both ends", a.received.Load(), b.received.Load(), 3*wire.MaxDataBytes)
		}
		sentA, gotA := la.Bytes()
		sentB, gotB := lb.Bytes()
		// The hellos are not counted.
		if sentA != gotB || sentB != gotA || sentA < 3*wire.MaxDataBytes {
			t.Errorf("a counts %d sent and %d received, b %d and %d: want each to mirror the other", sentA, gotA, sentB, gotB)
		}
	})
}

func TestCtlFramesKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, b, la, _ := linked(t)
		var want, got []uint32
		for i := range uint32(1000) {
			want = append(want, i)
			if err := la.SendCtl(wire.Frame{Kind: wire.FrameJoin, Version: version, Number: i}); err != nil {
				t.Fatal(err)
			}
		}
		for range want {
			f, err := take(b.ctl, soon)
			if err != nil {
				t.Fatalf("after %d frames: %v", len(got), err)
			}
			got = append(got, f.Number)
		}
		if !slices.Equal(got, want) {
			t.Errorf("frames came as %v, want 0 to 999 in order", got)
		}
	})
}

func TestBigTransfersArriveWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		const frames = 160 // 10 MB each way
		sums := map[*end]*[frames]int{a: {}, b: {}}
		for _, e := range []*end{a, b} {
			e.onBulk = func(f wire.Frame) {
				for _, c := range f.Payload {
					if c != byte(f.Number) {
						t.Errorf("frame %d holds a byte %d", f.Number, c)
						return
					}
				}
				sums[e][f.Number] += len(f.Payload)
			}
		}
		a.Dial(b.id, 1)
		la, lb := up(t, a, soon), up(t, b, soon)
		done := make(chan error, 2)
		for _, send := range []func(context.Context, wire.Frame) error{la.SendBulk, lb.SendBulk} {
			go func() {
				for i := range frames {
					payload := bytes.Repeat([]byte{byte(i)}, wire.MaxDataBytes-i)
					if err := send(t.Context(), wire.Frame{Kind: wire.FrameData, Number: uint32(i), Payload: payload}); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 2 {
			if err, late := take(done, time.Minute); err != nil || late != nil {
				t.Fatal(err, late)
			}
		}
		time.Sleep(soon)
		synctest.Wait()
		for _, e := range []*end{a, b} {
			for i, n := range sums[e] {
				if n != wire.MaxDataBytes-i {
					t.Errorf("%s got %d bytes of frame %d, want %d", e.id.Short(), n, i, wire.MaxDataBytes-i)
				}
			}
		}
	})
}

// stalled is a link whose far end takes no bulk frames until release is called.
func stalled(t *testing.T) (a *end, send func(context.Context) error, release func()) {
	t.Helper()
	_, a, b := pair(t)
	gate := make(chan struct{})
	b.onBulk = func(f wire.Frame) { <-gate; b.received.Add(int64(len(f.Payload))) }
	a.Dial(b.id, 1)
	l := up(t, a, soon)
	up(t, b, soon)
	payload := make([]byte, wire.MaxDataBytes)
	return a, func(ctx context.Context) error {
		return l.SendBulk(ctx, wire.Frame{Kind: wire.FrameData, Payload: payload})
	}, func() { close(gate) }
}

// fill sends until nothing goes out for 55 s: a probe of the far end's window can make room
// for one more frame, and comes half as often each time, up to once in 60 s (RFC 9260, 6.3.1
// and 16). So the next five seconds are quiet, too.
func fill(t *testing.T, send func(context.Context) error) (frames int) {
	t.Helper()
	for blocked := 0; blocked < 55; {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		err := send(ctx)
		stop()
		switch {
		case err == nil:
			blocked = 0
			frames++
		case errors.Is(err, context.DeadlineExceeded):
			blocked++
		default:
			t.Fatal(err)
		}
		if frames > 1000 {
			t.Fatal("65 MB went to a peer that takes nothing")
		}
	}
	return frames
}

func TestSendBulkWaitsForASlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, send, release := stalled(t)
		n := fill(t, send)
		sent := make(chan error, 1)
		go func() { sent <- send(t.Context()) }()
		if err, late := take(sent, time.Second); late == nil {
			t.Errorf("after %d frames another went out (%v), want it to wait", n, err)
		}
		release()
		if err, late := take(sent, time.Minute); err != nil || late != nil { // with the next probe
			t.Errorf("when the peer takes frames again: %v, %v; want the frame to go out", err, late)
		}
	})
}

func TestEverySenderEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, send, release := stalled(t)
		defer release()
		fill(t, send)
		first := make(chan error, 1)
		go func() { first <- send(t.Context()) }()
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		second := make(chan error, 1)
		go func() { second <- send(ctx) }()
		synctest.Wait()
		stop()
		if err, late := take(second, time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("a sender that waits for its turn ended with %v, %v; want context.Canceled", err, late)
		}
		if len(first) > 0 {
			t.Error("the sender before it ended, too")
		}
	})
}

func TestSendersEndWithTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, send, release := stalled(t)
		fill(t, send)
		sent := make(chan error, 2)
		for range 2 {
			go func() { sent <- send(t.Context()) }()
		}
		synctest.Wait()
		go func() { time.Sleep(time.Second); release() }() // the far end's reader may hold its close back
		a.close()
		for range 2 {
			if err, late := take(sent, time.Second); err == nil || late != nil {
				t.Errorf("a sender on a closed link ended with %v, %v; want an error", err, late)
			}
		}
	})
}
