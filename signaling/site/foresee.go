package site

import (
	"context"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/policy"
)

// Plan is a flow that a site does not have, for a forecast.
type Plan struct {
	Name     string // its content: what is on its way of that is superseded by it
	Priority wire.Priority
	Bytes    int64     // that have to come over the WAN
	From     time.Time // it begins then; zero: at once
	By       time.Time // it shall be complete then; zero: no matter when
	// Window are hours in which it may be fetched, beside the site's own; nil: all.
	Window *policy.Week[bool]
}

// Foreseen is what a site expects of a plan.
type Foreseen struct {
	Ready time.Time // zero: nobody can tell
	Rate  float64   // bytes per second that the line is expected to give; 0: not known
	Why   string    // it can't be in time, or not be told when it will be; empty: it is
}

type foresee struct {
	plan  Plan
	reply chan Foreseen
}

func (e foresee) apply(s *Site, now time.Time) { e.reply <- s.foresee(now, e.plan) }

// Foresee asks the loop when a flow would be complete that is not ordered, beside those that
// are. Nothing changes.
func (s *Site) Foresee(ctx context.Context, p Plan) (Foreseen, error) {
	select {
	case <-s.ready:
	case <-s.done:
		return Foreseen{}, ErrStopped
	case <-ctx.Done():
		return Foreseen{}, ctx.Err()
	}
	e := foresee{p, make(chan Foreseen, 1)}
	if !s.Send(e) {
		return Foreseen{}, ErrStopped
	}
	select {
	case out := <-e.reply:
		return out, nil
	case <-s.done:
		return Foreseen{}, ErrStopped
	case <-ctx.Done():
		return Foreseen{}, ctx.Err()
	}
}

func (s *Site) foresee(now time.Time, p Plan) (out Foreseen) {
	from, open := now, []schedule.Open{}
	if p.From.After(now) {
		from = p.From // what is on its way now is there by then, as far as anybody knows
	} else {
		for _, id := range s.order {
			if f := s.flows[id]; !f.stopped() && f.Head.Name != p.Name {
				open = append(open, schedule.Open{Due: s.due(now, f)})
			}
		}
	}
	hours := s.within(p.Window)
	due := schedule.Due{Class: p.Priority.Class(), Bytes: p.Bytes}
	if !p.By.IsZero() {
		due.Left = s.hoursUntil(hours, from, p.By)
		due.Planned = max(due.Left, 1)
	}
	open = append(open, schedule.Open{Due: due})
	last, line := len(open)-1, s.knownLine(now)
	rate, known := line.Gives()
	if known {
		out.Rate = rate
	}
	in := schedule.Forecast(open, line)[last]
	switch {
	case p.Bytes <= 0:
		out.Ready = from
	case s.barred(now) != "":
		out.Why = s.barred(now)
	case !known:
		out.Why = "it was not measured yet what its line gives"
	case in == schedule.Never:
		out.Why = "its line gives nothing"
	default:
		out.Ready, out.Why = s.whenOpen(from, &flow{hours: hours}, in).Truncate(time.Second), schedule.Cause(open, line, last, in)
	}
	return out
}

// hoursUntil is the time in some hours of the week from one instant to another; negative
// where that has passed.
func (s *Site) hoursUntil(week *policy.Week[bool], from, by time.Time) time.Duration {
	left := by.Sub(from)
	if week == nil || left <= 0 {
		return left
	}
	return week.Time(true, from, by, s.desired.Zone)
}
