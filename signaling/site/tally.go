package site

import (
	"cmp"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// countEvery is how often a site hands over what its endpoints received.
const countEvery = time.Minute

// Ledger counts what endpoints received on each day.
type Ledger interface {
	// Count takes over what endpoints said last, to be counted soon. It must not block.
	Count(tallies []catalog.Tally)
}

// tallies are what endpoints said since it was handed over, each the last word.
type tallies struct {
	day   string // on which they said it, at the site
	said  map[tallied]catalog.Tally
	since time.Time // when the first of them was said
}

// tallied is who received what.
type tallied struct {
	flow content.VersionID
	id   wire.EndpointID
}

// tally notes what a member said that it received of a flow.
func (s *Site) tally(now time.Time, m *member, f *flow, p *wire.Progress, complete bool) {
	if s.cfg.Ledger == nil || p.Bytes.Total() == 0 && !complete {
		return
	}
	if day := s.day(now); day != s.tallies.day {
		s.count(now, true)
		s.tallies.day = day
	}
	if len(s.tallies.said) == 0 {
		s.tallies.since = now
		if s.tallies.said == nil {
			s.tallies.said = map[tallied]catalog.Tally{}
		}
	}
	b := p.Bytes
	s.tallies.said[tallied{f.ID, m.ID}] = catalog.Tally{Site: s.cfg.Name, Day: s.tallies.day, Content: f.Head.Name, Version: f.ID, Endpoint: string(m.ID), At: now,
		Received: catalog.Received{Origin: b.Origin, Peer: b.Peer, Relay: b.Relay, Reused: b.Reused, WAN: p.WAN}, Complete: complete}
}

// day is that of the site's time.
func (s *Site) day(now time.Time) string {
	if zone := s.desired.Zone; zone != nil {
		return catalog.DayOf(now.In(zone))
	}
	return catalog.DayOf(now.UTC())
}

// count hands over what endpoints said, now and then, or at once.
func (s *Site) count(now time.Time, atOnce bool) {
	said := s.tallies.said
	if len(said) == 0 || !atOnce && now.Sub(s.tallies.since) < countEvery {
		return
	}
	share := map[content.VersionID]int64{}
	out := make([]catalog.Tally, 0, len(said))
	for key, t := range said {
		if _, known := share[key.flow]; !known {
			share[key.flow] = s.flows[key.flow].wirePPM()
		}
		t.WirePPM = share[key.flow]
		out = append(out, t)
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
	if f == nil || f.Head.UniqueBytes == 0 {
		return million
	}
	whole := float64(f.encoded) / float64(f.Head.UniqueBytes)
	sum, wan := f.total()
	if sum.Origin > 0 {
		whole = min(whole, float64(wan)/float64(sum.Origin))
	}
	return int64(whole * million)
}
