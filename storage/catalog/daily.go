package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// What is kept of days.
const (
	// DailyKept is how many days are kept.
	DailyKept = 800
	// MaxDailyContents bounds the contents of a site that are told apart on a day that is
	// over: those with the most bytes. The others are summed up as OtherContents.
	MaxDailyContents = 200
	// OtherContents stands for them; no content has such a name.
	OtherContents = "(other)"
	// CountedKept is how long it is remembered what was counted of who never enrolled,
	// as pages, since it said something last.
	CountedKept = 30 * 24 * time.Hour
)

// dayLayout is how a day is written.
const dayLayout = "2006-01-02"

// DayOf is the day of a time in its zone, as 2026-11-27.
func DayOf(t time.Time) string { return t.Format(dayLayout) }

// CheckDay reports what is wrong with a day.
func CheckDay(day string) error {
	if _, err := time.Parse(dayLayout, day); err != nil {
		return fmt.Errorf("%.20q is not a day such as 2026-11-27", day)
	}
	return nil
}

// Received is what an endpoint received of a version so far: content bytes by source, and
// what of it crossed the WAN from the origin, encoded.
type Received struct {
	Origin, Peer, Relay, Reused, WAN int64
}

// Total is all of the content.
func (r Received) Total() int64 { return r.Origin + r.Peer + r.Relay + r.Reused }

// million is the scale of [Tally.WirePPM].
const million = 1_000_000

// Tally is what an endpoint said last of a version at a site. Its counters are cumulative,
// so nothing is lost by leaving one out, and nothing counts twice by telling one again.
type Tally struct {
	Site     string
	Day      string // on which it said so, at the site
	Content  string
	Version  content.VersionID
	Endpoint string
	At       time.Time // in milliseconds
	Received
	Complete bool
	// WirePPM is how many bytes a million bytes of the content are on their way from the
	// origin, as was measured of the version at the site.
	WirePPM int64
}

// onWire is what content bytes are on their way from the origin.
func (t Tally) onWire(bytes int64) int64 {
	return int64(float64(bytes) * float64(t.WirePPM) / million)
}

// Counted is what was counted of an endpoint and a version so far.
type Counted struct {
	Received
	Complete bool
	At       time.Time
}

// Sums are what endpoints received. All of it can be added up over days, sites and contents.
type Sums struct {
	Endpoints                   int64 // that completed a version
	Origin, Peer, Relay, Reused int64 // content bytes by source
	// WAN is what crossed the line of the site: what came from the origin, encoded, and
	// what came through relays beyond the WAN, twice, since it left the site before.
	WAN int64
	// Alone is what would have crossed it, had every endpoint fetched from the origin
	// what it got from others.
	Alone int64
	// Needed is what the endpoints that completed a version would have fetched each for
	// itself, and Once what of it the first of them at its site would have.
	Needed, Once int64
}

// Add adds others.
func (s *Sums) Add(o Sums) {
	s.Endpoints += o.Endpoints
	s.Origin, s.Peer, s.Relay, s.Reused = s.Origin+o.Origin, s.Peer+o.Peer, s.Relay+o.Relay, s.Reused+o.Reused
	s.WAN, s.Alone, s.Needed, s.Once = s.WAN+o.WAN, s.Alone+o.Alone, s.Needed+o.Needed, s.Once+o.Once
}

// Saved is what did not cross the WAN because endpoints shared it. It is negative where
// relays took more than they spared.
func (s Sums) Saved() int64 { return s.Alone - s.WAN }

// SavedShare is that as a part of what would have crossed it.
func (s Sums) SavedShare() float64 {
	if s.Alone <= 0 {
		return 0
	}
	return float64(s.Saved()) / float64(s.Alone)
}

// MaxShare is the most that could be saved: (n-1)/n where n endpoints of a site need the
// same.
func (s Sums) MaxShare() float64 {
	if s.Needed <= 0 {
		return 0
	}
	return 1 - float64(s.Once)/float64(s.Needed)
}

// relayCrossings is how often a byte crosses a site's line that comes through a relay beyond
// the WAN: it leaves, and comes back.
const relayCrossings = 2

// Count says what a tally adds to its day, and what is counted from then on. A tally that is
// older than the last, or told again, adds nothing. An endpoint that had all of a version and
// now has some of it, and received less, begins anew: it was deleted there.
func (c Counted) Count(t Tally) (Sums, Counted) {
	if t.At.Before(c.At) || t.Total() == 0 && !t.Complete {
		return Sums{}, c // what opens its store says that it received nothing
	}
	if c.Complete && !t.Complete && t.Total() < c.Total() {
		c = Counted{}
	}
	next := Counted{Received: Received{max(t.Origin, c.Origin), max(t.Peer, c.Peer), max(t.Relay, c.Relay), max(t.Reused, c.Reused), max(t.WAN, c.WAN)},
		Complete: c.Complete || t.Complete, At: t.At}
	add := Sums{Origin: next.Origin - c.Origin, Peer: next.Peer - c.Peer, Relay: next.Relay - c.Relay, Reused: next.Reused - c.Reused}
	fetched := next.WAN - c.WAN
	add.WAN = fetched + relayCrossings*add.Relay
	add.Alone = fetched + t.onWire(add.Peer+add.Relay)
	if next.Complete && !c.Complete {
		add.Endpoints, add.Needed = 1, t.onWire(next.Origin+next.Peer+next.Relay)
	}
	return add, next
}

// Ways to put days together.
const (
	ByDay     = "day"
	BySite    = "site"
	ByContent = "content"
	ByAll     = "all"
)

// ReportQuery selects days and says how they are put together.
type ReportQuery struct {
	From, To string   // the first and the last day
	Sites    []string // nil: all
	Content  string   // empty: all
	By       string   // ByDay, BySite, ByContent or ByAll
	After    string   // keys behind this one
	Limit    int      // of keys; 0: MaxPage
	// PerSite tells the sites apart within each key, up to UpTo and whatever Limit says.
	PerSite bool
	UpTo    string
}

// ReportRow is what was received by what is named.
type ReportRow struct {
	Key  string // a day, site or content; ByAll
	Site string // with PerSite only
	Sums
}

// Daily is the part of the catalog that knows what was received on each day. Nothing of it is
// audited.
type Daily interface {
	// CountDaily adds to the days of tallies what was not counted before.
	CountDaily(ctx context.Context, tallies []Tally) error
	// TidyDaily forgets days before the oldest, sums up the smallest contents of sites on
	// days before one where there are more than some, and forgets what was counted of
	// versions that were removed, and of who never enrolled and was silent since a time.
	TidyDaily(ctx context.Context, oldest, before string, contents int, silent time.Time) error
	// Report lists by key, and then by site.
	Report(ctx context.Context, q ReportQuery) ([]ReportRow, error)
}
