package site

import "time"

// lookEvery is how often an alarm looks at the clock on the wall, which may be set: rules
// end by that.
const lookEvery = time.Minute

// alarm rings at a time on the clock on the wall. It belongs to one goroutine.
type alarm struct {
	timer *time.Timer
	at    time.Time // zero: never
}

func newAlarm() *alarm {
	a := &alarm{timer: time.NewTimer(time.Hour)}
	a.timer.Stop()
	return a
}

// set has it ring at a time; zero: not at all.
func (a *alarm) set(at time.Time) {
	a.at = at
	a.wait(time.Now())
}

// rings reports whether the time has come, when the timer says so.
func (a *alarm) rings(now time.Time) bool {
	if a.at.IsZero() || !now.Before(a.at) {
		return !a.at.IsZero()
	}
	a.wait(now)
	return false
}

func (a *alarm) wait(now time.Time) {
	if a.at.IsZero() {
		a.timer.Stop()
		return
	}
	a.timer.Reset(min(max(a.at.Sub(now), 0), lookEvery))
}
