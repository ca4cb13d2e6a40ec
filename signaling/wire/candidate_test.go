package wire_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sitecast/sitecast/signaling/wire"
)

func TestCandidatesAreWhatPeersCanHave(t *testing.T) {
	at := func(where string) string { return "candidate:1 1 udp 2130706431 " + where + " typ host" }
	for _, c := range []struct {
		name, text string
		want       error // nil: may be used
	}{
		{"private", at("10.0.0.9 40000"), nil},
		{"public", at("203.0.113.9 40000"), nil},
		{"unique local", at("fd00::9 40000"), nil},
		{"a NAT's port", "candidate:1 1 UDP 1 203.0.113.9 1024 typ srflx raddr 10.0.0.1 rport 9", nil},
		{"with extensions", at("10.0.0.9 40000") + " generation 0 ufrag x network-id 1", nil},
		{"IPv4 in IPv6", at("::ffff:10.0.0.9 40000"), nil},
		{"over TCP", "candidate:1 1 tcp 1 10.0.0.9 9 typ host tcptype active", wire.ErrUnused},
		{"mDNS", at("5f2c.local 40000"), wire.ErrUnused},
		{"the second component", strings.Replace(at("10.0.0.9 40000"), " 1 udp", " 2 udp", 1), wire.ErrUnused},
		{"of another type", "candidate:1 1 udp 1 10.0.0.9 40000 typ magic", wire.ErrUnused},
		{"by name", at("db.example.com 40000"), wire.ErrCandidate},
		{"loopback", at("127.0.0.1 40000"), wire.ErrCandidate},
		{"loopback elsewhere", at("127.9.9.9 40000"), wire.ErrCandidate},
		{"loopback of IPv6", at("::1 40000"), wire.ErrCandidate},
		{"loopback in IPv6", at("::ffff:127.0.0.1 40000"), wire.ErrCandidate},
		{"link-local", at("169.254.169.254 40000"), wire.ErrCandidate},
		{"link-local of IPv6", at("fe80::1 40000"), wire.ErrCandidate},
		{"with a zone", at("fe80::1%eth0 40000"), wire.ErrCandidate},
		{"unspecified", at("0.0.0.0 40000"), wire.ErrCandidate},
		{"this network", at("0.1.2.3 40000"), wire.ErrCandidate},
		{"unspecified in IPv6", at("::ffff:0.0.0.0 40000"), wire.ErrCandidate},
		{"unspecified of IPv6", at(":: 40000"), wire.ErrCandidate},
		{"multicast", at("239.255.255.250 40000"), wire.ErrCandidate},
		{"multicast of IPv6", at("ff02::fb 40000"), wire.ErrCandidate},
		{"broadcast", at("255.255.255.255 40000"), wire.ErrCandidate},
		{"port 0", at("10.0.0.9 0"), wire.ErrCandidate},
		{"a service's port", at("10.0.0.9 161"), wire.ErrCandidate},
	} {
		got, err := wire.ParseCandidate(c.text)
		if err == nil {
			err = got.Check(false)
		}
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, text := range []string{"", "candidate:1", at("10.0.0.9 99999"), at("10.0.0.9 x"), strings.Replace(at("10.0.0.9 40000"), "typ", "tip", 1),
		"candidate:a\tb 1 udp", strings.Repeat(at("10.0.0.9 40000 "), 20), strings.Replace(at("10.0.0.9 40000"), ":1 1", ":a=b 1", 1)} {
		if c, err := wire.ParseCandidate(text); err == nil {
			t.Errorf("%.60q is %+v, want an error", text, c)
		}
	}
	c, err := wire.ParseCandidate(at("127.0.0.1 40000"))
	if err = errors.Join(err, c.Check(true)); err != nil {
		t.Errorf("on one host: %v", err)
	}
}

// Whatever bytes an address is made of and however it is written: what may be used is
// global or private unicast.
func TestNoCandidateThatMayBeUsedIsSpecial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		ip := netip.AddrFrom16([16]byte(raw))
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			ip = netip.AddrFrom4([4]byte(raw[:4]))
		case 1:
			ip = netip.AddrFrom16(netip.AddrFrom4([4]byte(raw[:4])).As16()) // IPv4 in IPv6
		case 2:
			ip = netip.AddrFrom4([4]byte{rapid.SampledFrom([]byte{0, 127, 169, 224, 239, 240, 255}).Draw(t, "first"), raw[1] & 254, raw[2], raw[3]})
		}
		port := rapid.Uint16().Draw(t, "port")
		c, err := wire.ParseCandidate(fmt.Sprintf("candidate:1 1 udp 1 %s %d typ host", ip, port))
		if err != nil {
			t.Fatal(err)
		}
		if c.Check(false) != nil {
			return
		}
		got := c.Addr.Addr()
		if got.Is4In6() || !got.IsGlobalUnicast() || got.Is4() && (got.As4()[0] == 0 || got.As4()[0] >= 224) || c.Addr.Port() < 1024 || got != ip.Unmap() {
			t.Fatalf("%v may be used as %v", ip, c.Addr)
		}
	})
}

func FuzzParseCandidate(f *testing.F) {
	f.Add("candidate:1 1 udp 2130706431 10.0.0.9 40000 typ host")
	f.Add("1 1 UDP 1 ::ffff:10.0.0.9 40000 typ srflx raddr 0.0.0.0 rport 0 generation 0")
	f.Add("candidate:1 1 tcp 1 x.local 9 typ host tcptype active")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := wire.ParseCandidate(text)
		if err != nil {
			return
		}
		again, err := wire.ParseCandidate(c.String())
		if err != nil || again != c {
			t.Fatalf("%q is %+v, and written again %+v, %v", text, c, again, err)
		}
		if strings.ContainsAny(c.String(), "\r\n") {
			t.Fatalf("%q is written as more than a line", text)
		}
	})
}
