package site

import (
	"cmp"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/policy"
)

// What operators allow of the WAN may change by the hour of the week, at the site's own
// clock but by the server's time, and end with what the site took in a month. All of it is
// a function of the time and looked at each tick, so nothing has to be woken for it: a site
// whose flows wait for an hour ticks anyhow. While nothing may be fetched nobody has a
// lease, and what the site holds already goes round as ever. It holds for flows of every
// priority: what is behind it is a contract with who owns the line, or a bill.

// hourCap is the most that may be taken in this hour of the week, in bytes per second, or
// wire.Unlimited.
func (s *Site) hourCap(now time.Time) int64 {
	if s.desired.CapHours == nil {
		return wire.Unlimited
	}
	rate := s.desired.CapHours.At(now, s.desired.Zone)
	if rate == policy.None {
		return wire.Unlimited
	}
	return rate / 8
}

// ceiling is the most that operators allow now, in bytes per second, or wire.Unlimited.
func (s *Site) ceiling(now time.Time) int64 {
	return least(least(s.desired.Cap, s.hourCap(now)), s.share)
}

// shut says why nothing may be fetched now, and "" when something may.
func (s *Site) shut(now time.Time) string { return s.closed(now).Text(s.desired.Zone) }

// barred is shut, whatever window it is.
func (s *Site) barred(now time.Time) string {
	if r := s.closed(now); r.Code != reason.WindowClosed {
		return r.Text(s.desired.Zone)
	}
	return ""
}

// clock writes a time as it is at the site.
func (s *Site) clock(at time.Time) string {
	zone := s.desired.Zone
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone).Format("Mon 2 Jan 2006 15:04 MST")
}

// always is a week in which the window never closes.
var always = func() (week policy.Week[bool]) {
	for i := range week {
		week[i] = true
	}
	return week
}()

// opens is how much time windows leave from a full hour on until a flow shall be complete:
// looking through the hours of a year takes too long to do it at each event.
type opens struct {
	week     *policy.Week[bool]
	zone     *time.Location
	from, by time.Time
	left     time.Duration
}

// openUntil is the time that is left to fetch a flow until it shall be complete: that in
// windows, or all where they never close. It is negative when the time has passed.
func (s *Site) openUntil(now time.Time, f *flow) time.Duration {
	week, zone, left := f.hours, s.desired.Zone, f.ReadyBy.Sub(now)
	if week == nil || left <= 0 {
		return left
	}
	full := now.Truncate(time.Minute) // from it on is looked up once a minute
	if o := &f.opens; o.week != week || o.zone != zone || !o.from.Equal(full) || !o.by.Equal(f.ReadyBy) {
		*o = opens{week, zone, full, f.ReadyBy, week.Time(true, full, f.ReadyBy, zone)}
	}
	return f.opens.left - week.Time(true, full, now, zone)
}

// whenOpen is when so much time in a flow's windows will have passed; zero: not within a year.
func (s *Site) whenOpen(now time.Time, f *flow, span time.Duration) time.Time {
	if f.hours == nil {
		return now.Add(span)
	}
	at, _ := f.hours.After(true, now, span, s.desired.Zone)
	return at
}

// waits says why a flow waits that has yet to get something over the WAN, where that is why.
func (s *Site) waits(now time.Time, f *flow) string {
	if f.spare() {
		return ""
	}
	if why := cmp.Or(f.closed(), s.closedTo(now, f).Text(s.desired.Zone)); why != "" && s.missing(now, f) > 0 {
		return why
	}
	return ""
}

// heed ends the leases of what may not be fetched any more.
func (s *Site) heed(now time.Time) {
	all := s.shut(now) != ""
	for _, l := range s.leases {
		if f := s.flows[l.flow]; all || s.outside(now, f) {
			s.revoke(now, l, wire.Clip(s.closedTo(now, f).Text(s.desired.Zone)))
		}
	}
}

// Spent is what a site took over the WAN in a month.
type Spent struct {
	Month string // of the site's time, as 2026-11; empty: nothing was taken yet
	Bytes int64  // encoded
}

// month is that of the site's time.
func (s *Site) month(now time.Time) string {
	if zone := s.desired.Zone; zone != nil {
		return now.In(zone).Format("2006-01")
	}
	return now.UTC().Format("2006-01")
}

// spentBy is what was taken in this month.
func (s *Site) spentBy(now time.Time) int64 {
	if s.spent.Month < s.month(now) {
		return 0
	}
	return s.spent.Bytes
}

// spend counts bytes that came over the WAN.
func (s *Site) spend(now time.Time, bytes int64) {
	if bytes <= 0 {
		return
	}
	if month := s.month(now); s.spent.Month < month {
		s.spent = Spent{Month: month}
	}
	s.spent.Bytes += bytes
	s.unkept.spent = s.cfg.Memory != nil
}

// recallSpent adds what was spent before the server was started.
func (s *Site) recallSpent(kept Spent) {
	switch {
	case s.spent.Month == kept.Month:
		s.spent.Bytes += kept.Bytes
	case s.spent.Month < kept.Month:
		s.spent = kept
	}
}

// limits is what a member is told to keep to.
func (s *Site) limits(m *member) wire.Limits {
	if own, ok := s.desired.Own[m.ID]; ok {
		return own
	}
	return s.desired.Limits
}
