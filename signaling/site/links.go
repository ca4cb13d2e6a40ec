package site

import (
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// linkTable is what the site knows of its links.
type linkTable struct {
	edges   map[schedule.Edge]*edge
	wanted  []schedule.Edge
	known   []*edge // of wanted, as far as they are; nearly always all are up
	changed bool    // members or flows changed since wanted was decided
	// apart are pairs that could not be linked directly, also while nobody wants
	// their link; they are in different reach groups unless others join them.
	apart   map[schedule.Edge]bool
	regroup bool // links or members changed since reach groups were decided
	wasBusy bool
	budget  schedule.Bucket // of dials
}

// edge is one link, wanted or up.
type edge struct {
	up      bool
	relayed bool
	attempt int       // of the last dial
	dialed  time.Time // zero when no dial is under way
	retryAt time.Time
	carried [2]wire.Carried // as its ends say, A first
}

func newLinkTable() linkTable {
	return linkTable{edges: map[schedule.Edge]*edge{}, apart: map[schedule.Edge]bool{}, budget: schedule.NewBucket(schedule.DialsPerSecond, schedule.DialBurst)}
}

// forget drops the links of an endpoint that left.
func (t *linkTable) forget(id wire.EndpointID) {
	for e := range t.edges {
		if e.A == id || e.B == id {
			delete(t.edges, e)
		}
	}
	for e := range t.apart {
		if e.A == id || e.B == id {
			delete(t.apart, e)
		}
	}
	t.changed, t.regroup = true, true
}

// placed is a member as scheduling sees it. Who once fetched keeps the links of a
// fetcher, lest they come and go with every lease.
func (s *Site) placed(m *member) schedule.Member {
	subnet := ""
	if len(m.Hello.Subnets) > 0 {
		subnet = m.Hello.Subnets[0]
	}
	out := schedule.Member{ID: m.ID, Device: m.Hello.Device, Battery: m.Hello.Battery, Wireless: m.Hello.Wireless,
		Subnet: subnet, Fetcher: m.fetched, Since: m.since.UnixNano()}
	if m.named != nil {
		out.Only = slices.AppendSeq([]content.VersionID{}, maps.Keys(m.named))
	}
	return out
}

// decideLinks dials what is missing and hangs up what is not wanted, and reports
// whether dials are still to be made.
func (s *Site) decideLinks(now time.Time) bool {
	t := &s.links
	active := now.Sub(s.active) < idleAfter && len(s.order) > 0
	if t.changed || active != t.wasBusy {
		t.changed, t.wasBusy = false, active
		members := make([]schedule.Member, 0, len(s.members))
		for _, m := range s.members {
			members = append(members, s.placed(m))
		}
		up := map[schedule.Edge]bool{}
		for e, state := range t.edges {
			up[e] = state.up
		}
		t.wanted = nil
		if len(s.order) > 0 {
			t.wanted = schedule.Links(members, up, active, s.cfg.Epoch)
		}
		t.known = make([]*edge, len(t.wanted))
		s.hangUp()
	}
	pending := false
	for i, e := range t.wanted {
		if state := t.known[i]; state != nil && state.up {
			continue
		}
		pending = s.dial(now, e) || pending
		t.known[i] = t.edges[e]
	}
	return pending
}

// dial asks the offerer for the link if it is time, and reports whether the link
// is still to come.
func (s *Site) dial(now time.Time, e schedule.Edge) bool {
	t := &s.links
	state := t.edges[e]
	if state == nil {
		state = &edge{}
		t.edges[e], t.regroup = state, true
	}
	switch {
	case state.up || s.distrusted(now, e):
		return false
	case !state.dialed.IsZero() && now.Sub(state.dialed) < dialPatience:
		return true
	case !state.dialed.IsZero(): // nobody said how it went
		t.failed(now, e, state)
		return true
	case now.Before(state.retryAt):
		return true
	}
	if ok, _ := t.budget.Take(now); !ok || !s.cfg.Dials.take(now) {
		return true
	}
	state.attempt = min(state.attempt+1, lastAttempt)
	state.dialed = now
	s.members[e.A].conn.Send(wire.KindDial, wire.Dial{Peer: e.B, Attempt: state.attempt, Visitor: s.members[e.B].visitor()})
	return true
}

// hangUp closes links that are not wanted any more.
func (s *Site) hangUp() {
	wanted := map[schedule.Edge]bool{}
	for _, e := range s.links.wanted {
		wanted[e] = true
	}
	for e, state := range s.links.edges {
		if wanted[e] {
			continue
		}
		if state.up || !state.dialed.IsZero() {
			s.members[e.A].conn.Send(wire.KindHangUp, wire.HangUp{Peer: e.B})
		}
		delete(s.links.edges, e)
		s.links.regroup = true
	}
}

// linked takes in that a link came up or went down at one of its ends.
func (s *Site) linked(now time.Time, m *member, l *wire.Linked) {
	if s.cut(m, l) {
		return
	}
	if s.members[l.Peer] == nil || l.Peer == m.ID { // the peer left meanwhile
		s.cfg.Refused.Add(wire.DoorSocket, wire.CodeUnknownPeer)
		return
	}
	key := schedule.EdgeOf(m.ID, l.Peer)
	state := s.links.edges[key]
	if state == nil {
		if !l.Up {
			return // as it was told to
		}
		// A link that nobody here asked for: decide what shall become of it.
		state = &edge{}
		s.links.edges[key], s.links.changed = state, true
	}
	if l.Up {
		state.up, state.relayed, state.dialed, state.attempt = true, l.Relayed, time.Time{}, 0
		s.links.regroup, state.carried = true, [2]wire.Carried{}
		if l.Relayed {
			s.links.apart[key] = true
		} else {
			delete(s.links.apart, key)
		}
		return
	}
	if l.Attempt != 0 && l.Attempt < state.attempt {
		return // of an attempt that was given up
	}
	wasUp := state.up
	s.links.failed(now, key, state)
	if wasUp {
		state.retryAt = now.Add(redialLost)
	}
}

// linksUp counts the links of each member that are up.
func (s *Site) linksUp() map[wire.EndpointID]int {
	n := make(map[wire.EndpointID]int, len(s.members))
	for e, state := range s.links.edges {
		if state.up {
			n[e.A]++
			n[e.B]++
		}
	}
	return n
}

// failed notes that a link is not up and no attempt at it is under way. An attempt
// that had every candidate and failed means that the two can't reach each other.
func (t *linkTable) failed(now time.Time, e schedule.Edge, state *edge) {
	state.up, state.dialed = false, time.Time{}
	state.retryAt = now.Add(schedule.Redial(state.attempt))
	t.regroup = true
	if state.attempt >= apartAfter {
		t.apart[e] = true
	}
}

// apartAfter is how many attempts at a link tell that there is no direct way.
const apartAfter = 2
