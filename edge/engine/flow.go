package engine

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// flow is one version this endpoint shall have. It goes through: body wanted,
// store opening, seeding from other versions, filling, completing, complete; pause
// stops it anywhere.
// Owned by the engine's loop.
type flow struct {
	id       content.VersionID
	head     content.Head
	envelope json.RawMessage
	priority wire.Priority
	paused   bool
	relay    wire.Relay // as the server said in this session
	since    uint64     // the generation in which it was ordered
	retry    uint64     // the generation in which it was last asked for to try its activation again
	beside   bool       // it is a copy that the site keeps or gets ahead of need, and not to be used

	when     staging.When // it is used
	unsigned string       // why what says so was refused, and it is held

	body []byte        // encoded, once verified
	spec *content.Body // decoded
	ver  chunk.Version // once the store is open

	swarm      *swarm.Swarm // once ver is
	opening    bool         // or closing, of a flow that was retired before
	completing bool
	complete   bool
	stored     bool  // the store has it
	whole      bool  // and all of it, when it was last asked
	need       int64 // bytes it was admitted with, until it is open

	seeded      bool               // there is no more to take from other versions
	stopSeeding context.CancelFunc // nil while nothing is taken
	saidSeeding bool               // the server knows that more may be found

	unpatched bool // patches can't be used here

	lost map[uint32]bool // chunks that were found damaged and are not back yet

	search bodySearch // until spec is

	held wire.Restraint // what of it is done without, out of regard for the user

	distrust string // why its head is trusted no more; empty: it is

	code, trouble string    // why it can't go on
	retryAt       time.Time // when it is tried again

	reported   content.Bitmap // as the server knows it in this session
	reportedAt time.Time
	announced  bool // a progress was sent in this session
	dirty      bool // something to report
}

// active reports whether the endpoint takes part in exchanging f.
func (f *flow) active() bool {
	return !f.paused && f.code == "" && !f.held.Scope.Take() && !f.shunned()
}

// dropPeer ends the exchange of f with l.
func (f *flow) dropPeer(l *link) {
	delete(l.joined, f.id)
	l.down.forgetVersion(f.id)
	delete(l.bodyHeld, f.id)
	if f.search.from == l {
		f.search.from = nil
	}
	if f.swarm != nil {
		f.swarm.RemovePeer(l.id())
	}
}

// sorted returns the links in a fixed order.
func (e *Engine) sorted() []*link {
	ids := slices.Sorted(maps.Keys(e.peers))
	out := make([]*link, len(ids))
	for i, id := range ids {
		out[i] = e.peers[id]
	}
	return out
}

// reopen prepares what the store holds from before, so that it can be served and
// reported as soon as the server names it in a flow.
func (e *Engine) reopen() {
	for _, h := range e.cfg.Store.Held() {
		head, id, err := content.ReadHead(h.Envelope)
		if err != nil || id != h.ID {
			e.log.Warn("ignoring a stored version with a damaged head", "version", h.ID, "err", err)
			continue
		}
		e.flows[id] = &flow{id: id, head: head, envelope: h.Envelope, body: h.Body, paused: true,
			stored: true, whole: h.Complete}
	}
}

// advance makes f's next decisions and returns when to look again.
func (e *Engine) advance(now time.Time, f *flow) time.Time {
	var next time.Time
	switch {
	case f.code != "":
		if f.shunned() {
			break // until its head comes signed anew
		}
		if now.Before(f.retryAt) {
			next = f.retryAt
			break
		}
		f.code, f.trouble, f.dirty = "", "", true
		if f.active() {
			e.activate(f)
		}
		next = now
	case f.opening:
	case f.spec != nil && f.swarm == nil:
		e.openStore(f) // also while paused: what is held is reported
	case !f.active():
	case f.spec == nil:
		next = e.seekBody(now, f)
	case !f.seeded:
		e.seed(f)
		e.tell(now, f)
	default:
		e.tell(now, f)
		behind := e.behind(now, f)
		if !behind {
			e.ask(now, f)
		}
		e.holdBack(now, f)
		if f.swarm.Missing() == 0 && !f.complete && !f.completing {
			e.finish(f)
		}
		if next = f.swarm.Next(now); behind && !next.IsZero() {
			next = now.Add(behindStep)
		}
	}
	return earlier(next, e.report(now, f))
}

// earlier returns the earlier of two times, of which zero stands for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// tell sends what the swarm announces.
func (e *Engine) tell(now time.Time, f *flow) {
	for _, t := range f.swarm.Tell(now) {
		if l := e.peers[wire.EndpointID(t.Peer)]; l != nil && !f.held.Scope.Serve() {
			for part := range slices.Chunk(t.Chunks, wire.MaxListed) {
				e.send(l, wire.Frame{Kind: wire.FrameHaveList, Version: f.id, Chunks: part})
			}
		}
	}
}

// ask sends what the swarm asks for.
func (e *Engine) ask(now time.Time, f *flow) {
	f.swarm.SetClass(swarm.Class(f.priority.Class()))
	for _, a := range f.swarm.Plan(now) {
		l := e.peers[wire.EndpointID(a.Peer)]
		if l == nil {
			continue
		}
		for _, i := range a.Cancel {
			l.down.forget(target{version: f.id, chunk: i})
		}
		for part := range slices.Chunk(a.Cancel, wire.MaxListed) {
			e.send(l, wire.Frame{Kind: wire.FrameCancel, Version: f.id, Chunks: part})
		}
		for _, i := range a.Want {
			l.down.expect(target{version: f.id, chunk: i}, f.spec.Chunks[i].Length)
		}
		for part := range slices.Chunk(a.Want, wire.MaxListed) {
			e.send(l, wire.Frame{Kind: wire.FrameWant, Version: f.id, Chunks: part})
		}
	}
}

// activate begins, or after a pause begins again, to take part in f.
func (e *Engine) activate(f *flow) {
	if f.body != nil {
		e.open.put(f.id, served{body: f.body, ver: f.ver, priority: f.priority, withheld: f.held.Scope.Serve()})
	}
	f.search = bodySearch{}
	if f.swarm != nil {
		f.swarm.Begin()
	}
	e.joinAll(f)
}

// suspend stops every byte of f, in both directions.
func (e *Engine) suspend(f *flow, why string) {
	e.open.remove(f.id)
	e.leaveAll(f)
	if f.stopSeeding != nil {
		f.stopSeeding()
	}
	for _, l := range e.leases {
		if l.Flow == f.id {
			e.giveBack(l, why)
		}
	}
}

// fail stops f for a while and tells the server why.
func (e *Engine) fail(now time.Time, f *flow, code string, err error) {
	if f.code != "" {
		return
	}
	e.log.Error("flow stopped", "content", f.head.Ref().String(), "code", code, "err", err)
	e.suspend(f, code)
	f.code, f.trouble, f.retryAt, f.dirty = code, err.Error(), now.Add(retryFailed), true
}

// storeCode is the code of what the store could not do.
func storeCode(err error) string {
	unsafe := new(content.PathError)
	switch {
	case errors.As(err, &unsafe):
		return wire.CodeUnsafePath
	case errors.Is(err, chunk.ErrNoRoom):
		return wire.CodeDiskFull
	}
	return wire.CodeStore
}

// openStore opens the version's place on disk, when the cache admits it.
func (e *Engine) openStore(f *flow) {
	if k := e.cache; k != nil && !f.stored {
		if k.known && f.since <= e.generation && !e.scrub.runs() { // else it is not known what may make room for it
			f.opening = true
			e.measure(f)
		}
		return
	}
	f.opening = true
	e.wg.Go(func() {
		ver, err := e.cfg.Store.Open(e.ctx, f.head, f.envelope, f.spec)
		e.post(opened{f, ver, err})
	})
}

type opened struct {
	f   *flow
	ver chunk.Version
	err error
}

func (ev opened) apply(e *Engine, now time.Time) {
	f := ev.f
	f.need = 0
	if !f.stored {
		e.cache.changed()
	}
	e.noRoom(ev.err)
	if e.stale(f) {
		if ev.err == nil {
			e.flows[f.id].stored, e.flows[f.id].whole = true, ev.ver.Done()
			e.shut(f.id, ev.ver)
		} else {
			e.flows[f.id].opening = false
		}
		return
	}
	f.opening = false
	if ev.err != nil {
		e.fail(now, f, storeCode(ev.err), ev.err)
		return
	}
	lengths := make([]uint32, len(f.spec.Chunks))
	for i, c := range f.spec.Chunks {
		lengths[i] = c.Length
	}
	f.stored, f.whole = true, ev.ver.Done()
	f.ver, f.complete, f.dirty = ev.ver, f.whole, true
	f.swarm = swarm.New(lengths, ev.ver.Have(), e.rng)
	e.useRelay(f)
	f.seeded = f.swarm.Missing() == 0
	if f.active() {
		e.activate(f)
	}
}

// finish makes a whole version durable and visible.
func (e *Engine) finish(f *flow) {
	f.completing = true
	e.wg.Go(func() { e.post(finished{f, f.ver.Complete()}) })
}

type finished struct {
	f   *flow
	err error
}

func (ev finished) apply(e *Engine, now time.Time) {
	f := ev.f
	if e.stale(f) {
		e.flows[f.id].whole = ev.err == nil
		e.shut(f.id, f.ver)
		return
	}
	f.completing = false
	if errors.Is(ev.err, chunk.ErrNotHeld) {
		e.recount(f) // the disk lost some: they are fetched again
		return
	}
	if ev.err != nil {
		e.fail(now, f, storeCode(ev.err), ev.err)
		return
	}
	f.complete, f.whole, f.dirty = true, true, true
	e.cache.changed() // what it supersedes may go
	e.hashed(f)
	f.reportedAt = time.Time{} // the server hears of it at once
	e.log.Info("content complete", "content", f.head.Ref().String())
	e.wg.Go(e.rest)
}

// rest gives memory back a while after the work: an idle process allocates nothing,
// and would keep what it needed at its busiest for minutes.
func (e *Engine) rest() {
	select {
	case <-e.ctx.Done():
	case <-time.After(restAfter):
		debug.FreeOSMemory()
	}
}

// recount takes over from the store which chunks are still held.
func (e *Engine) recount(f *flow) {
	have := f.ver.Have()
	for i := range f.head.Chunks {
		if !have.Has(i) {
			f.swarm.Lost(i)
		}
	}
	f.dirty = true
}
