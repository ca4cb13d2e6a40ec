package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/storage/chunk"
	"github.com/sitecast/sitecast/storage/content"
)

// Scrub is what decides when stored versions are read through, to find what decayed.
type Scrub struct {
	Policy scrub.Policy
	Memory scrub.Memory // as Save last got it
	// Save keeps the memory for the next start. It may block.
	Save func(scrub.Memory) error
}

const (
	// idleFor is how long nothing was fetched or served before a scrub begins.
	idleFor = time.Minute
	// sliceTime is how long one version is checked until what was reached is kept, and
	// others may have the version. So a restart repeats little, and writes little.
	sliceTime = time.Minute
	// settling is why it does not begin before.
	settling = "a moment ago content was fetched or served, or the agent started"
)

// scrubber is the state of the scrub. The loop owns it.
type scrubber struct {
	Scrub
	stop    context.CancelFunc // nil while nothing is checked
	id      content.VersionID  // what is being checked
	from    uint32             // the chunk that this slice began with
	due     time.Time          // when there is something to do again
	reason  string             // why not now, or what it does
	waiting string             // why the one who checks waits; empty while it goes on
	saving  bool               // the memory is being kept
	stale   bool               // and changed since
}

func newScrubber(s *Scrub) *scrubber {
	if s == nil {
		return nil
	}
	return &scrubber{Scrub: *s, reason: settling}
}

// runs reports whether a version is being checked: it is not to be evicted meanwhile.
func (k *scrubber) runs() bool { return k != nil && k.stop != nil }

// hashed notes that all of a version was hashed a moment ago, as it came.
func (e *Engine) hashed(f *flow) {
	if e.scrub == nil {
		return
	}
	if _, known := e.scrub.Memory.Marks[f.id]; !known {
		e.scrub.Memory.Note(f.id, scrub.Mark{At: e.cfg.Uplink.Now().UTC().Truncate(time.Second)})
		e.saveScrub()
	}
}

// occupied says what else goes on at this endpoint, or nothing.
func (e *Engine) occupied(now time.Time) string {
	for _, id := range e.order {
		if f := e.flows[id]; f.active() && !f.complete {
			e.busyAt = now
			return "content arrives"
		}
	}
	if now.Sub(e.busyAt) < idleFor {
		return settling
	}
	return ""
}

// scrubOn begins or stops a slice of the scrub, and returns when to look again.
func (e *Engine) scrubOn(now time.Time) time.Time {
	k := e.scrub
	if k == nil || k.Policy.Every == 0 {
		return time.Time{}
	}
	if why := e.occupied(now); why != "" {
		if k.stop != nil {
			k.stop()
		}
		k.reason = why
		return e.busyAt.Add(idleFor)
	}
	if k.stop != nil || now.Before(k.due) {
		return k.due
	}
	c := scrub.Choose(k.Policy, k.Memory, e.cfg.Uplink.Now(), e.scrubbable())
	k.reason, k.due = c.Reason, time.Time{}
	switch {
	case c.Check:
		e.beginScrub(e.flows[c.ID], c.From)
	case !c.Due.IsZero():
		k.due = now.Add(c.Due.Sub(e.cfg.Uplink.Now()))
	}
	return k.due
}

// scrubbable lists what the store holds.
func (e *Engine) scrubbable() (out []scrub.Version) {
	for id, f := range e.flows {
		if f.stored {
			out = append(out, scrub.Version{ID: id, Ref: f.head.Ref(), Chunks: f.head.Chunks, Complete: f.whole, Busy: f.opening || f.completing})
		}
	}
	slices.SortFunc(out, func(a, b scrub.Version) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return out
}

// beginScrub has a slice of a version checked. One that no flow has open is opened for
// it, and nobody else opens or removes it until it is closed again.
func (e *Engine) beginScrub(f *flow, from uint32) {
	k := e.scrub
	ctx, stop := context.WithCancel(e.ctx)
	k.stop, k.id, k.from = stop, f.id, from
	s := slice{f: f, from: from, opened: f.ver == nil, ver: f.ver, body: f.body}
	f.opening = s.opened
	e.wg.Go(func() {
		defer stop()
		e.post(s.check(ctx, e))
	})
}

// slice is a part of the check of one version, outside of the loop.
type slice struct {
	f      *flow // of which only what never changes is read
	ver    chunk.Version
	body   []byte
	opened bool
	from   uint32
}

// check reads on until the slice or the version ends, or ctx.
func (s slice) check(ctx context.Context, e *Engine) (done scrubbed) {
	done = scrubbed{f: s.f, opened: s.opened, next: s.from}
	spec, err := s.f.head.OpenBody(s.body)
	if err != nil {
		done.err = err
		return done
	}
	if s.opened {
		if s.ver, done.err = e.cfg.Store.Open(ctx, s.f.head, s.f.envelope, spec); done.err != nil {
			return done
		}
		defer func() {
			done.whole = s.ver.Done()
			done.err = errors.Join(done.err, s.ver.Close())
		}()
	}
	pace, begun := e.scrub.Policy.Rate, time.Now()
	for ; done.next < s.f.head.Chunks; done.next++ {
		length := spec.Chunks[done.next].Length
		if time.Since(begun) > sliceTime {
			return done
		}
		if done.err = s.wait(ctx, e, int(length), pace); done.err != nil {
			return done
		}
		var damaged *chunk.CorruptError
		switch err := s.ver.Check(done.next); {
		case errors.As(err, &damaged):
			done.damaged++
			e.post(lostChunk{s.f.id, done.next})
		case err != nil && !errors.Is(err, chunk.ErrNotHeld):
			done.err = err
			return done
		}
		done.bytes += int64(length)
	}
	done.ended = true
	return done
}

// wait lets others have the disk, and holds the rate.
func (s slice) wait(ctx context.Context, e *Engine, bytes int, rate int64) error {
	waited := false
	err := e.manners.Calm(ctx, func(why string) {
		waited = true
		e.postSoon(scrubWaits{why})
	})
	if waited && err == nil {
		e.postSoon(scrubWaits{})
	}
	if err == nil {
		err = e.manners.Take(ctx, bytes, false)
	}
	if err != nil || rate == 0 {
		return err
	}
	timer := time.NewTimer(time.Duration(float64(bytes) / float64(rate) * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// scrubWaits tells why a slice waits, or that it goes on.
type scrubWaits struct{ why string }

func (ev scrubWaits) apply(e *Engine, _ time.Time) { e.scrub.waiting = ev.why }

// scrubbed tells how far a slice came.
type scrubbed struct {
	f       *flow
	opened  bool // for the slice only
	whole   bool // when it was closed again
	next    uint32
	ended   bool // the version did
	bytes   int64
	damaged int
	err     error
}

func (ev scrubbed) apply(e *Engine, now time.Time) {
	k, id := e.scrub, ev.f.id
	k.stop, k.waiting = nil, ""
	if f := e.flows[id]; ev.opened && f != nil {
		f.opening = false
		if ev.damaged > 0 {
			f.whole = ev.whole
		}
		e.cache.changed()
	}
	k.Memory.Bytes += ev.bytes
	if ev.opened {
		k.Memory.Damaged += int64(ev.damaged) // those of open versions were told of one by one
	}
	if ev.damaged > 0 {
		e.log.Warn("the scrub found damage", "content", ev.f.head.Ref().String(), "chunks", ev.damaged)
	}
	mark := k.Memory.Marks[id]
	mark.Next = ev.next
	if ev.ended {
		mark = scrub.Mark{At: e.cfg.Uplink.Now().UTC().Truncate(time.Second)}
		e.log.Debug("scrubbed", "content", ev.f.head.Ref().String())
	}
	k.Memory.Note(id, mark)
	if ev.err != nil && !errors.Is(ev.err, context.Canceled) && !e.stale(ev.f) {
		e.log.Warn("scrub", "content", ev.f.head.Ref().String(), "err", ev.err)
		k.due = now.Add(retryFailed)
	}
	e.saveScrub()
}

// saveScrub keeps what is known of versions that are still there.
func (e *Engine) saveScrub() {
	k := e.scrub
	for id := range k.Memory.Marks {
		if f := e.flows[id]; f == nil || !f.stored {
			delete(k.Memory.Marks, id)
		}
	}
	if k.Save == nil {
		return
	}
	if k.saving { // what changed meanwhile is kept afterwards, all at once
		k.stale = true
		return
	}
	k.saving, k.stale = true, false
	kept := k.Memory.Clone()
	e.wg.Go(func() { e.post(scrubSaved{k.Save(kept)}) })
}

// scrubSaved tells that the memory was kept.
type scrubSaved struct{ err error }

func (ev scrubSaved) apply(e *Engine, _ time.Time) {
	e.scrub.saving = false
	if ev.err != nil {
		e.log.Warn("keeping how far the scrub came", "err", ev.err)
	}
	if e.scrub.stale {
		e.saveScrub()
	}
}

// damaged notes that a chunk which was held is not as it should be; healed that it is
// back.
func (e *Engine) damaged(f *flow, i uint32) {
	if e.scrub == nil {
		return
	}
	if f.lost == nil {
		f.lost = map[uint32]bool{}
	}
	f.lost[i] = true
	e.scrub.Memory.Damaged++
}

func (e *Engine) healed(f *flow, i uint32) {
	if !f.lost[i] {
		return
	}
	delete(f.lost, i)
	e.scrub.Memory.Healed++
	e.saveScrub()
}

// ScrubStatus is what the agent shows of the scrub.
type ScrubStatus struct {
	State   string `json:"state"` // off, waits, checks, rests
	Reason  string `json:"reason"`
	Content string `json:"content,omitempty"` // what is being checked
	Version string `json:"version,omitempty"`
	Chunk   uint32 `json:"chunk,omitempty"` // where this minute's part of it began
	Chunks  uint32 `json:"chunks,omitempty"`
	// Complete is since when each complete version was checked at least once, or came;
	// zero: one of them was not yet.
	Complete time.Time `json:"complete,omitzero"`
	Bytes    int64     `json:"bytes"`   // checked, ever
	Damaged  int64     `json:"damaged"` // chunks found damaged, also by reads for peers
	Healed   int64     `json:"healed"`  // of them, fetched again
}

// scrubStatus is nil where nothing is ever checked.
func (e *Engine) scrubStatus() *ScrubStatus {
	k := e.scrub
	if k == nil {
		return nil
	}
	s := &ScrubStatus{State: "waits", Reason: k.reason, Bytes: k.Memory.Bytes, Damaged: k.Memory.Damaged, Healed: k.Memory.Healed}
	switch f := e.flows[k.id]; {
	case k.Policy.Every == 0:
		s.State, s.Reason = "off", "switched off (--scrub-every 0)"
	case k.stop != nil && f != nil:
		s.Content, s.Version, s.Chunk, s.Chunks = f.head.Name, f.head.Version, k.from, f.head.Chunks
		if s.State = "checks"; k.waiting != "" {
			s.State, s.Reason = "waits", k.waiting
		}
	case !k.due.IsZero():
		s.State = "rests"
	}
	for _, v := range e.scrubbable() {
		at := k.Memory.Marks[v.ID].At
		switch {
		case !v.Complete:
		case at.IsZero():
			s.Complete = time.Time{}
			return s
		case s.Complete.IsZero() || at.Before(s.Complete):
			s.Complete = at
		}
	}
	return s
}
