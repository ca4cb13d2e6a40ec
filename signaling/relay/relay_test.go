package relay_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/turn/v5"
	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	relayIP   = "10.0.0.1"
	otherIP   = "10.0.0.9"
	relayAddr = relayIP + ":3478"
	minPort   = 50_000
	maxPort   = 50_200
)

var (
	secret = []byte("shared by the server and its relays")
	alice  = wire.EndpointID(strings.Repeat("a", 32))
	bob    = wire.EndpointID(strings.Repeat("b", 32))
)

// stand is a relay on a network in memory.
type stand struct {
	t      *testing.T
	router *vnet.Router
	here   *vnet.Net // where the relay is
	relay  *relay.Relay
	ends   []func()
	hosts  int
}

func quiet() *logging.DefaultLoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

// onStand runs do in a bubble beside a relay, whose configuration may be changed.
func onStand(t *testing.T, do func(s *stand), change ...func(*relay.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t: t}
		var err error
		if s.router, err = vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/16", LoggerFactory: quiet()}); err != nil {
			t.Fatal(err)
		}
		s.here = s.host(relayIP)
		if err := s.router.Start(); err != nil {
			t.Fatal(err)
		}
		conn := s.listen(s.here, relayAddr)
		cfg := relay.Config{Conns: []net.PacketConn{conn}, PublicIPs: []net.IP{net.ParseIP(relayIP)},
			MinPort: minPort, MaxPort: maxPort, Secret: secret, Log: slog.New(slog.DiscardHandler)}
		for _, f := range change {
			f(&cfg)
		}
		if s.relay, err = relay.New(cfg); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.relay.Run(ctx) }()
		defer func() {
			for _, end := range slices.Backward(s.ends) {
				end()
			}
			stop()
			if err := <-ended; err != nil {
				t.Errorf("relay ended with %v", err)
			}
			synctest.Wait()
			if err := s.router.Stop(); err != nil {
				t.Error(err)
			}
		}()
		do(s)
	})
}

// host adds a host to the network.
func (s *stand) host(ip string) *vnet.Net {
	s.t.Helper()
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	if err == nil {
		err = s.router.AddNet(n)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *stand) listen(host *vnet.Net, address string) net.PacketConn {
	s.t.Helper()
	conn, err := host.ListenPacket("udp4", address)
	if err != nil {
		s.t.Fatal(err)
	}
	if address != relayAddr {
		s.ends = append(s.ends, func() { _ = conn.Close() })
	}
	return conn
}

// client is an endpoint on a host of its own.
func (s *stand) client(username, password string) *turn.Client {
	s.t.Helper()
	s.hosts++
	ip := fmt.Sprintf("10.0.%d.%d", 1+s.hosts/200, 1+s.hosts%200)
	host := s.host(ip)
	c, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: relayAddr, Conn: s.listen(host, ip+":4000"),
		Username: username, Password: password, Net: host, LoggerFactory: quiet()})
	if err == nil {
		err = c.Listen()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.ends = append(s.ends, c.Close)
	return c
}

// known is a client with fresh credentials.
func (s *stand) known(id wire.EndpointID) *turn.Client {
	s.t.Helper()
	return s.client(credential.TURN(secret, id, "shop", time.Now()))
}

func (s *stand) allocate(c *turn.Client) net.PacketConn {
	s.t.Helper()
	conn, err := c.Allocate()
	if err != nil {
		s.t.Fatalf("allocate: %v", err)
	}
	s.ends = append(s.ends, func() { _ = conn.Close() })
	return conn
}

func port(a net.Addr) int {
	_, p, _ := net.SplitHostPort(a.String())
	n, _ := strconv.Atoi(p)
	return n
}

// receives returns what comes within a second, or nothing.
func receives(t *testing.T, conn net.PacketConn) (text string, from string) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 2000)
	n, addr, err := conn.ReadFrom(buffer)
	if err != nil {
		return "", ""
	}
	return string(buffer[:n]), addr.String()
}

func send(t *testing.T, conn net.PacketConn, text string, to net.Addr) {
	t.Helper()
	if _, err := conn.WriteTo([]byte(text), to); err != nil {
		t.Fatalf("send to %v: %v", to, err)
	}
}

func TestTwoEndpointsSpeakThroughTheRelay(t *testing.T) {
	onStand(t, func(s *stand) {
		ca, cb := s.known(alice), s.known(bob)
		a, b := s.allocate(ca), s.allocate(cb)
		for _, conn := range []net.PacketConn{a, b} {
			if p := port(conn.LocalAddr()); p < minPort || p > maxPort || !strings.HasPrefix(conn.LocalAddr().String(), relayIP+":") {
				t.Errorf("allocated %v, want %s and a port from %d to %d", conn.LocalAddr(), relayIP, minPort, maxPort)
			}
		}
		send(t, b, "x", a.LocalAddr()) // permits a
		if got, _ := receives(t, a); got != "" {
			t.Errorf("a received %q before it permitted b", got)
		}
		send(t, a, "hello", b.LocalAddr())
		if got, from := receives(t, b); got != "hello" || from != a.LocalAddr().String() {
			t.Errorf("b received %q from %s, want hello from %v", got, from, a.LocalAddr())
		}
		send(t, b, "and back", a.LocalAddr())
		if got, from := receives(t, a); got != "and back" || from != b.LocalAddr().String() {
			t.Errorf("a received %q from %s, want an answer from %v", got, from, b.LocalAddr())
		}
		if got, want := s.relay.Stats(), (relay.Stats{Allocations: 2, Bytes: 1 + 5 + 8}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		_ = a.Close()
		synctest.Wait()
		if got := s.relay.Stats().Allocations; got != 1 {
			t.Errorf("%d allocations after one was given back, want 1", got)
		}
	})
}

func TestALinkThatStandsOutlivesItsCredentials(t *testing.T) {
	onStand(t, func(s *stand) {
		ca, cb := s.known(alice), s.known(bob)
		a, b := s.allocate(ca), s.allocate(cb)
		send(t, a, "x", b.LocalAddr())
		for range 3 {
			// Not when the client refreshes: one that is closed just then waits forever.
			time.Sleep(credential.TURNLifetime/2 + 17*time.Second)
			send(t, b, "still here", a.LocalAddr())
			if got, _ := receives(t, a); got != "still here" {
				t.Errorf("received %q, want it to go on", got)
			}
		}
	})
}

func TestOnlyFreshCredentialsOfOurOwnAllocate(t *testing.T) {
	onStand(t, func(s *stand) {
		now := time.Now()
		user, password := credential.TURN(secret, alice, "shop", now)
		_, elsewhere := credential.TURN([]byte("another organisation's secret"), alice, "shop", now)
		_, bobs := credential.TURN(secret, bob, "shop", now)
		oldUser, oldPassword := credential.TURN(secret, alice, "shop", now.Add(-credential.TURNLifetime-2*time.Second))
		later := strconv.FormatInt(now.Add(100*time.Hour).Unix(), 10) + ":" + string(alice)
		for name, test := range map[string][2]string{
			"expired":            {oldUser, oldPassword},
			"another secret":     {user, elsewhere},
			"another's password": {user, bobs},
			"a later expiry":     {later, password},
			"no expiry":          {string(alice), password},
			"no name":            {strconv.FormatInt(now.Add(time.Hour).Unix(), 10) + ":", password},
			"a name too long":    {user + strings.Repeat("x", 200), password},
			"nothing":            {"", ""},
		} {
			if conn, err := s.client(test[0], test[1]).Allocate(); err == nil {
				t.Errorf("%s: allocated %v, want to be refused", name, conn.LocalAddr())
			}
		}
		if got := s.relay.Stats().Allocations; got != 0 {
			t.Errorf("%d allocations, want none", got)
		}
		s.allocate(s.client(user, password))
	})
}

func TestNothingButTheRelayIsPermitted(t *testing.T) {
	onStand(t, func(s *stand) {
		victim := s.listen(s.host(otherIP), otherIP+":5000")
		c := s.known(alice)
		a := s.allocate(c)
		for _, to := range []string{otherIP + ":5000", "127.0.0.1:5000", "169.254.169.254:80", "0.0.0.0:5000", "255.255.255.255:5000"} {
			addr, err := net.ResolveUDPAddr("udp4", to)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.CreatePermission(addr); err == nil {
				t.Errorf("permitted %s", to)
			}
			if _, err := a.WriteTo([]byte("x"), addr); err == nil {
				t.Errorf("took a packet for %s", to)
			}
		}
		if got, _ := receives(t, victim); got != "" {
			t.Errorf("a host received %q through the relay", got)
		}
		// Nor is anything let in from there.
		send(t, victim, "x", a.LocalAddr())
		if got, from := receives(t, a); got != "" {
			t.Errorf("received %q from %s", got, from)
		}
	})
}

func TestOtherPortsOfTheRelayAreOutOfReach(t *testing.T) {
	onStand(t, func(s *stand) {
		a := s.allocate(s.known(alice))
		for i, p := range []int{53, minPort - 1, maxPort + 1} {
			service := s.listen(s.here, net.JoinHostPort(relayIP, strconv.Itoa(p)))
			send(t, a, "x", service.LocalAddr())
			if got, _ := receives(t, service); got != "" {
				t.Errorf("port %d received %q through the relay", p, got)
			}
			if got := s.relay.Stats(); got.Refused < int64(i+1) || got.Bytes != 0 {
				t.Errorf("got %+v, want %d packets refused", got, i+1)
			}
		}
	})
}

func TestAnEndpointHoldsOnlySoManyAllocations(t *testing.T) {
	onStand(t, func(s *stand) {
		var held []net.PacketConn
		for range relay.MaxAllocations {
			held = append(held, s.allocate(s.known(alice)))
			time.Sleep(time.Second) // another user name each time, but the same endpoint
		}
		if _, err := s.known(alice).Allocate(); err == nil {
			t.Errorf("allocated %d times, want at most %d", relay.MaxAllocations+1, relay.MaxAllocations)
		}
		s.allocate(s.known(bob))
		_ = held[0].Close()
		synctest.Wait()
		s.allocate(s.known(alice))
	})
}

func TestAnAllocationThatIsNotRefreshedEnds(t *testing.T) {
	onStand(t, func(s *stand) {
		s.allocate(s.known(alice))
		time.Sleep(time.Hour + 17*time.Second)
		if got := s.relay.Stats().Allocations; got != 1 {
			t.Errorf("%d allocations while it is refreshed, want 1", got)
		}
		s.router.AddChunkFilter(func(vnet.Chunk) bool { return false }) // the cable is cut
		time.Sleep(time.Hour)
		if got := s.relay.Stats().Allocations; got != 0 {
			t.Errorf("%d allocations, want none", got)
		}
	})
}

func TestTheAddressOfAnEndpointIsTold(t *testing.T) {
	onStand(t, func(s *stand) {
		c := s.client("", "")
		if got, err := c.SendBindingRequestTo(&net.UDPAddr{IP: net.ParseIP(relayIP), Port: 3478}); err != nil || got.String() != "10.0.1.2:4000" {
			t.Errorf("got %v, %v, want 10.0.1.2:4000", got, err)
		}
	})
}

func TestARelayWithoutAddressOrPortsIsRefused(t *testing.T) {
	ip := net.ParseIP(relayIP)
	for name, cfg := range map[string]relay.Config{
		"no address":     {MinPort: 1, MaxPort: 2},
		"no ports":       {PublicIPs: []net.IP{ip}},
		"ports reversed": {PublicIPs: []net.IP{ip}, MinPort: 2, MaxPort: 1},
		"no socket":      {PublicIPs: []net.IP{ip}, MinPort: 1, MaxPort: 2},
	} {
		if _, err := relay.New(cfg); err == nil {
			t.Errorf("%s: began to serve", name)
		}
	}
}

// ask sends a request, without and then with credentials, and returns the answer.
func ask(t *testing.T, conn net.PacketConn, username, password string, request ...stun.Setter) *stun.Message {
	t.Helper()
	exchange := func(with ...stun.Setter) *stun.Message {
		message := stun.MustBuild(slices.Concat([]stun.Setter{stun.TransactionID}, request, with)...)
		send(t, conn, string(message.Raw), &net.UDPAddr{IP: net.ParseIP(relayIP), Port: 3478})
		raw, _ := receives(t, conn)
		answer := &stun.Message{Raw: []byte(raw)}
		if err := answer.Decode(); err != nil {
			t.Fatalf("answer %q: %v", raw, err)
		}
		return answer
	}
	var nonce stun.Nonce
	var realm stun.Realm
	if err := exchange().Parse(&nonce, &realm); err != nil {
		t.Fatal(err)
	}
	return exchange(stun.NewUsername(username), realm, nonce,
		stun.NewLongTermIntegrity(username, realm.String(), password), stun.Fingerprint)
}

// A port can be reserved beside an even one, RFC 8656 section 7.1.
func TestNoPortBeyondTheRangeIsGivenOut(t *testing.T) {
	onStand(t, func(s *stand) {
		user, password := credential.TURN(secret, alice, "shop", time.Now())
		allocate := func(ip string, option stun.RawAttribute) *stun.Message {
			return ask(t, s.listen(s.host(ip), ip+":4000"), user, password, stun.NewType(stun.MethodAllocate, stun.ClassRequest),
				stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}, option)
		}
		var token []byte
		for i := 0; token == nil && i < 3; i++ {
			token, _ = allocate(fmt.Sprintf("10.0.1.%d", 1+i), stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{0x80}}).Get(stun.AttrReservationToken)
		}
		if token == nil {
			t.Fatal("no port was reserved")
		}
		answer := allocate("10.0.2.1", stun.RawAttribute{Type: stun.AttrReservationToken, Value: token})
		var relayed stun.XORMappedAddress
		if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err == nil {
			t.Errorf("allocated port %d, want none beyond %d", relayed.Port, maxPort)
		}
	}, func(cfg *relay.Config) { cfg.MinPort = maxPort }) // which is even
}

// A permission names an address only, and what goes over a TCP connection is not
// looked at: with one, any service beside the relay could be reached. This is on
// the host's own network, as the one in memory has no TCP.
func TestNoTCPIsRelayed(t *testing.T) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.New(relay.Config{Conns: []net.PacketConn{conn}, PublicIPs: []net.IP{net.IPv4(127, 0, 0, 1)},
		MinPort: minPort, MaxPort: maxPort, Secret: secret, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("relay ended with %v", err)
		}
	}()
	own, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	user, password := credential.TURN(secret, alice, "shop", time.Now())
	c, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: conn.LocalAddr().String(), Conn: own, Username: user,
		Password: password, LoggerFactory: quiet()})
	if err == nil {
		err = c.Listen()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if a, err := c.AllocateTCP(); err == nil {
		t.Errorf("allocated %v for TCP, want to be refused", a.Addr())
		_ = a.Close()
	}
	udp, err := c.Allocate()
	if err != nil {
		t.Fatalf("allocate for UDP: %v", err)
	}
	_ = udp.Close()
}
