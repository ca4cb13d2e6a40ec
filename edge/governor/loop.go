package governor

import (
	"context"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// startTick is how often is looked and probed while a start doubles the rate.
	startTick = 20 * time.Millisecond
	// maxHeldShare of the time that readers may be held up by the store or by peers,
	// and still count as wanting more.
	maxHeldShare = 0.3
	// reportLag is what reports of other fetchers, and grants to them, come late.
	reportLag = 150 * time.Millisecond
	// viaServerLag is what they come later where they go by way of the server: seldom,
	// and over the line twice.
	viaServerLag = 300 * time.Millisecond
)

// act does what is due and returns how long it can wait.
func (g *Governor) act(ctx context.Context, now time.Time) time.Duration {
	if fetching, _ := g.cfg.Origin.Fetching(); fetching {
		g.activeAt = now
	}
	for _, f := range g.fetchers {
		if f.wants && now.Sub(f.at) < takenLasts {
			g.activeAt = now
		}
	}
	if !g.appointed || now.Sub(g.activeAt) > restAfter {
		g.rest(now)
		g.setRate(now)
		if g.sleeping = !g.appointed || len(g.govern.Fetchers) == 0; g.sleeping {
			return asleep
		}
		return tick
	}
	g.lead(ctx, now)
	g.setRate(now)
	if now.Sub(g.grantedAt) >= GrantEvery-tick/2 {
		g.grantedAt = now
		g.grants()
	}
	if now.Sub(g.told) >= accountEvery {
		g.account(now)
	}
	if g.control != nil {
		if mode, _ := g.control.Mode(); mode == Start {
			return startTick
		}
	}
	return tick
}

// rest ends probing: nobody fetches.
func (g *Governor) rest(now time.Time) {
	if g.probes == nil {
		return
	}
	g.account(now)
	g.probes.close()
	g.probes = nil
}

// lead governs, if that is for us to do.
func (g *Governor) lead(ctx context.Context, now time.Time) {
	silent := now.Sub(latest(g.grantAt, g.appointedAt)) > GrantValid
	switch {
	case g.govern.Holder == g.cfg.Self:
		if g.control == nil {
			g.control = NewController(g.limits())
		}
	case g.govern.StandBy == g.cfg.Self && (silent || g.control != nil):
		if g.control == nil {
			g.cfg.Log.Info("the holder of the governor is silent, taking over", "rate", g.grant.Site/2)
			g.control = NewController(g.limits())
			g.control.Resume(float64(g.grant.Site) / 2)
			g.seq = max(g.seq, g.obeyed.seq)
		}
	default:
		g.control = nil
		g.rest(now)
		return
	}
	if g.probes == nil {
		g.probes = newProbes(ctx, now, g.cfg, g.govern.Reflectors, g.base)
		g.stepped = time.Time{}
	}
	g.probes.send(now)
	g.step(now, false, 0)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// step lets the controller decide.
func (g *Governor) step(now time.Time, fresh bool, queue time.Duration) {
	if g.control == nil {
		return
	}
	since := now.Sub(g.stepped)
	taken, wants := g.gather(now, since)
	if since > maxGap {
		taken, since = 0, 0
	}
	g.stepped = now
	if wants {
		mode, _ := g.control.Mode()
		g.active += since
		if mode == Yield || mode == Probe {
			g.yielded += since
		}
		if fresh {
			g.receipt.Note(queue)
		}
	}
	before, _ := g.control.Mode()
	g.control.Step(Sample{Now: now, Fresh: fresh, Queue: queue, Base: g.probes.baseNow(), Taken: taken, Wants: wants})
	if mode, why := g.control.Mode(); mode != before {
		g.cfg.Log.Debug("governor", "from", string(before), "to", string(mode), "why", why,
			"rate", int64(g.control.Rate()), "capacity", int64(g.control.Capacity()), "queue", queue, "base", g.probes.baseNow())
	}
}

// gather is what arrived at all fetchers since the last call, and whether more
// would have been taken.
func (g *Governor) gather(now time.Time, since time.Duration) (taken int64, wants bool) {
	all := g.cfg.Origin.Taken()
	taken, g.taken = all-g.taken, all
	fetching, held := g.cfg.Origin.Fetching()
	wants = fetching && (held-g.held).Seconds() <= maxHeldShare*since.Seconds()
	g.held = held
	g.wants = wants
	for _, f := range g.fetchers {
		part := f.since
		if f.viaServer { // it comes in lumps, and came evenly
			part = uint64(float64(part) * min(since.Seconds()/(viaServerLag/2).Seconds(), 1))
		}
		taken += int64(part)
		f.since -= part
		wants = wants || f.wants && now.Sub(f.at) < takenLasts
	}
	return taken, wants
}

// measured takes in the queue that a probe found.
func (g *Governor) measured(now time.Time, queue time.Duration) {
	g.step(now, true, queue)
	g.setRate(now)
}

// setRate makes this endpoint obey: its own share where it governs, else the grant,
// and without one its part of the floor.
func (g *Governor) setRate(now time.Time) {
	rate, site := int64(FirstRate), int64(0)
	k := int64(max(len(g.govern.Fetchers), 1))
	role := "fetcher"
	switch {
	case !g.appointed:
		role = "none"
	case g.control != nil:
		role = "holder"
		site = int64(g.control.Rate())
		rate = site
		if k > 1 || !g.mine() {
			rate = g.shares()[g.cfg.Self]
		}
	case now.Sub(g.grantAt) < time.Duration(g.grant.ValidMs)*time.Millisecond:
		rate, site = g.grant.BytesPerSecond, g.grant.Site
	case g.govern.Holder == g.cfg.Self: // it begins with the first fetch
		rate = int64(NewController(g.limits()).Rate()) / k
	default:
		rate = max(g.grant.Floor, MinRate) / k
	}
	if g.govern.Bound != wire.Unlimited && g.appointed {
		rate = min(rate, g.govern.Bound)
	}
	var base time.Duration
	if g.probes != nil {
		base = g.probes.baseNow()
	}
	g.cfg.Origin.SetRate(rate, base)
	g.note(role, rate, site)
}

func (g *Governor) mine() bool { return slices.Contains(g.govern.Fetchers, g.cfg.Self) }

// note keeps what people see.
func (g *Governor) note(role string, mine, site int64) {
	s := Status{Role: role, Mine: mine, Rate: site, Taken: g.taken}
	if g.control != nil {
		mode, why := g.control.Mode()
		s.State, s.Reason, s.Capacity = string(mode), why, int64(g.control.Capacity())
	}
	if g.probes != nil {
		s.BaseMs, s.QueueMs, s.Reflector = ms(g.probes.baseNow()), ms(g.probes.queue), g.probes.name()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = s
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// shares divides the rate among the fetchers.
func (g *Governor) shares() map[wire.EndpointID]int64 {
	wants := make([]bool, len(g.govern.Fetchers))
	for i, id := range g.govern.Fetchers {
		if f := g.fetchers[id]; f != nil {
			wants[i] = f.wants
		}
		if id == g.cfg.Self {
			wants[i] = g.wants
		}
	}
	out := map[wire.EndpointID]int64{}
	for i, r := range Split(g.control.Rate(), wants) {
		out[g.govern.Fetchers[i]] = int64(r)
	}
	return out
}

// grants tells the others their share where this endpoint governs, and whoever
// governs what was taken here where not.
func (g *Governor) grants() {
	if g.control == nil {
		if g.mine() {
			fetching, held := g.cfg.Origin.Fetching()
			f := wire.Frame{Kind: wire.FrameTaken, Total: uint64(g.cfg.Origin.Taken())}
			if fetching && (held-g.held).Seconds() <= maxHeldShare*GrantEvery.Seconds() {
				f.Flags = wire.TakenWants
			}
			g.held = held
			for _, to := range []wire.EndpointID{g.govern.Holder, g.govern.StandBy} {
				if to != "" && to != g.cfg.Self {
					g.cfg.Tell(to, f)
				}
			}
		}
		return
	}
	shares := g.shares()
	others := slices.Clone(g.govern.Fetchers)
	for _, id := range []wire.EndpointID{g.govern.StandBy, g.govern.Holder} {
		if id != "" && !slices.Contains(others, id) {
			others = append(others, id)
		}
	}
	g.seq++
	for _, to := range others {
		if to == g.cfg.Self {
			continue
		}
		g.cfg.Tell(to, wire.Frame{Kind: wire.FrameGrant, Grant: &wire.Grant{Epoch: g.govern.Epoch, Term: g.govern.Term, Seq: g.seq,
			BytesPerSecond: shares[to], Site: int64(g.control.Rate()), Floor: int64(g.control.Floor()),
			ValidMs: uint32(GrantValid.Milliseconds())}})
	}
}

// account tells the server what was seen and done.
func (g *Governor) account(now time.Time) {
	g.told = now
	if g.control == nil || g.govern.Holder != g.cfg.Self || g.probes == nil {
		return
	}
	g.receipt.ActiveMs, g.receipt.YieldMs = g.active.Milliseconds(), g.yielded.Milliseconds()
	mode, why := g.control.Mode()
	line := wire.Line{Capacity: int64(g.control.Capacity()), Base: g.probes.bases()}
	if g.cfg.Report(wire.KindGoverned, wire.Governed{Epoch: g.govern.Epoch, Term: g.govern.Term, State: string(mode), Reason: why,
		Rate: int64(g.control.Rate()), Receipt: g.receipt, Line: line}) {
		g.receipt, g.active, g.yielded = wire.Receipt{}, 0, 0
	}
}
