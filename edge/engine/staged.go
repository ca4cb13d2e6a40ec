package engine

import (
	"errors"
	"slices"
	"time"

	"github.com/sitecast/sitecast/edge/staging"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// A version that is there may be held until an operator says otherwise, or until an
// instant that its publisher signed. The loop checks the signature and keeps the statement
// beside the version; when the time has come it is for the user of this computer to act
// (package activation, the agent's commands), with the server's time as it is known here.

// Staging is what is known of versions that are not to be used.
type Staging struct {
	Memory staging.Memory // as Save last got it
	// Save keeps the memory for the next start. It may block.
	Save func(staging.Memory) error
}

// stager keeps what is staged. The loop owns it.
type stager struct {
	blocks  staging.Blocks
	barred  barred // the same, for who serves content
	saving  bool
	stale   bool // something is not kept
	retryAt time.Time
	owed    uint64                           // the generation that is obeyed once what is blocked is gone
	late    map[content.VersionID]*wire.Flow // refused since something newer is here that is blocked, maybe
}

// recall takes over what an earlier process kept. What nobody signed that is trusted now is
// held.
func (e *Engine) recall() {
	if e.cfg.Staging == nil {
		return
	}
	e.bar(e.cfg.Staging.Memory.Blocks)
	for _, entry := range e.cfg.Staging.Memory.Held {
		f := e.flows[entry.ID]
		if f == nil {
			continue
		}
		f.when = staging.When{Held: entry.Held, Serial: entry.Serial}
		if entry.Statement == nil {
			continue
		}
		if err := e.takeInstant(f, &wire.Activate{Statement: entry.Statement}, time.Time{}); err != nil {
			e.log.Warn("a version is held", "content", f.head.Ref().String(), "err", err)
			f.when, f.unsigned = f.when.Hold(), err.Error()
		}
	}
}

// stage takes in when a version is used.
func (e *Engine) stage(f *flow, w *wire.Flow) {
	had := f.when
	switch {
	case w.Activate == nil && w.Ahead: // it is not distributed to this endpoint
		f.when, f.unsigned = f.when.Hold(), ""
	case w.Activate == nil:
		f.when, f.unsigned = f.when.Free(), ""
	case w.Activate.Statement == nil:
		f.when, f.unsigned = f.when.Hold(), ""
	default:
		if err := e.takeInstant(f, w.Activate, e.cfg.Uplink.Now()); err != nil {
			e.refuseInstant(f, err)
		}
	}
	e.stager.stale = e.stager.stale || !sameWhen(had, f.when)
}

// takeInstant takes an instant that a publisher signed whose key is good at now; zero: no
// matter when.
func (e *Engine) takeInstant(f *flow, a *wire.Activate, now time.Time) error {
	if e.trust == nil {
		return errors.New("no trust document yet")
	}
	i, err := e.trust.OpenInstant(a.Statement, now)
	if err != nil {
		return err
	}
	when, err := f.when.Take(f.head, f.id, i, a.Statement)
	if err == nil {
		f.when, f.unsigned = when, ""
	}
	return err
}

// refuseInstant goes on with what was taken before; where that was no instant the version
// is held.
func (e *Engine) refuseInstant(f *flow, err error) {
	e.log.Error("refusing an instant of activation", "content", f.head.Ref().String(), "err", err)
	e.cfg.Refused.Add(wire.DoorSocket, wire.CodeBadInstant)
	e.cfg.Uplink.Send(wire.KindReport, wire.Report{Code: wire.CodeBadInstant, Detail: wire.Clip(f.head.Ref().String() + ": " + err.Error())})
	if f.when.At.IsZero() {
		f.when, f.unsigned = f.when.Hold(), err.Error()
	}
}

// restage asks of each instant whether its signature is good still, after keys changed.
func (e *Engine) restage() {
	for _, id := range e.order {
		f := e.flows[id]
		if f.when.Statement == nil {
			continue
		}
		if _, err := e.trust.OpenInstant(f.when.Statement, time.Time{}); err != nil {
			f.when, e.stager.stale = f.when.Hold(), true
			e.refuseInstant(f, err)
		}
	}
}

func sameWhen(a, b staging.When) bool {
	return a.Held == b.Held && a.At.Equal(b.At) && a.Serial == b.Serial
}

// serverNow is the server's time, zero while it is not known.
func (e *Engine) serverNow() time.Time {
	if e.cfg.Clock != nil {
		if at, known := e.cfg.Clock(); known {
			return at
		}
		return time.Time{}
	}
	if e.connected || e.delivering.clock {
		return e.cfg.Uplink.Now()
	}
	return time.Time{}
}

// staging says in words what a version that is there waits for; empty where it may be used.
func (e *Engine) staged(f *flow) string {
	switch {
	case !f.when.Waits(e.serverNow()):
		return ""
	case f.unsigned != "":
		return "held: " + f.unsigned
	case f.when.Held && f.beside:
		return "a copy ahead of need"
	case f.when.Held:
		return "held until it is activated"
	}
	return "it is used from " + f.when.At.Format(time.RFC3339) + " on"
}

// keepStaged has what is staged kept, where that is new.
func (e *Engine) keepStaged(now time.Time) time.Time {
	s, cfg := &e.stager, e.cfg.Staging
	switch {
	case cfg == nil || !s.stale || s.saving || !e.known:
		return time.Time{}
	case now.Before(s.retryAt):
		return s.retryAt
	}
	m := staging.Memory{Held: []staging.Entry{}, Blocks: s.blocks}
	keep := func(f *flow) {
		if w := f.when; w.Held || w.Serial > 0 {
			m.Held = append(m.Held, staging.Entry{ID: f.id, Held: w.Held, Statement: w.Statement, Serial: w.Serial})
		}
	}
	for _, id := range e.order {
		keep(e.flows[id])
	}
	for id, f := range e.flows {
		if f.stored && !slices.Contains(e.order, id) {
			keep(f)
		}
	}
	m.Blocks = slices.Clone(m.Blocks)
	s.saving, s.stale = true, false
	e.wg.Go(func() { e.post(stagedKept{cfg.Save(m)}) })
	return time.Time{}
}

type stagedKept struct{ err error }

func (ev stagedKept) apply(e *Engine, now time.Time) {
	e.stager.saving = false
	if ev.err != nil {
		e.log.Error("what is staged is not kept; it is tried again", "err", ev.err)
		e.stager.stale, e.stager.retryAt = true, now.Add(retryFailed)
	}
}

// Look has the loop look at everything again, as it is later than it seemed.
func (e *Engine) Look() { e.postSoon(looked{}) }

type looked struct{}

func (looked) apply(*Engine, time.Time) {}
