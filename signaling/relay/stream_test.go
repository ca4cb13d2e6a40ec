package relay_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/turn/v5"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/listen"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/wire"
)

// lazy is a connection whose reader may stop reading.
type lazy struct {
	net.Conn
	turn chan struct{} // taken by who reads, and while nobody does
}

func (l *lazy) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.stop()
	defer l.start()
	return n, err
}

func (l *lazy) stop()  { l.turn <- struct{}{} }
func (l *lazy) start() { <-l.turn }

// streamed is a client over TCP on a stand.
type streamed struct {
	conn net.PacketConn // its allocation
	lazy *lazy
}

// onStreams runs do beside a relay over TCP, with two clients that have bound channels to each
// other.
func onStreams(t *testing.T, do func(s *stand, network *memnet.Network, a, b streamed)) {
	t.Helper()
	var network *memnet.Network
	onStand(t, func(s *stand) {
		t := s.t
		var ends [2]streamed
		for i, id := range []wire.EndpointID{alice, bob} {
			raw, err := network.DialContext(t.Context(), "tcp", relayAddr)
			if err != nil {
				t.Fatal(err)
			}
			ends[i].lazy = &lazy{raw, make(chan struct{}, 1)}
			user, password := credential.TURN(secret, id, "shop", time.Now())
			c, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: relayAddr, STUNServerAddr: relayAddr, Conn: turn.NewSTUNConn(ends[i].lazy),
				Username: user, Password: password, LoggerFactory: quiet()})
			if err == nil {
				err = c.Listen()
			}
			if err != nil {
				t.Fatal(err)
			}
			s.ends = append(s.ends, func() { c.Close(); _ = raw.Close() })
			ends[i].conn = s.allocate(c)
		}
		for range 3 { // channels are bound behind the first packets
			for i, e := range ends {
				send(t, e.conn, "first", ends[1-i].conn.LocalAddr())
			}
			time.Sleep(time.Second)
		}
		for _, e := range ends {
			for n := 0; n < 3; n++ {
				if got, _ := receives(t, e.conn); got == "" {
					break // it came before there was a permission
				}
			}
		}
		do(s, network, ends[0], ends[1])
	}, func(cfg *relay.Config) {
		network = memnet.New(memnet.Path{Delay: time.Millisecond})
		l, err := network.Listen(relayAddr)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Listeners = append(cfg.Listeners, l)
	})
}

// numbered is the n-th of many packets.
func numbered(n int) []byte {
	b := bytes.Repeat([]byte{byte(n)}, 1201) // no multiple of four: it is padded on its way
	binary.BigEndian.PutUint32(b, uint32(n))
	return b
}

// A client that does not read for a moment, as it had no turn at the processor, finds all that
// was sent to it.
func TestABurstOverAStreamIsNotLost(t *testing.T) {
	const packets = 550 // beyond what the network itself holds, 256 KiB
	onStreams(t, func(s *stand, _ *memnet.Network, a, b streamed) {
		t := s.t
		b.lazy.stop()
		for n := range packets {
			send(t, a.conn, string(numbered(n)), b.conn.LocalAddr())
		}
		time.Sleep(100 * time.Millisecond)
		b.lazy.start()
		for n := range packets {
			if got, from := receives(t, b.conn); got != string(numbered(n)) || from != a.conn.LocalAddr().String() {
				t.Fatalf("packet %d of %d is one of %d bytes from %s", n, packets, len(got), from)
			}
		}
	})
}

// What waits for a client that stopped reading is bounded, and nobody else waits for it.
func TestAClientThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	onStreams(t, func(s *stand, _ *memnet.Network, a, b streamed) {
		t := s.t
		b.lazy.stop()
		for n := range 5000 {
			send(t, a.conn, string(numbered(n)), b.conn.LocalAddr())
		}
		third := s.allocate(s.known(wire.EndpointID(bytes.Repeat([]byte{'c'}, 32))))
		send(t, third, "x", a.conn.LocalAddr()) // permits a
		send(t, a.conn, "to another", third.LocalAddr())
		if got, _ := receives(t, third); got != "to another" {
			t.Errorf("another client received %q, want what was sent to it meanwhile", got)
		}
		time.Sleep(2 * time.Second)
		if got := s.relay.Behind(); got < 400<<10 || got > 600<<10 {
			t.Errorf("%d bytes wait, want about 512 KiB", got)
		}
		b.lazy.start()
		came := 0
		for got, _ := receives(t, b.conn); got != ""; got, _ = receives(t, b.conn) {
			came++
		}
		if came < 500 || came > 1200 {
			t.Errorf("%d packets came after all, want what the network and the relay hold", came)
		}
		send(t, a.conn, "and on", b.conn.LocalAddr())
		if got, _ := receives(t, b.conn); got != "and on" {
			t.Errorf("received %q, want it to go on", got)
		}
		if got := s.relay.Behind(); got != 0 {
			t.Errorf("%d bytes wait, want none", got)
		}
	})
}

// Over a line that is slower than what is sent little waits, lest all of it be late.
func TestLittleWaitsForASlowLine(t *testing.T) {
	onStreams(t, func(s *stand, network *memnet.Network, a, b streamed) {
		t := s.t
		b.lazy.stop()
		most := int64(0)
		for n := range 500 { // what the network holds is full after half of them
			send(t, a.conn, string(numbered(n)), b.conn.LocalAddr())
			time.Sleep(10 * time.Millisecond)
			most = max(most, s.relay.Behind())
		}
		if most < 100<<10 || most > 200<<10 {
			t.Errorf("%d bytes waited at most, want what came in a second", most)
		}
		b.lazy.start()
	})
}

func TestAStreamThatSpeaksNeitherIsClosed(t *testing.T) {
	for name, text := range map[string]string{
		"another protocol": "\x80\x00\x00\x10and so on",
		"a long message":   "\x00\x01\x10\x00" + string(make([]byte, 6000)),
		"a long channel":   "\x40\x00\x10\x00" + string(make([]byte, 6000)),
	} {
		onStreams(t, func(s *stand, network *memnet.Network, _, _ streamed) {
			t := s.t
			conn, err := network.DialContext(t.Context(), "tcp", relayAddr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, text)
			_ = conn.SetReadDeadline(time.Now().Add(time.Second))
			if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil || isTimeout(err) {
				t.Errorf("%s: read %d bytes (%v), want that it is closed", name, n, err)
			}
		})
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

// Who begins to speak TLS and does not go on takes no place for long.
func TestAHandshakeThatStopsIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New(memnet.Path{})
		inner, err := network.Listen(relayAddr)
		if err != nil {
			t.Fatal(err)
		}
		r, err := relay.New(relay.Config{Listeners: []net.Listener{listen.New(inner, &tls.Config{MinVersion: tls.VersionTLS12}, true)},
			PublicIPs: []net.IP{net.ParseIP(relayIP)}, MinPort: minPort, MaxPort: maxPort, Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		conn, err := network.DialContext(t.Context(), "tcp", relayAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte{22, 3, 1})
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := conn.Read(make([]byte, 1)); isTimeout(err) {
			t.Error("it is open after a minute")
		}
	})
}
