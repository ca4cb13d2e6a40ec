package netlab

import (
	"encoding/binary"
	"net/netip"
)

// conversation is what a fair queue tells apart: who sends to whom, by which
// protocol and ports.
type conversation struct {
	protocol uint8
	from, to netip.Addr
	ports    uint32 // both; 0 where there are none
}

// Protocols that have ports at the start of their header, and the headers that may
// stand between IPv6 and them.
const (
	protoTCP, protoUDP, protoDCCP, protoSCTP, protoUDPLite = 6, 17, 33, 132, 136
	hopByHop, routing, fragment, authentication, options6  = 0, 43, 44, 51, 60
	maxHeaders                                             = 8
)

// conversationOf reads the head of an IP packet. What it can't read is one
// conversation by itself, as are the fragments between two hosts: only the first
// has ports, and they must stay in order.
func conversationOf(b []byte) conversation {
	if len(b) == 0 {
		return conversation{}
	}
	switch b[0] >> 4 {
	case 4:
		return conversationOf4(b)
	case 6:
		return conversationOf6(b)
	}
	return conversation{}
}

func conversationOf4(b []byte) conversation {
	const least, fragmented = 20, 0x3fff // more fragments, or an offset
	header := int(b[0]&0xf) * 4
	if header < least || len(b) < header {
		return conversation{}
	}
	c := conversation{protocol: b[9], from: netip.AddrFrom4([4]byte(b[12:16])), to: netip.AddrFrom4([4]byte(b[16:20]))}
	if binary.BigEndian.Uint16(b[6:])&fragmented == 0 {
		c.readPorts(b[header:])
	}
	return c
}

func conversationOf6(b []byte) conversation {
	const header, fragmented = 40, 0xfff9
	if len(b) < header {
		return conversation{}
	}
	c := conversation{protocol: b[6], from: netip.AddrFrom16([16]byte(b[8:24])), to: netip.AddrFrom16([16]byte(b[24:40]))}
	rest := b[header:]
	for range maxHeaders {
		length := 0
		switch {
		case len(rest) < 8:
			return c // no further header, and ports only where four bytes are left
		case c.protocol == hopByHop || c.protocol == routing || c.protocol == options6:
			length = 8 + int(rest[1])*8
		case c.protocol == authentication:
			length = 8 + int(rest[1])*4
		case c.protocol == fragment:
			if binary.BigEndian.Uint16(rest[2:])&fragmented != 0 {
				return c
			}
			length = 8
		default:
			c.readPorts(rest)
			return c
		}
		if len(rest) < length {
			return c
		}
		c.protocol, rest = rest[0], rest[length:]
	}
	return c
}

// readPorts takes the ports from the start of a transport header.
func (c *conversation) readPorts(b []byte) {
	switch c.protocol {
	case protoTCP, protoUDP, protoDCCP, protoSCTP, protoUDPLite:
		if len(b) >= 4 {
			c.ports = binary.BigEndian.Uint32(b)
		}
	}
}

// hash spreads conversations over numbers, the same in every run (FNV-1a).
func (c conversation) hash() uint64 {
	const basis, prime = 14695981039346656037, 1099511628211
	h := (basis ^ uint64(c.protocol)) * prime
	for _, addr := range [...]netip.Addr{c.from, c.to} {
		for _, b := range addr.As16() {
			h = (h ^ uint64(b)) * prime
		}
	}
	for shift := 0; shift < 32; shift += 8 {
		h = (h ^ uint64(c.ports>>shift&0xff)) * prime
	}
	return h ^ h>>32
}
