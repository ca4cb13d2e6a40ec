package activation

import (
	"fmt"
	"time"
)

// What a kiosk is doing, for people and programs.
const (
	StatePreparing  = "preparing"   // nothing is active yet
	StateActive     = "active"      // the newest version is
	StateStaged     = "staged"      // a newer one waits; the reason says for what
	StateActivating = "activating"  // a newer one is about to be, or on trial
	StateRolledBack = "rolled_back" // the newest one failed; the reason says how
	StateUnhealthy  = "unhealthy"   // the active one was kept, and fails its probe now
)

// Status is where things stand.
type Status struct {
	App      string    `json:"app"`
	State    string    `json:"state"`
	Since    time.Time `json:"since,omitzero"` // when it became unhealthy; absent where it is not
	Reason   string    `json:"reason,omitempty"`
	Active   *Version  `json:"active"`
	Previous *Version  `json:"previous"` // that it would go back to
	Staged   *Version  `json:"staged"`   // complete, and not active: it waits, is tried, or has failed
	History  []Entry   `json:"history"`  // newest first
}

// Status says where things stand.
func (s State) Status(p Policy) Status {
	out := Status{App: s.App, Active: s.Active, History: append([]Entry{}, s.History...)}
	if s.Active != nil {
		out.Previous = s.back(s.Active.ID)
	}
	next := s.candidate()
	switch {
	case s.Phase == AskingFirst:
		out.State, out.Staged = StateActivating, s.Next
		out.Reason = fmt.Sprintf("the hook before is asked about %s", s.Next.Ref.Version)
	case s.Phase == OnTrial:
		out.State = StateActivating
		out.Reason = join(fmt.Sprintf("%s is on trial", s.Active.Ref.Version), s.trouble)
	case next != nil:
		out.State, out.Staged, out.Reason = StateStaged, next, s.waits(p, *next)
	case s.newestHeld() != nil:
		out.State, out.Staged = StateStaged, &s.newestHeld().Version
		out.Reason = s.holds(*s.newestHeld())
	case s.newestFailed() != nil:
		v := s.newestFailed()
		out.State, out.Staged = StateRolledBack, v
		out.Reason = fmt.Sprintf("%s failed: %s", v.Ref.Version, s.failed(v.ID))
	case s.Active != nil:
		out.State = StateActive
	}
	if s.sick(p) && out.State != StateActivating {
		out.State, out.Since, out.Reason = StateUnhealthy, s.health.since, s.sickness(out.Reason)
	}
	if s.Active == nil && out.State != StateActivating && out.State != StateRolledBack {
		out.State = StatePreparing
	}
	return out
}

// waits says for what a version waits.
func (s State) waits(p Policy, v Version) string {
	switch {
	case s.notYet != "" && s.retry == v.ID:
		return s.notYet
	case len(p.Windows) > 0 && s.clock.Server.IsZero():
		return fmt.Sprintf("waits for %s, and for the server, which knows what time it is", p.Windows)
	case len(p.Windows) > 0:
		return fmt.Sprintf("waits for %s, the time at the site", p.Windows)
	}
	return ""
}

// newestFailed is the newest version that is wanted, where it has failed.
func (s State) newestFailed() *Version {
	var best Delivered
	for _, v := range s.versions {
		if v.Complete && (v.Wanted || !s.known) && v.Serial > best.Serial {
			best = v
		}
	}
	if best.Serial == 0 || s.failed(best.ID) == "" {
		return nil
	}
	return &best.Version
}
