package pace

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestLineThatLosesByItselfIsToldFromAFullOne shows a line to the decider, period by
// period; a period is what was sent, and sent again, since the last look.
func TestLineThatLosesByItselfIsToldFromAFullOne(t *testing.T) {
	const ms = time.Millisecond
	type look struct {
		sent, again uint64
		trip        time.Duration
	}
	for name, c := range map[string]struct {
		looks []look
		want  bool
	}{
		"Clean":           {[]look{{800, 0, 40 * ms}, {800, 0, 40 * ms}, {800, 0, 40 * ms}}, false},
		"LossOf1Percent":  {[]look{{400, 4, 41 * ms}, {400, 4, 42 * ms}}, true},
		"LossOf30Percent": {[]look{{13, 4, 45 * ms}, {13, 4, 45 * ms}}, true},
		"RareLoss":        {[]look{{4000, 4, 40 * ms}, {4000, 4, 40 * ms}, {4000, 4, 40 * ms}}, false},
		"FullQueue":       {[]look{{200, 20, 120 * ms}, {200, 20, 120 * ms}, {200, 20, 120 * ms}}, false},
		"GrewTooFast":     {[]look{{200, 50, 45 * ms}, {800, 0, 40 * ms}, {200, 50, 45 * ms}, {800, 0, 40 * ms}}, false},
		"RepeatsVary":     {[]look{{13, 4, 100 * ms}, {13, 4, 100 * ms}}, true},
		"TooLittleToTell": {[]look{{10, 2, 40 * ms}, {10, 1, 40 * ms}}, false},
		// Once it is known, what BBR's own probes make wait does not end it; a stretch
		// without loss does.
		"LossyAndProbed": {[]look{{40, 4, 40 * ms}, {40, 4, 40 * ms}, {40, 4, 90 * ms}, {40, 4, 90 * ms}, {40, 4, 90 * ms}}, true},
		"LossyNoMore":    {[]look{{40, 4, 40 * ms}, {40, 4, 40 * ms}, {800, 0, 40 * ms}, {800, 0, 40 * ms}}, false},
		"LossyStill":     {[]look{{40, 4, 40 * ms}, {40, 4, 40 * ms}, {800, 0, 40 * ms}, {400, 4, 40 * ms}, {800, 0, 40 * ms}}, true},
	} {
		var l losses
		now := counts{least: 40 * ms, rate: 1_000_000}
		for _, look := range c.looks {
			now.sent, now.again, now.trip = now.sent+look.sent, now.again+look.again, look.trip
			now.varies = 0
			if name == "RepeatsVary" {
				now.varies = 60 * ms
			}
			l.see(now)
		}
		if l.lossy != c.want {
			t.Errorf("%s: lossy %v, want %v", name, l.lossy, c.want)
		}
	}
}

// A connection begins with what the one to the same address before found out.
func TestLineIsRememberedByAddress(t *testing.T) {
	var p Pacer
	conn := func(host byte) net.Conn {
		return at{addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, host), Port: 443}}
	}
	l := p.lineOf(conn(1))
	p.remember(l.to, true)
	if !p.lineOf(conn(1)).losses.lossy || p.lineOf(conn(2)).losses.lossy {
		t.Error("a lossy line is not remembered, or is taken for another's")
	}
	p.remember(l.to, false)
	if p.lineOf(conn(1)).losses.lossy {
		t.Error("a line is remembered as lossy that is no more")
	}
	for i := range 2 * maxLossy {
		p.remember(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), true)
	}
	if len(p.lossy) != maxLossy {
		t.Errorf("%d addresses are remembered, want %d", len(p.lossy), maxLossy)
	}
}

// at is a connection of which only the far end's address is known.
type at struct {
	net.Conn
	addr net.Addr
}

func (a at) RemoteAddr() net.Addr { return a.addr }

// On a slow line a round trip of a few packets is no queue.
func TestPacketsOfASlowLineAreNoQueue(t *testing.T) {
	slow := counts{trip: 40 * time.Millisecond, least: time.Millisecond, rate: 125_000}
	if !slow.empty() {
		t.Error("40 ms at 1 Mbit/s are taken for a queue: they are three packets")
	}
	if fast := (counts{trip: 40 * time.Millisecond, least: time.Millisecond, rate: 2_500_000}); fast.empty() {
		t.Error("40 ms at 20 Mbit/s are not taken for a queue")
	}
	if unknown := (counts{trip: 700 * time.Millisecond, least: 600 * time.Millisecond}); !unknown.empty() {
		t.Error("700 ms where 600 are the least are taken for a queue")
	}
}
