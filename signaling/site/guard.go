package site

import (
	"context"
	"fmt"
	"math/bits"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// The guard against fetching too much: what a flow took over the WAN is compared
// with what its leases could honestly bring. Each reach group needs what nobody in
// it holds when its first lease is granted. More is explained by what left with
// those who held it, and by leases that ended unfinished. Whatever goes beyond, be it
// a fetcher that lies or a disk that forgets what it was given, halts the flow: a
// site's line may be metered.
const (
	// guardShare and guardSlack are how far beyond that a flow may go: retries within
	// a lease, and what a count is late.
	guardShare = 50 // one part in so many
	guardSlack = 4 << 20
	// guardFlight is for how long a fetcher goes on after its lease ended.
	guardFlight = 250 * time.Millisecond
	// guardBodies is how many unfinished fetches of the body are explained in a group;
	// it is one piece, and fetched from its beginning.
	guardBodies = 8
)

// guard is the account of one flow.
type guard struct {
	needed    int64  // encoded bytes that its groups needed at first
	explained int64  // and needed again, for a reason
	halted    string // why it was halted, with figures; empty while it goes on
}

// limit is how much the flow may have taken.
func (g *guard) limit() int64 { return g.needed + g.needed/guardShare + guardSlack + g.explained }

// first counts what a group needs when its first lease is granted.
func (s *Site) first(f *flow, n *need, g groupID) {
	if n.counted {
		return
	}
	n.counted = true
	f.guard.needed += n.supply.OpenBytes()
	if s.bodyNeeded(f, g) {
		f.guard.needed += f.Head.BodyBytes
	}
}

// again runs do, which takes something out of what a group holds or fetches, and
// explains that it is needed again.
func (f *flow) again(n *need, do func()) {
	open := n.supply.OpenBytes()
	do()
	if n.counted {
		f.guard.explained += max(n.supply.OpenBytes()-open, 0)
	}
}

// bodyGone explains that the body is needed again, where who held it does so no more
// and nobody else does.
func (s *Site) bodyGone(f *flow, h *holding, n *need, g groupID) {
	if h.body && n.counted && s.bodyNeeded(f, g) {
		f.guard.explained += f.Head.BodyBytes
	}
}

// unfinished explains what a lease took that ended before it brought it. Who left
// may have taken all of it; who is heard has said what it took, and lost a chunk
// and what was on its way.
func (s *Site) unfinished(now time.Time, l *lease, gone bool) {
	f, m := s.flows[l.flow], s.members[l.to]
	if f == nil || m == nil {
		return
	}
	left := l.bytes
	if h := m.holds[l.flow]; h != nil {
		for _, p := range l.parts {
			if h.have.Has(p.Chunk) {
				left -= int64(p.Length)
			}
		}
	}
	if l.body {
		n := f.need(m.group, now)
		if n.bodies++; n.bodies > guardBodies {
			return
		}
	}
	if !gone && now.Sub(m.heard) < settle {
		rate := max(m.meter.known(now), 0) // it is negative when a flow that was measured, too, ended
		left = min(left, l.step+int64(rate*guardFlight.Seconds()))
	}
	f.guard.explained += left
}

// lost explains what a member says that it holds no more, and nobody else does, or
// what a lease that runs brings anyhow: the chunks of eight from one on. It explains
// as much as the whole version and no more: a disk that forgets all the time would
// fetch for ever.
func (f *flow) lost(c *counters, n *need, from uint32, gone byte) {
	for ; gone != 0; gone &= gone - 1 {
		chunk := from + uint32(bits.TrailingZeros8(gone))
		if n.supply.Holders(chunk) == 0 || n.supply.Leased(chunk) {
			f.explain(c, int64(f.Places[chunk].Length))
		}
	}
}

func (f *flow) explain(c *counters, bytes int64) {
	bytes = min(bytes, max(f.encoded-c.lost, 0))
	c.lost += bytes
	f.guard.explained += bytes
}

// watch halts a flow that took more over the WAN than it should.
func (s *Site) watch(now time.Time, f *flow) {
	took := f.past.wan - f.past.base
	for _, c := range f.counted {
		took += c.wan - c.base
	}
	g := &f.guard
	if g.halted != "" || took <= g.limit() {
		return
	}
	g.halted = wire.Clip(fmt.Sprintf("its endpoints took %s over the WAN and need %s, and %s for what was lost; resume it after finding out why",
		megabytes(took), megabytes(g.needed), megabytes(g.explained)))
	s.log.Error("flow halted: it fetches more than it needs", "content", f.Head.Ref().String(), "wan_bytes", took,
		"needed_bytes", g.needed, "explained_bytes", g.explained)
	s.cfg.Accounts.halt()
	for _, l := range s.leases {
		if l.flow == f.ID {
			s.revoke(now, l, "the flow is halted")
		}
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// stopped reports whether nothing of the flow may be fetched.
func (f *flow) stopped() bool {
	return f.Paused || f.spare() || f.early() || f.guard.halted != ""
}

// early reports whether a flow is not to begin yet.
func (f *flow) early() bool { return !f.NotBefore.IsZero() }

// resume lets a flow that was halted go on, and counts anew.
func (f *flow) resume() {
	f.guard = guard{}
	f.past.base = f.past.wan
	for _, c := range f.counted {
		c.base, c.lost = c.wan, 0
	}
	for _, n := range f.needs {
		n.counted, n.bodies = false, 0
	}
}

// resume asks the loop to let halted flows go on.
type resume struct {
	ref   content.Ref
	reply chan int
}

func (e resume) apply(s *Site, _ time.Time) {
	n := 0
	for _, f := range s.flows {
		if f.guard.halted == "" || e.ref.Name != "" && e.ref.Name != f.Head.Name || e.ref.Version != "" && e.ref.Version != f.Head.Version {
			continue
		}
		f.resume()
		n++
		s.log.Info("halted flow goes on", "content", f.Head.Ref().String())
	}
	e.reply <- n
}

// Resume lets flows that were halted go on: those of a content, or of one version
// of it, or all. It returns how many.
func (s *Site) Resume(ctx context.Context, ref content.Ref) (int, error) {
	e := resume{ref, make(chan int, 1)}
	if !s.Send(e) {
		return 0, ErrStopped
	}
	select {
	case n := <-e.reply:
		return n, nil
	case <-s.done:
		return 0, ErrStopped
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
