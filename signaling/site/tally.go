package site

import (
	"cmp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
)

// countEvery is how often a site hands over what its endpoints received.
const countEvery = time.Minute

// Ledger counts what endpoints received on each day.
type Ledger interface {
	// Count takes over what endpoints said last, to be counted soon. It must not block.
	Count(tallies []catalog.Tally)
}

// tallies say of whom there is something to hand over, and on which day it was said.
type tallies struct {
	day   string    // at the site
	until time.Time // when it ends
	said  []tallied
	since time.Time // when the first of them said something
}

// tallied is who received what.
type tallied struct {
	flow *flow
	id   wire.EndpointID
}

// said is what an endpoint said last that it received of a flow.
type said struct {
	catalog.Received
	at       time.Time
	complete bool
	waits    bool // to be handed over
}

// tally notes what a member said that it received of a flow.
func (s *Site) tally(now time.Time, m *member, f *flow, c *counters, p *wire.Progress, complete bool) {
	if s.cfg.Ledger == nil || p.Bytes.Total() == 0 && !complete {
		return
	}
	if !now.Before(s.tallies.until) {
		s.count(now, true)
		s.tallies.day, s.tallies.until = s.day(now)
	}
	if len(s.tallies.said) == 0 {
		s.tallies.since = now
	}
	if !c.said.waits {
		s.tallies.said = append(s.tallies.said, tallied{f, m.ID})
	}
	b := p.Bytes
	c.said = said{catalog.Received{Origin: b.Origin, Peer: b.Peer, Relay: b.Relay, Reused: b.Reused, WAN: p.WAN}, now, complete, true}
}

// day is that of the site's time, and when it is looked again which it is: at the end of a
// minute, since clocks of sites are set, and the zone of one may become another.
func (s *Site) day(now time.Time) (day string, until time.Time) {
	zone := time.UTC
	if s.desired.Zone != nil {
		zone = s.desired.Zone
	}
	return catalog.DayOf(now.In(zone)), now.Truncate(time.Minute).Add(time.Minute)
}

// count hands over what endpoints said, now and then, or at once.
func (s *Site) count(now time.Time, atOnce bool) {
	if len(s.tallies.said) == 0 || !atOnce && now.Sub(s.tallies.since) < countEvery {
		return
	}
	share := map[*flow]int64{}
	out := make([]catalog.Tally, 0, len(s.tallies.said))
	for _, key := range s.tallies.said {
		f, c := key.flow, key.flow.counted[key.id]
		if c == nil { // it is summed up with others that left
			continue
		}
		if _, known := share[f]; !known {
			share[f] = f.wirePPM()
		}
		out = append(out, catalog.Tally{Site: s.cfg.Name, Day: s.tallies.day, Content: f.Head.Name, Version: f.ID, Endpoint: string(key.id), At: c.said.at,
			Received: c.said.Received, Complete: c.said.complete, WirePPM: share[f]})
		c.said.waits = false
	}
	slices.SortFunc(out, func(a, b catalog.Tally) int { // who was first to have it all is told first
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Endpoint, b.Endpoint), slices.Compare(a.Version[:], b.Version[:]))
	})
	s.tallies.said = nil
	s.cfg.Ledger.Count(out)
}

// wirePPM is how many bytes a million bytes of a flow's content are on their way from the
// origin: as was measured, but no more than an honest fetch of all of it takes.
func (f *flow) wirePPM() int64 {
	const million = 1e6
	if f.Head.UniqueBytes == 0 {
		return million
	}
	whole := float64(f.encoded) / float64(f.Head.UniqueBytes)
	sum, wan := f.total()
	if sum.Origin > 0 {
		whole = min(whole, float64(wan)/float64(sum.Origin))
	}
	return int64(whole * million)
}
