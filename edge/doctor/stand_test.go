package doctor_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5/vnet"
	"go.uber.org/goleak"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/edge/doctor"
	"github.com/sitecast/sitecast/signaling/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	name     = "sitecast.example"
	serverIP = "10.0.0.9"
	secondIP = "10.0.0.10"
	serverAt = serverIP + ":8443"
	siteIP   = "192.168.0.9" // of a relay at the site
	relayAt  = serverIP + ":3478"
)

// stand is a server with a relay, and a device at a site behind a NAT, whose doctor
// looks at them. Faults are put into its fields before the examination.
type stand struct {
	t       *testing.T
	cfg     doctor.Config
	network *memnet.Network

	handler  http.Handler          // what answers over HTTP
	ahead    time.Duration         // of the server's clock, before the device's
	relayTLS bool                  // the relay speaks TLS over TCP
	relayTCP bool                  // it answers over TCP at all
	nat      vnet.NATType          // of the site's router
	drop     func(vnet.Chunk) bool // UDP that is lost on the way out
}

var (
	endpointIndependent = vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent}
	symmetric           = vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent}
)

// onStand runs do in fake time.
func onStand(t *testing.T, do func(*stand)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t: t, network: memnet.New(memnet.Path{Delay: 5 * time.Millisecond}), relayTLS: true, relayTCP: true, nat: endpointIndependent}
		s.handler = http.HandlerFunc(s.answer)
		s.cfg = doctor.Config{Server: &url.URL{Scheme: "https", Host: name + ":8443"}, Reflector: secondIP + ":3478",
			Lookup: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr(serverIP)}, nil
			},
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return s.network.DialContext(ctx, network, strings.Replace(addr, name, serverIP, 1))
			},
			Trust: func([]*x509.Certificate) (doctor.Voucher, error) { return doctor.Pinned, nil }}
		do(s)
		time.Sleep(time.Minute) // what was closed is gone
	})
}

// examine sets everything up and has the doctor look at it.
func (s *stand) examine() doctor.Report {
	s.t.Helper()
	cert := s.certificate()
	web, err := s.network.Listen(serverAt)
	s.must(err)
	listener := web
	if s.cfg.Server.Scheme == "https" {
		listener = tls.NewListener(web, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(listener) })
	if s.relayTCP {
		l, err := s.network.Listen(relayAt)
		s.must(err)
		defer l.Close()
		if s.relayTLS {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
		}
		wg.Go(func() { relayOver(l) })
		defer l.Close()
	}
	wan := s.udp()
	defer func() { s.must(wan.Stop()) }()
	report := doctor.Examine(s.t.Context(), s.cfg)
	s.must(server.Close())
	return report
}

// udp sets up the network for packets.
func (s *stand) udp() *vnet.Router {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	wan, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", MinDelay: 5 * time.Millisecond, LoggerFactory: quiet})
	s.must(err)
	home, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "192.168.0.0/24", StaticIPs: []string{"10.0.0.8"}, NATType: &s.nat, LoggerFactory: quiet})
	s.must(err)
	if s.drop != nil {
		wan.AddChunkFilter(func(c vnet.Chunk) bool { return !s.drop(c) })
	}
	s.must(wan.AddRouter(home))
	for ip, net := range map[string]*vnet.Router{serverIP: wan, secondIP: wan, siteIP: home} {
		host := s.host(net, ip)
		conn, err := host.ListenPacket("udp4", ip+":3478")
		s.must(err)
		go func() {
			buf := make([]byte, 1500)
			for {
				n, from, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				_, _ = conn.WriteTo(reflect(buf[:n], from), from)
			}
		}()
		s.t.Cleanup(func() { _ = conn.Close() })
	}
	device := s.host(home, "192.168.0.2")
	if s.cfg.ListenPacket == nil {
		s.cfg.ListenPacket = func(context.Context) (net.PacketConn, error) { return device.ListenPacket("udp4", "0.0.0.0:0") }
	}
	s.must(wan.Start())
	return wan
}

func (s *stand) host(r *vnet.Router, ip string) *vnet.Net {
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	s.must(err)
	s.must(r.AddNet(n))
	return n
}

func (s *stand) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// reflect is the answer to a binding request.
func reflect(b []byte, from net.Addr) []byte {
	m := stun.Message{Raw: bytes.Clone(b)}
	if m.Decode() != nil {
		return nil
	}
	at := netip.MustParseAddrPort(from.String())
	answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: at.Addr().AsSlice(), Port: int(at.Port())})
	if err != nil {
		return nil
	}
	return answer.Raw
}

// relayOver answers over TCP.
func relayOver(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			buf := make([]byte, 1500)
			if n, err := conn.Read(buf); err == nil {
				_, _ = conn.Write(reflect(buf[:n], conn.RemoteAddr()))
			}
		}()
	}
}

// answer is what a server answers.
func (s *stand) answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", time.Now().Add(s.ahead).UTC().Format(http.TimeFormat))
	switch r.Method + " " + r.URL.Path {
	case "GET /healthz":
		_, _ = io.WriteString(w, "ok\n")
	case "GET " + wire.PathSignal:
		if r.Header.Get("Upgrade") == "" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	case "POST " + wire.PathTunnel:
		w.WriteHeader(http.StatusUnauthorized)
	case "POST " + wire.PathSession:
		_, _ = io.Copy(io.Discard, r.Body)
	case "GET /api/v1/openapi.json":
		_, _ = w.Write(bytes.Repeat([]byte("x"), 64<<10))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (s *stand) certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Shop Firewall"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	s.must(err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// frame is what fits into a packet of TCP.
const frame = 1448

// hole swallows what does not fit into one packet, and all after it, in one direction.
type hole struct {
	net.Conn
	up, lost bool
	closed   chan struct{}
	once     sync.Once
}

func newHole(conn net.Conn, up bool) *hole {
	return &hole{Conn: conn, up: up, closed: make(chan struct{})}
}

func (h *hole) Write(b []byte) (int, error) {
	h.lost = h.lost || h.up && len(b) > frame
	if h.lost {
		return len(b), nil
	}
	return h.Conn.Write(b)
}

func (h *hole) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	if !h.up && n > frame {
		<-h.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (h *hole) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.Conn.Close()
}

var errRefused = errors.New("refused by a test")
