package lab

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/edge/rtc/rtctest"
	"github.com/sitecast/sitecast/signaling/relay"
)

// NAT is what stands between an endpoint and the others of its site.
type NAT struct {
	Name string
	kind *vnet.NATType // nil: nothing
}

// NATs are the kinds that RFC 3489 named and RFC 4787 explained: which packets find
// the way in, and whether each destination sees another port.
var NATs = []NAT{
	{Name: "none"},
	{"full cone", &vnet.NATType{}},
	{"address-restricted", &vnet.NATType{FilteringBehavior: vnet.EndpointAddrDependent}},
	{"port-restricted", &vnet.NATType{FilteringBehavior: vnet.EndpointAddrPortDependent}},
	{"symmetric", &vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent}},
}

// Where the relay is that NATed endpoints reach, on the network of the first site.
const (
	relayIP                    = "10.1.0.250"
	relayPort                  = "3478"
	relayAddr                  = relayIP + ":" + relayPort
	relayMinPort, relayMaxPort = 49160, 49660
)

// behind attaches an endpoint to its site's network through a NAT of its own.
func (l *Lab) behind(s *Site, k int, e *Endpoint, nat NAT) {
	l.t.Helper()
	ip, router := e.Host, s.lan
	if nat.kind != nil {
		var err error
		ip = fmt.Sprintf("192.168.%d.2", k+1)
		router, err = vnet.NewRouter(&vnet.RouterConfig{CIDR: fmt.Sprintf("192.168.%d.0/24", k+1), StaticIPs: []string{e.Host},
			NATType: nat.kind, LoggerFactory: quiet()})
		l.must(err)
		l.must(s.lan.AddRouter(router))
	}
	var err error
	e.net, err = rtctest.At(ip)
	l.must(err)
	l.must(router.AddNet(e.net.Net))
	e.at.Store(&ip)
}

// Move gives the endpoint another address on its LAN, as going from radio to cable
// does; how it reaches the server does not change.
func (e *Endpoint) Move(ip string) {
	e.lab.t.Helper()
	e.lab.must(e.net.Move(e.Where(), ip))
	e.at.Store(&ip)
}

// Radio says whether radio or a cable is the endpoint's way to its LAN from now on; its
// address stays.
func (e *Endpoint) Radio(on bool) { e.radio.Store(on) }

// Where is the endpoint's address on its LAN.
func (e *Endpoint) Where() string { return *e.at.Load() }

// addRelay puts the server's relay on the network of the first site.
func (l *Lab) addRelay(lan *vnet.Router, name string) {
	l.t.Helper()
	l.relayAt = relayAddr
	if name != "" {
		l.must(lan.AddHost(name, relayIP))
		l.relayAt = net.JoinHostPort(name, relayPort)
	}
	var err error
	l.relayNet, err = vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{relayIP}})
	l.must(err)
	l.must(lan.AddNet(l.relayNet))
}

// relay is the embedded relay's configuration; nil without one.
func (l *Lab) relay() *relay.Config {
	if l.relayNet == nil {
		return nil
	}
	conn, err := l.relayNet.ListenPacket("udp4", relayAddr)
	l.must(err)
	return &relay.Config{Conns: []net.PacketConn{conn}, PublicIPs: []net.IP{net.ParseIP(relayIP)},
		MinPort: relayMinPort, MaxPort: relayMaxPort, Log: l.log("relay")}
}

// Isolate keeps endpoints of a site from each other, but for the relay, or ends that:
// client isolation, as guest networks have it.
func (s *Site) Isolate(on bool) { s.isolated.Store(on) }

// errFenced is what an endpoint sees that opens no connection any more.
var errFenced = errors.New("no route to host")

// Fence keeps an endpoint from opening connections, or ends that. What is open stays:
// its socket to the server, say, while it can't fetch.
func (e *Endpoint) Fence(on bool) { e.fenced.Store(on) }

func (e *Endpoint) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if e.fenced.Load() {
		return nil, errFenced
	}
	return e.lab.WAN.Dialer(e.Host)(ctx, network, addr)
}

// ofRelay reports whether a packet is from or to the relay.
func ofRelay(c vnet.Chunk) bool {
	for _, a := range []net.Addr{c.SourceAddr(), c.DestinationAddr()} {
		if udp, ok := a.(*net.UDPAddr); ok && udp.IP.String() == relayIP {
			return true
		}
	}
	return false
}

// Heard calls each with the size of every packet that reaches an endpoint over its LAN.
func (s *Site) Heard(e *Endpoint, each func(bytes int)) {
	s.lan.AddChunkFilter(func(c vnet.Chunk) bool {
		if to, ok := c.DestinationAddr().(*net.UDPAddr); ok && to.IP.String() == e.Where() {
			each(len(c.UserData()))
		}
		return true
	})
}

func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}
