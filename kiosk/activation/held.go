package activation

import (
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Block keeps a version of the content from being used; an empty version is all of them.
type Block struct{ Version, Why string }

// blockedBy says why a version is blocked, and whether it is.
func (s State) blockedBy(ref content.Ref) (why string, blocked bool) {
	for _, b := range s.blocked {
		if b.Version == "" || b.Version == ref.Version {
			return b.Why, true
		}
	}
	return "", false
}

// block gives up what is blocked: there is no going back to it, and where it is active the
// newest version that passed takes its place, whatever goes on, or none does.
func (t *step) block() {
	is := func(v Version) bool { _, is := t.blockedBy(v.Ref); return is }
	if slices.ContainsFunc(t.Good, is) {
		t.Good, t.changed = slices.DeleteFunc(t.Good, is), true
	}
	switch {
	case t.Active != nil && is(*t.Active):
		gone := *t.Active
		why, _ := t.blockedBy(gone.Ref)
		t.Active, t.Next, t.BeforeOutput = t.back(gone.ID), &gone, ""
		t.From = t.Active
		t.do(Show{t.Active})
		t.end(Entry{Version: gone.Ref.Version, Outcome: Blocked, Reason: clip(why)})
	case t.Phase == AskingFirst && is(*t.Next):
		t.rest()
	}
}

// ripen notes of which versions the instant has come.
func (t *step) ripen() {
	at, known := t.clock.Site(t.now)
	if !known || !slices.ContainsFunc(t.versions, func(v Delivered) bool { return !v.At.IsZero() }) {
		return
	}
	t.versions = slices.Clone(t.versions) // the state before stays as it is
	for i := range t.versions {
		v := &t.versions[i]
		v.due = v.due || !v.At.IsZero() && !at.Before(v.At)
	}
}

// ripens returns how long it is until the next instant.
func (t *step) ripens() time.Duration {
	wait := maxWait
	at, known := t.clock.Site(t.now)
	for _, v := range t.versions {
		if known && !v.At.IsZero() && !v.due {
			wait = min(wait, max(v.At.Sub(at), time.Millisecond))
		}
	}
	return wait
}

// newestHeld is the newest version that is wanted, where it waits to be activated and is
// newer than the one in use.
func (s State) newestHeld() *Delivered {
	var best Delivered
	for _, v := range s.versions {
		if v.Complete && (v.Wanted || !s.known) && v.Serial > best.Serial {
			best = v
		}
	}
	if !best.waits() || s.Active != nil && best.Serial <= s.Active.Serial {
		return nil
	}
	return &best
}

// holds says for what a held version waits.
func (s State) holds(v Delivered) string {
	zone := s.clock.Zone
	if zone == nil {
		zone = time.Local
	}
	switch {
	case v.Held:
		return "held until it is activated"
	case s.clock.Server.IsZero():
		return fmt.Sprintf("waits for %s, and for the server, which knows what time it is", v.At.In(zone).Format(time.RFC3339))
	}
	return fmt.Sprintf("waits for %s, as its publisher signed", v.At.In(zone).Format(time.RFC3339))
}
