package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sitecast/sitecast/edge/swarm"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
)

// Before anything of a version is asked of peers or the origin, it is taken from the
// other versions that the store holds. What was found is announced as it is found,
// so that peers which lack it can have it from here, whatever version they have; and
// the server, which is told who is still looking, leases only what nobody found.

// seedBatch is how many chunks that were found are announced together.
const seedBatch = 64

// seeks reports whether more of f may be found in what else the store holds.
func (e *Engine) seeks(f *flow) bool {
	if f.seeded {
		return false
	}
	for _, other := range e.flows {
		if other != f && other.body != nil && (other.swarm == nil || other.swarm.Missing() < other.head.Chunks) {
			return true
		}
	}
	return false
}

// seed takes for f what other versions hold, unless it is doing that.
func (e *Engine) seed(f *flow) {
	if f.stopSeeding != nil {
		return
	}
	ver, spec := f.ver, f.spec
	ctx, stop := context.WithCancel(e.ctx)
	f.stopSeeding = stop
	e.wg.Go(func() {
		defer stop()
		var batch []uint32
		err := ver.Seed(ctx, func(i uint32) {
			if batch = append(batch, i); len(batch) == seedBatch {
				e.post(found{f, batch})
				batch = nil
			}
			_ = e.yield(ctx, f.id, int(spec.Chunks[i].Length)) // Seed ends with ctx, too
		})
		e.post(seeded{found{f, batch}, err})
	})
}

// found tells of chunks that were taken from other versions.
type found struct {
	f      *flow
	chunks []uint32
}

func (ev found) apply(e *Engine, _ time.Time) {
	f := ev.f
	if e.stale(f) {
		return
	}
	for _, i := range ev.chunks {
		e.cancel(f, i, f.swarm.Found(i))
	}
	f.dirty = true
}

// cancel tells peers that a chunk which they owe is not needed any more.
func (e *Engine) cancel(f *flow, i uint32, peers []swarm.PeerID) {
	for _, id := range peers {
		if l := e.peers[wire.EndpointID(id)]; l != nil {
			l.down.forget(target{version: f.id, chunk: i})
			e.send(l, wire.Frame{Kind: wire.FrameCancel, Version: f.id, Chunks: []uint32{i}})
		}
	}
}

// seeded tells of the last chunks, and that there is no more to take: at once, so that
// nobody is told of the one without the other.
type seeded struct {
	found
	err error
}

func (ev seeded) apply(e *Engine, now time.Time) {
	ev.found.apply(e, now)
	f := ev.f
	f.stopSeeding = nil
	switch {
	case e.stale(f) || errors.Is(ev.err, context.Canceled): // it goes on when f does
		return
	case errors.Is(ev.err, chunk.ErrNoRoom):
		e.fail(now, f, storeCode(ev.err), ev.err)
		return
	case ev.err != nil: // what is missing is fetched
		e.log.Warn("taking chunks from other versions", "content", f.head.Ref().String(), "err", ev.err)
	}
	f.seeded, f.dirty = true, true
	if f.saidSeeding {
		f.reportedAt = time.Time{} // the site waits for it
	}
	if n := f.ver.Counters().Bytes[chunk.Reused]; n > 0 {
		e.log.Info("took from other versions", "content", f.head.Ref().String(), "bytes", n, "missing_chunks", f.swarm.Missing())
	}
}
