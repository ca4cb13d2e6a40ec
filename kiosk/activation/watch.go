package activation

import (
	"fmt"
	"time"
)

// Watch says how the active version is looked after once it was kept: what was well on
// trial may fail an hour later, with its disk, its data or a service that it needs.
type Watch struct {
	Do       Remedy
	Every    time.Duration // from the answer of one probe to the next
	Failures int           // in a row, until it counts as unhealthy
}

// Remedy is what is done about a version that does its work no more.
type Remedy string

// The remedies, each more than the one before. A version that was kept is taken back only
// where the device's configuration says so.
const (
	WatchOff      Remedy = "off"      // nobody looks
	WatchTell     Remedy = "tell"     // it is said
	WatchRestart  Remedy = "restart"  // the display is started anew
	WatchRollback Remedy = "rollback" // and where that does not help, the version before comes back
)

// Limits of [Watch] and what it is by default.
const (
	MinWatchEvery        = time.Second
	MaxWatchEvery        = 24 * time.Hour
	MaxWatchFailures     = 1000
	DefaultWatch         = WatchRestart
	DefaultWatchEvery    = 30 * time.Second
	DefaultWatchFailures = 3
)

// on reports whether somebody looks.
func (w Watch) on() bool { return w.Do != "" && w.Do != WatchOff }

func (w Watch) check() error {
	switch w.Do {
	case "", WatchOff:
		return nil
	case WatchTell, WatchRestart, WatchRollback:
	default:
		return fmt.Errorf("--watch is %.40q, want off, tell, restart or rollback", w.Do)
	}
	switch {
	case w.Every < MinWatchEvery || w.Every > MaxWatchEvery:
		return fmt.Errorf("--watch-every is %v, want %v to %v", w.Every, MinWatchEvery, MaxWatchEvery)
	case w.Failures < 1 || w.Failures > MaxWatchFailures:
		return fmt.Errorf("--watch-failures is %d, want 1 to %d", w.Failures, MaxWatchFailures)
	}
	return nil
}

// health is what the watch knows of the active version. It begins anew with each version
// and each process: what is sick is found again.
type health struct {
	due     time.Time // of the next probe; zero: not settled yet
	fails   int       // in a row
	since   time.Time // when the first of them was
	trouble string    // what the last of them found
	next    int       // so many fails, and something is done
}

// sick reports whether the active version does its work no more.
func (s State) sick(p Policy) bool {
	return s.Active != nil && p.Watch.on() && s.health.fails >= p.Watch.Failures
}

// look has the active version probed when that is due, and returns how long it can wait.
func (t *step) look() time.Duration {
	if !t.Watch.on() || t.Active == nil || t.asking {
		return maxWait
	}
	if t.health.due.IsZero() {
		t.health.due = t.now.Add(t.Watch.Every)
	}
	if wait := t.health.due.Sub(t.now); wait > 0 {
		return min(wait, maxWait)
	}
	t.asking = true
	t.do(Probe{*t.Active})
	return maxWait
}

// watched takes an answer of the watch. What was said without being asked is found by the
// next probe, if it lasts.
func (t *step) watched(ev Probed) {
	if !t.Watch.on() || !t.asking || ev.Fatal {
		return
	}
	t.asking = false
	if ev.Err == "" {
		t.health = health{due: t.now.Add(t.Watch.Every)}
		return
	}
	h := &t.health
	if h.fails == 0 {
		h.since, h.next = t.at(), t.Watch.Failures
	}
	h.fails++
	h.due, h.trouble = t.now.Add(t.Watch.Every), clip(ev.Err)
	if h.fails < h.next || t.Phase != Idle { // an activation comes first
		return
	}
	again := h.next > t.Watch.Failures
	h.next = 2 * h.fails
	t.remedy(again)
}

// remedy does what the device wants done: the display is started anew, later each time;
// where that did not help once, the version before comes back. That happens once, until a
// version is kept again: were two sick for one reason, all that are there would be given up.
func (t *step) remedy(again bool) {
	back := t.back(t.Active.ID)
	switch {
	case t.Watch.Do == WatchTell:
	case t.Watch.Do == WatchRollback && again && back != nil && !t.TakenBack:
		t.Next, t.From, t.TakenBack = t.Active, back, true
		t.rollBack("it did its work no more after it was kept: " + t.health.trouble)
	default:
		t.do(Restart{})
	}
}

// sickness says what is wrong with the active version, before whatever else there is to
// say.
func (s State) sickness(reason string) string {
	text := fmt.Sprintf("%s does its work no more: %s", s.Active.Ref.Version, s.health.trouble)
	if reason != "" {
		text += "; " + reason
	}
	return text
}
