package cache

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

// decision is one run through the rules.
type decision struct {
	Policy
	State
	plan   Plan
	spare  []Version // that may go, the first to go first
	kept   map[content.VersionID]string
	freed  int64
	quota  int64 // bytes; 0: none
	low    int64 // bytes that stay free
	target int64 // bytes that are free after an eviction
}

func newDecision(p Policy, s State) *decision {
	d := &decision{Policy: p, State: s, quota: p.Quota.of(s.Disk), low: max(p.Floor.of(s.Disk), p.Least)}
	d.target = d.low + d.low/100*floorSlack
	d.kept = d.goBack()
	for _, v := range s.Versions {
		d.plan.Used += v.Bytes
		if why := d.guard(v); why != "" {
			d.plan.Keep = append(d.plan.Keep, Kept{v, true, why})
		} else {
			d.spare = append(d.spare, v)
		}
	}
	slices.SortFunc(d.spare, d.before)
	slices.SortFunc(d.plan.Keep, func(a, b Kept) int { return byName(a.Version, b.Version) })
	return d
}

// guard says why a version must stay; empty when it need not.
func (d *decision) guard(v Version) string {
	switch c := v.Copies; {
	case v.Flow:
		return "a distribution wants it here"
	case v.Busy:
		return "it is being opened or closed"
	case v.Blocked:
		return ""
	case v.InUse:
		return "in use on this computer, or kept there to go back to"
	case v.Pinned && (v.PinnedUntil.IsZero() || !d.Clock || d.Now.Before(v.PinnedUntil)):
		if v.PinnedUntil.IsZero() {
			return "pinned"
		}
		return "pinned until " + v.PinnedUntil.UTC().Format(time.RFC3339)
	case c != nil && c.Live && c.Others < 1:
		return "the last copy at the site of what a distribution needs"
	case v.Purged != "": // that it is good to go back to does not count
		return ""
	case c.Short() && c.Elsewhere:
		return fmt.Sprintf("the site shall have %d copies, has %d besides this one, and others have room for more", c.Target, c.Others)
	}
	return d.kept[v.ID]
}

// goBack names the versions that are kept to go back to: of each content that is
// wanted, the newest complete ones besides what is wanted. Until something newer
// is complete the newest complete one is what applications use.
func (d *decision) goBack() map[content.VersionID]string {
	kept := map[content.VersionID]string{}
	wanted, whole := map[string]bool{}, map[string]bool{}
	for _, name := range d.Wanted {
		wanted[name] = true
	}
	var rest []Version
	for _, v := range d.Versions {
		if v.Flow {
			wanted[v.Ref.Name] = true
			whole[v.Ref.Name] = whole[v.Ref.Name] || v.Complete
		} else if v.Complete && v.Purged == "" {
			rest = append(rest, v)
		}
	}
	slices.SortFunc(rest, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(b.Serial, a.Serial), bytes.Compare(a.ID[:], b.ID[:]))
	})
	name, n := "", 0
	for _, v := range rest {
		if v.Ref.Name != name {
			name, n = v.Ref.Name, 0
		}
		n++
		switch {
		case n == 1 && wanted[name] && !whole[name]:
			kept[v.ID] = "in use until a newer version is complete"
		case n <= d.Keep && wanted[name]:
			kept[v.ID] = "kept to go back to"
		}
	}
	return kept
}

// before orders what may go: first what is not complete, then what the site has
// enough of, each by when it was needed last.
func (d *decision) before(a, b Version) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Used.Compare(b.Used), cmp.Compare(b.Bytes, a.Bytes), byName(a, b))
}

func rank(v Version) int {
	switch c := v.Copies; {
	case !v.Complete:
		return 0
	case c.Short(): // nobody else has room, either
		return 2
	}
	return 1
}

func byName(a, b Version) int {
	return cmp.Or(cmp.Compare(a.Ref.Name, b.Ref.Name), cmp.Compare(a.Serial, b.Serial), bytes.Compare(a.ID[:], b.ID[:]))
}

// expire evicts what goes whether or not there is room.
func (d *decision) expire() {
	rest := d.spare[:0]
	for _, v := range d.spare {
		switch rule, why := d.expired(v); rule {
		case "":
			rest = append(rest, v)
		default:
			d.evict(v, rule, why)
		}
	}
	d.spare = rest
}

func (d *decision) expired(v Version) (Rule, string) {
	switch {
	case v.Purged != "":
		return RulePurged, v.Purged
	case !d.Clock || v.Copies.Short(): // the site shall have it, however old
	case d.Age > 0 && d.Now.Sub(v.Came) > d.Age:
		return RuleAge, fmt.Sprintf("it came %s ago, and %s is the limit", span(d.Now.Sub(v.Came)), span(d.Age))
	case d.Idle > 0 && d.Now.Sub(v.Used) > d.Idle:
		return RuleIdle, fmt.Sprintf("nothing needed it for %s, and %s is the limit", span(d.Now.Sub(v.Used)), span(d.Idle))
	}
	return "", ""
}

// press evicts what must go to make room.
func (d *decision) press() {
	rule, why := d.pressure(d.quota, d.low)
	for rule != "" && len(d.spare) > 0 {
		d.evict(d.spare[0], rule, why)
		d.spare = d.spare[1:]
		d.Full = false
		// Once something has to go, so much goes that the next need finds room.
		rule, why = d.pressure(d.quota-d.quota/100*quotaSlack, d.target)
	}
	for _, v := range d.spare {
		d.plan.Keep = append(d.plan.Keep, Kept{v, false, "nothing presses: it may go when room is needed"})
	}
	d.shortage()
}

// pressure says why room must be made, if it must.
func (d *decision) pressure(quota, free int64) (Rule, string) {
	used, left := d.plan.Used-d.freed+d.Need, d.Free+d.freed-d.Need
	for _, c := range []struct {
		rule Rule
		over bool
		why  string
	}{
		{RuleQuota, quota > 0 && used > quota, fmt.Sprintf("the store takes %s of %s that it may", Size(d.plan.Used-d.freed), Size(d.quota))},
		{RuleFloor, left < free, fmt.Sprintf("%s are free on the disk, and %s shall be", Size(d.Free+d.freed), Size(d.low))},
		{RuleRoom, d.Full, "the disk is full"},
	} {
		switch {
		case !c.over:
		case d.Need > 0 && c.rule != RuleRoom:
			return RuleRoom, fmt.Sprintf("%s are needed for what is wanted, and %s", Size(d.Need), c.why)
		default:
			return c.rule, c.why
		}
	}
	return "", ""
}

// shortage notes what is missing after all that may go has gone.
func (d *decision) shortage() {
	used, left := d.plan.Used-d.freed+d.Need, d.Free+d.freed-d.Need
	if over := used - d.quota; d.quota > 0 && over > 0 {
		d.plan.Short = over
		d.plan.Why = fmt.Sprintf("the store may take %s (%s): raise --cache-quota, or lower --cache-keep", Size(d.quota), d.Quota)
	}
	if under := d.low - left; under > d.plan.Short {
		why := fmt.Sprintf("%s): make room, or lower --cache-floor", d.Floor)
		if d.Least > d.Floor.of(d.Disk) {
			why = "as operators set cache_floor): make room"
		}
		d.plan.Short = under
		d.plan.Why = fmt.Sprintf("%s are free on the disk, %s may be freed, and %s stay free (%s",
			Size(d.Free), Size(d.freed), Size(d.low), why)
	}
}

func (d *decision) evict(v Version, rule Rule, why string) {
	d.freed += v.Bytes
	d.plan.Evict = append(d.plan.Evict, Eviction{v, rule, why})
}
