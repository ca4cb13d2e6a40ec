package relay

import (
	"net"
	"testing"

	"github.com/pion/turn/v5"
)

var (
	of4 = net.IPv4(10, 12, 0, 5)
	of6 = net.ParseIP("fd00:12::5")
)

func both() *ports {
	return newPorts(&Relay{cfg: Config{PublicIPs: []net.IP{of4, of6}, MinPort: 50_000, MaxPort: 50_010}, accounts: newAccounts(Quota{}, Quota{})})
}

func (p *ports) given(t *testing.T, network string) *port {
	t.Helper()
	conn, at, err := generator{ports: p}.AllocatePacketConn(turn.AllocateListenerConfig{Network: network})
	if err != nil {
		t.Fatal(err)
	}
	made := conn.(*port)
	if made.addr != at {
		t.Errorf("a client is told %v of a port at %v", at, made.addr)
	}
	return made
}

// Each port is there at both addresses of a relay: a client writes to that of its own
// kind, and hears from that.
func TestClientsOfDifferentKindsMeetAtARelayOfBoth(t *testing.T) {
	p := both()
	four, six := p.given(t, "udp4"), p.given(t, "udp6")
	if !four.addr.IP.Equal(of4) || !six.addr.IP.Equal(of6) || four.addr.Port == six.addr.Port {
		t.Fatalf("allocated %v and %v, want different ports at the relay's two addresses", four.addr, six.addr)
	}
	for _, c := range []struct {
		from, to *port
		own, at  net.IP // of who sends, of who hears
	}{{four, six, of4, of6}, {six, four, of6, of4}} {
		if _, err := c.from.WriteTo([]byte("hello"), &net.UDPAddr{IP: c.own, Port: c.to.addr.Port}); err != nil {
			t.Fatal(err)
		}
		if len(c.to.queue) != 1 {
			t.Fatalf("what %v sent to port %d did not arrive", c.from.addr, c.to.addr.Port)
		}
		b := make([]byte, 100)
		n, from, err := c.to.ReadFrom(b)
		if want := (&net.UDPAddr{IP: c.at, Port: c.from.addr.Port}).String(); err != nil || string(b[:n]) != "hello" || from.String() != want {
			t.Errorf("heard %q from %v (%v), want it from %s", b[:n], from, err, want)
		}
	}
	for _, to := range []*net.UDPAddr{{IP: of6, Port: six.addr.Port}, {IP: net.IPv4(10, 12, 0, 6), Port: six.addr.Port}, {IP: of4, Port: 22}} {
		if four.reaches(to) {
			t.Errorf("a client of IPv4 reaches %v", to)
		}
	}
	_, _ = four.Close(), six.Close()
	if len(p.open) != 0 {
		t.Errorf("%d ports are left", len(p.open))
	}
}

// By channels, which is how most goes.
func TestChannelsLeadFromOneKindToTheOther(t *testing.T) {
	p := both()
	four, six := p.given(t, "udp4"), p.given(t, "udp6")
	p.bind(four.addr, &net.UDPAddr{IP: of4, Port: six.addr.Port}, minChannel)
	p.bind(six.addr, &net.UDPAddr{IP: of6, Port: four.addr.Port}, minChannel+1)
	p.bind(six.addr, &net.UDPAddr{IP: of4, Port: 50_009}, minChannel+2) // no address of its kind
	if four.byNumber[minChannel] != uint16(six.addr.Port) || six.byPeer[uint16(four.addr.Port)] != minChannel+1 || len(six.byNumber) != 1 {
		t.Errorf("channels %v and %v, want one to each other", four.byNumber, six.byNumber)
	}
}

func TestARelayOfOneKindGivesNoAddressOfTheOther(t *testing.T) {
	p := both()
	p.relay.cfg.PublicIPs = []net.IP{of6}
	if _, _, err := (generator{ports: p}).AllocatePacketConn(turn.AllocateListenerConfig{Network: "udp4"}); err == nil {
		t.Error("an address of IPv4 was given")
	}
}

func TestARelayHasOneAddressOfEachKind(t *testing.T) {
	for _, c := range []struct {
		texts []string
		good  bool
	}{
		{[]string{"10.12.0.5"}, true}, {[]string{"fd00:12::5"}, true}, {[]string{"10.12.0.5", "fd00:12::5"}, true}, {[]string{"fd00:12::5", "10.12.0.5"}, true},
		{nil, false}, {[]string{"10.12.0.5", "10.12.0.6"}, false}, {[]string{"fd00:12::5", "fd00:12::6"}, false}, {[]string{"10.12.0.5", "::ffff:10.12.0.6"}, false},
		{[]string{"10.12.0.5", "fd00:12::5", "10.12.0.6"}, false}, {[]string{"10.12.0.5", "::"}, false}, {[]string{"relay.example"}, false},
	} {
		if _, err := ParsePublic(c.texts); (err == nil) != c.good {
			t.Errorf("%q: %v, want it taken: %v", c.texts, err, c.good)
		}
	}
	cfg := Config{PublicIPs: []net.IP{of4, of6}}
	if err := Open(&cfg, "10.12.0.5:3478", nil); err == nil {
		t.Error("a relay of both kinds listens at one address of one")
	}
}
