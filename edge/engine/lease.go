package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// lease is a right to fetch, and how far it got. Owned by the engine's loop,
// except fetched.
type lease struct {
	wire.Lease
	ctx      context.Context
	stop     context.CancelFunc
	started  time.Time    // zero before
	ended    bool         // the fetch returned, or never began
	failed   string       // why it was given back
	said     bool         // its end was reported
	verified uint32       // leading parts kept
	fetched  atomic.Int64 // encoded bytes taken so far
}

// giveBack ends a lease before it is done. The end of one that runs comes as
// leaseEnded.
func (e *Engine) giveBack(l *lease, why string) {
	if l.ended || l.failed != "" {
		return
	}
	l.failed = why
	l.stop()
	if l.started.IsZero() {
		l.ended = true
		e.free(l)
	}
}

// free lets a lease's chunks be asked of peers again.
func (e *Engine) free(l *lease) {
	f := e.flows[l.Flow]
	f.dirty = true
	if f.swarm != nil {
		f.swarm.Unlease(chunksOf(l.Lease)...)
	}
}

// granted takes a lease in; startLeases begins it.
func (e *Engine) granted(w wire.Lease) {
	f := e.flows[w.Flow]
	if f == nil {
		e.cfg.Uplink.Send(wire.KindProgress, wire.Progress{Flow: w.Flow,
			Leases: []wire.LeaseState{{Epoch: w.Epoch, Lease: w.Lease, Failed: "flow is not known here"}}})
		return
	}
	l := &lease{Lease: w}
	l.ctx, l.stop = context.WithCancel(e.ctx)
	e.leases = append(e.leases, l)
	switch {
	case !f.active():
		e.giveBack(l, "flow is paused here")
	case w.Body && f.spec != nil:
		e.giveBack(l, "body is held already")
	}
	f.dirty = true
	if f.swarm != nil && l.failed == "" {
		f.swarm.Lease(chunksOf(w)...)
	}
}

func chunksOf(w wire.Lease) []uint32 {
	out := make([]uint32, len(w.Parts))
	for i, p := range w.Parts {
		out[i] = p.Chunk
	}
	return out
}

// startLeases begins the first lease that can begin, when none runs, and forgets
// those whose end was reported. One at a time, on one connection: two would share
// the link while they overlap, and leave it half used when one ends.
func (e *Engine) startLeases(now time.Time) {
	kept := e.leases[:0]
	idle := true
	for _, l := range e.leases {
		if l.said {
			l.stop()
			continue
		}
		kept = append(kept, l)
		if l.ended {
			continue
		}
		if idle && l.started.IsZero() && e.startable(l) {
			e.begin(now, l)
		}
		idle = idle && l.started.IsZero()
	}
	clear(e.leases[len(kept):])
	e.leases = kept
}

func (e *Engine) begin(now time.Time, l *lease) {
	l.started = now
	f := e.flows[l.Flow]
	spec := f.spec // set once, never changed
	e.log.Debug("lease begins", "lease", l.Lease.Lease, "bytes", l.To-l.From, "body", l.Body)
	e.wg.Go(func() { e.fetch(l, f, spec) })
}

// startable reports whether a lease's chunks have somewhere to go.
func (e *Engine) startable(l *lease) bool {
	f := e.flows[l.Flow]
	if l.failed != "" {
		return false
	}
	if !l.Body && f.swarm != nil {
		f.swarm.Lease(chunksOf(l.Lease)...)
	}
	return l.Body || f.swarm != nil
}

// fetch runs outside the loop; of f it reads only the head, which never changes.
func (e *Engine) fetch(l *lease, f *flow, spec *content.Body) {
	var err error
	if l.Body {
		var body []byte
		if body, err = e.cfg.Origin.FetchBody(l.ctx, l.Lease, f.head.BodyBytes); err == nil {
			e.post(bodyArrived{version: l.Flow, body: body})
		}
	} else {
		err = e.fetchParts(l, spec)
	}
	e.post(leaseEnded{l, err})
}

func (e *Engine) fetchParts(l *lease, spec *content.Body) error {
	s, ok := e.open.get(l.Flow)
	if !ok || s.ver == nil {
		return errors.New("flow is paused here")
	}
	for _, p := range l.Parts {
		if uint64(p.Chunk) >= uint64(len(spec.Chunks)) {
			return fmt.Errorf("lease names chunk %d of %d", p.Chunk, len(spec.Chunks))
		}
	}
	return e.cfg.Origin.FetchParts(l.ctx, l.Lease, func(c uint32) uint32 { return spec.Chunks[c].Length },
		func(p wire.Part, plain []byte) error {
			if _, err := s.ver.Put(p.Chunk, plain, chunk.Origin, int64(p.Length)); err != nil {
				return err
			}
			l.fetched.Add(int64(p.Length))
			e.post(arrived{version: l.Flow, chunk: p.Chunk, lease: l})
			return nil
		})
}

type leaseEnded struct {
	l   *lease
	err error
}

func (ev leaseEnded) apply(e *Engine, now time.Time) {
	l := ev.l
	l.ended = true
	e.log.Debug("lease ended", "lease", l.Lease.Lease, "bytes", l.fetched.Load(), "took", now.Sub(l.started), "err", ev.err)
	f := e.flows[l.Flow]
	if ev.err != nil && l.failed == "" {
		l.failed = ev.err.Error()
		e.log.Warn("origin fetch ended early", "err", ev.err)
	}
	e.free(l)
	f.reportedAt = time.Time{} // the server hears at once, and grants the next
	if damaged := new(chunk.CorruptError); errors.As(ev.err, &damaged) {
		e.cfg.Uplink.Send(wire.KindReport, wire.Report{Flow: f.id, Code: wire.CodeBadChunk, Detail: wire.Clip(ev.err.Error())})
	}
}

// cancelLeases gives every lease back.
func (e *Engine) cancelLeases(why string) {
	for _, l := range e.leases {
		e.giveBack(l, why)
		e.flows[l.Flow].dirty = true
	}
}
