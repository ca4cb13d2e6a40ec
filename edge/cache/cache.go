// Package cache decides which versions an endpoint keeps on its disk. What a
// distribution wants is kept. What was superseded stays as long as it is in
// nobody's way, since most of the next version lies in it, and it is the way back
// when the newest turns out bad; it goes when it expires, when an operator purges
// it, or when room is needed.
//
// The package is pure: it is told what the store holds, what the disk has, what
// the settings are and what the server says of the site, and answers what to
// evict, in which order, and what to admit. Every answer has a reason in words,
// for the status page and the log: an endpoint is somebody's computer.
//
// What is blocked goes before all that. What holds always otherwise: what a flow needs, what a program of this computer uses, what is
// pinned, the versions kept to go back to, and the last copy at the site of what a distribution needs are never
// evicted. While the site has fewer copies than it shall have, none is given up
// unless room is needed for something and no other endpoint has any. The same state always gets the same answer.
package cache

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// Version is one version in the store, and what is known of it.
type Version struct {
	ID       content.VersionID
	Ref      content.Ref
	Serial   uint64
	Bytes    int64 // on the disk
	Complete bool
	Came     time.Time // when the store first had it
	Used     time.Time // when a flow last needed it
	Flow     bool      // a flow needs it now
	Busy     bool      // it is being opened, completed or closed
	InUse    bool      // by a program of this computer, or what that would go back to
	Pinned   bool      // an operator wants it kept
	// PinnedUntil is when the pin ends; zero: never.
	PinnedUntil time.Time
	// Purged says in words who wants it gone; empty: nobody.
	Purged string
	// Blocked says that it goes whoever uses it, or wants it kept; Purged says why.
	Blocked bool
	// Copies is what the server says of other copies at the site; nil: nothing.
	Copies *Copies
}

// Copies is what the server says of the other copies of a version at the site.
type Copies struct {
	Target int // how many the site shall have
	// Others counts those on other endpoints that are complete, usually on, and not
	// about to be given up.
	Others    int
	Elsewhere bool // another endpoint has room for one
	Live      bool // a distribution needs it, so the last one stays whatever needs the room
}

// Short reports whether the site has fewer other copies than it shall have in all.
func (c *Copies) Short() bool { return c != nil && c.Others < c.Target }

// State is what is decided on.
type State struct {
	Now      time.Time
	Clock    bool  // Now is the server's time: without, nothing expires
	Disk     int64 // bytes of the file system that the store is on
	Free     int64 // of them, available to this process
	Need     int64 // bytes that are about to be taken
	Full     bool  // the disk had no room, whatever Free says
	Versions []Version
	// Wanted names the contents that flows need, also where nothing of the version is
	// stored yet.
	Wanted []string
}

// Rule is why a version goes; it is stable, for programs.
type Rule string

// The rules, in the order in which they are looked at.
const (
	RulePurged Rule = "purged" // an operator wants it gone
	RuleAge    Rule = "age"    // it came too long ago
	RuleIdle   Rule = "idle"   // nothing needed it for too long
	RuleQuota  Rule = "quota"  // the store takes more than it may
	RuleFloor  Rule = "floor"  // the disk has too little free
	RuleRoom   Rule = "room"   // a version that is wanted needs the room
)

// Eviction is a version that shall go.
type Eviction struct {
	Version Version
	Rule    Rule
	Reason  string
}

// Kept is a version that stays.
type Kept struct {
	Version Version
	Safe    bool // nothing takes it away; else it may go when room is needed
	Reason  string
}

// Plan is what to do: evict these, in this order.
type Plan struct {
	Evict []Eviction
	Keep  []Kept
	Used  int64 // bytes that the store takes before the evictions
	// Short is how many bytes are missing after the evictions, and Why says so.
	Short int64
	Why   string
}

// Verdict is whether a version may come, and what must go first.
type Verdict struct {
	Admit  bool
	Large  bool // it is too large for this endpoint, whatever room there is
	Evict  []Eviction
	Reason string
}

// Decide returns what to evict now.
func Decide(p Policy, s State) Plan {
	d := newDecision(p, s)
	d.expire()
	d.press()
	return d.plan
}

// Blocked returns what goes even before it is known what is wanted: what is blocked.
func Blocked(p Policy, s State) (gone []Eviction) {
	d := newDecision(p, s)
	for _, v := range d.spare {
		if v.Blocked {
			gone = append(gone, Eviction{v, RulePurged, v.Purged})
		}
	}
	return gone
}

// Room returns how many bytes a version may take that would be admitted.
func Room(p Policy, s State) int64 {
	d := newDecision(p, s)
	room := d.Free - d.low - d.Need
	if d.quota > 0 {
		room = min(room, d.quota-d.plan.Used-d.Need)
	}
	for _, v := range d.spare {
		room += v.Bytes
	}
	if largest := p.Largest.of(s.Disk); largest > 0 {
		room = min(room, largest)
	}
	return max(room, 0)
}

// Free returns how many bytes a version may take for which nothing goes, and for
// which nothing has to go soon.
func Free(p Policy, s State) int64 {
	d := newDecision(p, s)
	free := d.Free - d.target - d.Need
	if d.quota > 0 {
		free = min(free, d.quota-d.quota/100*quotaSlack-d.plan.Used-d.Need)
	}
	if largest := p.Largest.of(s.Disk); largest > 0 {
		free = min(free, largest)
	}
	return max(free, 0)
}

// Fill returns how many bytes the versions take, and how many they may take in all before
// something has to go.
func Fill(p Policy, s State) (used, budget int64) {
	d := newDecision(p, s)
	budget = d.plan.Used + d.Free - d.low
	if d.quota > 0 {
		budget = min(budget, d.quota)
	}
	return d.plan.Used, max(budget, 0)
}

// Admit decides whether a version of `bytes` on the disk may come. What a refused
// one would need is not evicted.
func Admit(p Policy, s State, ref content.Ref, bytes int64) Verdict {
	if limit := p.Largest.of(s.Disk); limit > 0 && bytes > limit {
		return Verdict{Large: true, Reason: fmt.Sprintf("%s takes %s, and no version of more than %s is admitted here (%s): raise --cache-largest",
			ref, Size(bytes), Size(limit), p.Largest)}
	}
	s.Need += bytes
	plan := Decide(p, s)
	if plan.Short > 0 {
		return Verdict{Reason: fmt.Sprintf("%s takes %s, and %s are missing: %s", ref, Size(bytes), Size(plan.Short), plan.Why)}
	}
	return Verdict{Admit: true, Evict: plan.Evict, Reason: fmt.Sprintf("%s takes %s, and there is room", ref, Size(bytes))}
}
