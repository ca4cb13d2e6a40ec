package site

import (
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

const (
	// failingAfter is the hold-off of everybody in a group by which the origin counts
	// as out of reach: each failed twice in a row.
	failingAfter = 2 * holdOff
	// relayStalls is how long a relay that is cheaper may bring nothing before the
	// origin is asked again, and relayAgain when it is given another chance.
	relayStalls = 20 * time.Second
	relayAgain  = 5 * time.Minute
)

// relaying is how a reach group uses relays beyond the WAN for a flow.
type relaying struct {
	use     wire.Relay
	bytes   int64     // that came through them
	moved   time.Time // when there were more
	stalled time.Time // when they were given up
}

// told is a flow as a member was told of it last.
type told struct {
	FlowSpec
	relay wire.Relay
}

// weigh decides for each flow and reach group whether relays beyond the WAN are used,
// and tells the members. With a single group there is nothing to weigh.
func (s *Site) weigh(now time.Time) {
	if now.Sub(s.weighedAt) < tick {
		return
	}
	s.weighedAt = now
	bridges := s.bridges()
	for _, id := range s.order {
		f := s.flows[id]
		for g, members := range s.groups {
			n := f.need(g, now)
			switch {
			case s.desired.NoRelay:
				n.relay = relaying{use: wire.RelayNever}
			case len(s.groups) == 1:
				n.relay = relaying{}
			default:
				known, bytes := s.relayingOf(f, g, bridges[g])
				n.relay.decide(now, known, bytes)
			}
			for _, m := range members {
				if old, known := m.told[id]; known && old.relay != n.relay.use {
					s.tellFlow(m, old.FlowSpec)
				}
			}
		}
	}
}

// decide takes in what is known now, and how many bytes came through relays so far.
func (r *relaying) decide(now time.Time, known schedule.Relaying, bytes int64) {
	known.Stalled = !r.stalled.IsZero() && now.Sub(r.stalled) < relayAgain
	use := known.Weigh()
	if use != r.use || bytes != r.bytes {
		r.moved = now
	}
	if use == wire.RelayCheaper && now.Sub(r.moved) >= relayStalls {
		use, r.stalled = wire.RelayNever, now
	}
	r.use, r.bytes = use, bytes
}

// bridges lists for each reach group whom it reaches only through a relay.
func (s *Site) bridges() map[groupID][]*member {
	out := map[groupID][]*member{}
	for e, link := range s.links.edges {
		a, b := s.members[e.A], s.members[e.B]
		if link.up && link.relayed && a != nil && b != nil && a.group != b.group {
			out[a.group], out[b.group] = append(out[a.group], b), append(out[b.group], a)
		}
	}
	return out
}

// relayingOf says what is known of a group and those whom it reaches through relays.
func (s *Site) relayingOf(f *flow, g groupID, peers []*member) (known schedule.Relaying, bytes int64) {
	known.Failing = s.offLeast(g) >= failingAfter
	for _, m := range peers {
		if h := m.holds[f.ID]; h != nil && h.offers() {
			known.Holder = known.Holder || h.have.Count() > 0
			known.Whole = known.Whole || h.complete
		}
	}
	for _, m := range s.groups[g] {
		if c := f.counted[m.ID]; c != nil {
			known.Wire += c.wan
			known.Content += c.bytes.Origin
			bytes += c.bytes.Relay
		}
	}
	return known, bytes
}

// relayed reports whether a group waits for a relay, and leaves the origin alone.
func (n *need) relayed() bool { return n.relay.use == wire.RelayCheaper }

// tellFlow sends a member what is wanted of a flow.
func (s *Site) tellFlow(m *member, spec FlowSpec) {
	use := wire.RelayByPatience
	if n := s.flows[spec.ID].needs[m.group]; n != nil {
		use = n.relay.use
	}
	m.told[spec.ID] = told{spec, use}
	if m.named != nil { // it is neither superseded nor ahead for who asked for it, and rules name people and sites
		spec.PausedBy, spec.Superseded, spec.PreStage, spec.Activate, spec.Retry = "", false, 0, nil, 0
	}
	m.conn.Send(wire.KindFlow, wire.Flow{Generation: s.desired.Generation, ID: spec.ID, Head: spec.Envelope,
		Priority: spec.Priority, Paused: spec.Paused, PausedBy: spec.PausedBy, Superseded: spec.Superseded, Ahead: spec.ahead() || spec.Activate != nil,
		Activate: spec.Activate.wire(), Relay: use, Retry: spec.Retry})
}

// viaRelay is what a flow's groups were told of relays that says most, and in words.
func (f *flow) viaRelay() (use wire.Relay, why string) {
	for _, n := range f.needs {
		switch r := n.relay.use; {
		case r == wire.RelayUnreachable:
			return r, "some of its endpoints can't reach the origin and get it through a relay beyond the WAN"
		case r == wire.RelayCheaper:
			use, why = r, "some of its endpoints get it through a relay beyond the WAN, which takes less of the line than the origin does"
		case use == "":
			use = r
		}
	}
	return use, why
}
