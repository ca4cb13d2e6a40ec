package schedule

import (
	"cmp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Sizes of leases, encoded bytes.
const (
	// FirstLeaseBytes is small, so that the swarm starts early.
	FirstLeaseBytes = 1 << 20
	MinLeaseBytes   = 512 << 10
	MaxLeaseBytes   = 16 << 20
	// UnknownLeaseBytes is what a lease covers while the rate is not known.
	UnknownLeaseBytes = 4 << 20
	// leaseSeconds of the site's rate are what a lease covers between those.
	leaseSeconds = 4
)

// LeaseBytes is how much the next lease of a flow covers, given how many leases
// of it were granted before and the rate over the WAN in bytes per second (0 when
// unknown).
func LeaseBytes(granted int, rate float64) int64 {
	switch {
	case granted == 0:
		return FirstLeaseBytes
	case rate <= 0:
		return UnknownLeaseBytes
	}
	return int64(min(max(rate*leaseSeconds, MinLeaseBytes), MaxLeaseBytes))
}

// Candidate is a member that could fetch.
type Candidate struct {
	Member
	HeldOff bool // it gave a lease back a short while ago
	Doubted bool // it says it holds what nobody gets from it
	NoBody  bool // it can't begin before a peer gives it the body
	Slow    bool // it fetched much more slowly than another one did
	Whole   bool // it needs chunks whole that would come as patches to another
}

// burden tells candidates apart: who is doubted may not do as it says, a browser can't
// pace itself and leaves with its tab, who lacks the body has to wait for it, who is slow
// holds the site back, who takes no patches takes more of the line, a battery runs out,
// Wi-Fi is shared with everybody's links.
func (c Candidate) burden() int {
	b := 0
	for _, bad := range []bool{c.Doubted, c.Device == wire.DeviceBrowser, c.NoBody, c.Slow, c.Whole, c.Battery, c.Wireless, !c.Fetcher} {
		b *= 2
		if bad {
			b++
		}
	}
	return b
}

// Fetchers returns up to n members to fetch from the origin, best first: all others
// before browsers, mains before battery, wired before wireless; among equals those
// that fetch already, then the longest online.
func Fetchers(candidates []Candidate, n int) []wire.EndpointID {
	usable := slices.DeleteFunc(slices.Clone(candidates), func(c Candidate) bool { return c.HeldOff })
	slices.SortFunc(usable, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.burden(), b.burden()), cmp.Compare(a.Since, b.Since), cmp.Compare(a.ID, b.ID))
	})
	out := make([]wire.EndpointID, 0, n)
	for _, c := range usable[:min(n, len(usable))] {
		out = append(out, c.ID)
	}
	return out
}

// Waiting is a flow that needs something from the origin.
type Waiting struct {
	Priority wire.Priority
	Turn     uint64            // where its next lease begins, by [Turns]
	Due      time.Time         // when it shall be complete; zero: no matter when
	Fetchers []wire.EndpointID // who may fetch for it, best first
}

// Slot is where leases of one class of priority wait at one member. Each class
// has its own: at a fetcher a higher class overtakes a lower one between chunks.
type Slot struct {
	Member wire.EndpointID
	Class  int
}

// NextLease chooses the flow that gets the next lease, as an index, and who gets
// it, given how many more leases a slot takes. Higher classes come first, and
// flows of one class take turns by bytes (see [Turns]). Where all of a class shall be complete by a time
// the earliest comes first instead: nothing else lets all of them be in time at the
// least rate. It reports false when there is nothing to grant now.
func NextLease(flows []Waiting, room func(Slot) int) (flow int, to wire.EndpointID, ok bool) {
	order := make([]int, len(flows))
	dues := make([]Due, len(flows))
	for i, f := range flows {
		order[i] = i
		dues[i].Class = f.Priority.Class()
		if !f.Due.IsZero() {
			dues[i].Planned = 1
		}
	}
	hasty := Hasty(dues)
	slices.SortFunc(order, func(a, b int) int {
		due := 0
		if hasty[dues[a].Class] {
			due = flows[a].Due.Compare(flows[b].Due)
		}
		return cmp.Or(cmp.Compare(dues[a].Class, dues[b].Class), due,
			cmp.Compare(flows[a].Turn, flows[b].Turn), cmp.Compare(a, b))
	})
	for _, i := range order {
		for _, id := range flows[i].Fetchers {
			if room(Slot{id, flows[i].Priority.Class()}) > 0 {
				return i, id, true
			}
		}
	}
	return 0, "", false
}

// Shares splits a cap in bytes per second over n fetchers; the shares differ by
// at most one byte and sum to the cap. Unlimited stays unlimited.
func Shares(limit int64, n int) []int64 {
	shares := make([]int64, n)
	for i := range shares {
		if limit == wire.Unlimited {
			shares[i] = wire.Unlimited
			continue
		}
		shares[i] = limit / int64(n)
		if int64(i) < limit%int64(n) {
			shares[i]++
		}
	}
	return shares
}
