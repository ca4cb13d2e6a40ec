package site

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// What a swarm looks like is asked for by who looks at it, about once a second. All but what links
// carried is known anyhow. That is asked of the endpoints meanwhile, so that nothing is told,
// counted or kept for it while nobody looks; who asks gets what was answered last.

const (
	// carriedEvery is how often endpoints are asked at most what their links carried.
	carriedEvery = 900 * time.Millisecond
	// ofLinks is the question; those about pairs have longer names.
	ofLinks = "links"
)

// SwarmView is who is at a site, and what moves between them. Counters only grow, so that who asks
// twice has rates. It is about 300 bytes for each endpoint and 80 for each link, of which there are
// ten for an endpoint at most.
type SwarmView struct {
	Site      string          `json:"site"`
	At        time.Time       `json:"at"`
	Endpoints []SwarmEndpoint `json:"endpoints" nullable:"false"` // online, by id
	Links     []SwarmLink     `json:"links" nullable:"false"`
	Lines     []LineView      `json:"lines" nullable:"false"`
}

// SwarmEndpoint is an endpoint in it.
type SwarmEndpoint struct {
	ID   wire.EndpointID `json:"id"`
	Name string          `json:"name"`
	Kind string          `json:"kind"`
	// Since is when its session began: its counters begin then.
	Since time.Time `json:"since"`
	// Group is its reach group: those of one can link directly, perhaps by way of others.
	Group    uint64 `json:"group"`
	Network  string `json:"network,omitempty"` // the first of its subnets, as it says
	Egress   string `json:"egress"`            // the line that it is behind: a public address; empty for private ones
	Fetches  bool   `json:"fetches"`           // it has the lease of something at the origin
	Battery  bool   `json:"battery,omitempty"` // it ran on battery when it connected
	Wireless bool   `json:"wireless,omitempty"`
	// Bytes are of content, by where they came from, and WANBytes what of it crossed the WAN.
	Bytes    wire.Sources `json:"bytes"`
	WANBytes int64        `json:"wan_bytes"`
	// CacheUsed and CacheBudget are what its store takes, and may take, in bytes; absent: not known.
	CacheUsed   *int64 `json:"cache_used_bytes,omitempty"`
	CacheBudget *int64 `json:"cache_budget_bytes,omitempty"`
}

// SwarmLink is a link that is up or shall be. Ends are places in the list of endpoints.
type SwarmLink struct {
	A       int  `json:"a"`
	B       int  `json:"b"`
	Up      bool `json:"up"`
	Relayed bool `json:"relayed,omitempty"` // by a relay beyond the WAN
	// AToB and BToA are bytes of chunks and bodies that it carried since it came up; absent
	// before an end said so, and between browsers, which do not.
	AToB *int64 `json:"a_to_b_bytes,omitempty"`
	BToA *int64 `json:"b_to_a_bytes,omitempty"`
}

// came is what an endpoint received in its session.
type came struct {
	bytes wire.Sources
	wan   int64
}

// add counts by what an endpoint's counters of a flow grew.
func (c *came) add(was, is counters) {
	c.bytes.Origin += is.bytes.Origin - was.bytes.Origin
	c.bytes.Peer += is.bytes.Peer - was.bytes.Peer
	c.bytes.Relay += is.bytes.Relay - was.bytes.Relay
	c.bytes.Reused += is.bytes.Reused - was.bytes.Reused
	c.wan += is.wan - was.wan
}

// moves takes in that a member received more of a flow. What it says first in a session may have
// come before that.
func (s *Site) moves(now time.Time, m *member, f *flow, was, is counters, again bool) {
	if is.bytes != was.bytes {
		s.grew(now, m, f)
		s.carriage.moved++
	}
	if again {
		m.came.add(was, is)
	}
}

// carriage is when endpoints were asked what their links carried.
type carriage struct {
	moved   uint64 // counts what came to anybody
	asked   time.Time
	askedAt uint64 // moved, then
}

// Swarm returns how the site's swarm looks, and has endpoints say what their links carry.
func (s *Site) Swarm(ctx context.Context) (SwarmView, error) {
	return recounted(ctx, s, func(s *Site) SwarmView {
		now := time.Now()
		s.askLinks(now)
		return s.swarm(now)
	})
}

func (s *Site) swarm(now time.Time) SwarmView {
	v := SwarmView{Site: s.cfg.Name, At: now.UTC(), Endpoints: make([]SwarmEndpoint, 0, len(s.members)), Links: make([]SwarmLink, 0, len(s.links.edges)), Lines: s.lineViews(now)}
	fetches := map[wire.EndpointID]bool{}
	for _, l := range s.leases {
		fetches[l.to] = true
	}
	for _, m := range s.members {
		e := SwarmEndpoint{ID: m.ID, Name: m.Hello.Name, Kind: m.Hello.Device, Since: m.since.UTC(), Group: uint64(m.group), Egress: m.egress, Fetches: fetches[m.ID],
			Battery: m.Hello.Battery, Wireless: m.Hello.Wireless, Bytes: m.came.bytes, WANBytes: m.came.wan}
		if len(m.Hello.Subnets) > 0 {
			e.Network = m.Hello.Subnets[0]
		}
		if m.budget > 0 {
			used, budget := m.used, m.budget // of now: the loop goes on
			e.CacheUsed, e.CacheBudget = &used, &budget
		}
		v.Endpoints = append(v.Endpoints, e)
	}
	slices.SortFunc(v.Endpoints, func(a, b SwarmEndpoint) int { return cmp.Compare(a.ID, b.ID) })
	at := make(map[wire.EndpointID]int, len(v.Endpoints))
	for i, e := range v.Endpoints {
		at[e.ID] = i
	}
	for e, state := range s.links.edges {
		link := SwarmLink{A: at[e.A], B: at[e.B], Up: state.up, Relayed: state.up && state.relayed}
		if state.up {
			link.AToB, link.BToA = state.went()
		}
		v.Links = append(v.Links, link)
	}
	slices.SortFunc(v.Links, func(a, b SwarmLink) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	return v
}

// went is what a link carried each way: what one end sent is under way to the other for a while.
func (e *edge) went() (aToB, bToA *int64) {
	a, b := e.carried[0], e.carried[1]
	if a.Peer == "" && b.Peer == "" {
		return nil, nil
	}
	there, back := max(a.Sent, b.Received), max(b.Sent, a.Received)
	return &there, &back
}

// askLinks asks endpoints what their links carried, if it is time and anything moved since.
func (s *Site) askLinks(now time.Time) {
	c := &s.carriage
	if !c.asked.IsZero() && (now.Sub(c.asked) < carriedEvery || c.askedAt == c.moved) {
		return
	}
	c.asked, c.askedAt = now, c.moved
	asked := map[wire.EndpointID]bool{}
	for e, state := range s.links.edges {
		if !state.up {
			continue
		}
		for _, end := range [2][2]wire.EndpointID{{e.A, e.B}, {e.B, e.A}} {
			m := s.members[end[0]]
			if m == nil || m.browser() || asked[m.ID] {
				continue
			}
			asked[m.ID] = true
			m.conn.Send(wire.KindExamine, wire.Examine{Question: ofLinks, Peer: end[1], Links: true})
		}
	}
}

// carriedOf takes in what a member says that its links carried.
func (s *Site) carriedOf(m *member, links []wire.Carried) {
	for _, l := range links {
		key := schedule.EdgeOf(m.ID, l.Peer)
		state := s.links.edges[key]
		if state == nil || !state.up {
			continue
		}
		if key.A == m.ID {
			state.carried[0] = l
		} else {
			state.carried[1] = l
		}
	}
}
