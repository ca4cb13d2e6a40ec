package fleet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// link is between two endpoints of a place, from the offer on.
type link struct {
	name    string
	attempt int
	ends    [2]*endpoint // who offers, and who answers
	up      bool
	upAt    time.Time
}

// offer begins a link, as the server said.
func (p *place) offer(now time.Time, e *endpoint, d *wire.Dial) {
	peer := p.byID[d.Peer]
	if peer == nil { // it left: nobody answers
		e.send(wire.KindLinked, wire.Linked{Peer: d.Peer, Attempt: d.Attempt, Reason: "no answer"})
		return
	}
	p.unlink(now, e, peer, "another link is made")
	l := &link{name: newName(), attempt: d.Attempt, ends: [2]*endpoint{e, peer}}
	if e.send(wire.KindSignal, wire.Signal{To: d.Peer, Link: l.name, Attempt: d.Attempt, Offer: e.describe("offer", peer, l.name)}) {
		e.links[peer] = l
	}
}

// signal takes in a step of a link: an offer is answered, and after an answer the link is
// about to come up.
func (p *place) signal(now time.Time, e *endpoint, s *wire.Signal) {
	peer := p.byID[s.From]
	if peer == nil {
		return
	}
	l := peer.links[e]
	switch {
	case l == nil || l.name != s.Link || l.up: // it was given up
	case s.Offer != nil && l.ends[1] == e:
		e.links[peer] = l
		e.send(wire.KindSignal, wire.Signal{To: s.From, Link: l.name, Answer: e.describe("answer", peer, l.name)})
	case s.Answer != nil && l.ends[0] == e && l.upAt.IsZero():
		l.upAt = now.Add(firstSetUp + firstSetUp*time.Duration(binary.BigEndian.Uint16([]byte(l.name)))/(1<<16))
		p.coming = append(p.coming, l)
	}
}

// rise takes up the links whose time has come, and reports whether there are more.
func (p *place) rise(now time.Time) bool {
	p.coming = slices.DeleteFunc(p.coming, func(l *link) bool {
		a, b := l.ends[0], l.ends[1]
		switch {
		case a.links[b] != l || b.links[a] != l: // it was given up
			return true
		case now.Before(l.upAt):
			return false
		}
		l.up, p.stirred = true, true
		a.send(wire.KindLinked, wire.Linked{Peer: b.id, Attempt: l.attempt, Up: true})
		b.send(wire.KindLinked, wire.Linked{Peer: a.id, Attempt: l.attempt, Up: true})
		return true
	})
	return len(p.coming) > 0
}

// unlink ends a link, if there is one. Both ends say so.
func (p *place) unlink(_ time.Time, e, peer *endpoint, why string) {
	l := e.links[peer]
	if l == nil {
		return
	}
	delete(e.links, peer)
	e.send(wire.KindLinked, wire.Linked{Peer: peer.id, Attempt: l.attempt, Reason: why})
	if peer.links[e] == l {
		delete(peer.links, e)
		peer.send(wire.KindLinked, wire.Linked{Peer: e.id, Attempt: l.attempt, Reason: why})
	}
}

// describe makes the description of a link, with the statement that binds it to its
// author.
func (e *endpoint) describe(role string, to *endpoint, name string) *wire.Description {
	at := e.stay.place
	sum := sha256.Sum256([]byte(name + string(e.id)))
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	fingerprint := "sha-256 " + strings.Join(pairs, ":")
	setup := map[string]string{"offer": "actpass", "answer": "active"}[role]
	port := 32768 + binary.BigEndian.Uint16(sum[:2])%28000
	sdp := fmt.Sprintf(description, binary.BigEndian.Uint32(sum[2:6]), fingerprint, setup, name[:16], name, e.fleet.cfg.at(e.index, at.Place), port)
	claim := wire.Claim{Role: role, From: e.id, To: to.id, Site: at.Name, Link: name, Fingerprint: fingerprint}
	return &wire.Description{SDP: strings.ReplaceAll(sdp, "\n", "\r\n"), Statement: claim.Sign(e.key)}
}

// description is what pion writes for a connection of data channels.
const description = `v=0
o=- %d 2 IN IP4 0.0.0.0
s=-
t=0 0
a=msid-semantic:WMS*
a=fingerprint:%s
a=extmap-allow-mixed
a=group:BUNDLE 0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=setup:%s
a=mid:0
a=sendrecv
a=sctp-port:5000
a=max-message-size:65536
a=ice-ufrag:%s
a=ice-pwd:%s
a=candidate:1 1 udp 2130706431 %s %d typ host
a=end-of-candidates
`
