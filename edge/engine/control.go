package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

type connected struct{ w wire.Welcome }

func (ev connected) apply(e *Engine, _ time.Time) {
	e.connected, e.orphan = true, orphan{}
	e.placed(ev.w)
	e.cfg.SetICE(ev.w.ICE)
	e.tellUplink()
	if ev.w.Resumed {
		e.useRelays()
		return
	}
	// A new session knows nothing of us: everything is announced again, leases that
	// still run included.
	e.keepLeases()
	if e.cache != nil {
		e.cache.stock = nil
		e.cache.changed()
	}
	e.cfg.Governor.Forget()
	for _, f := range e.flows {
		f.reported, f.announced, f.dirty, f.reportedAt, f.relay = nil, false, true, time.Time{}, wire.RelayByPatience
	}
	e.useRelays()
	for _, l := range e.sorted() {
		e.cfg.Uplink.Send(wire.KindLinked, wire.Linked{Peer: l.Peer(), Attempt: l.Attempt(), Up: true, Relayed: l.Relayed()})
	}
}

type heard struct {
	kind wire.Kind
	body any
}

func (ev heard) apply(e *Engine, now time.Time) {
	switch b := ev.body.(type) {
	case *wire.Trust:
		e.newTrust(now, b)
	case *wire.Flow:
		e.desired(now, b)
	case *wire.Flows:
		e.closeGeneration(now, b)
	case *wire.Dial:
		e.introduced(now, b.Peer, b.Visitor)
		e.cfg.Links.Dial(b.Peer, b.Attempt)
	case *wire.Visiting:
		e.introduced(now, b.Peer, &wire.Visitor{Flows: b.Flows})
	case *wire.HangUp:
		e.cfg.Links.HangUp(b.Peer)
	case *wire.Signal:
		if b.Offer != nil || b.Answer != nil {
			e.introduced(now, b.From, b.Visitor)
		}
		e.cfg.Links.Signal(*b)
	case *wire.Examine:
		e.examined(b)
	case *wire.Lease:
		e.granted(*b)
	case *wire.Revoke:
		e.revoked(b)
	case *wire.Govern:
		e.cfg.Governor.Appointed(*b)
	case *wire.Grant:
		e.cfg.Governor.Granted(*b)
	case *wire.Taken:
		e.cfg.Governor.Took(*b)
	case *wire.Renew:
		if len(b.ICE) > 0 {
			e.cfg.SetICE(b.ICE)
		}
	}
}

// examined says what there is to say of the link to a peer.
func (e *Engine) examined(q *wire.Examine) {
	out := wire.Examined{Question: q.Question, Peer: q.Peer}
	if q.Links {
		out.Links = e.carried()
		e.cfg.Uplink.Send(wire.KindExamined, out)
		return
	}
	if l := e.peers[q.Peer]; l != nil {
		out.Up, out.Relayed = true, l.Relayed()
	}
	if e.cfg.Attempts != nil {
		out.Attempts = e.cfg.Attempts(q.Peer)
	}
	e.cfg.Uplink.Send(wire.KindExamined, out)
}

func (e *Engine) newTrust(now time.Time, t *wire.Trust) {
	trust, err := content.OpenTrust(t.Document, e.cfg.Root)
	if err != nil {
		e.log.Error("refusing a trust document", "err", err)
		e.cfg.Refused.Add(wire.DoorSocket, wire.CodeBadHead)
		e.cfg.Uplink.Send(wire.KindReport, wire.Report{Code: wire.CodeBadHead, Detail: wire.Clip(err.Error())})
		return
	}
	if e.trust != nil && trust.Serial() <= e.trust.Serial() {
		e.cfg.Refused.Add(wire.DoorSocket, wire.CodeReplayed)
		return
	}
	if err := e.cfg.SaveTrust(t.Document); err != nil {
		e.log.Error("keeping the trust document", "err", err)
	}
	e.trust = trust
	e.rejudge(now)
	e.restage()
}

// desired obeys one flow's desired state.
func (e *Engine) desired(now time.Time, w *wire.Flow) {
	delete(e.stager.late, w.ID) // this is newer
	f := e.flows[w.ID]
	if f == nil || !slices.Contains(e.order, w.ID) {
		if f = e.adopt(now, w, f); f == nil {
			return
		}
	}
	e.resigned(now, f, w)
	e.rank(f, w.Priority)
	e.restrain(f) // it may be urgent now, or no more
	f.relay, f.beside, f.retry = w.Relay, w.Superseded || w.Ahead && w.Activate == nil, w.Retry
	e.stage(f, w)
	e.useRelay(f)
	switch {
	case w.Paused && !f.paused:
		f.paused = true
		e.suspend(f, "paused")
		f.dirty, f.reportedAt = true, time.Time{}
	case !w.Paused && f.paused:
		f.paused = false
		if f.active() {
			e.activate(f)
		}
		f.dirty = true
	}
}

// adopt begins a flow, after checking that a trusted key signed its head. It
// starts paused; desired starts it.
func (e *Engine) adopt(now time.Time, w *wire.Flow, held *flow) *flow {
	head, id, err := e.openHead(w, held)
	switch {
	case err != nil:
	case id != w.ID:
		err = errors.New("head is of another version")
	case held == nil:
		if err = e.superseded(head, w.Superseded); err != nil {
			e.putOff(w)
		}
	}
	if err != nil {
		e.cfg.Refused.Add(wire.DoorSocket, wire.CodeBadHead)
		e.log.Error("refusing a flow", "flow", w.ID, "err", err)
		e.cfg.Uplink.Send(wire.KindProgress, wire.Progress{Flow: w.ID, Code: wire.CodeBadHead, Error: wire.Clip(err.Error())})
		return nil
	}
	f := held
	if f == nil {
		f = &flow{id: id, head: head, envelope: w.Head, paused: true}
		e.flows[id] = f
	}
	e.order = append(e.order, id)
	f.since = w.Generation
	e.takeHead(f, w)
	f.distrust = ""
	e.judge(now, f)
	// A flow that ended and is ordered again is a new one to the server.
	f.reported, f.announced, f.dirty, f.reportedAt = nil, false, true, time.Time{}
	if f.body == nil {
		f.body = e.sameBody(f.head.Body)
	}
	if f.body != nil && f.spec == nil {
		if f.spec, err = f.head.OpenBody(f.body); err != nil {
			e.log.Warn("stored body is damaged, fetching it again", "flow", id, "err", err)
			f.body, f.spec = nil, nil
		}
	}
	return f
}

// sameBody is the body of another version, where that is the same: going back to what is
// held needs nothing from anywhere.
func (e *Engine) sameBody(digest content.Digest) []byte {
	for _, f := range e.flows {
		if f.head.Body == digest && f.body != nil {
			return f.body
		}
	}
	return nil
}

// superseded refuses a head that is older than another of the same content known
// here: a server that lost its memory, or is not what it seems, can't bring back a
// version that was replaced. One that is still held is always good, and one that
// the site keeps (kept) may come beside a newer one that is wanted, and any beside one that
// is not used yet, or not any more.
func (e *Engine) superseded(head content.Head, kept bool) error {
	for id, f := range e.flows {
		_, blocked := e.stager.blocks.Of(f.head.Ref())
		beside := blocked || slices.Contains(e.order, id) && (kept || f.when.Waits(e.serverNow()))
		if f.head.Name == head.Name && f.head.Serial > head.Serial && !beside {
			return fmt.Errorf("%s has serial %d and is older than %s with %d, which is known here: to go back, publish it again under a new version",
				head.Ref(), head.Serial, f.head.Ref(), f.head.Serial)
		}
	}
	return nil
}

// openHead verifies a head. One that expired is still good for a version that is held: it
// was trusted when it came. One whose key was revoked is good where all of it is held.
func (e *Engine) openHead(w *wire.Flow, held *flow) (content.Head, content.VersionID, error) {
	if e.trust == nil {
		return content.Head{}, content.VersionID{}, errors.New("no trust document yet")
	}
	head, id, err := e.trust.OpenHead(w.Head, e.cfg.Uplink.Now())
	if errors.Is(err, content.ErrExpired) && held != nil || errors.Is(err, content.ErrUntrusted) && held != nil && held.whole {
		return content.ReadHead(w.Head)
	}
	return head, id, err
}

// closeGeneration drops flows that are no longer wanted. Their bytes stay until the
// cache has them removed.
func (e *Engine) closeGeneration(now time.Time, w *wire.Flows) {
	for _, id := range slices.Clone(e.order) {
		f := e.flows[id]
		if slices.Contains(w.IDs, id) {
			f.since = min(f.since, w.Generation) // a server that went back closes what it was ordered in, too
			continue
		}
		if !f.paused {
			f.paused = true
			e.suspend(f, "flow ended")
		}
		e.order = slices.DeleteFunc(e.order, func(o content.VersionID) bool { return o == id })
		e.stager.stale = e.stager.stale || f.when.Held || f.when.Serial > 0
		e.retire(f)
	}
	e.known, e.generation, e.zone = true, w.Generation, w.Zone
	e.reports = time.Duration(w.ReportMs) * time.Millisecond
	e.bar(blockedBy(w.Purges))
	e.stager.unwanted(w.IDs)
	e.deliver(now) // who was taken back and is ordered again at once was taken back all the same
	e.tryAgain(now)
	e.cfg.Links.SetNetworks(w.PeersOn)
	if e.cache != nil {
		e.cache.Policy = e.cache.own.Within(w.Limits.CacheQuota, w.Limits.CacheFloor, time.Duration(w.Limits.CacheIdleMs)*time.Millisecond)
		e.cache.known, e.cache.pins, e.cache.purges, e.cache.copies = true, w.Pins, w.Purges, w.Copies
		e.cache.changed()
	}
	e.stager.owed = w.Generation
	e.obey()
}

func (e *Engine) revoked(w *wire.Revoke) {
	for _, l := range e.leases {
		if l.Epoch == w.Epoch && l.Lease.Lease == w.Lease {
			e.giveBack(l, "revoked")
			e.flows[l.Flow].dirty = true
		}
	}
}
