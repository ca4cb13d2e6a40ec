package relay_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/signaling/credential"
)

// peer names whom an allocation shall reach, in either family: IPv4 inside IPv6 is
// written as it is.
type peer netip.AddrPort

// AddTo implements stun.Setter.
func (p peer) AddTo(m *stun.Message) error {
	const magic = 0x2112A442 // RFC 8489, section 5
	addr := netip.AddrPort(p)
	key := append(binary.BigEndian.AppendUint32(nil, magic), m.TransactionID[:]...)
	ip, family := addr.Addr().AsSlice(), uint16(1)
	if len(ip) == 16 {
		family = 2
	}
	value := binary.BigEndian.AppendUint16(nil, family)
	value = binary.BigEndian.AppendUint16(value, addr.Port()^(magic>>16))
	for i, b := range ip {
		value = append(value, b^key[i])
	}
	m.Add(stun.AttrXORPeerAddress, value)
	return nil
}

// Whoever holds credentials may try to reach what is beside the relay, by any message
// that names an address: nothing leaves the relay but what is for its clients.
func TestScansThroughTheRelayReachNothing(t *testing.T) {
	onStand(t, func(s *stand) {
		scanner := s.listen(s.host("10.0.7.7"), "10.0.7.7:4000")
		victim := s.listen(s.host(otherIP), otherIP+":5000")
		own := s.listen(s.here, relayIP+":5000") // another service at the relay's address
		var mu sync.Mutex
		strays := map[string]bool{}
		s.router.AddChunkFilter(func(c vnet.Chunk) bool {
			from, to := c.SourceAddr().(*net.UDPAddr), c.DestinationAddr().(*net.UDPAddr)
			if from.IP.String() == relayIP && to.String() != "10.0.7.7:4000" {
				mu.Lock()
				strays[to.String()] = true
				mu.Unlock()
			}
			return true
		})
		user, password := credential.TURN(secret, alice, "shop", time.Now())
		answer := ask(t, scanner, user, password, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
			stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}})
		var relayed stun.XORMappedAddress
		if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
			t.Fatalf("no allocation: %v", err)
		}
		for i, at := range []string{"127.0.0.1:5000", "127.8.9.1:22", "0.0.0.0:5000", "0.1.2.3:5000", "169.254.169.254:80", "224.0.0.251:5353",
			"255.255.255.255:5000", "10.0.255.255:5000", otherIP + ":5000", "192.168.1.1:80", "172.16.0.1:443", "100.64.0.1:80", "8.8.8.8:53",
			"[::ffff:" + otherIP + "]:5000", "[::ffff:127.0.0.1]:5000", "[::ffff:" + relayIP + "]:5000", "[::1]:5000", "[fe80::1]:5000", "[fd00::1]:80",
			relayIP + ":5000", relayIP + ":3478"} {
			to, channel := peer(netip.MustParseAddrPort(at)), uint16(0x4000+i)
			ask(t, scanner, user, password, stun.NewType(stun.MethodCreatePermission, stun.ClassRequest), to)
			ask(t, scanner, user, password, stun.NewType(stun.MethodChannelBind, stun.ClassRequest),
				stun.RawAttribute{Type: stun.AttrChannelNumber, Value: binary.BigEndian.AppendUint32(nil, uint32(channel)<<16)}, to)
			indication := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), to,
				stun.RawAttribute{Type: stun.AttrData, Value: []byte("anybody there?")})
			turn := &net.UDPAddr{IP: net.ParseIP(relayIP), Port: 3478}
			send(t, scanner, string(indication.Raw), turn)
			send(t, scanner, string(append(binary.BigEndian.AppendUint16(nil, channel), "\x00\x04ping"...)), turn)
			synctest.Wait()
		}
		for name, conn := range map[string]net.PacketConn{"a host": victim, "a service at the relay": own, "the scanner": scanner} {
			if got, _ := receives(t, conn); got != "" {
				t.Errorf("%s received %q", name, got)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if len(strays) > 0 {
			t.Errorf("packets left the relay for %v", strays)
		}
		if got := s.relay.Stats().Bytes; got != 0 {
			t.Errorf("%d bytes were relayed, want none", got)
		}
	})
}
