package engine

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// ctlFrame is a frame a peer sent on ctl.
type ctlFrame struct {
	l *link
	f wire.Frame
}

func (ev ctlFrame) apply(e *Engine, now time.Time) {
	l, fr := ev.l, ev.f
	if e.peers[l.Peer()] != l {
		return
	}
	if fr.Kind == wire.FrameUplink {
		e.peerUplink(now, l, fr)
		return
	}
	if fr.Kind == wire.FrameGrant || fr.Kind == wire.FrameTaken {
		e.governed(l, fr)
		return
	}
	f := e.flows[fr.Version]
	if f == nil || !f.active() || !e.shares(l, f.id) {
		if fr.Kind == wire.FrameWant || fr.Kind == wire.FrameWantBody {
			e.send(l, wire.Frame{Kind: wire.FrameRefuse, Version: fr.Version, Flags: wire.RefusePaused, Chunks: fr.Chunks})
		}
		return // a peer may be ahead of us: it joins again when we do
	}
	if !f.exist(fr) {
		e.drop(l, wire.DoorCtl, wire.CodeProtocol, "a frame names chunks that do not exist", f.id)
		return
	}
	switch fr.Kind {
	case wire.FrameJoin:
		e.peerJoined(l, f, fr)
	case wire.FrameLeave:
		l.up.cancel(f.id)
		f.dropPeer(l)
	case wire.FrameHaveBody:
		if _, in := l.joined[f.id]; in {
			l.joined[f.id] = true
		}
	case wire.FrameWantBody:
		e.peerWantsBody(l, f, fr)
	case wire.FrameWant:
		e.peerWants(l, f, fr.Chunks)
	case wire.FrameCancel:
		if len(fr.Chunks) > 0 {
			l.up.cancel(f.id, fr.Chunks...)
		}
	case wire.FrameHave, wire.FrameHaveList, wire.FrameRefuse:
		e.peerHas(now, l, f, fr)
	}
}

// exist reports whether f has all the chunks that a frame names.
func (f *flow) exist(fr wire.Frame) bool {
	for _, i := range fr.Chunks {
		if i >= f.head.Chunks {
			return false
		}
	}
	return fr.Kind != wire.FrameHave || uint64(fr.Number)/8+uint64(len(fr.Payload)) <= (uint64(f.head.Chunks)+7)/8
}

// peerJoined begins the exchange of f with l.
func (e *Engine) peerJoined(l *link, f *flow, fr wire.Frame) {
	if fr.Number != f.head.Chunks {
		e.drop(l, wire.DoorCtl, wire.CodeProtocol, fmt.Sprintf("join with %d chunks, want %d", fr.Number, f.head.Chunks), f.id)
		return
	}
	reply := fr.Flags&wire.JoinReplyWanted != 0
	held := fr.Flags&wire.JoinBodyHeld != 0
	// Before the own swarm stands nothing but the body can be asked of a peer, and
	// one that joins again because its store is open goes on sending it.
	if _, in := l.joined[f.id]; in && reply && (f.swarm != nil || !held) {
		f.dropPeer(l)
	}
	l.joined[f.id] = held
	if reply {
		e.join(l, f, false)
	}
	if f.swarm != nil && f.swarm.AddPeer(l.id(), l.Relayed()) {
		f.swarm.Share(l.id(), &l.load)
		e.tellAll(l, f)
	}
}

// tellAll tells l everything held, at the moment from which on the swarm tells it
// what is new.
func (e *Engine) tellAll(l *link, f *flow) {
	if f.held.Scope.Serve() {
		return // who serves nobody says that it holds nothing
	}
	have := f.swarm.Have()
	for from := 0; from < len(have); from += wire.MaxHaveBytes {
		part := have[from:min(from+wire.MaxHaveBytes, len(have))]
		if content.Bitmap(part).Count() > 0 {
			e.send(l, wire.Frame{Kind: wire.FrameHave, Version: f.id, Number: uint32(from) * 8, Payload: part})
		}
	}
}

// peerHas takes in what l says about chunks; it means nothing before the own
// swarm stands, and l repeats it when asked by a join.
func (e *Engine) peerHas(now time.Time, l *link, f *flow, fr wire.Frame) {
	if fr.Kind == wire.FrameRefuse && len(fr.Chunks) == 0 {
		f.bodyRefused(now, l)
		return
	}
	if f.swarm == nil {
		return
	}
	switch fr.Kind {
	case wire.FrameHave:
		f.swarm.PeerHasBits(l.id(), fr.Number, fr.Payload)
	case wire.FrameHaveList:
		f.swarm.PeerHas(l.id(), fr.Chunks...)
	case wire.FrameRefuse:
		for _, i := range fr.Chunks {
			l.down.forget(target{version: f.id, chunk: i})
		}
		f.swarm.Refused(now, l.id(), fr.Flags == wire.RefuseBusy, fr.Chunks...)
	}
}

// peerWantsBody queues a range of the body, if it is held.
func (e *Engine) peerWantsBody(l *link, f *flow, fr wire.Frame) {
	code := uint8(0)
	if uint64(fr.Offset)+uint64(fr.Length) > uint64(len(f.body)) {
		code = wire.RefuseNotHeld
	} else if !l.up.want(job{version: f.id, body: true, offset: fr.Offset, length: fr.Length}) {
		code = wire.RefuseBusy
	}
	if code != 0 {
		e.send(l, wire.Frame{Kind: wire.FrameRefuse, Version: f.id, Flags: code})
	}
}

func (e *Engine) peerWants(l *link, f *flow, chunks []uint32) {
	jobs := make([]job, 0, len(chunks))
	for _, i := range chunks {
		jobs = append(jobs, job{version: f.id, chunk: i})
	}
	if !l.up.want(jobs...) {
		e.send(l, wire.Frame{Kind: wire.FrameRefuse, Version: f.id, Flags: wire.RefuseBusy, Chunks: chunks})
	}
}

// join tells l that this endpoint takes part in f.
func (e *Engine) join(l *link, f *flow, reply bool) {
	flags := uint8(0)
	if f.spec != nil && !f.held.Scope.Serve() {
		flags |= wire.JoinBodyHeld
	}
	if reply {
		flags |= wire.JoinReplyWanted
	}
	e.send(l, wire.Frame{Kind: wire.FrameJoin, Version: f.id, Flags: flags, Number: f.head.Chunks})
}

// joinAll begins the exchange of f with every link.
func (e *Engine) joinAll(f *flow) {
	for _, l := range e.sorted() {
		if e.shares(l, f.id) {
			e.join(l, f, true)
		}
	}
}

// leaveAll ends it.
func (e *Engine) leaveAll(f *flow) {
	for _, l := range e.sorted() {
		if e.shares(l, f.id) {
			e.leave(l, f)
		}
	}
}

// leave ends the exchange of f with one link.
func (e *Engine) leave(l *link, f *flow) {
	if _, joined := l.joined[f.id]; joined || e.shares(l, f.id) {
		e.send(l, wire.Frame{Kind: wire.FrameLeave, Version: f.id})
	}
	l.up.cancel(f.id)
	f.dropPeer(l)
}
