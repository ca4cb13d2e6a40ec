package rtc

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

const (
	// askEvery is how long an answer to a question for the own address is waited for
	// before it is asked again, and askTimes how often it is asked.
	askEvery = 500 * time.Millisecond
	askTimes = 5
	// maxReflectors bounds the servers that are asked in one attempt.
	maxReflectors = 8
	// defaultPort is where a STUN or TURN server listens that is named without a port.
	defaultPort = "3478"
)

// reflectors lists those who tell an endpoint how its address looks from outside, as
// host and port: STUN servers, and relays over UDP.
func reflectors(servers []webrtc.ICEServer) (out []string) {
	for _, s := range servers {
		for _, u := range s.URLs {
			scheme, rest, _ := strings.Cut(u, ":")
			where, _, _ := strings.Cut(rest, "?")
			if scheme != "stun" && scheme != "turn" || overTCP(u) {
				continue
			}
			if _, _, err := net.SplitHostPort(where); err != nil {
				where = net.JoinHostPort(strings.Trim(where, "[]"), defaultPort)
			}
			if len(out) < maxReflectors && !slices.Contains(out, where) {
				out = append(out, where)
			}
		}
	}
	return out
}

// reflexive asks a server by each kind of address that it may have.
func (t *Transport) reflexive(ctx context.Context, server string, found chan<- netip.AddrPort) {
	for _, network := range t.speaks.names() {
		t.wg.Go(func() { t.reflexiveBy(ctx, network, server, found) })
	}
}

// reflexiveBy asks a server, through the one socket that all links share, which address
// a NAT gave that. The socket's host candidates are the base of what is found: the
// peer's checks arrive where every other packet does, and no other socket is opened
// (pion would open one for each server and address of the host).
func (t *Transport) reflexiveBy(ctx context.Context, network, server string, found chan<- netip.AddrPort) {
	to, err := t.cfg.Net.ResolveUDPAddr(network, server)
	if err != nil {
		t.log.Debug("a STUN server's address is not known", "server", server, "err", err)
		return
	}
	answers := make(chan netip.AddrPort, askTimes)
	for i := range askTimes {
		t.ask(to, answers)
		select {
		case at := <-answers:
			found <- at // there is room for each kind of address of each server
			return
		case <-ctx.Done():
			return
		case <-time.After(askEvery << i):
		}
	}
}

// sendMapped sends an address that a server saw as a candidate, unless it is known:
// another server saw it, too, or it is the host's own.
func (s *session) sendMapped(at netip.AddrPort) {
	if s.mapped == nil {
		s.mapped = map[netip.AddrPort]bool{}
		for _, a := range s.t.mux.GetListenAddresses() {
			if udp, ok := a.(*net.UDPAddr); ok {
				s.mapped[canonical(udp.AddrPort())] = true
			}
		}
	}
	if s.mapped[at] || !s.t.speaks.has(at.Addr()) {
		return
	}
	s.mapped[at] = true
	s.seen.Own.Reflexive++
	n := len(s.mapped)
	s.sendCandidate(fmt.Sprintf("candidate:%d 1 udp %d %s %d typ srflx raddr 0.0.0.0 rport 0",
		n, reflexivePriority-n<<8, at.Addr(), at.Port()))
}

// reflexivePriority is the priority of the best server-reflexive candidate, as
// RFC 8445 (5.1.2.1) counts it: below those of the host, above those of relays.
const reflexivePriority = 100<<24 | 65535<<8 | 255

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// ask sends one binding request from the links' socket.
func (t *Transport) ask(server *net.UDPAddr, answers chan<- netip.AddrPort) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return
	}
	if t.probes.add(m.TransactionID, func(answer []byte, _ time.Duration) {
		var at stun.XORMappedAddress
		m := stun.Message{Raw: slices.Clone(answer)}
		if m.Decode() != nil || at.GetFrom(&m) != nil {
			return
		}
		if ip, ok := netip.AddrFromSlice(at.IP); ok {
			answers <- canonical(netip.AddrPortFrom(ip, uint16(at.Port))) // there is room for all that was asked
		}
	}) {
		_, _ = t.sock.WriteTo(m.Raw, server) // as good as lost
	}
}
