package rtc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sitecast/sitecast/signaling/wire"
)

// session is one attempt at a link and, if it succeeds, the life of the link.
// The goroutine in run owns it and its PeerConnection.
type session struct {
	// Set at the beginning, then constant.
	t *Transport
	plan
	site    string
	ctx     context.Context
	cancel  context.CancelCauseFunc
	signals chan wire.Signal
	before  <-chan struct{} // closed when the session whose place this one took is gone; may be nil

	sctpEnded chan struct{} // closed when pion has noticed the end of the association
	done      chan struct{} // closed when all has been reported

	up atomic.Bool

	relays relays // it opened for this attempt

	// Owned by run.
	pc         *webrtc.PeerConnection
	from       []netip.Addr // of the host, which the link depends on; set before up is
	to         netip.Addr   // of the peer, but through a relay; set before up is
	ask        []string     // who tells the own address
	nearby     bool         // a relay, if any, is at the site
	candidates int          // of the peer, taken so far
	described  bool         // the own description was sent
	remote     bool         // the peer's description was taken
	early      []string
	policy     policy                  // of what the peer may have this host send to; set when remote is
	answered   map[netip.Addr]bool     // where relays gave this host an allocation
	kept       []string                // relayed candidates that wait for such an answer
	theirs     []wire.Candidate        // relayed ones, as the peer names them
	seen       wire.Attempt            // for who asks what became of it
	mapped     map[netip.AddrPort]bool // own addresses that the peer was told of, or knows
}

func (s *session) isUp() bool { return s.up.Load() }

// errReason is why a session ends, in words for the server and the log.
type errReason string

func (e errReason) Error() string { return string(e) }

func (s *session) stop(reason string) { s.cancel(errReason(reason)) }

// reason is why the session ended.
func (s *session) reason() string {
	var why errReason
	if err := context.Cause(s.ctx); errors.As(err, &why) {
		return string(why)
	}
	return "agent stops"
}

// run lives as long as the session.
func (s *session) run() {
	defer close(s.done)
	link, err := s.connect()
	if s.before != nil {
		<-s.before // its end is reported before this one's beginning
	}
	if err != nil {
		s.cancel(errReason(err.Error()))
		if s.pc != nil {
			_ = s.pc.GracefulClose()
		}
		s.remember(nil, err)
		unheard := s.t.unheard(s)
		s.t.gone(s)
		if !unheard {
			s.t.cfg.Handler.Down(s.peer, nil, s.attempt, s.reason())
		}
		return
	}
	s.remember(link, nil)
	s.leaves(link.through)
	s.up.Store(true)
	if !s.within(s.t.on()) { // they changed meanwhile
		s.stop(outside)
	}
	old := s.t.promote(s)
	s.t.cfg.Handler.Up(link)
	if old != nil {
		old.stop("another link took its place")
	}
	link.run(s) // until the session ends
	<-link.turn // and nobody sends any more: who asks pion how the association does waits for its end
	_ = s.pc.GracefulClose()
	link.wait()
	s.t.gone(s)
	s.t.cfg.Handler.Down(s.peer, link, s.attempt, s.reason())
}

// settle waits, after a channel ended, until pion has seen the end of the
// association, too. To close the connection earlier would make pion wait with a
// lock held that this needs: harmless, but no fake clock moves meanwhile.
func (s *session) settle() {
	select {
	case <-s.sctpEnded:
	case <-s.ctx.Done():
	case <-time.After(settleWait): // the peer closed the channel only
	}
}

// events of pion's callbacks, as run sees them.
type events struct {
	local    chan string         // own candidates; "" when gathering is complete
	mapped   chan netip.AddrPort // own addresses as servers see them
	channels chan struct{}       // one for each channel that opened
}

// connect makes the connection, exchanges hellos and returns the link.
func (s *session) connect() (*Link, error) {
	deadline, stop := context.WithTimeoutCause(s.ctx, dialTimeout, errReason("no connection in time"))
	defer stop()
	cert, err := s.t.certificate()
	if err != nil {
		return nil, err
	}
	cfg := s.configuration(cert)
	s.relays.ctx, s.relays.tls = s.ctx, tlsAt(cfg.ICEServers)
	pc, err := s.t.api(&s.relays, s.offer == nil).NewPeerConnection(cfg)
	if err != nil {
		return nil, fmt.Errorf("make connection: %w", err)
	}
	s.pc = pc
	ev := s.listen()
	link, err := newLink(s, ev.channels)
	if err != nil {
		return nil, err
	}
	if err := s.describe(); err != nil {
		return nil, err
	}
	for _, server := range s.ask {
		s.t.reflexive(deadline, server, ev.mapped)
	}
	opened := 0
	wait := time.After(gatherWait)
	for opened < 2 {
		var mapped <-chan netip.AddrPort
		if s.described { // before that there is nothing for the peer to add them to
			mapped = ev.mapped
		}
		select {
		case at := <-mapped:
			s.seen.Answered = true
			s.sendMapped(at)
		case <-deadline.Done():
			return nil, context.Cause(deadline)
		case <-ev.channels:
			opened++
		case sig := <-s.signals:
			if err := s.heard(sig); err != nil {
				return nil, err
			}
		case c := <-ev.local:
			s.allocated(c)
			switch {
			case s.described:
				s.sendCandidate(c)
			case c == "":
				s.sendDescription() // with all candidates in it
			}
		case <-wait:
			if !s.described {
				s.sendDescription()
			}
		}
	}
	return link, link.greet(deadline)
}

func (s *session) configuration(cert webrtc.Certificate) webrtc.Configuration {
	cfg := webrtc.Configuration{Certificates: []webrtc.Certificate{cert}}
	if s.attempt >= stunFrom {
		cfg.ICEServers, s.nearby = rung(s.attempt, s.t.cfg.ICE())
	}
	s.ask = reflectors(cfg.ICEServers)
	if s.direct {
		cfg.ICEServers = nil // but through no relay
	}
	s.asks(cfg.ICEServers)
	return cfg
}

// listen registers callbacks that never block pion: the channels are large
// enough for all they will ever carry.
func (s *session) listen() events {
	ev := events{
		local:    make(chan string, wire.MaxCandidates),
		mapped:   make(chan netip.AddrPort, 2*maxReflectors),
		channels: make(chan struct{}, 2),
	}
	s.pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		text := ""
		if c != nil {
			text = c.ToJSON().Candidate
		}
		select {
		case ev.local <- text:
		default:
		}
	})
	s.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed {
			s.stop("connection failed")
		}
	})
	ended := sync.OnceFunc(func() { close(s.sctpEnded) })
	s.pc.SCTP().OnClose(func(error) { ended() })
	return ev
}

// describe makes the own description, which starts gathering.
func (s *session) describe() error {
	var desc webrtc.SessionDescription
	var err error
	if s.offer == nil {
		desc, err = s.pc.CreateOffer(nil)
	} else {
		if err := s.accept(webrtc.SDPTypeOffer, s.offer); err != nil {
			s.refuse(err)
			return err
		}
		desc, err = s.pc.CreateAnswer(nil)
	}
	if err != nil {
		return fmt.Errorf("describe connection: %w", err)
	}
	if err := s.pc.SetLocalDescription(desc); err != nil {
		return fmt.Errorf("describe connection: %w", err)
	}
	return nil
}

// refuse tells the peer that there will be no link.
func (s *session) refuse(why error) {
	s.t.log.Warn("refusing a link", "peer", s.peer.Short(), "err", why)
	s.t.refused(codeOf(why))
	s.send(wire.Signal{Refused: refusal(why)})
}

// codeOf says what a description is refused for: that its author is not proved,
// or that it is none.
func codeOf(why error) string {
	if errors.Is(why, wire.ErrStatement) || errors.Is(why, errFingerprint) {
		return wire.CodeStatement
	}
	return wire.CodeProtocol
}

// refusal tells the peer why, as "code: detail".
func refusal(why error) string {
	return wire.Clip((&wire.RefusedError{Code: codeOf(why), Detail: why.Error()}).Error())
}

func (s *session) send(sig wire.Signal) {
	sig.From, sig.To, sig.Link, sig.Attempt, sig.Direct = s.t.self, s.peer, s.link, s.attempt, s.direct
	s.t.cfg.Handler.Signal(sig)
}

// sendDescription sends the own description with the candidates so far.
func (s *session) sendDescription() {
	s.described = true
	sdp, err := trimmed(s.pc.LocalDescription().SDP, s.t.on())
	if err != nil {
		s.stop(err.Error())
		return
	}
	role := "offer"
	if s.offer != nil {
		role = "answer"
	}
	print, err := fingerprint(sdp)
	if err != nil {
		s.stop(err.Error())
		return
	}
	desc := &wire.Description{SDP: sdp, Statement: s.claim(role, true, print).Sign(s.t.cfg.Identity)}
	if s.offer == nil {
		s.send(wire.Signal{Offer: desc})
	} else {
		s.send(wire.Signal{Answer: desc})
	}
}

func (s *session) sendCandidate(c string) {
	own, err := wire.ParseCandidate(c)
	if err == nil && len(c) <= wire.MaxCandidateBytes && s.t.on().Admits(own) == nil {
		s.send(wire.Signal{Candidate: c})
	}
}

// claim is what a description's statement vouches for; own says who wrote it.
func (s *session) claim(role string, own bool, print string) wire.Claim {
	c := wire.Claim{Role: role, From: s.peer, To: s.t.self, Site: s.site, Link: s.link, Fingerprint: print}
	if own {
		c.From, c.To = c.To, c.From
	}
	return c
}

// heard takes a signal of the peer.
func (s *session) heard(sig wire.Signal) error {
	switch {
	case sig.Refused != "":
		return errReason("peer refused: " + sig.Refused)
	case sig.Answer != nil && s.offer == nil && !s.remote:
		err := proven(s.claim("answer", false, ""), sig.Answer)
		if err == nil {
			err = s.accept(webrtc.SDPTypeAnswer, sig.Answer)
		}
		if err != nil {
			s.refuse(err) // or the peer would wait
		}
		return err
	case sig.Candidate != "":
		return s.candidate(sig.Candidate)
	}
	return nil
}

// accept takes a description of the peer, whose author has been proved.
func (s *session) accept(kind webrtc.SDPType, desc *wire.Description) error {
	d, err := sift(desc.SDP)
	if err == nil {
		err = s.pc.SetRemoteDescription(webrtc.SessionDescription{Type: kind, SDP: d.sdp})
	}
	if err != nil {
		return fmt.Errorf("take the peer's %s: %w", kind, err)
	}
	s.remote, s.policy = true, s.t.newPolicy()
	maps.Copy(s.policy.relays, s.answered)
	if flood(d.candidates) {
		s.t.refused(wire.CodeTooLarge)
		s.t.log.Warn("using none of a peer's candidates, there were too many", "peer", s.peer.Short(), "candidates", len(d.candidates))
		d.candidates = nil
	}
	for _, c := range d.candidates {
		s.add(c)
	}
	for _, c := range s.early {
		if err := s.candidate(c); err != nil {
			return err
		}
	}
	return nil
}

// candidate adds a candidate of the peer, or keeps it until its description came.
func (s *session) candidate(text string) error {
	if !s.remote {
		if len(s.early) == wire.MaxCandidates {
			s.t.refused(wire.CodeTooLarge)
			return nil
		}
		s.early = append(s.early, text)
		return nil
	}
	if s.candidates++; s.candidates > wire.MaxCandidates {
		s.t.refused(wire.CodeTooLarge)
		return errReason("too many candidates")
	}
	s.add(text)
	return nil
}

// allocated takes in an own candidate. The address of a relayed one is where candidates
// of the peer that the same relay made are, too.
func (s *session) allocated(own string) {
	c, err := wire.ParseCandidate(own)
	if own != "" {
		ofKind(&s.seen.Own, c, err)
	}
	if err != nil || c.Type != wire.CandidateRelay || s.answered[c.Addr.Addr()] {
		return
	}
	if s.answered == nil {
		s.answered = map[netip.Addr]bool{}
	}
	s.answered[c.Addr.Addr()] = true
	if !s.remote {
		return
	}
	s.policy.relays[c.Addr.Addr()] = true
	for _, theirs := range s.theirs {
		s.addTwin(theirs, c.Addr.Addr())
	}
	kept := s.kept
	s.kept = nil
	s.seen.Theirs.Relay -= len(kept) // they are counted again
	for _, text := range kept {
		s.add(text)
	}
}

// add lets ICE try a candidate of the peer, if policy allows it.
func (s *session) add(text string) {
	c, err := s.policy.admit(text)
	ofKind(&s.seen.Theirs, c, err)
	if err == nil { // what was looked at is what is used
		err = s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.String()})
	}
	s.addTwins(c)
	switch {
	case err == nil:
		return
	case errors.Is(err, errNoAnswer) && len(s.kept) < wire.MaxCandidates:
		s.kept = append(s.kept, text)
		return
	case errors.Is(err, wire.ErrUnused): // nothing wrong with it
	case errors.Is(err, wire.ErrCandidate):
		s.t.refused(wire.CodeCandidate)
	case errors.Is(err, errManyAddresses):
		s.t.refused(wire.CodeTooLarge)
	default:
		s.t.refused(wire.CodeProtocol)
	}
	s.t.log.Debug("ignoring a candidate", "peer", s.peer.Short(), "err", err)
}
