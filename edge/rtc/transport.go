// Package rtc makes links between endpoints with WebRTC (pion): ICE over one UDP
// socket, DTLS, SCTP, and two data channels a link, `ctl` (ordered) and `bulk`
// (unordered), both reliable. It knows frames and who may send them, and leaves
// their meaning to its Handler.
//
// Every session description carries a statement signed by its author's endpoint
// key, so the server that forwards it can't put itself between two peers. The
// first attempt at a link gathers host candidates only, which costs the WAN
// nothing; from the second on STUN and TURN servers are used as well. NETWORKS.md has
// which endpoints can meet that way.
package rtc

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Net is the network the transport works on.
type Net = transport.Net

// Config is what a transport is made of.
type Config struct {
	Net      Net                // nil: the host's network
	Listen   string             // UDP address of the one socket: ":0" for IPv4 and IPv6, "0.0.0.0:0" for IPv4 alone
	Identity ed25519.PrivateKey // signs session descriptions
	ICE      func() []wire.ICE  // STUN and TURN servers, for attempts from the second on
	// Dial connects to relays over TCP; nil: the host's network.
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	Handler Handler
	Refused *wire.Refusals // counts what is refused; nil: nobody does
	Log     *slog.Logger
}

// Handler hears what happens. It is called from the transport's goroutines;
// calls of one link come in order, those of one channel one after another.
type Handler interface {
	// Signal wants a step of link set-up sent to its peer by way of the server.
	Signal(wire.Signal)
	// Up tells of a link whose channels are open and whose peer said hello.
	Up(*Link)
	// Down tells that a link ended (l), or that an attempt never came up (l nil).
	Down(peer wire.EndpointID, l *Link, attempt int, reason string)
	// Ctl and Bulk bring a frame, valid only during the call. Blocking in Bulk
	// holds the peer back.
	Ctl(*Link, wire.Frame)
	Bulk(*Link, wire.Frame)
}

// Limits and delays.
const (
	// dialTimeout bounds an attempt until the peer's hello.
	dialTimeout = 10 * time.Second
	// gatherWait is how long the description waits for candidates; later ones
	// are sent one by one.
	gatherWait      = 50 * time.Millisecond
	settleWait      = time.Second
	iceDisconnected = 5 * time.Second
	iceFailed       = 10 * time.Second
	iceKeepAlive    = 2 * time.Second
	socketBuffer    = 4 << 20
	inboxSignals    = 128
)

// What SCTP is told; NETWORKS.md has what was measured.
const (
	// sctpReceive is what a peer may have sent that was not taken yet, bytes: what the
	// engine grants it in credit, and enough for 56 Mbit/s by satellite.
	sctpReceive = 4 << 20
	// sctpLeast is how much may be on its way after any loss, bytes: without it a timeout
	// leaves one packet, and ten links that all have no more fit into a switch's queue.
	sctpLeast = 32 << 10
	// sctpStep is by how much what may be on its way grows in a round trip, bytes: 16
	// packets, so that a loss is made up for in a few round trips.
	sctpStep = 16 * 1191
)

// Transport makes and holds links.
type Transport struct {
	// Set by New, then constant.
	cfg      Config
	self     wire.EndpointID
	log      *slog.Logger
	mux      *ice.UDPMuxDefault
	sock     net.PacketConn
	probes   *probes
	settings webrtc.SettingEngine
	speaks   families
	networks atomic.Pointer[wire.Networks] // that links may go over
	wg       sync.WaitGroup
	past     history

	// mu guards the rest.
	mu       sync.Mutex
	ctx      context.Context // of Run; nil before it and after it
	site     string
	sessions map[wire.EndpointID]*session
	beside   map[wire.EndpointID]*session // those that shall replace one
	offers   nonces                       // of peers, that were taken
	turns    turns                        // when peers may offer
	cert     *webrtc.Certificate
}

// New opens the UDP socket. Run must follow; it closes the socket at its end.
func New(cfg Config) (*Transport, error) {
	t := &Transport{cfg: cfg, log: cfg.Log, self: wire.IDOf(cfg.Identity.Public().(ed25519.PublicKey)),
		probes: newProbes(), sessions: map[wire.EndpointID]*session{}, beside: map[wire.EndpointID]*session{}}
	if cfg.Dial == nil {
		t.cfg.Dial = new(net.Dialer).DialContext
	}
	if cfg.Net == nil {
		host, err := stdnet.NewNet()
		if err != nil {
			return nil, fmt.Errorf("read network interfaces: %w", err)
		}
		t.cfg.Net = hostNet{host}
	}
	if _, err := t.certificate(); err != nil {
		return nil, err
	}
	if err := t.listen(); err != nil {
		return nil, err
	}
	return t, nil
}

// listen opens the socket and prepares pion to use it.
func (t *Transport) listen() error {
	addr, err := t.cfg.Net.ResolveUDPAddr("udp", t.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for links on %s: %w", t.cfg.Listen, err)
	}
	sock, err := t.cfg.Net.ListenUDP(socketNetwork(addr.IP), addr)
	if err != nil {
		return fmt.Errorf("listen for links on %s: %w", t.cfg.Listen, err)
	}
	t.speaks = familiesOf(sock.LocalAddr())
	_ = sock.SetReadBuffer(socketBuffer) // a smaller buffer works, only less smoothly
	_ = sock.SetWriteBuffer(socketBuffer)
	t.sock = watched(batched(sock), t.probes)
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	t.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: t.sock, Net: t.cfg.Net, Logger: quiet.NewLogger("ice")})

	loopback := addr.IP.IsLoopback()
	var se webrtc.SettingEngine
	se.LoggerFactory = quiet
	se.SetICEUDPMux(t.mux)
	se.SetNetworkTypes(t.speaks.types())
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetIncludeLoopbackCandidate(loopback)
	se.SetIPFilter(func(ip net.IP) bool {
		return ip.IsLoopback() == loopback && !ip.IsLinkLocalUnicast()
	})
	// The last line; before it, every candidate is looked at with its port.
	se.SetRemoteIPFilter(func(ip net.IP) bool {
		a, ok := netip.AddrFromSlice(ip)
		return ok && wire.CheckAddress(a.Unmap(), loopback) == nil && t.meets(a.Unmap())
	})
	se.SetRelayAcceptanceMinWait(500 * time.Millisecond)
	se.DetachDataChannels()
	se.DisableCloseByDTLS(true) // the session closes the connection, and nobody else
	se.EnableSCTPZeroChecksum(true)
	se.SetSCTPMaxReceiveBufferSize(sctpReceive)
	se.SetSCTPMinCwnd(sctpLeast)
	se.SetSCTPCwndCAStep(sctpStep)
	se.SetSCTPMaxMessageSize(wire.MaxFrameBytes)
	t.settings = se
	return nil
}

// api makes connections on the given network. The side that offers a link checks it;
// the other hears that, so each check and its answer show both that the peer is there,
// and keep every NAT between them open.
func (t *Transport) api(network *relays, offers bool) *webrtc.API {
	se := t.settings
	checks := time.Duration(0) // none
	if offers {
		checks = iceKeepAlive
	}
	se.SetICETimeouts(iceDisconnected, iceFailed, checks)
	se.SetNet(network)
	se.SetICEProxyDialer(network) // only relays are asked over TCP
	return webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(&webrtc.MediaEngine{}),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
}

// errNowhere refuses a link to who is at no site, in quarantine or before the first
// welcome: nobody is of the same.
var errNowhere = errors.New("this endpoint is at no site")

// SetSite says which site the endpoint is in; it is part of every statement. Links and
// attempts at one that stand on statements of another end.
func (t *Transport) SetSite(site string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.site = site
	for _, all := range []map[wire.EndpointID]*session{t.sessions, t.beside} {
		for _, s := range all {
			if s.site != site {
				s.stop("at another site")
			}
		}
	}
}

// Run lets links be made until ctx ends, and returns when all are gone.
func (t *Transport) Run(ctx context.Context) error {
	t.mu.Lock()
	t.ctx = ctx
	t.mu.Unlock()
	<-ctx.Done()
	t.mu.Lock()
	t.ctx = nil
	for _, all := range []map[wire.EndpointID]*session{t.sessions, t.beside} {
		for _, s := range all {
			s.stop("agent stops")
		}
	}
	t.mu.Unlock()
	t.wg.Wait()
	_ = t.mux.Close()
	_ = t.sock.Close()
	return nil
}

// Dial begins an attempt at a link to peer, unless one is being made or up.
func (t *Transport) Dial(peer wire.EndpointID, attempt int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil || peer == t.self || t.sessions[peer] != nil || t.site == "" {
		return
	}
	t.begin(t.sessions, plan{peer: peer, link: rand.Text(), attempt: attempt})
}

// plan is what a session shall be.
type plan struct {
	peer    wire.EndpointID
	link    string
	attempt int
	direct  bool              // through no relay, in the place of a link that is
	offer   *wire.Description // nil when this side offers
}

// offered is the plan of a session that a peer began.
func offered(sig wire.Signal) plan {
	return plan{sig.From, sig.Link, sig.Attempt, sig.Direct, sig.Offer}
}

// begin starts a session among others, in the place of one that ends, if there is one.
// mu is held.
func (t *Transport) begin(among map[wire.EndpointID]*session, p plan) {
	s := &session{t: t, plan: p, relays: relays{Net: t.cfg.Net, dial: t.cfg.Dial}, site: t.site,
		signals: make(chan wire.Signal, inboxSignals), sctpEnded: make(chan struct{}), done: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancelCause(t.ctx)
	if old := among[p.peer]; old != nil {
		s.before = old.done
	}
	among[p.peer] = s
	t.wg.Go(s.run)
}

// HangUp closes the link to peer, if there is one.
func (t *Transport) HangUp(peer wire.EndpointID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range []*session{t.sessions[peer], t.beside[peer]} {
		if s != nil {
			s.stop("hung up")
		}
	}
}

// Signal takes a step of link set-up that the server forwarded. An offer begins
// a session; everything else goes to the session it names.
func (t *Transport) Signal(sig wire.Signal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		return
	}
	if sig.To != t.self || sig.From == t.self {
		t.refused(wire.CodeProtocol)
		return
	}
	if sig.Offer != nil {
		t.takeOffer(sig)
		return
	}
	s := t.sessions[sig.From]
	if b := t.beside[sig.From]; b != nil && b.link == sig.Link {
		s = b
	}
	if s == nil || s.link != sig.Link { // of a link that ended, or of none
		t.refused(wire.CodeUnknownPeer)
		return
	}
	select {
	case s.signals <- sig:
	default:
		t.refused(wire.CodeTooLarge)
		s.stop("too many signals")
	}
}

// refused counts a signal that was refused or dropped.
func (t *Transport) refused(code string) { t.cfg.Refused.Add(wire.DoorSignal, code) }

// takeOffer takes an offer. Only one that its author signed, and that was not taken
// before, may end a link that is there. mu is held.
func (t *Transport) takeOffer(sig wire.Signal) {
	claim := wire.Claim{Role: "offer", From: sig.From, To: t.self, Site: t.site, Link: sig.Link}
	err := proven(claim, sig.Offer)
	if t.site == "" {
		err = errNowhere
	}
	if err != nil {
		t.log.Warn("refusing a link", "peer", sig.From.Short(), "err", err)
		t.refused(wire.CodeStatement)
		t.wg.Go(func() {
			t.cfg.Handler.Signal(wire.Signal{From: t.self, To: sig.From, Link: sig.Link, Attempt: sig.Attempt, Refused: refusal(err)})
		})
		return
	}
	if !t.turns.take(sig.From, time.Now()) {
		t.log.Warn("ignoring an offer, there were too many", "peer", sig.From.Short())
		t.refused(wire.CodeOverloaded)
		return
	}
	if !t.offers.add(sig.Link) {
		t.log.Warn("ignoring an offer that came before", "peer", sig.From.Short())
		t.refused(wire.CodeReplayed)
		return
	}
	if t.offeredBeside(sig) {
		return
	}
	s := t.sessions[sig.From]
	if s != nil && s.offer == nil && !s.isUp() && t.self < sig.From {
		return // both offered at once: the lower id's offer counts
	}
	if s != nil {
		s.stop("peer began anew")
	}
	t.begin(t.sessions, offered(sig))
}

// proven checks that desc was written by the endpoint that claim names.
func proven(claim wire.Claim, desc *wire.Description) (err error) {
	if claim.Fingerprint, err = fingerprint(desc.SDP); err != nil {
		return err
	}
	return claim.Verify(desc.Statement)
}

// gone forgets a session that has ended.
func (t *Transport) gone(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, all := range []map[wire.EndpointID]*session{t.sessions, t.beside} {
		if all[s.peer] == s {
			delete(all, s.peer)
		}
	}
}
