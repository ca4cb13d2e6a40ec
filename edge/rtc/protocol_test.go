package rtc_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

var maxSize = regexp.MustCompile(`a=max-message-size:\d+`)

// generous is a LAN whose server tells everybody that their peer takes messages
// of 1 MB, so that a transport can be made to send one that is too long.
func generous(sig wire.Signal) []wire.Signal {
	for _, d := range []**wire.Description{&sig.Offer, &sig.Answer} {
		if *d != nil {
			*d = &wire.Description{SDP: maxSize.ReplaceAllString((*d).SDP, "a=max-message-size:1000000"), Statement: (*d).Statement}
		}
	}
	return []wire.Signal{sig}
}

func TestBreachOfProtocolClosesTheLink(t *testing.T) {
	onCtl := func(l *rtc.Link, f wire.Frame) error { return l.SendCtl(f) }
	onBulk := func(l *rtc.Link, f wire.Frame) error {
		return l.SendBulk(context.Background(), f)
	}
	for _, c := range []struct {
		name string
		send func(*rtc.Link, wire.Frame) error
		f    wire.Frame
		door wire.Door
		code string
	}{
		{"malformed on ctl", onCtl, wire.Frame{Kind: wire.FrameJoin, Number: content.MaxChunks + 1}, wire.DoorCtl, wire.CodeProtocol},
		{"malformed on bulk", onBulk, wire.Frame{Kind: wire.FrameData, Offset: content.MaxChunkBytes, Payload: []byte{1}}, wire.DoorBulk, wire.CodeProtocol},
		{"too much data", onBulk, wire.Frame{Kind: wire.FrameData, Payload: make([]byte, wire.MaxDataBytes+1)}, wire.DoorBulk, wire.CodeProtocol},
		{"too long on ctl", onCtl, wire.Frame{Kind: wire.FrameHave, Payload: make([]byte, wire.MaxFrameBytes)}, wire.DoorCtl, wire.CodeProtocol},
		{"too long on bulk", onBulk, wire.Frame{Kind: wire.FrameData, Payload: make([]byte, wire.MaxFrameBytes)}, wire.DoorBulk, wire.CodeProtocol},
		{"far too long", onBulk, wire.Frame{Kind: wire.FrameData, Payload: make([]byte, 10*wire.MaxFrameBytes)}, wire.DoorBulk, wire.CodeProtocol},
		{"a second hello", onCtl, wire.Frame{Kind: wire.FrameHello, Number: 1}, wire.DoorCtl, wire.CodeProtocol},
		{"data on ctl", onCtl, wire.Frame{Kind: wire.FrameData, Payload: []byte{1}}, wire.DoorCtl, wire.CodeProtocol},
		{"a want on bulk", onBulk, wire.Frame{Kind: wire.FrameWant, Chunks: []uint32{1}}, wire.DoorBulk, wire.CodeProtocol},
		{"an unknown kind", onCtl, wire.Frame{Kind: 0x7f}, wire.DoorCtl, wire.CodeUnknownType},
		{"an unknown kind on bulk", onBulk, wire.Frame{Kind: 0x7f}, wire.DoorBulk, wire.CodeUnknownType},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, a, b := pair(t)
				n.server.tamper = generous
				a.Dial(b.id, 1)
				la, lb := up(t, a, soon), up(t, b, soon)
				if err := c.send(la, c.f); err != nil {
					t.Fatal(err)
				}
				if f := down(t, b, soon); f.link != lb || f.reason != c.code {
					t.Errorf("b heard %+v, want its link to end for %q", f, c.code)
				}
				if f := down(t, a, soon); f.link != la {
					t.Errorf("a heard %+v, want its link to end", f)
				}
				if len(b.ctl) > 0 || b.received.Load() > 0 {
					t.Error("the frame was handed over")
				}
				wantRefused(t, b, c.door, c.code, 1)
			})
		})
	}
}

// A peer that takes no control frames can't make this end keep them for ever.
func TestPeerThatTakesNoControlFramesIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		gate := make(chan struct{})
		b.onCtl = func(wire.Frame) { <-gate }
		a.Dial(b.id, 1)
		la := up(t, a, soon)
		up(t, b, soon)
		frame := wire.Frame{Kind: wire.FrameHave, Version: version, Payload: make([]byte, wire.MaxHaveBytes)}
		const enough = 40 << 20
		sent := 0
		for ; sent < enough; sent += wire.MaxHaveBytes {
			if la.SendCtl(frame) != nil {
				break
			}
			if sent%(1<<20) == 0 {
				time.Sleep(100 * time.Millisecond) // what can go, goes
			}
		}
		if sent >= enough {
			t.Errorf("%d MB were kept for a peer that takes nothing", sent>>20)
		}
		if sent < 10<<20 {
			t.Errorf("dropped after %d kB, want some patience", sent>>10)
		}
		time.AfterFunc(time.Second, func() { close(gate) })
		if f := down(t, a, soon); f.link != la || !strings.Contains(f.reason, "control frames") {
			t.Errorf("a heard %+v, want its link to end for the control frames", f)
		}
	})
}

// Control frames pass a long wait of bulk frames.
func TestCtlIsNotHeldUpByBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newLAN(t, 5*time.Millisecond)
		ha, hb := host(t, n.router, "10.0.0.1"), host(t, n.router, "10.0.0.2")
		start(t, n.router)
		a, b := newEnd(t, n.server, ha, "0.0.0.0:0"), newEnd(t, n.server, hb, "0.0.0.0:0")
		time.Sleep(time.Millisecond)
		b.onBulk = func(f wire.Frame) { time.Sleep(50 * time.Millisecond) } // a slow disk
		a.Dial(b.id, 1)
		la := up(t, a, soon)
		up(t, b, soon)
		go func() {
			for la.SendBulk(t.Context(), wire.Frame{Kind: wire.FrameData, Payload: make([]byte, wire.MaxDataBytes)}) == nil {
			}
		}()
		time.Sleep(3 * time.Second)
		var took []time.Duration
		for range 5 {
			begin := time.Now()
			if err := la.SendCtl(wire.Frame{Kind: wire.FrameLeave}); err != nil {
				t.Fatal(err)
			}
			if _, err := take(b.ctl, 10*time.Second); err != nil {
				t.Fatal("no control frame in 10 s")
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		// Where the receiver's window is closed just then, SCTP waits for its timer once.
		if took[2] > 500*time.Millisecond || took[4] > 1500*time.Millisecond {
			t.Errorf("control frames took %v beside waiting bulk frames, want a few round trips", took)
		}
		a.close()
	})
}
