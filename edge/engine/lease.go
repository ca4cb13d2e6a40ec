package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/external"
)

// lease is a right to fetch, and how far it got. Owned by the engine's loop,
// except the atomics.
type lease struct {
	wire.Lease
	ctx      context.Context
	stop     context.CancelFunc
	started  time.Time    // zero before
	ended    bool         // the fetch returned, or never began
	failed   string       // why it was given back
	code     string       // the same for the server, where the origin is to blame
	said     bool         // its end was reported
	announce bool         // the session in use does not know it yet
	verified uint32       // leading parts kept
	patches  bool         // it is fetched as patches
	patched  uint32       // of verified, those that came so
	fetched  atomic.Int64 // bytes of its own range that came so far, or came as patches
	class    atomic.Int32 // of its flow's priority, 0 the highest
	held     atomic.Bool  // it waits, because it is far ahead of its peers
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
	l.class.Store(int32(f.priority.Class()))
	l.ctx, l.stop = context.WithCancel(e.ctx)
	e.leases = append(e.leases, l)
	switch {
	case !f.active():
		e.giveBack(l, "flow is paused here")
	case f.held.Scope.Fetch():
		e.giveBack(l, f.held.Reason)
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

// classes is how many there are.
const classes = 3

// rank takes in a flow's priority, also for what is being fetched of it.
func (e *Engine) rank(f *flow, p wire.Priority) {
	if f.priority == p {
		return
	}
	f.priority = p
	e.open.rank(f.id, p)
	for _, l := range e.leases {
		if l.Flow == f.id {
			l.class.Store(int32(p.Class()))
		}
	}
	e.gate.look()
}

// startLeases begins the first lease of each class that can begin, when none of the
// class runs, and forgets those whose end was reported. One at a time, on one
// connection: two would share the link while they overlap, and leave it half used
// when one ends. Of two classes the lower one waits at the gate.
func (e *Engine) startLeases(now time.Time) {
	kept := e.leases[:0]
	var busy [classes]bool
	for _, l := range e.leases {
		if l.said {
			l.stop()
			continue
		}
		kept = append(kept, l)
		if l.ended {
			continue
		}
		at := &busy[l.class.Load()]
		if !*at && l.started.IsZero() && e.startable(l) {
			e.begin(now, l)
		}
		*at = *at || !l.started.IsZero()
	}
	clear(e.leases[len(kept):])
	e.leases = kept
}

func (e *Engine) begin(now time.Time, l *lease) {
	l.started = now
	f := e.flows[l.Flow]
	spec := f.spec // set once, never changed
	l.patches = e.takesPatches(l, f)
	e.log.Debug("lease begins", "lease", l.Lease.Lease, "bytes", l.To-l.From, "body", l.Body, "patches", l.patches)
	e.gate.enter(l)
	e.wg.Go(func() { e.fetch(l, f, spec) })
}

// startable reports whether a lease's chunks have somewhere to go, and are not about
// to be found.
func (e *Engine) startable(l *lease) bool {
	f := e.flows[l.Flow]
	if l.failed != "" {
		return false
	}
	if !l.Body && f.swarm != nil {
		f.swarm.Lease(chunksOf(l.Lease)...)
	}
	return l.Body || f.swarm != nil && f.seeded
}

// fetch runs outside the loop; of f it reads only the head, which never changes.
func (e *Engine) fetch(l *lease, f *flow, spec *content.Body) {
	var err error
	if l.Body {
		err = e.fetchBody(l, f)
	} else {
		err = e.fetchParts(l, spec)
	}
	e.post(leaseEnded{l, err})
}

func (e *Engine) fetchBody(l *lease, f *flow) error {
	if err := e.gate.take(l.ctx, l, l.To-l.From); err != nil {
		return err
	}
	body, err := e.cfg.Origin.FetchBody(l.ctx, l.Lease, f.head.BodyBytes)
	if err == nil {
		e.post(bodyArrived{version: l.Flow, body: body})
	}
	return err
}

// errLapsed means that this process stood still for longer than the lease lives,
// as a machine that sleeps does: another fetches the range by now.
var errLapsed = errors.New("slept for longer than the lease lives")

var errPaused = errors.New("flow is paused here")

// originCode says what of an origin ended a fetch; "" where it is not to blame.
func originCode(err error) string {
	changed, damaged, disk := new(external.ChangedError), new(chunk.CorruptError), new(putError)
	switch {
	case errors.As(err, &changed):
		return wire.CodeExternal
	case errors.As(err, &damaged):
		return wire.CodeBadChunk
	case errors.As(err, &disk), errors.Is(err, errLapsed), errors.Is(err, errPaused), errors.Is(err, context.Canceled):
		return ""
	}
	return wire.CodeOrigin
}

// putError says that a fetch ended because a chunk was not kept: where it is no
// *chunk.CorruptError, that is the fault of the own disk and not of the origin.
type putError struct{ error }

func (e *putError) Unwrap() error { return e.error }

func (e *Engine) fetchParts(l *lease, spec *content.Body) error {
	s, ok := e.open.get(l.Flow)
	if !ok || s.ver == nil {
		return errPaused
	}
	for _, p := range l.Parts {
		if uint64(p.Chunk) >= uint64(len(spec.Chunks)) {
			return fmt.Errorf("lease names chunk %d of %d", p.Chunk, len(spec.Chunks))
		}
	}
	f := &fetching{e: e, l: l, ver: s.ver, spec: spec, spans: make(map[uint32]int64, len(l.Parts))}
	for _, p := range l.Parts {
		f.spans[p.Chunk] = p.Span()
	}
	if l.patches {
		err := e.fetchPatches(l, f)
		if !failsAsPatch(err) {
			return err
		}
		e.post(unpatched{l.Flow, err})
	}
	return f.run(l.Lease, false, e.cfg.Origin.FetchParts)
}

// fetching is what a fetch of a lease's parts goes by. It belongs to that.
type fetching struct {
	e     *Engine
	l     *lease
	ver   chunk.Version
	spec  *content.Body
	spans map[uint32]int64 // of the lease's own range, by chunk
	done  int              // leading parts that came, or were held before
}

// fetchOrigin is how parts come from the origin, one of those of [Origin].
type fetchOrigin func(ctx context.Context, w wire.Lease, plainLen func(chunk uint32) uint32, each func(wire.Part, []byte) error) error

// run fetches and keeps what is left of a lease, as w says, which are patches or not.
func (f *fetching) run(w wire.Lease, patches bool, fetch fetchOrigin) error {
	e, l := f.e, f.l
	all := len(w.Parts)
	w = lacking(w, f.ver.Have())
	held := max(all-len(w.Parts), f.done) // those that came were said to have
	e.post(skipped{l, uint32(held - f.done), patches})
	f.done = held
	if len(w.Parts) == 0 {
		return nil
	}
	if err := e.gate.take(l.ctx, l, w.Parts[0].Span()); err != nil {
		return err
	}
	at, last := 0, time.Now().Round(0) // by the wall clock, which a sleeping machine's goes on
	return fetch(l.ctx, w, func(c uint32) uint32 { return f.spec.Chunks[c].Length }, func(p wire.Part, plain []byte) error {
		now := time.Now().Round(0)
		if now.Sub(last) > time.Duration(l.TTLMs)*time.Millisecond {
			return errLapsed
		}
		_ = e.yield(l.ctx, l.Flow, len(plain)) // as below
		if _, err := f.ver.Put(p.Chunk, plain, chunk.Origin, p.Span()); err != nil {
			return &putError{err}
		}
		l.fetched.Add(f.spans[p.Chunk])
		e.post(arrived{version: l.Flow, chunk: p.Chunk, lease: l, patched: patches})
		f.done++
		if at++; at < len(w.Parts) {
			// Who is stopped does not wait any more: what has come is kept.
			_ = e.gate.take(l.ctx, l, w.Parts[at].Span())
		}
		last = time.Now().Round(0) // what was waited for at the gate was no sleep
		return nil
	})
}

// lacking is a lease without the leading parts that are held: what the server knows
// is up to a second old, and a peer may have brought them since.
func lacking(w wire.Lease, have content.Bitmap) wire.Lease {
	for len(w.Parts) > 0 && have.Has(w.Parts[0].Chunk) {
		w.From += w.Parts[0].Span()
		w.Parts = w.Parts[1:]
	}
	if len(w.Parts) > 0 && w.Parts[0].Skip > 0 {
		w.From += int64(w.Parts[0].Skip)
		w.Parts = slices.Clone(w.Parts)
		w.Parts[0].Skip = 0
	}
	return w
}

// skipped tells how many leading parts of a lease were held before it began.
type skipped struct {
	l       *lease
	n       uint32
	patched bool
}

func (ev skipped) apply(*Engine, time.Time) { ev.l.got(ev.n, ev.patched) }

// got notes that n more of the leading parts are there, as patches or not.
func (l *lease) got(n uint32, patched bool) {
	if l.verified += n; patched {
		l.patched = l.verified
	}
}

type leaseEnded struct {
	l   *lease
	err error
}

func (ev leaseEnded) apply(e *Engine, now time.Time) {
	l := ev.l
	l.ended = true
	defer func() { // the next of its class, first
		e.startLeases(now)
		e.gate.leave(l)
	}()
	mine := l.failed == "" // and not given back before
	e.log.Debug("lease ended", "lease", l.Lease.Lease, "bytes", l.fetched.Load(), "took", now.Sub(l.started), "err", ev.err)
	f := e.flows[l.Flow]
	if f == nil {
		return // it ended and was evicted meanwhile
	}
	if ev.err != nil && l.failed == "" {
		l.failed, l.code = ev.err.Error(), originCode(ev.err)
		e.log.Warn("origin fetch ended early", "err", ev.err)
	}
	e.free(l)
	f.reportedAt = time.Time{} // the server hears at once, and grants the next
	damaged, disk := new(chunk.CorruptError), new(putError)
	switch {
	case errors.As(ev.err, &damaged):
		e.cfg.Refused.Add(wire.DoorOrigin, wire.CodeBadChunk)
		e.cfg.Uplink.Send(wire.KindReport, wire.Report{Flow: f.id, Code: wire.CodeBadChunk, Detail: wire.Clip(ev.err.Error())})
	case mine && errors.As(ev.err, &disk): // else the next lease would be fetched for nothing, too
		e.fail(now, f, storeCode(ev.err), ev.err)
	}
}

// keepLeases drops what a new session need not hear of, and has it told the rest.
func (e *Engine) keepLeases() {
	e.leases = slices.DeleteFunc(e.leases, func(l *lease) bool {
		if l.ended || l.failed != "" {
			l.stop()
			return true
		}
		l.announce = true
		return false
	})
}

// cancelLeases gives every lease back.
func (e *Engine) cancelLeases(why string) {
	for _, l := range e.leases {
		e.giveBack(l, why)
		e.flows[l.Flow].dirty = true
	}
}
