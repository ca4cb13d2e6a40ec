package rtc

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

const (
	// maxProbes bounds the probes that wait for an answer, of all links together.
	maxProbes = 256
	// probeLost is how long an answer is waited for.
	probeLost = 3 * time.Second
	// probePriority is the priority of a candidate that a check must name (RFC 8445,
	// 7.1.1). It counts for nothing on a pair that is chosen.
	probePriority = 1
)

// probes measure the round trip of links beneath everything that waits on them:
// each is one more connectivity check of ICE (RFC 8445), as a peer gets them all
// along and answers at once, whoever it is. SCTP's own round trip would not do: it
// is smoothed, contains the peer's delayed acknowledgements, and stands still while
// nothing is sent.
type probes struct {
	waiting atomic.Int32 // len(sent), for a reader in a hurry

	// mu guards the rest.
	mu   sync.Mutex
	sent map[[stun.TransactionIDSize]byte]probe
}

type probe struct {
	at    time.Time
	heard func(answer []byte, rtt time.Duration) // the answer is valid only during the call
}

func newProbes() *probes { return &probes{sent: map[[stun.TransactionIDSize]byte]probe{}} }

// add remembers a probe that is about to be sent; false means that too many wait.
func (p *probes) add(id [stun.TransactionIDSize]byte, heard func([]byte, time.Duration)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if len(p.sent) >= maxProbes/2 {
		for old, o := range p.sent {
			if now.Sub(o.at) > probeLost {
				delete(p.sent, old)
			}
		}
	}
	if len(p.sent) >= maxProbes {
		return false
	}
	p.sent[id] = probe{now, heard}
	p.waiting.Store(int32(len(p.sent)))
	return true
}

// look takes in what arrived, if it is the answer to a probe. ICE sees it as well,
// and lets an answer to what it did not ask pass.
func (p *probes) look(b []byte) {
	const success = 0x0101
	if p.waiting.Load() == 0 || len(b) < 20 || binary.BigEndian.Uint16(b) != success {
		return
	}
	id := [stun.TransactionIDSize]byte(b[8:20])
	p.mu.Lock()
	o, ok := p.sent[id]
	delete(p.sent, id)
	p.waiting.Store(int32(len(p.sent)))
	p.mu.Unlock()
	if rtt := time.Since(o.at); ok && rtt < probeLost {
		o.heard(b, rtt)
	}
}

// addrPorts is a socket without an allocation a packet, which pion looks for.
type addrPorts interface {
	net.PacketConn
	ReadFromAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// watched has p look at all that is read from a socket.
func watched(sock net.PacketConn, p *probes) net.PacketConn {
	switch s := sock.(type) {
	case addrPorts:
		return watchedFast{s, p}
	case *net.UDPConn:
		return watchedFast{plainUDP{s}, p}
	}
	return watchedSocket{sock, p}
}

type watchedSocket struct {
	net.PacketConn
	probes *probes
}

// ReadFrom implements [net.PacketConn].
func (w watchedSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := w.PacketConn.ReadFrom(b)
	if err == nil {
		w.probes.look(b[:n])
	}
	return n, from, err
}

type watchedFast struct {
	addrPorts
	probes *probes
}

// ReadFrom implements [net.PacketConn].
func (w watchedFast) ReadFrom(b []byte) (int, net.Addr, error) {
	return watchedSocket{w.addrPorts, w.probes}.ReadFrom(b)
}

// ReadFromAddrPort is ReadFrom without an allocation.
func (w watchedFast) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := w.addrPorts.ReadFromAddrPort(b)
	if err == nil {
		w.probes.look(b[:n])
	}
	return n, from, err
}

// plainUDP names the methods of the kernel's socket as pion looks for them.
type plainUDP struct{ *net.UDPConn }

func (u plainUDP) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return u.ReadFromUDPAddrPort(b)
}

func (u plainUDP) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return u.WriteToUDPAddrPort(b, to)
}

// checks is what makes a connectivity check of a link valid.
type checks struct {
	username stun.Username
	password string
	role     stun.Setter
}

// checks reads what ICE agreed on with the peer; it does not change in a link's life.
func (s *session) checks() (checks, error) {
	ours, err := s.ice().GetLocalParameters()
	if err != nil {
		return checks{}, fmt.Errorf("read own ICE parameters: %w", err)
	}
	theirs, err := s.ice().GetRemoteParameters()
	if err != nil {
		return checks{}, fmt.Errorf("read the peer's ICE parameters: %w", err)
	}
	var tie [8]byte
	_, _ = rand.Read(tie[:]) // never fails
	c := checks{username: stun.NewUsername(theirs.UsernameFragment + ":" + ours.UsernameFragment), password: theirs.Password,
		role: ice.AttrControlled(binary.BigEndian.Uint64(tie[:]))}
	if s.ice().Role() == webrtc.ICERoleControlling {
		c.role = ice.AttrControlling(binary.BigEndian.Uint64(tie[:]))
	}
	return c, nil
}

func (s *session) ice() *webrtc.ICETransport { return s.pc.SCTP().Transport().ICETransport() }

// Probe measures a round trip to the peer; heard is called once when it ends, and
// must not block. Of a probe that is lost nothing is heard, and a link through a
// relay is not probed: false says so.
func (l *Link) Probe(heard func(rtt time.Duration)) bool {
	if l.through || l.checks.role == nil {
		return false
	}
	pair, err := l.s.ice().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return false
	}
	to, err := netip.ParseAddr(pair.Remote.Address)
	if err != nil {
		return false
	}
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, l.checks.username, l.checks.role,
		ice.PriorityAttr(probePriority), stun.NewShortTermIntegrity(l.checks.password), stun.Fingerprint)
	if err != nil || !l.s.t.probes.add(m.TransactionID, func(_ []byte, rtt time.Duration) { heard(rtt) }) {
		return false
	}
	_, _ = l.s.t.sock.WriteTo(m.Raw, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, pair.Remote.Port))) // as good as lost
	return true
}

// Delivered is how many bytes of bulk the peer has acknowledged.
func (l *Link) Delivered() int64 {
	sent := l.bulkSent.Load() // before what waits of it, which grows with it
	return max(sent-int64(l.bulk.BufferedAmount()), 0)
}
