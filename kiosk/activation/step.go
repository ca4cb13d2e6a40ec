package activation

import (
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// An Event is something that happened.
type Event interface{ apply(t *step) }

// Started is the first event of a process, with the journal that an earlier one left.
type Started struct {
	Journal Journal
	Missing []content.VersionID // of the journal, that are not on the disk
}

// Stock tells what there is.
type Stock struct {
	Versions []Delivered // at most those of the content, in any order
	Known    bool        // the server said what is wanted
	Clock    Clock
	Blocked  []Block
}

// HookEnded tells that a hook came to its end.
type HookEnded struct {
	Hook   Hook
	ID     content.VersionID // as it was told
	Err    string            // why it did not end well
	Later  bool              // it wants to be asked again later
	Output string
}

// Probed answers a probe.
type Probed struct {
	ID    content.VersionID // as it was asked for
	Err   string            // what is wrong; empty: it does its work
	Fatal bool              // it can't become better; also said without being asked
}

// Ticked tells that it is later.
type Ticked struct{}

// An Action is something to do. Actions are done in order, and each is begun after the
// ones before it were.
type Action interface{ action() }

type (
	// Save makes the journal durable. Where it fails nothing has happened: the event is
	// to be tried again later, with the state as it was before.
	Save struct{}
	// Show uses a version from now on; nil: none.
	Show struct{ Version *Version }
	// RunHook has a hook run.
	RunHook struct {
		Hook     Hook
		Version  Version  // that it is about
		Previous *Version // that was active before; nil: none
		Outcome  Outcome  // for HookAfter
	}
	// Probe asks whether the active version does its work.
	Probe struct{ Version Version }
	// Restart has the display start its program anew.
	Restart struct{}
	// Wake wants a Ticked after so long, in place of any asked for before.
	Wake struct{ After time.Duration }
)

func (Save) action()    {}
func (Show) action()    {}
func (RunHook) action() {}
func (Probe) action()   {}
func (Restart) action() {}
func (Wake) action()    {}

// Hook names a hook of the device.
type Hook string

// The hooks.
const (
	HookBefore Hook = "before"
	HookAfter  Hook = "after"
)

// step is one call of Step.
type step struct {
	Policy
	State
	now     time.Time
	changed bool // the journal did
	acts    []Action
}

// Step decides. The state that it is given stays as it is.
func Step(p Policy, s State, ev Event, now time.Time) (State, []Action) {
	t := &step{Policy: p, State: s, now: now}
	t.Journal = t.Journal.clone()
	t.ripen()
	ev.apply(t)
	wake := t.proceed()
	if t.changed {
		t.acts = append([]Action{Save{}}, t.acts...)
	}
	return t.State, append(t.acts, Wake{wake})
}

func (t *step) do(a Action) { t.acts = append(t.acts, a) }

// apply takes up what an earlier process left: a hook that was running runs again, and
// who was on trial is tried once more.
func (ev Started) apply(t *step) {
	t.Journal = ev.Journal.clone()
	t.trim()
	missing := func(v Version) bool { return slices.Contains(ev.Missing, v.ID) }
	if slices.ContainsFunc(t.Good, missing) {
		t.Good, t.changed = slices.DeleteFunc(t.Good, missing), true
	}
	lost := t.Active != nil && missing(*t.Active)
	switch {
	case t.Phase == OnTrial && lost:
		t.rollBack("its files are gone")
		return
	case t.Phase == OnTrial:
		t.changed = true
		if t.Starts++; t.Starts > maxStarts {
			t.rollBack(fmt.Sprintf("this program or the computer ended %d times while it was tried", maxStarts))
			return
		}
		t.do(Show{t.Active})
		t.try()
		return
	case lost:
		gone := *t.Active
		t.Active, t.changed = t.back(gone.ID), true
		t.note(Entry{Version: gone.Ref.Version, Outcome: Lost, Reason: "its files are gone"})
	}
	t.do(Show{t.Active})
	switch t.Phase {
	case AskingFirst: // begun anew, if it still should
		t.rest()
	case TellingAfter:
		t.tellAfter()
	}
}

func (ev Stock) apply(t *step) {
	t.versions, t.known, t.clock = ev.Versions, ev.Known, ev.Clock
	t.heard, t.blocked = true, ev.Blocked
	t.ripen()
	t.block()
	if !t.known {
		return
	}
	n := len(t.Failed)
	t.Failed = slices.DeleteFunc(t.Failed, func(f Failure) bool { return !t.wanted(f.ID) || t.find(f.ID).Retry > f.Retry })
	t.changed = t.changed || len(t.Failed) < n
}

func (Ticked) apply(*step) {}

func (ev HookEnded) apply(t *step) {
	switch {
	case ev.Hook == HookBefore && t.Phase == AskingFirst && t.Next != nil && t.Next.ID == ev.ID:
		t.asked(ev)
	case ev.Hook == HookAfter && t.Phase == TellingAfter:
		if len(t.History) > 0 {
			h := &t.History[0]
			h.After = clip(ev.Output)
			if ev.Err != "" {
				h.Reason = join(h.Reason, "the hook after failed: "+ev.Err)
			}
		}
		t.rest()
	}
}

// rest ends an activation, and all that the journal has of it.
func (t *step) rest() {
	t.Phase, t.Next, t.From, t.Starts, t.BeforeOutput, t.changed = Idle, nil, nil, 0, "", true
}

// asked takes the answer of the hook before.
func (t *step) asked(ev HookEnded) {
	v := *t.Next
	switch {
	case ev.Later:
		t.later(v.ID, join("the hook before said: not now", ev.Output), askAgain)
		t.rest()
	case ev.Err != "":
		why := "the hook before failed: " + ev.Err
		t.Tried = max(t.Tried, v.Serial)
		t.fail(v.ID, why)
		t.From = t.Active
		t.note(Entry{Version: v.Ref.Version, Outcome: Refused, Reason: clip(why), Before: clip(ev.Output)})
		t.rest()
	default:
		t.switchTo(v, ev.Output)
	}
}

func (ev Probed) apply(t *step) {
	switch {
	case t.Active == nil || t.Active.ID != ev.ID:
		return
	case t.Phase != OnTrial:
		t.watched(ev)
		return
	case ev.Fatal:
		t.rollBack(ev.Err)
		return
	case !t.asking:
		return
	}
	t.asking, t.trouble, t.due = false, ev.Err, earlier(t.now.Add(probeInterval), t.ends)
	switch {
	case !t.last:
	case ev.Err != "":
		t.rollBack(ev.Err)
	default:
		t.commit()
	}
}

// proceed begins what is due and returns how long it can wait.
func (t *step) proceed() time.Duration {
	switch t.Phase {
	case OnTrial:
		switch wait := t.due.Sub(t.now); {
		case t.asking:
		case wait > 0:
			return wait
		default:
			t.asking, t.last = true, !t.now.Before(t.ends)
			t.do(Probe{*t.Active})
		}
	case Idle:
		wait := t.ripens()
		if v := t.candidate(); v != nil {
			opens := t.opens(*v)
			if opens == 0 {
				t.begin(*v)
				return t.proceed()
			}
			wait = min(wait, opens)
		}
		return min(wait, t.look())
	}
	return maxWait
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// opens returns how long a version has to wait. Where nothing is active, or the operator
// goes back to an older version, it does not wait for a window, nor does one whose publisher
// said when it is used.
func (t *step) opens(v Version) time.Duration {
	if wait := t.retryAt.Sub(t.now); wait > 0 && v.ID == t.retry {
		return wait
	}
	if len(t.Windows) == 0 || t.Active == nil || v.Serial < t.Active.Serial || !t.find(v.ID).At.IsZero() {
		return 0
	}
	at, known := t.clock.Site(t.now)
	if !known {
		return maxWait
	}
	return t.Windows.Opens(at)
}

// begin starts the activation of a version.
func (t *step) begin(v Version) {
	t.notYet = ""
	if !t.Before {
		t.switchTo(v, "")
		return
	}
	t.Phase, t.Next, t.changed = AskingFirst, &v, true
	t.do(RunHook{Hook: HookBefore, Version: v, Previous: t.Active})
}

// switchTo makes a version the active one, on trial.
func (t *step) switchTo(v Version, before string) {
	t.From, t.Active, t.Next, t.BeforeOutput = t.Active, &v, &v, clip(before)
	t.Phase, t.Starts, t.changed = OnTrial, 1, true
	t.Tried, t.Wish = max(t.Tried, v.Serial), t.find(v.ID).Retry
	t.do(Show{t.Active})
	t.try()
}

// try begins the trial of the active version.
func (t *step) try() {
	t.ends, t.due, t.asking, t.trouble, t.health = t.now.Add(t.ProbeTime), t.now, false, "", health{}
}

// commit keeps the version that was on trial.
func (t *step) commit() {
	v := *t.Active
	t.Good = slices.Insert(slices.DeleteFunc(t.Good, func(g Version) bool { return g.ID == v.ID }), 0, v)
	t.trim()
	t.TakenBack = false
	t.end(Entry{Version: v.Ref.Version, Outcome: Activated})
}

// trim forgets the versions beyond those that are kept. The active one is the first, or on
// trial.
func (t *step) trim() {
	if len(t.Good) > t.Keep {
		t.Good, t.changed = t.Good[:t.Keep], true
	}
}

// rollBack gives the active version up, and goes back to the newest one that passed.
func (t *step) rollBack(why string) {
	v := *t.Active
	t.fail(v.ID, why)
	t.Good = slices.DeleteFunc(t.Good, func(g Version) bool { return g.ID == v.ID })
	t.Active = t.back(v.ID)
	t.do(Show{t.Active})
	t.end(Entry{Version: v.Ref.Version, Outcome: RolledBack, Reason: clip(why)})
}

// end ends a trial.
func (t *step) end(e Entry) {
	e.Before = t.BeforeOutput
	t.note(e)
	t.Phase, t.Starts, t.asking, t.health, t.changed = TellingAfter, 0, false, health{}, true
	t.tellAfter()
}

// tellAfter has the hook after told of what was decided last.
func (t *step) tellAfter() {
	if !t.After || len(t.History) == 0 {
		t.rest()
		return
	}
	t.do(RunHook{Hook: HookAfter, Version: *t.Next, Previous: t.From, Outcome: t.History[0].Outcome})
}

// fail notes that a version is not tried again. Where there is nothing to go back to it is
// tried again soon: nothing is no better.
func (t *step) fail(id content.VersionID, why string) {
	if t.back(id) == nil {
		t.later(id, why, tryAlone)
		return
	}
	t.Failed = slices.DeleteFunc(t.Failed, func(f Failure) bool { return f.ID == id })
	t.Failed = append(t.Failed, Failure{id, clip(why), max(t.find(id).Retry, t.Wish)})
	t.Failed = t.Failed[max(len(t.Failed)-maxFailed, 0):]
}

// later has a version tried again after a while.
func (t *step) later(id content.VersionID, why string, after time.Duration) {
	t.retry, t.retryAt, t.notYet = id, t.now.Add(after), clip(why)
}

// at is the time for who reads it later: the server's, or the device's while that is not
// known.
func (t *step) at() time.Time {
	at, known := t.clock.Site(t.now)
	if !known {
		at = t.now
	}
	return at.UTC().Truncate(time.Second)
}

// note writes the history, newest first.
func (t *step) note(e Entry) {
	e.At = t.at()
	if t.From != nil {
		e.From = t.From.Ref.Version
	}
	if h := t.History; len(h) > 0 && h[0].Version == e.Version && h[0].Outcome == e.Outcome && h[0].Reason == e.Reason {
		e.Again = h[0].Again + 1
		t.History = h[1:]
	}
	t.History = slices.Insert(t.History, 0, e)
	t.History = t.History[:min(len(t.History), MaxHistory)]
}
