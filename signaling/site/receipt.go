package site

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// WeekHours is how many hours a week has.
	WeekHours = 7 * 24
	// busyTime is how much time at work it takes until a busy profile follows what it
	// sees: about one hour of the week.
	busyTime = 30 * time.Minute
	// ranLately is how long ago a flow may have had its last lease to have a part in
	// an account, which is about the second before.
	ranLately = 1500 * time.Millisecond
	// fresh is how old the last account may be to say how it is now.
	fresh = 3 * time.Second
	// lowLasts is how long the lowest rate of a line that stood back counts: what was
	// begun at that rate is late, and nobody's fault.
	lowLasts = 30 * time.Second
	// keepEvery is how often what was learned is kept while it changes.
	keepEvery = 10 * time.Second
	// slack is how much longer than the time since the last one an account may be.
	slack = 2 * time.Second
	// maxLearned bounds the lines remembered.
	maxLearned = 16
)

// Memory keeps what a site learned while the server is down.
type Memory interface {
	// Recall reads what was kept of a site. It may do I/O.
	Recall(ctx context.Context, site string) (Learned, error)
	// Keep takes over what is new, to be kept soon. It must not block.
	Keep(site string, l Learned)
}

// Learned is what is worth keeping: whole receipts and whole lines, of those that
// changed.
type Learned struct {
	Receipts map[content.VersionID]wire.Receipt
	Lines    map[string]LineMemory // by egress
	Spent    Spent                 // with an empty month: as it was
}

// LineMemory is what was learned of a line to the WAN.
type LineMemory struct {
	Capacity int64            // bytes per second it carried
	Base     map[string]int64 // least round trip to a reflector, in microseconds
	// Busy is the share of time that others took the line, by hour of the week from
	// Monday midnight on, at the site.
	Busy [WeekHours]float64
	At   time.Time // when that was learned
}

// account is what the holder said of its line last.
type account struct {
	wire.Governed
	at    time.Time
	low   int64 // the lowest rate lately at which it stood back
	lowAt time.Time
}

// standsBack reports whether the line is left to others now.
func (a account) standsBack(now time.Time) bool {
	return a.Receipt.YieldMs > 0 && now.Sub(a.at) < fresh
}

// governed takes in the holder's account of the last second.
func (s *Site) governed(now time.Time, m *member, g *wire.Governed) {
	ln := s.lines[m.egress]
	switch {
	case g.Epoch < s.cfg.Epoch: // of before a restart
		return
	case ln == nil || ln.sent.Holder != m.ID || g.Epoch != s.cfg.Epoch || g.Term > ln.sent.Term:
		if !s.outdated(now, m, m.ID) {
			s.refuse(m, "account of one who does not hold the governor")
		}
		return
	}
	// It can't have been at work for longer than it had the time.
	since := ln.appointed
	if ln.last.at.After(since) {
		since = ln.last.at
	}
	r := &g.Receipt
	r.ActiveMs = min(r.ActiveMs, (now.Sub(since) + slack).Milliseconds())
	r.YieldMs = min(r.YieldMs, r.ActiveMs)
	if r.YieldMs > 0 && g.Rate >= 0 && (ln.last.lowAt.IsZero() || g.Rate <= ln.last.low || now.Sub(ln.last.lowAt) >= lowLasts) {
		ln.last.low, ln.last.lowAt = g.Rate, now
	}
	ln.last.Governed, ln.last.at = *g, now
	s.cfg.Accounts.add(*r)
	for id, f := range s.flows {
		if at, ran := f.ran[m.egress]; ran && now.Sub(at) < ranLately {
			sum := s.receipts[id]
			sum.Added = append([]uint32(nil), sum.Added...)
			sum.Add(*r)
			s.receipts[id] = sum
			s.unkept.flows[id] = true
		}
	}
	s.learn(now, m.egress, g)
}

// learn takes over what an account says of the line.
func (s *Site) learn(now time.Time, egress string, g *wire.Governed) {
	l := s.learned[egress]
	if g.Line.Capacity > 0 {
		l.Capacity = g.Line.Capacity
	}
	if len(g.Line.Base) > 0 {
		l.Base = maps.Clone(g.Line.Base)
	}
	if active := g.Receipt.ActiveMs; active > 0 {
		share := float64(g.Receipt.YieldMs) / float64(active)
		weight := min(float64(active)/float64(busyTime.Milliseconds()), 1)
		hour := &l.Busy[s.hour(now)]
		*hour += weight * (share - *hour)
	}
	l.At = now
	s.learned[egress] = l
	s.unkept.lines[egress] = true
	for len(s.learned) > maxLearned {
		oldest := egress
		for other, m := range s.learned {
			if m.At.Before(s.learned[oldest].At) {
				oldest = other
			}
		}
		delete(s.learned, oldest)
		delete(s.unkept.lines, oldest)
	}
}

// hour is the hour of the week at the site.
func (s *Site) hour(now time.Time) int {
	if s.desired.Zone != nil {
		now = now.In(s.desired.Zone)
	} else {
		now = now.UTC()
	}
	return (int(now.Weekday())+6)%7*24 + now.Hour()
}

// hints is what a new holder is told of its line.
func (s *Site) hints(now time.Time, egress string) wire.Line {
	l := s.learned[egress]
	return wire.Line{Capacity: cmp.Or(l.Capacity, s.desired.LineRate), Busy: l.Busy[s.hour(now)], Base: l.Base}
}

// unkept names what changed since it was kept.
type unkept struct {
	flows map[content.VersionID]bool
	lines map[string]bool
	spent bool
	since time.Time // when it was kept last
}

func (u *unkept) any() bool { return len(u.flows)+len(u.lines) > 0 || u.spent }

// keep hands what changed to the memory, now and then, or at once.
func (s *Site) keep(now time.Time, atOnce bool) {
	u := &s.unkept
	if s.cfg.Memory == nil || !u.any() || !atOnce && now.Sub(u.since) < keepEvery {
		return
	}
	l := Learned{Receipts: map[content.VersionID]wire.Receipt{}, Lines: map[string]LineMemory{}}
	for id := range u.flows { // what was taken in is never changed in place
		l.Receipts[id] = s.receipts[id]
	}
	for egress := range u.lines {
		l.Lines[egress] = s.learned[egress]
	}
	if u.spent {
		l.Spent = s.spent
	}
	u.spent = false
	clear(u.flows)
	clear(u.lines)
	u.since = now
	s.cfg.Memory.Keep(s.cfg.Name, l)
}

// ReceiptView is how little a flow disturbed others while it was fetched. Delays
// are those added to a bystander's packets, in milliseconds; nil where none were
// measured.
type ReceiptView struct {
	AddedDelayP50 *float64 `json:"added_delay_p50_ms,omitempty"`
	AddedDelayP95 *float64 `json:"added_delay_p95_ms,omitempty"`
	ActiveSeconds float64  `json:"active_seconds"`
	YieldSeconds  float64  `json:"yield_seconds"` // it stood back for other traffic
	YieldShare    float64  `json:"yield_share"`   // of the time it was fetched
}

func receiptView(r wire.Receipt) *ReceiptView {
	if r.ActiveMs == 0 {
		return nil
	}
	v := &ReceiptView{ActiveSeconds: float64(r.ActiveMs) / 1000, YieldSeconds: float64(r.YieldMs) / 1000,
		YieldShare: float64(r.YieldMs) / float64(r.ActiveMs)}
	if r.Quantile(1) > 0 {
		v.AddedDelayP50, v.AddedDelayP95 = millis(r.Quantile(0.5)), millis(r.Quantile(0.95))
	}
	return v
}

func millis(d time.Duration) *float64 {
	ms := d.Seconds() * 1000
	return &ms
}

// LineView is a line to the WAN as operators see it. Rates are bits per second, and
// wire.Unlimited for none.
type LineView struct {
	Site     string `json:"site"`
	Egress   string `json:"egress"` // public address; empty for private ones
	Holder   string `json:"holder"` // name of who holds its governor
	BoundBPS int64  `json:"bound_bps"`
	// What the holder said last; empty before that, and when it is long ago.
	State       string `json:"state,omitempty"`
	Reason      string `json:"reason,omitempty"`
	RateBPS     int64  `json:"rate_bps"`
	CapacityBPS int64  `json:"capacity_bps"` // learned; 0 when unknown
	// What was added to a bystander's packets in the last second, in milliseconds; absent: not
	// measured, or the line is left to others.
	AddedDelayP50 *float64 `json:"added_delay_p50_ms,omitempty"`
	AddedDelayP95 *float64 `json:"added_delay_p95_ms,omitempty"`
}

// lineViews lists the lines that are governed.
func (s *Site) lineViews(now time.Time) []LineView {
	out := []LineView{}
	for egress, ln := range s.lines {
		v := LineView{Site: s.cfg.Name, Egress: egress, BoundBPS: bitRate(ln.sent.Bound), CapacityBPS: bitRate(s.learned[egress].Capacity)}
		if m := s.members[ln.sent.Holder]; m != nil {
			v.Holder = m.Hello.Name
		}
		if now.Sub(ln.last.at) < fresh {
			v.State, v.Reason, v.RateBPS = ln.last.State, ln.last.Reason, bitRate(ln.last.Rate)
			if r := ln.last.Receipt; r.Quantile(1) > 0 {
				v.AddedDelayP50, v.AddedDelayP95 = millis(r.Quantile(0.5)), millis(r.Quantile(0.95))
			}
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b LineView) int { return cmp.Compare(a.Egress, b.Egress) })
	return out
}

// bitRate turns bytes per second to bits.
func bitRate(rate int64) int64 {
	if rate == wire.Unlimited {
		return wire.Unlimited
	}
	return 8 * min(rate, math.MaxInt64/8)
}

// standsBack is a line that is left to others, so that a flow hardly gets on; nil: there is
// none.
func (s *Site) standsBack(now time.Time, f *flow) *line {
	for _, egress := range slices.Sorted(maps.Keys(s.lines)) {
		ln := s.lines[egress]
		if at, ran := f.ran[egress]; ran && now.Sub(at) < lingering && ln.last.standsBack(now) {
			return ln
		}
	}
	return nil
}

// stoodBack says why a flow hardly gets on, where other traffic is why.
func (s *Site) stoodBack(now time.Time, f *flow) string {
	ln := s.standsBack(now, f)
	if ln == nil {
		return ""
	}
	return reason.Reason{Code: reason.Yielding, What: ln.last.Reason}.Text(nil)
}

// Recalled brings what was kept of the site.
type Recalled struct{ Learned Learned }

func (e Recalled) apply(s *Site, _ time.Time) {
	for id, r := range e.Learned.Receipts {
		r.Added = append([]uint32(nil), r.Added...)
		r.Add(s.receipts[id])
		s.receipts[id] = r
	}
	for egress, l := range e.Learned.Lines {
		if _, newer := s.learned[egress]; !newer {
			s.learned[egress] = l
		}
	}
	s.recallSpent(e.Learned.Spent)
}
