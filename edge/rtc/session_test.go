package rtc_test

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestBothDialAtOnceMakesOneLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		// Each offer is under way before the other comes.
		n.server.tamper = func(sig wire.Signal) []wire.Signal {
			if sig.Offer == nil {
				return []wire.Signal{sig}
			}
			time.AfterFunc(20*time.Millisecond, func() {
				map[wire.EndpointID]*end{a.id: a, b.id: b}[sig.To].Transport.Signal(sig)
			})
			return nil
		}
		a.Dial(b.id, 1)
		b.Dial(a.id, 1)
		la, lb := up(t, a, soon), up(t, b, soon)
		if f := down(t, b, 0); f.link != nil || f.peer != a.id {
			t.Errorf("the higher id heard %+v, want its own attempt to end", f)
		}
		never(t, a, time.Minute)
		never(t, b, 0)
		if got := len(n.server.sent(offers)); got != 2 {
			t.Errorf("%d offers, want 2", got)
		}
		if err := la.SendCtl(wire.Frame{Kind: wire.FrameLeave}); err != nil {
			t.Error(err)
		}
		if _, err := take(b.ctl, soon); err != nil {
			t.Error("the link carries nothing")
		}
		_ = lb
	})
}

func TestDialIsIdempotent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		for range 5 {
			a.Dial(b.id, 1)
		}
		up(t, a, soon)
		up(t, b, soon)
		a.Dial(b.id, 2)
		b.Dial(a.id, 2)
		a.Dial(a.id, 1)
		never(t, a, time.Minute)
		never(t, b, 0)
		if got := len(n.server.sent(offers)); got != 1 {
			t.Errorf("%d offers, want 1", got)
		}
	})
}

func TestDialToNobodyEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, _ := pair(t)
		nobody := wire.IDOf(newKey(t).Public().(ed25519.PublicKey))
		begin := time.Now()
		a.Dial(nobody, 3)
		f := down(t, a, 11*time.Second)
		if took := time.Since(begin); took < 9*time.Second {
			t.Errorf("gave up after %v, want 10 s", took)
		}
		if f.peer != nobody || f.link != nil || f.attempt != 3 || f.reason != "no connection in time" {
			t.Errorf("heard %+v, want attempt 3 at %s to end with no link", f, nobody.Short())
		}
		a.Dial(nobody, 4)
		if f := down(t, a, 11*time.Second); f.attempt != 4 {
			t.Errorf("heard %+v, want attempt 4 to end", f)
		}
	})
}

// A peer that answers and then is not heard again on the network.
func TestDialWithoutAPathEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		n.router.AddChunkFilter(noChunk)
		a.Dial(b.id, 1)
		for _, e := range []*end{a, b} {
			if f := down(t, e, 11*time.Second); f.link != nil {
				t.Errorf("%s heard %+v, want no link", e.id.Short(), f)
			}
		}
	})
}

func TestHangUpEndsBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, la, lb := linked(t)
		a.HangUp(b.id)
		if f := down(t, a, time.Second); f.link != la || f.reason != "hung up" || f.peer != b.id || f.attempt != 1 {
			t.Errorf("a heard %+v, want its link to be hung up", f)
		}
		if f := down(t, b, time.Second); f.link != lb || f.reason != "connection lost" || f.peer != a.id {
			t.Errorf("b heard %+v, want its link to be lost", f)
		}
		for _, l := range []interface {
			SendCtl(wire.Frame) error
			Done() <-chan struct{}
		}{la, lb} {
			if err := l.SendCtl(wire.Frame{Kind: wire.FrameLeave}); err == nil {
				t.Error("SendCtl on an ended link returned nil, want an error")
			}
			select {
			case <-l.Done():
			default:
				t.Error("Done of an ended link is open")
			}
		}
		a.HangUp(b.id) // nobody there: nothing happens
		b.Dial(a.id, 2)
		if got := up(t, b, soon).Attempt(); got != 2 {
			t.Errorf("attempt %d, want 2", got)
		}
		up(t, a, soon)
	})
}

func TestHangUpEndsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b := pair(t)
		n.server.tamper = func(wire.Signal) []wire.Signal { return nil }
		a.Dial(b.id, 1)
		time.Sleep(time.Second)
		a.HangUp(b.id)
		if f := down(t, a, time.Second); f.link != nil || f.reason != "hung up" {
			t.Errorf("heard %+v, want the attempt to be hung up", f)
		}
	})
}

// A peer that lost its end, as after a crash, dials anew: its old link is
// reported down before the new one is up, or the engine would drop the new one.
func TestPeerThatBeginsAnewReplacesItsLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, _, lb := linked(t)
		// a is cut off and forgets the link; b has not noticed.
		var cut bool
		n.router.AddChunkFilter(func(c chunk) bool { return !cut })
		cut = true
		a.HangUp(b.id)
		down(t, a, soon)
		cut = false
		if len(b.falls) > 0 {
			t.Fatal("b has noticed")
		}
		a.Dial(b.id, 1)
		up(t, a, soon)
		next := up(t, b, soon)
		if f := down(t, b, 0); f.link != lb || f.reason != "peer began anew" {
			t.Errorf("b heard %+v, want its old link to end first", f)
		}
		if next == lb {
			t.Error("the old link came up again")
		}
		never(t, b, time.Minute)
	})
}

func TestSilentPeerIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, la, lb := linked(t)
		n.router.AddChunkFilter(noChunk)
		if f := down(t, a, 20*time.Second); f.link != la {
			t.Errorf("a heard %+v, want its link to end", f)
		}
		if f := down(t, b, 20*time.Second); f.link != lb {
			t.Errorf("b heard %+v, want its link to end", f)
		}
	})
}

func TestAnIdleLinkIsCheckedFromOneEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, _, _ := linked(t)
		var packets atomic.Int32
		n.router.AddChunkFilter(func(chunk) bool { packets.Add(1); return true })
		never(t, a, time.Minute)
		never(t, b, 0)
		if got := packets.Load(); got < 50 || got > 70 {
			t.Errorf("%d packets in a minute, want a check and its answer every 2 s", got)
		}
	})
}

func TestShortBlackoutIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, la, _ := linked(t)
		dark := time.Now().Add(4 * time.Second)
		n.router.AddChunkFilter(func(chunk) bool { return time.Now().After(dark) })
		if err := la.SendBulk(t.Context(), wire.Frame{Kind: wire.FrameData, Payload: make([]byte, 60000)}); err != nil {
			t.Fatal(err)
		}
		never(t, a, 30*time.Second)
		never(t, b, 0)
		if got := b.received.Load(); got != 60000 {
			t.Errorf("got %d bytes, want 60000", got)
		}
	})
}

func TestStoppedTransportEndsItsLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, la, lb := linked(t)
		a.close()
		if f := down(t, a, 0); f.link != la || f.reason != "agent stops" {
			t.Errorf("a heard %+v, want its link to end as the agent stops", f)
		}
		if f := down(t, b, time.Second); f.link != lb {
			t.Errorf("b heard %+v, want its link to end", f)
		}
		a.Dial(b.id, 1)
		a.HangUp(b.id)
		b.Dial(a.id, 1) // its offer comes to a stopped transport
		never(t, a, time.Minute)
	})
}

func TestManyEndsLinkInAMesh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newLAN(t, time.Millisecond)
		var ends []*end
		for i := range 5 {
			ends = append(ends, newEnd(t, n.server, host(t, n.router, fmt.Sprintf("10.0.0.%d", i+1)), "0.0.0.0:0"))
		}
		start(t, n.router)
		time.Sleep(time.Millisecond)
		for i, e := range ends {
			for _, other := range ends[i+1:] {
				e.Dial(other.id, 1)
			}
		}
		for _, e := range ends {
			var peers []wire.EndpointID
			for range len(ends) - 1 {
				peers = append(peers, up(t, e, soon).Peer())
			}
			slices.Sort(peers)
			if got := len(slices.Compact(peers)); got != len(ends)-1 {
				t.Errorf("%s has links to %d peers, want %d", e.id.Short(), got, len(ends)-1)
			}
		}
	})
}

// An endpoint behind a NAT reaches one that has a public address, whoever dials
// and whatever the kind of NAT: no STUN server is needed.
func TestLinkThroughOneNAT(t *testing.T) {
	for name, nat := range map[string]vnet.NATType{
		"full cone":       {MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointIndependent},
		"port restricted": {MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent},
		"symmetric":       {MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent},
	} {
		for _, dialer := range []string{"inside", "outside"} {
			t.Run(strings.ReplaceAll(name, " ", "_")+"/dialled_from_"+dialer, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := newLAN(t, time.Millisecond) // the outside
					home, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "192.168.0.0/24", StaticIPs: []string{"10.0.0.9"}, NATType: &nat, LoggerFactory: quiet()})
					if err != nil {
						t.Fatal(err)
					}
					if err := n.router.AddRouter(home); err != nil {
						t.Fatal(err)
					}
					hosts := []*vnet.Net{host(t, home, "192.168.0.2"), host(t, n.router, "10.0.0.1")}
					start(t, n.router)
					inside, outside := newEnd(t, n.server, hosts[0], "0.0.0.0:0"), newEnd(t, n.server, hosts[1], "0.0.0.0:0")
					time.Sleep(time.Millisecond)
					if dialer == "inside" {
						inside.Dial(outside.id, 1)
					} else {
						outside.Dial(inside.id, 1)
					}
					li, lo := up(t, inside, soon), up(t, outside, soon)
					for _, l := range []*rtc.Link{li, lo} {
						if err := l.SendBulk(t.Context(), wire.Frame{Kind: wire.FrameData, Payload: make([]byte, 1000)}); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
					if inside.received.Load() != 1000 || outside.received.Load() != 1000 {
						t.Errorf("received %d and %d bytes, want 1000 each", inside.received.Load(), outside.received.Load())
					}
				})
			})
		}
	}
}
