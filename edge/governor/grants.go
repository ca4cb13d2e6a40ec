package governor

import (
	"math"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// fellTo is the part of the rate granted last below which the next grant does not
// wait.
const fellTo = 0.8

// obey takes in a grant of the holder or the stand-by. Each orders its own. What the
// holder says comes first: while a grant of it stands, the stand-by is not heard.
func (g *Governor) obey(now time.Time, w wire.Grant) {
	office, fence := grantFence{w.Epoch, w.Term, 0}, grantFence{w.Epoch, w.Term, w.Seq}
	switch {
	case w.From == "", w.From == g.cfg.Self, w.From != g.govern.Holder && w.From != g.govern.StandBy:
		return // a stranger
	case office.after(g.office()) && !office.after(g.past):
		return // it was on its way when the server began to count anew
	case g.office().after(office), !fence.after(g.heard[w.From]):
		return
	case min(w.BytesPerSecond, w.Site, w.Floor) < 0:
		return // nobody may lift a bound
	}
	g.heard[w.From] = fence
	switch {
	case g.holds() && !office.after(g.office()):
		g.rival, g.rivalAt = w, now // it did not hear us for a while; it hears our next
		return
	case w.From != g.govern.Holder && g.ruled(now) && g.grant.From == g.govern.Holder:
		return
	}
	// Where we held it another does now, and the server will tell.
	g.deposed = g.govern.Holder == g.cfg.Self
	g.resign()
	g.grant, g.grantAt = w, now
	g.setRate(now)
}

// ruled reports whether a grant stands.
func (g *Governor) ruled(now time.Time) bool {
	return now.Sub(g.grantAt) < min(time.Duration(g.grant.ValidMs)*time.Millisecond, GrantValid)
}

// setRate makes this endpoint obey: its own share where it governs, else the grant,
// and without one its part of the floor.
func (g *Governor) setRate(now time.Time) {
	rate, site := g.allowed(now)
	var base time.Duration
	if g.probes != nil {
		base = g.probes.baseNow()
	}
	g.cfg.Origin.SetRate(rate, base, g.lossy())
	g.note(rate, site)
}

// lossy reports whether the line loses packets by itself, as far as is known here.
func (g *Governor) lossy() bool {
	if g.control != nil {
		return g.losses.Share() > 0
	}
	return g.ruled(time.Now()) && g.grant.Lossy
}

// allowed is the bytes per second for this endpoint and for the whole egress.
func (g *Governor) allowed(now time.Time) (mine, site int64) {
	if !g.appointed {
		return FirstRate, 0
	}
	k := int64(max(len(g.govern.Fetchers), 1))
	bound := int64(math.MaxInt64)
	if g.govern.Bound != wire.Unlimited {
		bound = g.govern.Bound
	}
	floor := g.grant.Floor
	if g.control != nil {
		floor = int64(g.control.Floor())
	}
	floor = min(max(floor, MinRate), bound)
	switch {
	case g.control != nil:
		mine, site = int64(g.parts[g.cfg.Self]*g.siteRate()), min(int64(g.siteRate()), bound)
		if now.Before(g.quietUntil) {
			mine = floor / k
		}
		if now.Sub(g.rivalAt) < 3*GrantEvery {
			mine = min(mine, g.rival.BytesPerSecond)
		}
	case g.ruled(now):
		mine, site = g.grant.BytesPerSecond, g.grant.Site
		if site > bound { // the holder does not know it yet
			mine, site = int64(float64(mine)*float64(bound)/float64(site)), bound
		}
	case g.holds(): // it begins with the first fetch
		mine = min(int64(g.limits().first()), bound) / k
	default:
		mine, site = floor/k, floor
	}
	if !g.mine() { // a lease may come before the appointment that says so
		mine = floor / k
	}
	return min(mine, bound), site
}

func (g *Governor) mine() bool { return slices.Contains(g.govern.Fetchers, g.cfg.Self) }

// role is what this endpoint is to the egress, in words.
func (g *Governor) role() string {
	switch {
	case !g.appointed:
		return "none"
	case g.control != nil, g.holds():
		return "holder"
	case g.govern.StandBy == g.cfg.Self:
		return "stand-by"
	case g.mine():
		return "fetcher"
	}
	return "none"
}

// note keeps what people see.
func (g *Governor) note(mine, site int64) {
	s := Status{Role: g.role(), Mine: mine, Rate: site, Taken: g.taken}
	if g.control != nil {
		mode, why := g.mode()
		s.State, s.Reason, s.Capacity = string(mode), why, int64(g.control.Capacity())
		s.Loss = g.losses.Share()
	}
	if s.Rate >= allThere {
		s.Rate = wire.Unlimited
	}
	if g.probes != nil {
		s.BaseMs, s.QueueMs, s.Reflector = ms(g.probes.baseNow()), ms(g.probes.queue), g.probes.name()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.status = s
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// pauseLasts is how long a fetcher that wants nothing keeps its share: between two
// leases it pauses for a round trip, and what was given to others meanwhile would still
// be on its way to them when it goes on.
const pauseLasts = 500 * time.Millisecond

// divide decides on each fetcher's share. It stands until all are told of the next
// one at once: a share that grew before another shrank would be too much.
func (g *Governor) divide(now time.Time) {
	wants := make([]bool, len(g.govern.Fetchers))
	for i, id := range g.govern.Fetchers {
		if f := g.fetchers[id]; f != nil {
			wants[i] = now.Sub(f.wanted) < pauseLasts
		}
		if id == g.cfg.Self {
			wants[i] = now.Sub(g.wanted) < pauseLasts
		}
	}
	g.parts = map[wire.EndpointID]float64{}
	for i, part := range Split(1, wants) {
		g.parts[g.govern.Fetchers[i]] = part
	}
	g.granted = g.siteRate()
}

// due reports whether it is time for grants: ten times a second, and at once when the
// rate fell, as others wait for the line then.
func (g *Governor) due(now time.Time) bool {
	since := now.Sub(g.grantedAt)
	return since >= GrantEvery-tick/2 || g.control != nil && since >= alertTick/2 && g.siteRate() < fellTo*g.granted
}

// grants tells the others their share where this endpoint governs, and whoever
// governs, or may have to, what is taken here where not.
func (g *Governor) grants(now time.Time) {
	leaders := []wire.EndpointID{g.govern.Holder, g.govern.StandBy}
	if g.control == nil {
		if !g.mine() || now.Sub(g.fetchedAt) > restAfter {
			return
		}
		f := wire.Frame{Kind: wire.FrameTaken, Total: uint64(g.taken)}
		if g.wants {
			f.Flags = wire.TakenWants
		}
		for _, to := range leaders {
			if to != "" && to != g.cfg.Self {
				g.cfg.Tell(to, f)
			}
		}
		return
	}
	g.divide(now)
	others := slices.Clone(g.govern.Fetchers)
	for _, id := range leaders {
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
			BytesPerSecond: int64(g.parts[to] * g.granted), Site: int64(g.siteRate()), Floor: int64(g.control.Floor()),
			ValidMs: uint32(GrantValid.Milliseconds()), Lossy: g.lossy()}})
	}
}
