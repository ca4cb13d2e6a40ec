package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/storage/policy"
)

// A distribution may have a window of its own, in the hours of the site's week. What comes of
// it goes over the WAN while that and the site's windows are open both; other flows have the
// line meanwhile.

// schedule works out in which hours each flow may be fetched.
func (s *Site) schedule() {
	s.windowed = false
	for _, id := range s.order {
		f := s.flows[id]
		f.hours = s.within(f.Window)
		s.windowed = s.windowed || f.Window != nil
	}
}

// within are the hours in which both the site's windows and those of a distribution are
// open; nil: all.
func (s *Site) within(window *policy.Week[bool]) *policy.Week[bool] {
	hours := policy.Both(s.desired.Windows, window)
	if hours != nil && *hours == always {
		return nil
	}
	return hours
}

// outside reports whether the window of a flow's distribution is closed.
func (s *Site) outside(now time.Time, f *flow) bool {
	return f.Window != nil && !f.Window.At(now, s.desired.Zone)
}

// closedTo says why nothing of a flow may be fetched now, if that is so.
func (s *Site) closedTo(now time.Time, f *flow) reason.Reason {
	site := s.closed(now)
	switch outside := s.outside(now, f); {
	case f.closed() != "":
		return reason.Reason{Code: reason.FlowCapped, What: f.CappedBy}
	case site.Code == reason.WindowClosed, site.IsZero() && outside:
		code := site.Code
		if site.IsZero() {
			code = reason.FlowWindow
		}
		return reason.Reason{Code: code, Until: changes(f.hours, now, s.desired.Zone)}
	case site.IsZero() && s.starved():
		return reason.Reason{Code: reason.AwaitsPart}
	}
	return site
}

// dueBy is when a flow is due as flows compare: where one has a window of its own, by the time
// that windows leave each, so that who has little of it goes first while it has.
func (s *Site) dueBy(now time.Time, f *flow) time.Time {
	if !s.windowed || f.ReadyBy.IsZero() {
		return f.ReadyBy
	}
	return now.Add(s.openUntil(now, f))
}

// opening tells a forecast when a flow may be fetched; nil where all flows have the same
// hours, which are then counted alone.
func (s *Site) opening(now time.Time, f *flow) func(time.Duration) (bool, time.Duration) {
	if !s.windowed {
		return nil
	}
	return func(in time.Duration) (open bool, until time.Duration) {
		if f.hours == nil {
			return true, schedule.Never
		}
		at := now.Add(in)
		open, until = f.hours.At(at, s.desired.Zone), schedule.Never
		if next, ever := f.hours.Until(at, s.desired.Zone); ever {
			until = next.Sub(now)
		}
		return open, until
	}
}
