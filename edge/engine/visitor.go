package engine

import (
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Visitors are peers that take part in a few flows only, such as browsers. They are told
// of no other flow, and get nothing of it: what a peer asks for is not asked of the
// server. Who is one comes with whatever makes a link, so that no link is up before it is
// known; what a visitor takes part in may change later.

const (
	// visitorsKept is how many visitors without a link are remembered at most, but for
	// those that a link may just be made to.
	visitorsKept = 64
	linkMade     = 10 * time.Minute // no attempt takes so long
)

// visitor is what is known of one.
type visitor struct {
	only  []content.VersionID
	since time.Time
}

// introduced notes what the server says of a peer that a link is made to.
func (e *Engine) introduced(now time.Time, peer wire.EndpointID, v *wire.Visitor) {
	known, was := e.visitors[peer]
	if v == nil {
		delete(e.visitors, peer)
	} else {
		e.visitors[peer] = visitor{v.Flows, now}
	}
	if was != (v != nil) || was && !slices.Equal(known.only, v.Flows) {
		e.reconsider(peer)
	}
	if len(e.visitors) <= len(e.peers)+visitorsKept {
		return
	}
	for id, known := range e.visitors {
		if e.peers[id] == nil && now.Sub(known.since) > linkMade {
			delete(e.visitors, id)
		}
	}
}

// shares reports whether a peer may take part in a flow.
func (e *Engine) shares(l *link, id content.VersionID) bool {
	v, visits := e.visitors[l.Peer()]
	return !visits || slices.Contains(v.only, id)
}

// reconsider begins and ends flows with a peer that is linked, after what it may take
// part in changed.
func (e *Engine) reconsider(peer wire.EndpointID) {
	l := e.peers[peer]
	if l == nil {
		return
	}
	for _, id := range e.order {
		f := e.flows[id]
		_, joined := l.joined[id]
		switch shares := e.shares(l, id); {
		case shares && !joined && f.active():
			e.join(l, f, true)
		case !shares:
			e.leave(l, f)
		}
	}
}
