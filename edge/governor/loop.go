package governor

import (
	"context"
	"math"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// alertTick is how often is looked and probed while much hangs on it.
	alertTick = 25 * time.Millisecond
	// maxHeldShare of the time that readers may be held up by the store or by peers,
	// and still count as wanting more.
	maxHeldShare = 0.3
	// ownQueueLasts is how long after standing back a queue may still be our own.
	ownQueueLasts = time.Second
	// reportLag is what reports of other fetchers, and grants to them, come late.
	reportLag = 150 * time.Millisecond
	// tunnelBlur is a queue that means nothing to pings in a tunnel.
	tunnelBlur = 12 * time.Millisecond
	// viaServerLag is what they come later where they go by way of the server: seldom,
	// and over the line twice.
	viaServerLag = 300 * time.Millisecond
)

// act does what is due and returns how long it can wait.
func (g *Governor) act(ctx context.Context, now time.Time) time.Duration {
	if g.control != nil && now.Sub(g.actedAt) > GrantValid {
		g.quietUntil = now.Add(2 * GrantEvery) // our grants lapsed
	}
	g.actedAt = now
	g.look(now)
	if !g.appointed || now.Sub(g.activeAt) > restAfter {
		if !g.holds() {
			g.resign()
		}
		g.rest(now)
		g.setRate(now)
		if g.sleeping = !g.appointed || len(g.govern.Fetchers) == 0; g.sleeping {
			return asleep
		}
		return tick
	}
	g.lead(ctx, now)
	g.say(now)
	if now.Sub(g.told) >= accountEvery {
		g.account(now)
	}
	if g.control != nil && g.control.Alert() {
		return alertTick
	}
	return tick
}

// look sees whether anybody fetches, and what is taken here. Readers are held up by
// one chunk at a time, so whether they want more shows only over a while.
func (g *Governor) look(now time.Time) {
	resting := now.Sub(g.activeAt) > restAfter
	g.taken = g.cfg.Origin.Taken()
	fetching, held := g.cfg.Origin.Fetching()
	since := now.Sub(g.lookedAt)
	if !fetching || since >= GrantEvery-tick/2 {
		g.wants = fetching && (held-g.held).Seconds() <= maxHeldShare*since.Seconds()
		g.held, g.lookedAt = held, now
	}
	if g.wants {
		g.wanted = now
	}
	if fetching {
		g.fetchedAt, g.activeAt = now, now
	}
	for _, f := range g.fetchers {
		if now.Sub(f.worked) < takenLasts {
			g.activeAt = now
		}
	}
	if resting && g.activeAt.Equal(now) {
		g.activeSince = now
	}
}

// rest ends probing: nobody fetches.
func (g *Governor) rest(now time.Time) {
	if g.probes == nil {
		return
	}
	g.account(now)
	for name, us := range g.probes.bases() {
		g.base[name] = time.Duration(us) * time.Microsecond
	}
	g.probes.close()
	g.probes = nil
}

// lead governs, if that is for us to do.
func (g *Governor) lead(ctx context.Context, now time.Time) {
	silent := now.Sub(latest(g.grantAt, g.appointedAt, g.activeSince)) > takeOverAfter
	switch {
	case g.holds():
		g.begin(now)
	case g.govern.StandBy == g.cfg.Self && (silent || g.control != nil):
		if g.control == nil {
			g.cfg.Log.Info("the holder of the governor is silent, taking over", "rate", g.grant.Site/2)
		}
		g.begin(now)
	default:
		g.resign()
		g.rest(now)
		return
	}
	if g.probes == nil {
		g.probes = newProbes(ctx, now, g.cfg, g.govern.Reflectors, g.base)
		g.stepped = time.Time{}
	}
	g.probes.send(now)
	g.step(now, false, finding{})
}

// begin governs. Where somebody else did until a moment ago it begins at half of that
// rate, as grants of the other may still stand.
func (g *Governor) begin(now time.Time) {
	if g.control != nil {
		return
	}
	l, known := g.limits(), g.grant.Site > 0 && g.grant.Site < allThere && now.Sub(g.grantAt) < lastRateLasts
	if known && g.grant.Floor > MinRate { // it tells what the other had learned
		l.Capacity = float64(g.grant.Floor) / floorShare
	}
	g.control = NewController(l)
	if known {
		g.control.Resume(float64(g.grant.Site) / 2)
	}
	g.divide(now)
	g.grantedAt = time.Time{} // the others hear of it at once
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// step lets the controller decide.
func (g *Governor) step(now time.Time, fresh bool, found finding) {
	if g.control == nil {
		return
	}
	since := now.Sub(g.stepped)
	taken, wants := g.gather(now)
	if since > maxGap {
		taken, since = 0, 0
	}
	g.stepped = now
	before, _ := g.mode()
	if wants {
		g.active += since
		if before == Yield || before == Probe {
			g.yielded += since
		}
		// What we put into the queue has left it a while after we stood back: what is
		// there then, others made.
		if fresh && (before != Yield || now.Sub(g.control.since) < ownQueueLasts) {
			g.receipt.Note(found.queue)
		}
	}
	if before == Free {
		return
	}
	g.control.Step(Sample{Now: now, Fresh: fresh, Queue: found.queue, Again: found.again, Base: g.probes.baseNow(),
		Loss: g.losses.Share(), Blur: g.blur(), Taken: taken, Wants: wants})
	if mode, why := g.mode(); mode != before {
		g.cfg.Log.Debug("governor", "from", string(before), "to", string(mode), "why", why,
			"rate", int64(g.siteRate()), "capacity", int64(g.control.Capacity()), "queue", found.queue, "base", g.probes.baseNow())
	}
}

// blur is by how much a ping may be longer than its way: in a tunnel it waits for the
// request before it, and for whoever opens and closes what goes through.
func (g *Governor) blur() time.Duration {
	if g.cfg.Tunnelled != nil && g.probes.current().tcp && g.cfg.Tunnelled() {
		return tunnelBlur
	}
	return 0
}

// gather is what arrived at all fetchers since the last call, and whether more
// would have been taken.
func (g *Governor) gather(now time.Time) (taken int64, wants bool) {
	g.look(now)
	taken, g.counted = g.taken-g.counted, g.taken
	wants = g.wants
	dealt := g.fraction
	for _, f := range g.fetchers {
		dealt += f.deal(now)
		wants = wants || f.wantsMore(now)
	}
	whole := math.Floor(dealt)
	g.fraction = dealt - whole
	return taken + int64(whole), wants
}

// measured takes in the queue that a probe found.
func (g *Governor) measured(now time.Time, f finding) {
	if g.control != nil && f.number > 0 {
		g.losses.Came(f.number, f.queue, g.control.Empty())
	}
	g.step(now, true, f)
	if g.control != nil {
		g.say(now)
	}
}

// say tells others and this endpoint's origin what is due.
func (g *Governor) say(now time.Time) {
	if g.due(now) {
		g.grantedAt = now
		g.grants(now)
	}
	g.setRate(now)
}

// account tells the server what was seen and done.
func (g *Governor) account(now time.Time) {
	g.told = now
	if g.control == nil || !g.holds() || g.probes == nil {
		return
	}
	g.receipt.ActiveMs, g.receipt.YieldMs = g.active.Milliseconds(), g.yielded.Milliseconds()
	mode, why := g.mode()
	line := wire.Line{Capacity: int64(g.control.Capacity()), Base: g.probes.bases()}
	if g.cfg.Report(wire.KindGoverned, wire.Governed{Epoch: g.govern.Epoch, Term: g.govern.Term, State: string(mode), Reason: why,
		Rate: g.saidRate(), Receipt: g.receipt, Line: line}) {
		g.receipt, g.active, g.yielded = wire.Receipt{}, 0, 0
	}
}
