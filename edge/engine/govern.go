package engine

import (
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Governor holds what is fetched here to what the line has room for. Its methods
// do not block for I/O.
type Governor interface {
	Appointed(w wire.Govern)
	Granted(w wire.Grant)
	Took(w wire.Taken)
	// Forget is for a session that begins anew: appointments may begin anew, too.
	Forget()
}

// viaServerEvery is how often at most grants and counts go by way of the server,
// over the WAN they are about.
const viaServerEvery = 250 * time.Millisecond

// Tell sends a frame of the governor to a peer: on the link, or where there is none
// by way of the server.
func (e *Engine) Tell(to wire.EndpointID, f wire.Frame) { e.postSoon(tell{to, f}) }

type tell struct {
	to wire.EndpointID
	f  wire.Frame
}

func (ev tell) apply(e *Engine, now time.Time) {
	if l := e.peers[ev.to]; l != nil {
		e.send(l, ev.f)
		return
	}
	if !e.connected || now.Sub(e.toldVia[ev.to]) < viaServerEvery {
		return // the next one says it all anew
	}
	e.toldVia[ev.to] = now
	switch ev.f.Kind {
	case wire.FrameGrant:
		w := *ev.f.Grant
		w.To = ev.to
		e.cfg.Uplink.Send(wire.KindGrant, w)
	case wire.FrameTaken:
		e.cfg.Uplink.Send(wire.KindTaken, wire.Taken{To: ev.to, Bytes: ev.f.Total, Wants: ev.f.Flags&wire.TakenWants != 0})
	}
}

// governed hands a peer's frame to the governor.
func (e *Engine) governed(l *link, f wire.Frame) {
	switch f.Kind {
	case wire.FrameGrant:
		w := *f.Grant
		w.From = l.Peer()
		e.cfg.Governor.Granted(w)
	case wire.FrameTaken:
		e.cfg.Governor.Took(wire.Taken{From: l.Peer(), Bytes: f.Total, Wants: f.Flags&wire.TakenWants != 0})
	}
}
