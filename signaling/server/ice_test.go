package server_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/e2e/lab/memnet"
	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/server"
	"github.com/sitecast/sitecast/signaling/wire"
)

// TestEndpointsAreToldOfTheRelaysThatAreThere: that at their site, with its own secret,
// and the embedded one, over TCP only where it listens for that.
func TestEndpointsAreToldOfTheRelaysThatAreThere(t *testing.T) {
	const own, secret = "10.0.0.1:3478", "0123456789abcdef"
	for _, c := range []struct {
		name    string
		tcp     bool
		central []string
	}{
		{"over UDP", false, []string{"turn:" + own + "?transport=udp"}},
		{"over TCP too", true, []string{"turn:" + own + "?transport=udp", "turns:" + own + "?transport=tcp"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, t.TempDir(), func(cfg *server.Config) { relayed(t, cfg, own, c.tcp) })
				key := s.enrol("shop-1")
				s.call("PATCH", "/api/v1/sites/shop-1", s.admin(), api.SiteChange{Relay: &api.Relay{Address: "turns:10.1.0.5:5349", Secret: secret}}, nil)
				k, status := s.dial(s.session(key).Token)
				if status != http.StatusSwitchingProtocols {
					t.Fatalf("the socket answered %d, want 101", status)
				}
				s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1", Device: wire.DeviceAgent, Software: "test 1"})
				first, _ := s.hear(k)
				welcome, ok := first.(*wire.Welcome)
				if !ok || len(welcome.ICE) != 3 {
					t.Fatalf("the first word is %#v, want a welcome with three servers", first)
				}
				near, stun, central := welcome.ICE[0], welcome.ICE[1], welcome.ICE[2]
				if want := []string{"turn:10.1.0.5:5349?transport=udp", "turns:10.1.0.5:5349?transport=tcp"}; !reflect.DeepEqual(near.URLs, want) || near.Place != wire.PlaceSite {
					t.Errorf("the relay at the site is %+v, want %v there", near, want)
				}
				mac := hmac.New(sha1.New, []byte(secret))
				mac.Write([]byte(near.Username))
				if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); near.Credential != want {
					t.Errorf("its password is %s, want %s, made with its own secret", near.Credential, want)
				}
				if !reflect.DeepEqual(stun.URLs, []string{"stun:" + own}) || !reflect.DeepEqual(central.URLs, c.central) || central.Place != "" {
					t.Errorf("beyond the WAN there are %+v and %+v, want %v", stun, central, c.central)
				}
				s.end()
			})
		})
	}
}

// Who has only one kind of address uses those of its kind, so all are named.
func TestARelayOfBothKindsIsNamedByEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, t.TempDir(), func(cfg *server.Config) {
			relayed(t, cfg, "10.0.0.1:3478", false)
			cfg.RelayAddrs = append(cfg.RelayAddrs, "[fd00::1]:3478")
		})
		key := s.enrol("shop-1")
		s.call("PATCH", "/api/v1/sites/shop-1", s.admin(), api.SiteChange{Relay: &api.Relay{Address: "turn:10.1.0.5:5349,[fd00:1::5]:5349", Secret: "0123456789abcdef"}}, nil)
		k, _ := s.dial(s.session(key).Token)
		s.say(k, wire.KindHello, 0, 0, wire.Hello{Version: wire.Version, Name: "till-1", Device: wire.DeviceAgent, Software: "test 1"})
		first, _ := s.hear(k)
		welcome, ok := first.(*wire.Welcome)
		if !ok || len(welcome.ICE) != 3 {
			t.Fatalf("the first word is %#v, want a welcome with three servers", first)
		}
		for i, want := range [][]string{
			{"turn:10.1.0.5:5349?transport=udp", "turn:10.1.0.5:5349?transport=tcp", "turn:[fd00:1::5]:5349?transport=udp", "turn:[fd00:1::5]:5349?transport=tcp"},
			{"stun:10.0.0.1:3478", "stun:[fd00::1]:3478"},
			{"turn:10.0.0.1:3478?transport=udp", "turn:[fd00::1]:3478?transport=udp"},
		} {
			if got := welcome.ICE[i].URLs; !reflect.DeepEqual(got, want) {
				t.Errorf("server %d is named %v, want %v", i+1, got, want)
			}
		}
		s.end()
	})
}

// relayed gives a server a relay on a network in memory.
func relayed(t *testing.T, cfg *server.Config, at string, tcp bool) {
	t.Helper()
	host, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{"10.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/16", LoggerFactory: logging.NewDefaultLoggerFactory()})
	if err == nil {
		err = router.AddNet(host)
	}
	if err != nil {
		t.Fatal(err)
	}
	conn, err := host.ListenPacket("udp4", at)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RelayAddrs = []string{at}
	cfg.Relay = &relay.Config{Conns: []net.PacketConn{conn}, PublicIPs: []net.IP{net.IPv4(10, 0, 0, 1)}, MinPort: 50_000, MaxPort: 50_100, Log: cfg.Log}
	if tcp {
		l, err := memnet.New(memnet.Path{}).Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Relay.Listeners = []net.Listener{l}
	}
}
