package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// link is what the engine keeps for one connection to a peer.
type link struct {
	Link
	up   *uploader
	down *receiver
	end  context.CancelFunc // stops the uploader

	// kept is what came as a whole and waits for the disk, or is being written. The
	// engine's mu guards it.
	kept map[content.VersionID][]delivery

	// Owned by the engine's loop: the versions the peer takes part in, and
	// whether it holds their body.
	joined map[content.VersionID]bool
	uplink bool // the peer has a socket to the server
	// bodyHeld are the hold-offs of versions whose body the peer did not bring.
	bodyHeld map[content.VersionID]bodyHoldOff
	// load is what all versions have outstanding at the peer.
	load swarm.Load
	// dropped: it was reported, and is about to end.
	dropped bool
}

func (l *link) id() swarm.PeerID { return swarm.PeerID(l.Peer()) }

// LinkUp tells of a new link.
func (e *Engine) LinkUp(raw Link) {
	l := &link{Link: raw, down: newReceiver(), kept: map[content.VersionID][]delivery{}, joined: map[content.VersionID]bool{},
		bodyHeld: map[content.VersionID]bodyHoldOff{}}
	l.up = newUploader(raw, e.paced(raw), e.manners, &e.open, func(v content.VersionID, c uint32) { e.post(lostChunk{v, c}) },
		func(v content.VersionID, c uint32) { e.post(sentChunk{l, v, c}) })
	e.mu.Lock()
	e.links[raw] = l
	e.mu.Unlock()
	if !e.post(linkUp{l}) {
		l.up.pace.Leave()
		raw.Close("agent stops")
	}
}

// LinkDown tells that a link ended, or never came up (raw is then nil).
func (e *Engine) LinkDown(peer wire.EndpointID, raw Link, attempt int, reason string) {
	e.mu.Lock()
	l := e.links[raw]
	delete(e.links, raw)
	e.mu.Unlock()
	e.post(linkDown{peer, l, attempt, reason})
}

// Ctl hands over a frame of the ctl channel, which is copied.
func (e *Engine) Ctl(raw Link, f wire.Frame) {
	if l := e.find(raw); l != nil {
		if f.Kind == wire.FrameCredit {
			l.up.credit(f.Total)
			return
		}
		f.Chunks, f.Payload = slices.Clone(f.Chunks), slices.Clone(f.Payload)
		e.post(ctlFrame{l, f})
	}
}

// Bulk takes a frame of the bulk channel. The chunk that it completes is stored
// beside, and what waits for the disk is not granted again: so a slow disk holds
// the peer back, and nothing else.
func (e *Engine) Bulk(raw Link, f wire.Frame) {
	l := e.find(raw)
	if l == nil {
		return
	}
	t, whole, ok := l.down.piece(f)
	if !ok {
		e.post(violation{l, "bulk frame breaks the rules"})
		return
	}
	if whole != nil && !t.body {
		e.keep(l, t, whole)
	}
	if total := l.down.renew(); total > 0 {
		_ = l.SendCtl(wire.Frame{Kind: wire.FrameCredit, Total: total}) // a dead link is reported by its Down
	}
	if whole != nil && t.body {
		e.post(bodyArrived{t.version, whole, l})
	}
}

func (e *Engine) find(raw Link) *link {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.links[raw]
}

type linkUp struct{ l *link }

func (ev linkUp) apply(e *Engine, now time.Time) {
	l := ev.l
	if old := e.peers[l.Peer()]; old != nil {
		e.unlink(old)
	}
	e.peers[l.Peer()] = l
	ctx, stop := context.WithCancel(e.ctx)
	l.end = stop
	e.wg.Go(func() {
		defer l.up.pace.Leave()
		l.up.run(ctx)
	})
	e.send(l, wire.Frame{Kind: wire.FrameCredit, Total: creditWindow})
	e.sendUplink(l)
	e.cfg.Uplink.Send(wire.KindLinked, wire.Linked{Peer: l.Peer(), Attempt: l.Attempt(), Up: true, Relayed: l.Relayed()})
	e.log.Info("link up", "peer", l.Peer().Short(), "relayed", l.Relayed())
	for _, id := range e.order {
		if f := e.flows[id]; f.active() && e.shares(l, id) {
			e.join(l, f, true)
		}
	}
}

type linkDown struct {
	peer    wire.EndpointID
	l       *link
	attempt int
	reason  string
}

func (ev linkDown) apply(e *Engine, _ time.Time) {
	if ev.l != nil {
		if e.peers[ev.peer] != ev.l {
			return // replaced meanwhile; the newer link has been reported
		}
		e.unlink(ev.l)
		if (ev.reason == wire.CodeProtocol || ev.reason == wire.CodeUnknownType) && !ev.l.dropped {
			e.cfg.Uplink.Send(wire.KindReport, wire.Report{Peer: ev.peer, Code: ev.reason, Detail: "a frame that breaks the rules"})
		}
	}
	e.cfg.Uplink.Send(wire.KindLinked, wire.Linked{Peer: ev.peer, Attempt: ev.attempt, Reason: wire.Clip(ev.reason)})
	e.log.Info("link down", "peer", ev.peer.Short(), "reason", ev.reason)
}

// unlink takes a link out of every decision.
func (e *Engine) unlink(l *link) {
	l.end()
	delete(e.peers, l.Peer())
	for _, f := range e.flows {
		f.dropPeer(l)
	}
}

// send queues a frame on ctl. A link that can't take it is closing, and its Down
// comes by itself.
func (e *Engine) send(l *link, f wire.Frame) { _ = l.SendCtl(f) }

// drop closes a link whose peer can't be trusted to behave.
func (e *Engine) drop(l *link, door wire.Door, code, detail string, id content.VersionID) {
	if l.dropped {
		return
	}
	l.dropped = true
	e.cfg.Refused.Add(door, code)
	e.log.Warn("dropping peer", "peer", l.Peer().Short(), "code", code, "detail", detail)
	e.cfg.Uplink.Send(wire.KindReport, wire.Report{Peer: l.Peer(), Flow: id, Code: code, Detail: wire.Clip(detail)})
	l.Close(code)
}

type violation struct {
	l      *link
	detail string
}

func (ev violation) apply(e *Engine, _ time.Time) {
	e.drop(ev.l, wire.DoorBulk, wire.CodeProtocol, ev.detail, content.VersionID{})
}

// arrived reports what became of a chunk that a peer or (from is nil) the origin
// delivered.
type arrived struct {
	version content.VersionID
	chunk   uint32
	from    *link
	lease   *lease
	patched bool // it came as a patch
	err     error
}

func (ev arrived) apply(e *Engine, now time.Time) {
	f := e.flows[ev.version]
	if f == nil || f.swarm == nil {
		return
	}
	if ev.err != nil {
		e.badChunk(now, f, ev)
		return
	}
	var from swarm.PeerID
	if ev.from != nil {
		from = ev.from.id()
	}
	if ev.lease != nil {
		ev.lease.got(1, ev.patched)
	}
	e.cancel(f, ev.chunk, f.swarm.Got(now, ev.chunk, from))
	e.healed(f, ev.chunk)
	f.dirty = true
}

// badChunk handles a chunk that could not be kept: a lie of the peer, or a fault
// of the own disk.
func (e *Engine) badChunk(now time.Time, f *flow, ev arrived) {
	damaged := new(chunk.CorruptError)
	switch {
	case ev.from != nil && errors.As(ev.err, &damaged):
		f.swarm.Refused(now, ev.from.id(), false, ev.chunk)
		e.drop(ev.from, wire.DoorBulk, wire.CodeBadChunk, ev.err.Error(), f.id)
	case ev.from != nil:
		f.swarm.Refused(now, ev.from.id(), true, ev.chunk)
		e.fail(now, f, storeCode(ev.err), ev.err)
	}
}

// sentChunk tells that a peer was sent a chunk, so that it holds it: it tells us
// only of those that we lack.
type sentChunk struct {
	l       *link
	version content.VersionID
	chunk   uint32
}

func (ev sentChunk) apply(e *Engine, now time.Time) {
	e.busyAt = now
	f := e.flows[ev.version]
	if f == nil || f.swarm == nil {
		return
	}
	e.sent += int64(f.spec.Chunks[ev.chunk].Length)
	if e.peers[ev.l.Peer()] == ev.l {
		f.swarm.PeerHas(ev.l.id(), ev.chunk)
	}
}

type lostChunk struct {
	version content.VersionID
	chunk   uint32
}

func (ev lostChunk) apply(e *Engine, _ time.Time) {
	if f := e.flows[ev.version]; f != nil && f.swarm != nil {
		f.swarm.Lost(ev.chunk)
		f.complete, f.whole, f.dirty = false, false, true
		e.damaged(f, ev.chunk)
	}
}
