package rtc_test

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/signaling/wire"
)

// reflect answers binding requests until the test's end.
func reflect(t *testing.T, host *vnet.Net, addr string) {
	t.Helper()
	conn, err := host.ListenPacket("udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for b := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			m, udp := stun.Message{Raw: b[:n]}, from.(*net.UDPAddr)
			if err := m.Decode(); err != nil {
				t.Errorf("asked with %x: %v", b[:n], err)
				continue
			}
			answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, &stun.XORMappedAddress{IP: udp.IP, Port: udp.Port})
			if err == nil {
				_, err = conn.WriteTo(answer.Raw, from)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
}

// counted counts the sockets that are opened.
type counted struct {
	transport.Net
	sockets *atomic.Int32
}

func (c counted) ListenUDP(network string, at *net.UDPAddr) (transport.UDPConn, error) {
	c.sockets.Add(1)
	return c.Net.ListenUDP(network, at)
}

// natted is a pair of which each end is behind a NAT of its own that lets in only whom
// it wrote to.
func natted(t *testing.T, sockets *atomic.Int32) (n *lan, a, b *end) {
	t.Helper()
	n = newLAN(t, time.Millisecond)
	reflector := host(t, n.router, "10.0.0.9")
	var hosts []*vnet.Net
	for _, at := range []struct{ public, cidr, ip string }{{"10.0.0.1", "192.168.1.0/24", "192.168.1.2"}, {"10.0.0.2", "192.168.2.0/24", "192.168.2.2"}} {
		nat, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: at.cidr, StaticIPs: []string{at.public}, LoggerFactory: quiet(),
			NATType: &vnet.NATType{FilteringBehavior: vnet.EndpointAddrPortDependent}})
		if err = errors.Join(err, n.router.AddRouter(nat)); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, host(t, nat, at.ip))
	}
	start(t, n.router)
	reflect(t, reflector, "10.0.0.9:3478")
	ice := wire.ICE{URLs: []string{"stun:10.0.0.9"}}
	a = newEnd(t, n.server, counted{hosts[0], sockets}, "0.0.0.0:0", ice)
	b = newEnd(t, n.server, counted{hosts[1], sockets}, "0.0.0.0:0", ice)
	time.Sleep(time.Millisecond) // both run
	return n, a, b
}

// A link between two NATs uses the one socket like any other, so that it can be
// probed, and batched.
func TestLinkThroughNATsOpensNoOtherSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sockets atomic.Int32
		_, a, b := natted(t, &sockets)
		a.Dial(b.id, 1)
		if f := down(t, a, 11*time.Second); f.link != nil {
			t.Fatalf("heard %+v, want the first attempt to fail: it asks nobody", f)
		}
		a.Dial(b.id, 2)
		la := up(t, a, soon)
		up(t, b, soon)
		if la.Relayed() {
			t.Error("link is relayed, want it direct")
		}
		heard := make(chan time.Duration, 1)
		if !la.Probe(func(rtt time.Duration) { heard <- rtt }) {
			t.Fatal("no probe was sent")
		}
		if rtt, err := take(heard, time.Second); err != nil || rtt > 100*time.Millisecond {
			t.Errorf("probed %v, %v; want an answer", rtt, err)
		}
		if n := sockets.Load(); n != 2 {
			t.Errorf("%d sockets were opened, want one for each end", n)
		}
	})
}
