package site

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// dealEvery is how often a budget is divided anew while the same sites fetch.
	dealEvery = 5 * time.Second
	// dealSlack is how far off in hundredths a part has to be for all to be dealt out anew.
	dealSlack = 10
	// drawLasts is how long a part is kept for a site that went silent.
	drawLasts = 30 * time.Second
)

// Budget divides what all sites of a server may take over the WAN together among those that
// fetch. Each site asks at each of its ticks, and whose part is less now gives up the rest of it
// as it asks; who shall have more gets it when others gave it up. So what all may take is never
// more than the budget, but while that is being lowered. Its zero value is ready for use by
// several goroutines; a nil one lets nobody share.
type Budget struct {
	// mu guards the rest.
	mu         sync.Mutex
	total      int64 // bytes per second
	generation uint64
	sites      map[string]*drawing
	stale      bool // other sites fetch, or the budget is another
	dealtAt    time.Time
}

// drawing is the part of one site.
type drawing struct {
	held, target int64 // what it may take, and what it shall
	used         float64
	since, seen  time.Time // of held, and when it asked last
}

// take takes in that a site fetches, how much it does, and what the budget is as of a
// generation. It returns the bytes per second that it may take.
func (b *Budget) take(now time.Time, site string, total int64, generation uint64, used float64) int64 {
	if b == nil {
		return total
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if generation >= b.generation {
		b.stale = b.stale || total != b.total
		b.total, b.generation = total, generation
	}
	d := b.sites[site]
	if d == nil {
		d = &drawing{since: now}
		if b.sites == nil {
			b.sites = map[string]*drawing{}
		}
		b.sites[site], b.stale = d, true
	}
	d.used, d.seen = used, now
	if b.stale || now.Sub(b.dealtAt) >= dealEvery {
		b.deal(now)
	}
	next := d.target
	if next > d.held {
		next = min(next, d.held+max(b.total-b.sum(), 0))
	}
	if next != d.held {
		d.held, d.since = next, now
	}
	return d.held
}

// leave gives up the part of a site that fetches no more.
func (b *Budget) leave(site string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sites[site] != nil {
		delete(b.sites, site)
		b.stale = true
	}
}

// sum is what all may take now. mu is held.
func (b *Budget) sum() (sum int64) {
	for _, d := range b.sites {
		sum += d.held
	}
	return sum
}

// deal decides what each shall have. mu is held.
func (b *Budget) deal(now time.Time) {
	b.dealtAt = now
	maps.DeleteFunc(b.sites, func(_ string, d *drawing) bool {
		b.stale = b.stale || now.Sub(d.seen) >= drawLasts
		return now.Sub(d.seen) >= drawLasts
	})
	names := slices.Sorted(maps.Keys(b.sites))
	draws := make([]schedule.Draw, len(names))
	for i, name := range names {
		d := b.sites[name]
		draws[i] = schedule.Draw{Held: d.held, Used: d.used, Settled: now.Sub(d.since) >= dealEvery}
	}
	shares, off := schedule.Divide(b.total, draws), b.stale
	for i, name := range names {
		d := b.sites[name]
		off = off || max(shares[i]-d.target, d.target-shares[i]) > d.target/100*dealSlack
	}
	for i, name := range names {
		if off {
			b.sites[name].target = shares[i]
		}
	}
	b.stale = false
}

// draws works out what the site may take of the budget of all.
func (s *Site) draws(now time.Time) {
	switch total := s.desired.Together; {
	case total > 0 && s.hungers(now):
		used := 0.0
		for _, f := range s.flows {
			wan, _, _ := f.rates(now)
			used += wan
		}
		s.share = s.cfg.Budget.take(now, s.cfg.Name, total, s.desired.Generation, used)
	case s.share != wire.Unlimited || total > 0:
		s.cfg.Budget.leave(s.cfg.Name)
		if s.share = wire.Unlimited; total > 0 {
			s.share = 0
		}
	}
}

// hungers reports whether the site fetches, or would.
func (s *Site) hungers(now time.Time) bool {
	if len(s.leases) > 0 {
		return true
	}
	if len(s.members) == 0 || s.shut(now) != "" {
		return false
	}
	return slices.ContainsFunc(s.dues(now), func(d schedule.Due) bool { return d.Bytes > 0 && !d.Shut })
}

// starved reports whether the site has no part of the budget of all, which it gets in a moment.
func (s *Site) starved() bool { return s.share == 0 }
