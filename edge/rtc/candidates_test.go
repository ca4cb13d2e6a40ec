package rtc_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sitecast/sitecast/edge/rtc"
	"github.com/sitecast/sitecast/signaling/wire"
)

// candidates lists so many addresses of the LAN, as lines of a description.
func candidates(from, n int) (lines []string) {
	for i := from; i < from+n; i++ {
		lines = append(lines, fmt.Sprintf("candidate:%d 1 udp %d 10.0.%d.%d 40000 typ host", i+1, 2130706431-i, i/250, i%250+1))
	}
	return lines
}

// destinations hears where an end sends packets to; the peer's own address is not
// counted.
func destinations(n *lan, from string, peer string) func() int {
	var mu sync.Mutex
	seen := map[string]bool{}
	n.router.AddChunkFilter(func(c chunk) bool {
		source, to := c.SourceAddr().(*net.UDPAddr), c.DestinationAddr().(*net.UDPAddr)
		if source.IP.String() == from && to.IP.String() != peer {
			mu.Lock()
			seen[to.IP.String()] = true
			mu.Unlock()
		}
		return true
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(seen)
	}
}

// ipOf is where an end is, as it says itself.
func ipOf(t *testing.T, sig wire.Signal) string {
	t.Helper()
	d := sig.Offer
	if d == nil {
		d = sig.Answer
	}
	for line := range strings.Lines(d.SDP) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(line, "a=candidate:") {
			return f[4]
		}
	}
	t.Fatalf("no candidate in %q", d.SDP)
	return ""
}

// A peer whose description names a thousand addresses of the LAN is looking for
// something: the agent sends to none of them, in either role, and the link comes up all
// the same, since the peer's own checks arrive.
func TestPeerCannotMakeAnAgentScanTheLAN(t *testing.T) {
	for _, role := range []string{"offer", "answer"} {
		t.Run(role, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, a, b := pair(t)
				lines := "a=" + strings.Join(candidates(3, 1000), "\r\na=") + "\r\n"
				n.server.tamper = func(sig wire.Signal) []wire.Signal {
					d := map[string]*wire.Description{"offer": sig.Offer, "answer": sig.Answer}[role]
					if d != nil {
						d.SDP += lines
					}
					return []wire.Signal{sig}
				}
				sent := destinations(n, "10.0.0.1", "10.0.0.2")
				sentToo := destinations(n, "10.0.0.2", "10.0.0.1")
				a.Dial(b.id, 1)
				up(t, a, soon)
				up(t, b, soon)
				time.Sleep(time.Minute)
				if sent() != 0 || sentToo() != 0 {
					t.Errorf("packets went to %d and %d other addresses, want none", sent(), sentToo())
				}
				victim := map[string]*end{"offer": b, "answer": a}[role]
				wantRefused(t, victim, wire.DoorSignal, wire.CodeTooLarge, 1)
			})
		})
	}
}

// ends are the addresses of who made an offer, and of its peer.
func ends(t *testing.T, offer wire.Signal) (from, to string) {
	t.Helper()
	from = ipOf(t, offer)
	return from, map[string]string{"10.0.0.1": "10.0.0.2", "10.0.0.2": "10.0.0.1"}[from]
}

// One by one they are taken until there are as many as a host can have.
func TestAddressesOfOnePeerAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, a, b, _, _ := linked(t)
		offer := n.server.sent(offers)[0]
		from, to := ends(t, offer)
		sent := destinations(n, to, from)
		for _, c := range candidates(3, 50) {
			b.Transport.Signal(wire.Signal{From: a.id, To: b.id, Link: offer.Link, Candidate: c})
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		if sent() >= wire.MaxAddresses {
			t.Errorf("packets went to %d addresses, want fewer than %d", sent(), wire.MaxAddresses)
		}
		if got := b.refused.Count(wire.DoorSignal, wire.CodeTooLarge); got < 50-wire.MaxAddresses {
			t.Errorf("%d of 50 were refused, want all but %d", got, wire.MaxAddresses)
		}
	})
}

func TestCandidatesThatPolicyForbidsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relay := wire.ICE{URLs: []string{"turn:10.0.0.250:3478?transport=udp"}, Username: "u"}
		n, a, b, _, _ := linked(t, relay)
		offer := n.server.sent(offers)[0]
		from, to := ends(t, offer)
		sent := destinations(n, to, from)
		refused := []string{"127.0.0.1 40000 typ host", "169.254.1.1 40000 typ host", "10.0.0.9 1023 typ host", "224.0.0.251 5353 typ host",
			"10.0.0.255 40000 typ host", "10.0.0.0 40000 typ host", to + " 8080 typ host", "::ffff:10.0.0.255 40000 typ srflx",
			"10.0.0.77 40000 typ relay raddr 0.0.0.0 rport 0"}
		for i, c := range refused {
			b.Transport.Signal(wire.Signal{From: a.id, To: b.id, Link: offer.Link, Candidate: fmt.Sprintf("candidate:%d 1 udp 1 %s", i+1, c)})
			synctest.Wait()
			wantRefused(t, b, wire.DoorSignal, wire.CodeCandidate, uint64(i+1))
		}
		for i, c := range []string{"5f2c.local 40000 typ host", "fd00::1 40000 typ host"} { // not used, but nothing is wrong with them
			b.Transport.Signal(wire.Signal{From: a.id, To: b.id, Link: offer.Link, Candidate: fmt.Sprintf("candidate:%d 1 udp 1 %s", i+1, c)})
		}
		time.Sleep(time.Minute)
		wantRefused(t, b, wire.DoorSignal, wire.CodeCandidate, uint64(len(refused)))
		if sent() != 0 {
			t.Errorf("packets went to %d of them", sent())
		}
	})
}

// A relay's name says nothing about where it is. Only where it gave this host an
// allocation may a peer's be, too.
func TestRelayedCandidatesAreNotTriedWhereNoRelayAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relay := wire.ICE{URLs: []string{"turn:relay.nowhere:3478?transport=udp"}, Username: "u"}
		n, a, b := pair(t, relay)
		a.Dial(b.id, 2)
		up(t, a, soon)
		up(t, b, soon)
		offer := n.server.sent(offers)[0]
		from, to := ends(t, offer)
		sent := destinations(n, to, from)
		for i := range wire.MaxAddresses {
			b.Transport.Signal(wire.Signal{From: a.id, To: b.id, Link: offer.Link,
				Candidate: fmt.Sprintf("candidate:%d 1 udp 1 10.0.0.%d 40000 typ relay raddr 0.0.0.0 rport 0", i+1, 20+i)})
		}
		time.Sleep(time.Minute)
		if sent() != 0 {
			t.Errorf("packets went to %d of them", sent())
		}
		b.refused.Each(func(r wire.Refusal, k uint64) { t.Errorf("%d refused: %+v", k, r) }) // they may be a relay's
	})
}

// A host of many bridges tells its peers of as many addresses as they take, and both
// that description and the link are in order.
func TestHostOfManyAddressesIsNoScanner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newLAN(t, time.Millisecond)
		many, one := host(t, n.router, "10.0.0.1"), host(t, n.router, "10.0.0.2")
		for i := range 40 {
			if err := many.AddAddress("eth0", &net.IPNet{IP: net.IPv4(10, 0, 0, byte(i+50)), Mask: net.CIDRMask(24, 32)}); err != nil {
				t.Fatal(err)
			}
		}
		start(t, n.router)
		a, b := newEnd(t, n.server, many, "0.0.0.0:0"), newEnd(t, n.server, one, "0.0.0.0:0")
		time.Sleep(time.Millisecond)
		a.Dial(b.id, 1)
		up(t, a, soon)
		up(t, b, soon)
		if err := n.server.sent(offers)[0].CheckCandidates(false, nil); err != nil {
			t.Errorf("the server would not pass the offer on: %v", err)
		}
		b.refused.Each(func(r wire.Refusal, k uint64) { t.Errorf("%d refused: %+v", k, r) })
	})
}

// FuzzSift: no reader of pion's finds a candidate in what is left, and what was a
// description stays one with the same fingerprint.
func FuzzSift(f *testing.F) {
	line := "a=fingerprint:sha-256 " + onePrint + "\r\n"
	f.Add(sdpHead + line + sdpMedia + "a=candidate:1 1 udp 1 10.0.0.9 40000 typ host\r\na=end-of-candidates\r\n")
	f.Add(sdpHead + "a=candidate:1 1 udp 1 10.0.0.9 40000 typ host\r\n" + line + sdpMedia)
	f.Add("")
	f.Add(sdpHead + line + sdpMedia + "a=x\ra=candidate:1 1 udp 1 10.0.0.9 40000 typ host\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		sdp, _, err := rtc.Sift(text)
		if err != nil {
			return
		}
		again, found, err := rtc.Sift(sdp)
		if err != nil || len(found) > 0 {
			t.Fatalf("%q leaves %q, with %q in it, %v", text, sdp, found, err)
		}
		if again != sdp {
			t.Fatalf("%q is read as %q", sdp, again)
		}
		before, err := rtc.Fingerprint(text)
		after, errAfter := rtc.Fingerprint(sdp)
		if before != after || err != nil || errAfter != nil {
			t.Fatalf("fingerprint %q, %v was %q, %v before", after, errAfter, before, err)
		}
	})
}
