package engine

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// OrphanFetch is how long origin fetches go on after the socket to the server is
// lost, before it is asked whether only this endpoint lost it.
const OrphanFetch = 900 * time.Millisecond

// orphan is what an endpoint that lost its socket decides about its fetches. If a
// peer still has a socket, the server lives, misses this endpoint, and will lease
// what it fetches to another: it stops. If nobody has one, nobody can be given what
// it fetches: it goes on until its leases lapse, because the site needs the bytes.
type orphan struct {
	lost  time.Time // when the socket was lost; zero while there is one
	judge time.Time // when to look at the links; zero for not now
}

type disconnected struct{}

func (disconnected) apply(e *Engine, now time.Time) {
	if !e.connected {
		return
	}
	e.connected = false
	e.orphan = orphan{lost: now, judge: now.Add(OrphanFetch)}
	e.tellUplink()
	e.useRelays()
}

// tellUplink tells every peer whether there is a socket.
func (e *Engine) tellUplink() {
	for _, l := range e.sorted() {
		e.sendUplink(l)
	}
}

func (e *Engine) sendUplink(l *link) {
	f := wire.Frame{Kind: wire.FrameUplink}
	if e.connected {
		f.Flags = wire.UplinkHeld
	}
	e.send(l, f)
}

// peerUplink takes in whether a peer has a socket. One that has it again while we
// have not makes us look again, after we had the time to connect, too.
func (e *Engine) peerUplink(now time.Time, l *link, f wire.Frame) {
	l.uplink = f.Flags&wire.UplinkHeld != 0
	if l.uplink && !e.connected && e.orphan.judge.IsZero() {
		e.orphan.judge = now.Add(OrphanFetch)
	}
}

// orphaned ends what may not be fetched any more, and returns when to look again.
func (e *Engine) orphaned(now time.Time) time.Time {
	if e.connected || e.orphan.lost.IsZero() {
		return time.Time{}
	}
	if !e.orphan.judge.IsZero() && !now.Before(e.orphan.judge) {
		e.orphan.judge = time.Time{}
		for _, l := range e.peers {
			if l.uplink {
				e.cancelLeases("socket lost, the site is served without this endpoint")
				break
			}
		}
	}
	next := e.orphan.judge
	for _, l := range e.leases {
		if l.failed != "" {
			continue
		}
		lapses := e.orphan.lost.Add(time.Duration(l.TTLMs) * time.Millisecond)
		if !now.Before(lapses) {
			e.giveBack(l, "lapsed without a socket")
			continue
		}
		next = earlier(next, lapses)
	}
	return next
}
