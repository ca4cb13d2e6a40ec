package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// A flow's cap is held by what is leased of it: a fetcher has leases of a few seconds of it
// at most, so pages and agents of any version are held to it, and no other flow waits behind
// it. Where nothing runs that has no cap, the governor is bound by the sum as well, so that
// the bytes come evenly.

// capped is the most that the flow may take over the WAN, in bytes per second, or
// wire.Unlimited.
func (f *flow) capped() int64 {
	if !f.Capped {
		return wire.Unlimited
	}
	return f.Cap
}

// rationed reports whether nothing more may be leased of the flow now.
func (f *flow) rationed(now time.Time) bool { return f.Capped && !f.ration.Open(now, f.Cap) }

// tightens reports whether a flow is wanted with less of a cap than it has.
func (f *flow) tightens(next FlowSpec) bool {
	return next.Capped && (!f.Capped || next.Cap < f.Cap)
}

// tighten takes back what was leased of flows whose caps are less now: it was granted by
// what held before.
func (s *Site) tighten(now time.Time, flows []*flow) {
	for _, f := range flows {
		for _, l := range s.leases {
			if l.flow == f.ID {
				s.revoke(now, l, "its cap is another")
			}
		}
		f.ration = schedule.Ration{}
	}
}

// leaseBytes is how much the next lease of a flow covers.
func (s *Site) leaseBytes(now time.Time, f *flow) int64 {
	size := schedule.LeaseBytes(f.granted, s.expected(now, f))
	if f.Capped {
		size = min(size, schedule.RationBytes(f.Cap))
	}
	return size
}

// spends counts a lease on a flow's ration.
func (f *flow) spends(now time.Time, l *lease) {
	if f.Capped {
		f.ration.Take(now, l.bytes, f.Cap)
	}
}

// unspent takes back from a flow's ration what a lease did not bring.
func (f *flow) unspent(now time.Time, l *lease, h *holding) {
	if !f.Capped || h == nil {
		return
	}
	left := int64(0)
	for _, p := range l.parts {
		if !h.have.Has(p.Chunk) {
			left += p.Span()
		}
	}
	if left > 0 {
		f.ration.Take(now, -left, f.Cap)
	}
}

// sumOfCaps is what the flows that run may take together, or wire.Unlimited. One that may
// take nothing does not run.
func (s *Site) sumOfCaps(now time.Time) int64 {
	var caps []int64
	for _, f := range s.flows {
		if f.runs(now) && f.closed() == "" {
			caps = append(caps, f.capped())
		}
	}
	if sum, bounded := schedule.SumOfCaps(caps); bounded {
		return sum
	}
	return wire.Unlimited
}

// runs reports whether somebody had a lease of the flow a moment ago.
func (f *flow) runs(now time.Time) bool {
	for _, at := range f.ran {
		if now.Sub(at) < lingering {
			return true
		}
	}
	return false
}

// closed says why nothing of the flow may go over the WAN, where its cap is why.
func (f *flow) closed() string {
	if !f.Capped || f.Cap > 0 {
		return ""
	}
	return "nothing of it may go over the WAN: " + f.CappedBy
}

// slowed says that a cap is why a flow takes its time.
func (f *flow) slowed() string {
	if !f.Capped {
		return ""
	}
	return f.CappedBy
}
