package netlab

import (
	"net/netip"
	"testing"

	"golang.org/x/net/ipv4"
)

func TestConversationIsReadFromEveryKindOfPacket(t *testing.T) {
	four, four2 := netip.MustParseAddr("10.64.0.1"), netip.MustParseAddr("10.1.1.2")
	six, six2 := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	const ports = 0x1389_0007
	transport := []byte{0x13, 0x89, 0, 7, 1, 2, 3, 4}
	v4 := func(protocol byte, options int, flags uint16, rest []byte) []byte {
		b := make([]byte, 20+options)
		b[0], b[9] = 0x40|byte(5+options/4), protocol
		b[6], b[7] = byte(flags>>8), byte(flags)
		copy(b[12:], four.AsSlice())
		copy(b[16:], four2.AsSlice())
		return append(b, rest...)
	}
	v6 := func(next byte, rest ...[]byte) []byte {
		b := make([]byte, 40)
		b[0], b[6] = 0x60, next
		copy(b[8:], six.AsSlice())
		copy(b[24:], six2.AsSlice())
		for _, r := range rest {
			b = append(b, r...)
		}
		return b
	}
	header := func(next, length byte, size int) []byte {
		b := make([]byte, size)
		b[0], b[1] = next, length
		return b
	}
	const dontFragment, moreFragments, offset, icmp = 0x4000, 0x2000, 3, 1
	fragmented := func(next byte) []byte { return []byte{next, 0, 0, 1, 0, 0, 0, 9} } // the first of several
	chain := []byte{}
	for range maxHeaders {
		chain = append(chain, header(options6, 0, 8)...)
	}
	chain = append(chain, transport...)
	for name, c := range map[string]struct {
		packet []byte
		want   conversation
	}{
		"nothing":                       {nil, conversation{}},
		"no IP":                         {[]byte{0x10, 1, 2, 3}, conversation{}},
		"cut off":                       {v4(protoTCP, 0, 0, nil)[:19], conversation{}},
		"a header of 16 bytes":          {append([]byte{0x44}, v4(protoTCP, 0, 0, transport)[1:]...), conversation{}},
		"options that are cut off":      {v4(protoTCP, 8, 0, nil)[:24], conversation{}},
		"TCP":                           {v4(protoTCP, 0, dontFragment, transport), conversation{protoTCP, four, four2, ports}},
		"UDP behind options":            {v4(protoUDP, 40, 0, transport), conversation{protoUDP, four, four2, ports}},
		"ICMP":                          {v4(icmp, 0, 0, transport), conversation{icmp, four, four2, 0}},
		"the first fragment":            {v4(protoUDP, 0, moreFragments, transport), conversation{protoUDP, four, four2, 0}},
		"the last fragment":             {v4(protoUDP, 0, offset, transport), conversation{protoUDP, four, four2, 0}},
		"ports that are cut off":        {v4(protoUDP, 0, 0, transport[:3]), conversation{protoUDP, four, four2, 0}},
		"IPv6 cut off":                  {v6(protoTCP)[:39], conversation{}},
		"TCP over IPv6":                 {v6(protoTCP, transport), conversation{protoTCP, six, six2, ports}},
		"SCTP behind options":           {v6(hopByHop, header(options6, 1, 16), header(protoSCTP, 0, 8), transport), conversation{protoSCTP, six, six2, ports}},
		"UDP behind authentication":     {v6(authentication, header(protoUDP, 4, 24), transport), conversation{protoUDP, six, six2, ports}},
		"UDP behind an atomic header":   {v6(fragment, header(protoUDP, 0, 8), transport), conversation{protoUDP, six, six2, ports}},
		"a fragment of IPv6":            {v6(fragment, fragmented(protoUDP), transport), conversation{fragment, six, six2, 0}},
		"a header longer than the rest": {v6(hopByHop, header(protoUDP, 200, 8), transport), conversation{hopByHop, six, six2, 0}},
		"too many headers":              {v6(options6, chain), conversation{options6, six, six2, 0}},
	} {
		if got := conversationOf(c.packet); got != c.want {
			t.Errorf("%s is read as %+v, want %+v", name, got, c.want)
		}
	}
}

// FuzzConversation holds that any bytes are read without harm, and IPv4 the way
// another reader does.
func FuzzConversation(f *testing.F) {
	f.Add(udpPacket(60, 7))
	f.Add([]byte{0x60, 0, 0, 0, 0, 8, 60, 64, 39: 1, 40: 17, 48: 1, 52: 0})
	f.Add([]byte{0x60, 0, 0, 0, 0, 8, 44, 64, 39: 1, 40: 17, 43: 1, 52: 0})
	f.Add([]byte{0x4f, 19: 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := conversationOf(b)
		if c != conversationOf(append([]byte(nil), b...)) {
			t.Fatal("the same packet is read in two ways")
		}
		switch {
		case c == conversation{}:
		case !c.from.IsValid() || c.from.Is4() != c.to.Is4() || c.from.Is4() != (b[0]>>4 == 4):
			t.Fatalf("read as %+v", c)
		}
		if len(b) == 0 || b[0]>>4 != 4 {
			return
		}
		h, err := ipv4.ParseHeader(b)
		if (err == nil && h.Len >= ipv4.HeaderLen) != (c != conversation{}) {
			t.Fatalf("read as %+v, another reads %v (%v)", c, h, err)
		}
		if c == (conversation{}) {
			return
		}
		from, _ := netip.AddrFromSlice(h.Src.To4())
		to, _ := netip.AddrFromSlice(h.Dst.To4())
		if c.protocol != uint8(h.Protocol) || c.from != from || c.to != to {
			t.Fatalf("read as %+v, another reads %v", c, h)
		}
		if c.ports != 0 && (h.FragOff != 0 || h.Flags&ipv4.MoreFragments != 0) {
			t.Fatalf("ports %x of a fragment", c.ports)
		}
	})
}
