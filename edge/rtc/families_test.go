package rtc_test

import (
	"net"
	"testing"

	"github.com/sitecast/sitecast/edge/rtc"
)

func TestOneSocketIsForBothKindsOfAddress(t *testing.T) {
	for listen, network := range map[string]string{"": "udp", "::": "udp", "0.0.0.0": "udp4", "10.0.0.1": "udp4", "127.0.0.1": "udp4", "fd00::1": "udp6", "::1": "udp6"} {
		if got := rtc.SocketNetwork(net.ParseIP(listen)); got != network {
			t.Errorf("on %q: %s, want %s", listen, got, network)
		}
	}
	for local, want := range map[string][2]bool{"::": {true, true}, "0.0.0.0": {true, false}, "10.0.0.1": {true, false}, "fd00::1": {false, true}} {
		if v4, v6 := rtc.Families(&net.UDPAddr{IP: net.ParseIP(local)}); [2]bool{v4, v6} != want {
			t.Errorf("at %s: IPv4 %v and IPv6 %v, want %v", local, v4, v6, want)
		}
	}
}
