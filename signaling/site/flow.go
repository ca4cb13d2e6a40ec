package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/policy"
)

// flow is one version at this site.
type flow struct {
	FlowSpec
	// counted holds what every endpoint seen received, also of those that left.
	counted  map[wire.EndpointID]*counters
	past     counters // of browsers that left, summed up where there were many
	pasts    int      // how many those were
	needs    map[groupID]*need
	granted  int // leases of chunks given so far
	ration   schedule.Ration
	ordered  time.Time
	finished time.Time // when everybody online had it first
	samples  []sample
	guard    guard
	encoded  int64                // bytes of the version as they cross the WAN, body included
	ran      map[string]time.Time // when it last had a lease, by egress
	planned  planned
	hours    *policy.Week[bool] // in which it may be fetched; nil: in all
	opens    opens
	chosen   map[wire.EndpointID]bool // who shall hold it, where that is not everybody
	copying  bool                     // one of them has yet to get it
	kept     map[wire.EndpointID]bool // whose copies may be relied on
	roomy    map[wire.EndpointID]bool // who has room for a copy
	tale     *tale                    // why it moved or did not
	vendor   vendor                   // of one that lies at somebody else's URL
}

// sample is what had been received at some time.
type sample struct {
	at                  time.Time
	origin, wan, lan, n int64
}

const (
	// sampleSpan is the time over which rates are measured.
	sampleSpan = 3 * time.Second
	sampleStep = 250 * time.Millisecond
)

func newFlow(spec FlowSpec, now time.Time) *flow {
	encoded := spec.Head.BodyBytes
	for _, p := range spec.Places {
		encoded += int64(p.Length)
	}
	return &flow{FlowSpec: spec, encoded: encoded, needs: map[groupID]*need{}, ordered: now, counted: map[wire.EndpointID]*counters{},
		ran: map[string]time.Time{}, tale: newTale(spec, now)}
}

// total sums what was received.
func (f *flow) total() (sum wire.Sources, wan int64) {
	for _, c := range f.counted {
		sum.Origin += c.bytes.Origin
		sum.Peer += c.bytes.Peer
		sum.Relay += c.bytes.Relay
		sum.Reused += c.bytes.Reused
		wan += c.wan
	}
	p := f.past
	return wire.Sources{Origin: sum.Origin + p.bytes.Origin, Peer: sum.Peer + p.bytes.Peer, Relay: sum.Relay + p.bytes.Relay,
		Reused: sum.Reused + p.bytes.Reused}, wan + p.wan
}

// maxCounted is beyond how many endpoints browsers that left are no more told apart:
// each tab may be a new one.
const maxCounted = 4096

// sumUp puts together what browsers received that are not online any more.
func (s *Site) sumUp(f *flow) {
	for id, c := range f.counted {
		if !c.tab || s.members[id] != nil {
			continue
		}
		p := &f.past
		p.bytes.Origin, p.bytes.Peer = p.bytes.Origin+c.bytes.Origin, p.bytes.Peer+c.bytes.Peer
		p.bytes.Relay, p.bytes.Reused = p.bytes.Relay+c.bytes.Relay, p.bytes.Reused+c.bytes.Reused
		p.wan, p.base = p.wan+c.wan, p.base+c.base
		f.pasts++
		delete(f.counted, id)
	}
}

// sample notes what had been received by now, for rates.
func (s *Site) sample(now time.Time) {
	for _, id := range s.order {
		f := s.flows[id]
		if k := len(f.samples); k > 0 && now.Sub(f.samples[k-1].at) < sampleStep {
			continue
		}
		sum, wan := f.total()
		f.samples = append(f.samples, sample{now, sum.Origin, wan, sum.Peer + sum.Relay, sum.Total()})
		for len(f.samples) > 2 && now.Sub(f.samples[1].at) >= sampleSpan {
			f.samples = f.samples[1:]
		}
	}
}

// rates returns bytes per second over the WAN (encoded), from peers, and of
// content in all.
func (f *flow) rates(now time.Time) (wan, lan, all float64) {
	if len(f.samples) < 2 {
		return 0, 0, 0
	}
	first, last := f.samples[0], f.samples[len(f.samples)-1]
	span := now.Sub(first.at).Seconds()
	if span <= 0 {
		return 0, 0, 0
	}
	return float64(last.wan-first.wan) / span, float64(last.lan-first.lan) / span, float64(last.n-first.n) / span
}

// need is what one reach group needs of a flow. Each group gets its own copy.
type need struct {
	supply    *schedule.Supply
	turn      schedule.Turn
	moved     time.Time       // when one of the group last got a chunk that others hold, or had no reason to
	notBefore time.Time       // no lease earlier
	body      time.Time       // since when one of the group holds the body; zero while none does
	trials    int             // how often another fetcher was tried
	trial     wire.EndpointID // who gets the next lease, to be tried
	counted   bool            // the guard knows what it needs
	bodies    int             // fetches of the body that ended unfinished
	relay     relaying
}

// settle is how long after its fetcher left a group is asked for what it holds.
const settle = 1100 * time.Millisecond

// wait lets the others say first what they got of who leaves with a lease. When it
// was silent for long they have.
func (n *need) wait(now time.Time, heard time.Time) {
	if now.Sub(heard) < settle {
		n.notBefore = now.Add(settle)
	}
}

// need returns what a reach group needs of the flow.
func (f *flow) need(g groupID, now time.Time) *need {
	n := f.needs[g]
	if n == nil {
		n = &need{supply: schedule.NewSupply(f.Places), moved: now}
		if f.Patches != nil {
			n.supply.Patch(f.Patches)
		}
		f.needs[g] = n
	}
	return n
}
