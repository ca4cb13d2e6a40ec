package doctor_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/transport/v5/vnet"

	"github.com/sitecast/sitecast/edge/doctor"
	"github.com/sitecast/sitecast/signaling/wire"
)

// relayed is an agent with so many links, of which some are relayed.
func relayed(links, relayed int) func(context.Context) (doctor.Agent, error) {
	a := doctor.Agent{Connected: true, Links: make([]struct{ Relayed bool }, links)}
	for i := range relayed {
		a.Links[i].Relayed = true
	}
	return func(context.Context) (doctor.Agent, error) { return a, nil }
}

// middlebox answers what it likes, and passes the rest.
func (s *stand) middlebox(answer func(w http.ResponseWriter, r *http.Request) bool) {
	pass := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			pass.ServeHTTP(w, r)
		}
	})
}

// dialing bends the connections to an address.
func (s *stand) dialing(to string, bend func(net.Conn, error) (net.Conn, error)) {
	dial := s.cfg.Dial
	s.cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if strings.HasSuffix(addr, to) {
			return bend(conn, err)
		}
		return conn, err
	}
}

func overUDP(c vnet.Chunk) bool { return c.Network() == "udp" }

// swallow blocks a port over TCP, without a word.
func (s *stand) swallow(port string) {
	dial := s.cfg.Dial
	s.cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(addr, port) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dial(ctx, network, addr)
	}
}

func TestEachFaultIsNamed(t *testing.T) {
	for _, c := range []struct {
		name  string
		bend  func(*stand)
		rung  doctor.Rung
		fault doctor.Fault
		works bool
		words string // in what was seen or is to be done
	}{
		{"DNS failing", func(s *stand) {
			s.cfg.Lookup = func(context.Context, string) ([]netip.Addr, error) {
				return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
			}
		}, doctor.RungName, doctor.FaultDNS, false, "hosts file"},
		{"name without address", func(s *stand) {
			s.cfg.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, nil }
		}, doctor.RungName, doctor.FaultDNS, false, "has no address"},
		{"server unreachable", func(s *stand) { s.swallow(":8443") }, doctor.RungConnection, doctor.FaultUnreachable, false, "firewalls"},
		{"server off", func(s *stand) {
			s.dialing(":8443", func(conn net.Conn, _ error) (net.Conn, error) { return nil, shut(conn, syscall.ECONNREFUSED) })
		}, doctor.RungConnection, doctor.FaultUnreachable, false, "start the server"},
		{"proxy refuses", func(s *stand) {
			s.cfg.Proxy = "proxy.example:3128 (from HTTPS_PROXY)"
			s.dialing(":8443", func(conn net.Conn, _ error) (net.Conn, error) { return nil, shut(conn, errRefused) })
		}, doctor.RungConnection, doctor.FaultProxy, false, "--proxy none"},
		{"TLS opened by a stranger", func(s *stand) {
			s.cfg.Trust = func([]*x509.Certificate) (doctor.Voucher, error) { return doctor.Nobody, errRefused }
		}, doctor.RungTLS, doctor.FaultTLS, false, "Shop Firewall"},
		{"TLS opened by whom --ca-file names", func(s *stand) {
			s.cfg.Trust = func([]*x509.Certificate) (doctor.Voucher, error) { return doctor.Added, nil }
		}, doctor.RungTLS, doctor.FaultTLS, true, "Shop Firewall"},
		{"TLS cut off", func(s *stand) {
			s.dialing(":8443", func(conn net.Conn, err error) (net.Conn, error) { return &cut{conn}, err })
		}, doctor.RungTLS, doctor.FaultTLS, false, "cut off"},
		{"no TLS", func(s *stand) {
			s.dialing(":8443", func(conn net.Conn, err error) (net.Conn, error) { return &plain{conn}, err })
		}, doctor.RungTLS, doctor.FaultUnreachable, false, "log on"},
		{"certificate of another time", func(s *stand) {
			s.cfg.Trust = func([]*x509.Certificate) (doctor.Voucher, error) {
				return doctor.Nobody, x509.CertificateInvalidError{Reason: x509.Expired}
			}
		}, doctor.RungTLS, doctor.FaultClock, false, "set this device's clock"},
		{"captive portal that leads on", func(s *stand) {
			s.middlebox(func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "http://guests.example/", http.StatusFound)
				return true
			})
		}, doctor.RungServer, doctor.FaultPortal, false, "guests.example"},
		{"captive portal that says it itself", func(s *stand) {
			s.middlebox(func(w http.ResponseWriter, _ *http.Request) bool {
				_, _ = io.WriteString(w, "<html>Welcome")
				return true
			})
		}, doctor.RungServer, doctor.FaultPortal, false, "browser"},
		{"server not well", func(s *stand) {
			s.middlebox(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
		}, doctor.RungServer, doctor.FaultUnreachable, false, "502"},
		{"clock behind", func(s *stand) { s.ahead = 26 * time.Hour }, doctor.RungClock, doctor.FaultClock, true, "26h0m0s behind"},
		{"clock ahead", func(s *stand) { s.ahead = -5 * time.Minute }, doctor.RungClock, doctor.FaultClock, true, "5m0s ahead"},
		{"WebSocket refused", func(s *stand) {
			s.middlebox(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Upgrade") == "" {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				return true
			})
		}, doctor.RungSocket, doctor.FaultWebSocket, true, "403"},
		{"WebSocket stripped", func(s *stand) {
			s.middlebox(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Upgrade"); return false })
		}, doctor.RungSocket, doctor.FaultWebSocket, true, "takes the wish"},
		{"WebSocket swallowed", func(s *stand) {
			s.middlebox(func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Upgrade") == "" {
					return false
				}
				<-r.Context().Done()
				return true
			})
		}, doctor.RungSocket, doctor.FaultWebSocket, true, "no answer"},
		{"no socket at all", func(s *stand) {
			s.middlebox(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Upgrade") == "" && r.URL.Path != wire.PathTunnel {
					return false
				}
				w.WriteHeader(http.StatusForbidden)
				return true
			})
		}, doctor.RungSocket, doctor.FaultWebSocket, false, "neither"},
		{"MTU black hole, seen by TLS", func(s *stand) {
			s.dialing(":8443", func(conn net.Conn, err error) (net.Conn, error) { return newHole(conn, true), err })
		}, doctor.RungTLS, doctor.FaultMTU, false, "fragmentation needed"},
		{"MTU black hole to the server", func(s *stand) {
			s.cfg.Server.Scheme = "http"
			s.dialing(":8443", func(conn net.Conn, err error) (net.Conn, error) { return newHole(conn, true), err })
		}, doctor.RungLarge, doctor.FaultMTU, false, "packets to the server"},
		{"MTU black hole from the server", func(s *stand) {
			s.cfg.Server.Scheme = "http"
			s.dialing(":8443", func(conn net.Conn, err error) (net.Conn, error) { return newHole(conn, false), err })
		}, doctor.RungLarge, doctor.FaultMTU, false, "packets from the server"},
		{"UDP blocked", func(s *stand) { s.drop = overUDP }, doctor.RungUDP, doctor.FaultUDP, true, "slower"},
		{"UDP answers blocked", func(s *stand) {
			s.drop = func(c vnet.Chunk) bool { return strings.HasPrefix(c.SourceAddr().String(), serverIP+":") }
		}, doctor.RungUDP, doctor.FaultUDP, true, "firewall"},
		{"no UDP socket", func(s *stand) {
			s.cfg.ListenPacket = func(context.Context) (net.PacketConn, error) { return nil, errRefused }
		}, doctor.RungUDP, doctor.FaultUDP, true, "forbids"},
		{"relay down", func(s *stand) { s.drop, s.relayTCP = overUDP, false }, doctor.RungRelay, doctor.FaultRelay, true, "see that the relay runs"},
		{"MTU black hole for frames of UDP", func(s *stand) {
			s.drop = func(c vnet.Chunk) bool { return len(c.UserData()) > 1400 }
		}, doctor.RungUDP, doctor.FaultMTU, true, "packets of 1452 bytes"},
		{"MTU black hole for links", func(s *stand) {
			s.drop = func(c vnet.Chunk) bool { return len(c.UserData()) > 1000 }
		}, doctor.RungUDP, doctor.FaultMTU, true, "packets of 1200 bytes"},
		{"symmetric NAT", func(s *stand) { s.nat = symmetric }, doctor.RungNAT, doctor.FaultNAT, true, "full cone"},
		{"client isolation", func(s *stand) { s.cfg.Agent = relayed(3, 3) }, doctor.RungLinks, doctor.FaultIsolation, true, "client isolation switched off"},
		{"agent not connected", func(s *stand) {
			s.cfg.Agent = func(context.Context) (doctor.Agent, error) { return doctor.Agent{}, nil }
		}, doctor.RungLinks, doctor.FaultAgent, true, "look into its log"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			onStand(t, func(s *stand) {
				c.bend(s)
				start := time.Now()
				r := s.examine()
				if took := time.Since(start); took > 2*time.Minute {
					t.Errorf("it took %v", took)
				}
				if r.Works != c.works {
					t.Errorf("works: %v, want %v", r.Works, c.works)
				}
				for _, f := range r.Findings {
					here := f.Rung == c.rung
					if here != (f.Fault != "") || here && f.Fault != c.fault {
						t.Errorf("%s: fault %q (%s), want only %q at %s", f.Rung, f.Fault, f.Seen, c.fault, c.rung)
					}
					if here && !strings.Contains(f.Seen+" "+f.Do, c.words) {
						t.Errorf("%s: %s, %s: want %q in it", f.Rung, f.Seen, f.Do, c.words)
					}
				}
				if !strings.Contains(r.Advice, string(c.fault)+": ") {
					t.Errorf("the advice does not name the fault: %s", r.Advice)
				}
			})
		})
	}
}

// shut closes what a test does not hand on.
func shut(conn net.Conn, err error) error {
	if conn != nil {
		_ = conn.Close()
	}
	return err
}

// cut breaks when something is said.
type cut struct{ net.Conn }

func (c *cut) Write([]byte) (int, error) { return 0, syscall.ECONNRESET }

// plain answers TLS as a web server does that speaks none.
type plain struct{ net.Conn }

func (p *plain) Read(b []byte) (int, error) { return copy(b, "HTTP/1.1 400 Bad Request\r\n\r\n"), nil }

func TestNothingWrongIsSaid(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(*stand)
		path string
	}{
		{"all well", func(*stand) {}, "directly, by WebSocket. Links to peers are direct where the network lets them, and otherwise go by the relay over UDP."},
		{"through a proxy, which alone looks names up", func(s *stand) {
			s.cfg.Proxy = "proxy.example:3128 (from --proxy)"
			s.cfg.Relay = relayAt
			s.cfg.Lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, errRefused }
		}, "through the proxy proxy.example:3128 (from --proxy), by WebSocket."},
		{"with an agent", func(s *stand) { s.cfg.Agent = relayed(3, 1) }, "2 are direct and 1 go by a relay"},
		{"with an agent that has no links", func(s *stand) { s.cfg.Agent = relayed(0, 0) }, "by WebSocket."},
		{"the agent knows the relays", func(s *stand) {
			s.swallow(":3478")
			s.cfg.Reflector = ""
			s.cfg.Agent = func(context.Context) (doctor.Agent, error) {
				return doctor.Agent{Connected: true, Relays: []string{siteIP + ":3478", relayAt}}, nil
			}
		}, "by the relay over UDP."},
		{"a reflector on this side of the NAT", func(s *stand) { s.cfg.Reflector = siteIP + ":3478" }, "by WebSocket."},
		{"one reflector", func(s *stand) { s.cfg.Reflector = ""; s.nat = symmetric }, "by WebSocket."},
		{"plain http", func(s *stand) { s.cfg.Server.Scheme = "http" }, "by WebSocket."},
		{"a clock that is a little wrong", func(s *stand) { s.ahead = time.Minute }, "by WebSocket."},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			onStand(t, func(s *stand) {
				c.bend(s)
				r := s.examine()
				if !r.Works || !strings.HasPrefix(r.Advice, "Nothing:") || !strings.Contains(r.Path, c.path) {
					t.Errorf("works: %v, path %q, advice %q; want %q and nothing to do", r.Works, r.Path, r.Advice, c.path)
				}
				for _, f := range r.Findings {
					if f.Fault != "" || f.Mark == doctor.Fail || f.Mark == doctor.Warn {
						t.Errorf("%s: %s %s (%s)", f.Rung, f.Mark, f.Fault, f.Seen)
					}
				}
			})
		})
	}
}

// The relay over TCP is found where UDP is blocked, by TLS or without.
func TestPathByTheRelayOverTCP(t *testing.T) {
	for _, secure := range []bool{true, false} {
		onStand(t, func(s *stand) {
			s.drop, s.relayTLS = overUDP, secure
			want := fmt.Sprintf("by the relay over %s.", map[bool]string{true: "TLS", false: "TCP"}[secure])
			if r := s.examine(); !strings.Contains(r.Path, want) {
				t.Errorf("TLS %v: the path is %q, want %q", secure, r.Path, want)
			}
		})
	}
}

// Where the certificate can't be judged, that is said, and is no fault.
func TestWithoutPinNothingIsJudged(t *testing.T) {
	onStand(t, func(s *stand) {
		s.cfg.Trust = func([]*x509.Certificate) (doctor.Voucher, error) { return doctor.Unjudged, nil }
		r := s.examine()
		if !r.Works || !strings.Contains(r.Advice, "--data") {
			t.Errorf("works: %v, advice %q, want one about --data", r.Works, r.Advice)
		}
	})
}

// Every rung is in the report, once, whatever fails.
func TestEveryRungIsReportedOnce(t *testing.T) {
	onStand(t, func(s *stand) {
		s.swallow("")
		s.drop = overUDP
		seen := map[doctor.Rung]int{}
		r := s.examine()
		for _, f := range r.Findings {
			seen[f.Rung]++
		}
		if len(seen) != 11 || len(r.Findings) != 11 || r.Works || !strings.HasPrefix(r.Path, "The server is not reached as it should be") {
			t.Errorf("got %d rungs in %d findings, works: %v, %q", len(seen), len(r.Findings), r.Works, r.Path)
		}
	})
}
