package rtc_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/transport/v5/vnet"

	edgehost "github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/edge/rtc/rtctest"
	"github.com/sitecast/sitecast/signaling/wire"
)

// mover adds a host that can move to a router.
func mover(t *testing.T, r *vnet.Router, ip string) *rtctest.Host {
	t.Helper()
	h, err := rtctest.At(ip)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AddNet(h.Net); err != nil {
		t.Fatal(err)
	}
	return h
}

// movable is a pair whose link is up, and their hosts; a is at 10.0.0.1, b at 10.0.0.2.
func movable(t *testing.T) (n *lan, a, b *end, hosts []*rtctest.Host, la, lb *rtc.Link) {
	t.Helper()
	n = newLAN(t, time.Millisecond)
	hosts = []*rtctest.Host{mover(t, n.router, "10.0.0.1"), mover(t, n.router, "10.0.0.2")}
	start(t, n.router)
	a, b = newEnd(t, n.server, hosts[0], "0.0.0.0:0"), newEnd(t, n.server, hosts[1], "0.0.0.0:0")
	time.Sleep(time.Millisecond)
	a.Dial(b.id, 1)
	return n, a, b, hosts, up(t, a, soon), up(t, b, soon)
}

func move(t *testing.T, host *rtctest.Host, from, to string) {
	t.Helper()
	if err := host.Move(from, to); err != nil {
		t.Fatal(err)
	}
}

// wantReplaced checks that both ends lose the old link and have a new one within limit.
func wantReplaced(t *testing.T, a, b *end, la, lb *rtc.Link, limit time.Duration) (na, nb *rtc.Link) {
	t.Helper()
	for e, old := range map[*end]*rtc.Link{a: la, b: lb} {
		if f := down(t, e, limit); f.link != old {
			t.Errorf("%s lost %+v, want its old link", e.id.Short(), f)
		}
	}
	na, nb = up(t, a, time.Second), up(t, b, time.Second)
	if err := na.SendCtl(wire.Frame{Kind: wire.FrameLeave}); err != nil {
		t.Error(err)
	}
	if _, err := take(b.ctl, soon); err != nil {
		t.Error("the new link carries nothing")
	}
	return na, nb
}

func TestLinkOfAHostThatMovesIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, hosts, la, lb := movable(t)
		time.Sleep(time.Minute)
		move(t, hosts[0], "10.0.0.1", "10.0.0.7")
		la, lb = wantReplaced(t, a, b, la, lb, 3*time.Second)
		never(t, a, 10*time.Minute)
		never(t, b, 0)
		move(t, hosts[0], "10.0.0.7", "10.0.0.1") // and back
		wantReplaced(t, a, b, la, lb, 3*time.Second)
		never(t, a, 10*time.Minute)
		never(t, b, 0)
	})
}

// A peer of a host that slept has parted, and no packet says so.
func TestLinkOfAHostThatSleptIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, _, la, lb := movable(t)
		time.Sleep(time.Minute)
		a.Changed(edgehost.Change{Away: true})
		wantReplaced(t, a, b, la, lb, time.Second)
		never(t, a, 10*time.Minute)
		never(t, b, 0)
	})
}

// A new address beside the old one disturbs nobody.
func TestLinkStaysWhenItsHostGetsOneMoreAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, hosts, _, _ := movable(t)
		move(t, hosts[0], "", "10.0.0.7")
		never(t, a, 10*time.Minute)
		never(t, b, 0)
	})
}

// The address goes some time before another comes: the link waits for it.
func TestLinkIsReplacedWhenTheNewAddressComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b, hosts, la, lb := movable(t)
		move(t, hosts[0], "10.0.0.1", "")
		never(t, a, 4*time.Second)
		move(t, hosts[0], "", "10.0.0.7")
		wantReplaced(t, a, b, la, lb, 3*time.Second)
	})
}

// Both move at once, and both offer: one link comes of it.
func TestBothEndsMayMoveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, hosts, la, lb := movable(t)
		move(t, hosts[0], "10.0.0.1", "10.0.0.7")
		move(t, hosts[1], "10.0.0.2", "10.0.0.8")
		n.server.mu.Lock()
		n.server.tamper = func(sig wire.Signal) []wire.Signal { // the offers cross
			time.AfterFunc(20*time.Millisecond, func() { map[wire.EndpointID]*end{a.id: a, b.id: b}[sig.To].Transport.Signal(sig) })
			return nil
		}
		n.server.mu.Unlock()
		wantReplaced(t, a, b, la, lb, 4*time.Second)
		if a.id < b.id {
			a, b = b, a
		}
		if f := down(t, a, 0); f.link != nil {
			t.Errorf("the higher id heard %+v, want its own attempt to end", f)
		}
		never(t, a, 10*time.Minute)
		never(t, b, 0)
	})
}

// An offer to replace that leads nowhere costs no link.
func TestLinkOutlivesAReplacementThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, _, _, lb := movable(t)
		m := &mallory{newKey(t), a, b}
		offer := n.server.sent(offers)[0]
		offer.Link, offer.Direct = "x", true
		offer.Offer = &wire.Description{SDP: offer.Offer.SDP}
		offer.Offer.Statement = m.claim(offer).Sign(a.key)
		b.Transport.Signal(offer)
		never(t, b, time.Minute)
		if err := lb.SendCtl(wire.Frame{Kind: wire.FrameLeave}); err != nil {
			t.Error(err)
		}
		if _, err := take(a.ctl, soon); err != nil {
			t.Error("the link carries nothing any more")
		}
	})
}
