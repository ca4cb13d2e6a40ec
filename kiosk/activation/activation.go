// Package activation decides which version of a content a kiosk uses. A version that is
// complete on the disk waits for its window, a hook of the device may say no to it, then
// it takes the place of the active one, and for a while it is on trial: a probe says
// whether it does its work. It is kept, or the version before comes back by itself.
//
// The package is pure. [Step] takes what was, what happened and the time, and answers
// what is now and what is to be done, in order. What has to outlive the process is the
// [Journal], one file that is replaced as a whole before anything is done that follows
// from it: so whenever the power goes, the active version is the old one or the new one,
// and both are complete on the disk.
//
// The newest version that is distributed to the endpoint is the one to use. What is there
// ahead of need is not, nor what is held until its instant has come, or somebody says so;
// what is blocked is given up at once, whatever it was. A version that was tried in vain is not tried again, until a
// newer one takes its place, or an operator takes it back and distributes it anew. One
// that was kept is watched on; what is done when it fails then, [Watch] says.
package activation

import (
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Version is one version of the content.
type Version struct {
	ID content.VersionID `json:"id"`
	content.Ref
	Serial uint64 `json:"serial"`
}

// Delivered is a version that the endpoint has, or is about to have.
type Delivered struct {
	Version
	Complete bool
	Wanted   bool // by a distribution, and now
	// Held says that it is not to be used until that is over; At that it is from then on,
	// by the server's time and outside of windows, too; zero: it is not that.
	Held bool
	At   time.Time

	due bool // At has come
	// Retry is the generation in which an operator last wished that it is tried again where
	// it failed; 0: never.
	Retry uint64
}

// waits reports whether the version is not to be used yet.
func (d Delivered) waits() bool { return d.Held || !d.At.IsZero() && !d.due }

// Policy is what the device's configuration says.
type Policy struct {
	Windows   Windows       // when versions may change, at the site's time; none: at any time
	Before    bool          // a hook is asked before a version becomes active
	After     bool          // a hook is told when one was kept or taken back
	ProbeTime time.Duration // how long a version is on trial
	Keep      int           // versions kept that passed, the active one among them
	Watch     Watch         // what becomes of one that was kept
}

// Limits of [Policy] and what they are by default.
const (
	MaxKeep          = 100
	MaxProbeTime     = time.Hour
	DefaultKeep      = 2
	DefaultProbeTime = 10 * time.Second
)

// Check reports the first setting that is out of bounds.
func (p Policy) Check() error {
	switch {
	case p.Keep < 1 || p.Keep > MaxKeep:
		return fmt.Errorf("--keep is %d, want 1 to %d", p.Keep, MaxKeep)
	case p.ProbeTime < 0 || p.ProbeTime > MaxProbeTime:
		return fmt.Errorf("--probe-time is %v, want 0 to %v", p.ProbeTime, MaxProbeTime)
	}
	return p.Watch.check()
}

const (
	// probeInterval is how long after an answer the probe is asked again.
	probeInterval = time.Second
	// maxStarts is how often a trial is begun anew after the process ended in it: who
	// takes the computer down with it does not do its work.
	maxStarts = 3
	// tryAlone is when a version that failed is tried again, where there is no other.
	tryAlone = 5 * time.Minute
	// askAgain is when a hook that said "not now" is asked again.
	askAgain = time.Minute
	// maxWait bounds how long nothing is looked at: the clock may be corrected.
	maxWait = 10 * time.Minute
)

// Clock is the server's time as it was at a moment of this process.
type Clock struct {
	Server, At time.Time      // Server is zero while it is not known
	Zone       *time.Location // of the site
}

// Site is the time at the site, if it is known.
func (c Clock) Site(now time.Time) (at time.Time, known bool) {
	if c.Server.IsZero() {
		return time.Time{}, false
	}
	zone := c.Zone
	if zone == nil {
		zone = time.Local
	}
	return c.Server.Add(now.Sub(c.At)).In(zone), true
}

// State is all that is decided on.
type State struct {
	Journal
	heard    bool // what there is was heard: before, what the journal says is believed
	known    bool // and the server said what is wanted
	versions []Delivered
	blocked  []Block
	clock    Clock

	asking bool   // a probe was not answered yet
	health health // of the active version, once it was kept

	// Of the trial that goes on.
	ends    time.Time
	due     time.Time // of the next probe
	last    bool      // it is the one that decides
	trouble string    // what the last one found

	retry   content.VersionID // not tried again before retryAt
	retryAt time.Time
	notYet  string // and why
}

// newest is the version that should be active: zero when there is none. Before the
// server was heard it is one that is newer than the active one and all that were tried, of
// which a failure is forgotten when another is wanted. Afterwards it may be an
// older one, where the operator went back to it.
func (s State) newest() (best Version) {
	for _, v := range s.versions {
		switch {
		case !v.Complete, v.waits(), v.Serial <= best.Serial, s.failed(v.ID) != "":
		case s.known && !v.Wanted:
		case !s.known && s.Active != nil && v.Serial <= max(s.Active.Serial, s.Tried):
		default:
			best = v.Version
		}
	}
	return best
}

// candidate is the version that shall take the place of the active one, if any.
func (s State) candidate() *Version {
	v := s.newest()
	switch {
	case v.Serial == 0, s.Active != nil && s.Active.ID == v.ID:
		return nil
	case s.Active != nil && v.Serial < s.Active.Serial && s.wanted(s.Active.ID):
		return nil // it is being mended
	}
	return &v
}

func (s State) find(id content.VersionID) (v Delivered) {
	if at := slices.IndexFunc(s.versions, func(v Delivered) bool { return v.ID == id }); at >= 0 {
		v = s.versions[at]
	}
	return v
}

func (s State) wanted(id content.VersionID) bool { return s.find(id).Wanted }

// held reports whether a version can be used, as far as it is known.
func (s State) held(id content.VersionID) bool { return !s.heard || s.find(id).Complete }

// failed says why a version is not tried again.
func (s State) failed(id content.VersionID) string {
	for _, f := range s.Failed {
		if f.ID == id {
			return f.Reason
		}
	}
	return ""
}

// back is the version to go back to from another one, if there is any.
func (s State) back(from content.VersionID) *Version {
	for _, v := range s.Good {
		if v.ID != from && s.held(v.ID) {
			return &v
		}
	}
	return nil
}

// Uses lists the versions that must stay on the disk.
func (s State) Uses() (ids []content.VersionID) {
	for _, v := range s.Good {
		ids = append(ids, v.ID)
	}
	for _, v := range []*Version{s.Active, s.Next} {
		if v != nil && !slices.Contains(ids, v.ID) {
			ids = append(ids, v.ID)
		}
	}
	return ids
}
