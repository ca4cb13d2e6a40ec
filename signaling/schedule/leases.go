package schedule

import (
	"cmp"
	"slices"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Sizes of leases, encoded bytes.
const (
	// FirstLeaseBytes is small, so that the swarm starts early.
	FirstLeaseBytes = 1 << 20
	MinLeaseBytes   = 512 << 10
	MaxLeaseBytes   = 4 << 20
	// leaseSeconds of the site's rate are what a lease covers between those.
	leaseSeconds = 4
)

// Place is where a chunk lies at the origin.
type Place struct {
	Pack     content.Digest
	Offset   int64
	Length   uint32 // encoded
	Encoding uint8
}

// Supply is what choosing the next lease of a flow needs to know.
type Supply struct {
	Places []Place        // by chunk
	Held   content.Bitmap // by live endpoints of the site
	Leased content.Bitmap // by live leases
}

// Run is a range of one pack to lease.
type Run struct {
	Pack     content.Digest
	From, To int64
	Parts    []wire.Part
}

// NextRun returns the next range to fetch from the origin: the first chunk that
// no live endpoint holds and no lease covers, and those that follow it without a
// gap in its pack, up to limit bytes. It reports false when nothing is needed.
func (s Supply) NextRun(limit int64) (Run, bool) {
	needed := func(i uint32) bool { return !s.Held.Has(i) && !s.Leased.Has(i) }
	n := uint32(len(s.Places))
	for i := uint32(0); i < n; i++ {
		if i%8 == 0 && s.Held[i/8]|s.Leased[i/8] == 0xff {
			i += 7
			continue
		}
		if !needed(i) {
			continue
		}
		first := s.Places[i]
		run := Run{Pack: first.Pack, From: first.Offset, To: first.Offset}
		for ; i < n && needed(i) && len(run.Parts) < wire.MaxLeaseParts; i++ {
			p := s.Places[i]
			if p.Pack != run.Pack || p.Offset != run.To || len(run.Parts) > 0 && run.To-run.From+int64(p.Length) > limit {
				break
			}
			run.Parts = append(run.Parts, wire.Part{Chunk: i, Length: p.Length, Encoding: p.Encoding})
			run.To += int64(p.Length)
		}
		return run, true
	}
	return Run{}, false
}

// Any reports whether anything is needed from the origin.
func (s Supply) Any() bool {
	_, ok := s.NextRun(1)
	return ok
}

// LeaseBytes is how much the next lease of a flow covers, given how many leases
// of it were granted before and the site's rate over the WAN in bytes per second
// (0 when unknown).
func LeaseBytes(granted int, rate float64) int64 {
	if granted == 0 {
		return FirstLeaseBytes
	}
	if rate <= 0 {
		return MaxLeaseBytes
	}
	return min(max(int64(rate*leaseSeconds), MinLeaseBytes), MaxLeaseBytes)
}

// Candidate is a member that could fetch.
type Candidate struct {
	Member
	HeldOff bool // gave a lease back a short while ago
}

// Fetchers returns up to n members to fetch from the origin, best first: those
// that fetch already, then wired before wireless, mains before battery, agents
// before browsers, and the longest online.
func Fetchers(candidates []Candidate, n int) []wire.EndpointID {
	usable := slices.DeleteFunc(slices.Clone(candidates), func(c Candidate) bool { return c.HeldOff })
	rank := func(c Candidate) int {
		r := 0
		for _, bad := range []bool{c.Device == wire.DeviceBrowser, c.Battery, c.Wireless, !c.Fetcher} {
			r *= 2
			if bad {
				r++
			}
		}
		return r
	}
	slices.SortFunc(usable, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Since, b.Since), cmp.Compare(a.ID, b.ID))
	})
	out := make([]wire.EndpointID, 0, n)
	for _, c := range usable[:min(n, len(usable))] {
		out = append(out, c.ID)
	}
	return out
}

// Turn is a flow waiting for a lease.
type Turn struct {
	Priority wire.Priority
	Granted  int64 // bytes leased so far
}

// NextTurn returns the index of the flow that gets the next lease: the highest
// priority first, and within one the flow that was granted least. It returns -1
// for no flows.
func NextTurn(turns []Turn) int {
	class := map[wire.Priority]int{wire.High: 0, wire.Normal: 1, wire.Low: 2}
	best := -1
	for i, t := range turns {
		if best < 0 || cmp.Or(cmp.Compare(class[t.Priority], class[turns[best].Priority]),
			cmp.Compare(t.Granted, turns[best].Granted)) < 0 {
			best = i
		}
	}
	return best
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
