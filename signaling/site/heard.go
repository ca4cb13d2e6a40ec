package site

import (
	"math/bits"
	"net/netip"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// maxViolations is how often a member may break the rules before it is closed.
const maxViolations = 8

// Heard brings a message of a member; Body is the pointer that wire.Decode made.
type Heard struct {
	ID   wire.EndpointID
	Conn Conn
	Body any
}

func (e Heard) apply(s *Site, now time.Time) {
	m := s.members[e.ID]
	if m == nil || m.conn != e.Conn {
		return // a message of a session that has ended
	}
	m.heard = now
	switch b := e.Body.(type) {
	case *wire.Obeyed:
		m.obeyed = max(m.obeyed, min(b.Generation, s.desired.Generation))
		s.heeded(now, m)
	case *wire.Progress:
		s.progress(now, m, b)
	case *wire.Stock:
		s.stocked(now, m, b)
	case *wire.Signal:
		s.forward(now, m, b)
	case *wire.Linked:
		s.linked(now, m, b)
	case *wire.Examined:
		s.examined(m, b)
	case *wire.Report:
		s.reported(now, m, b)
	case *wire.Grant:
		s.forwardGrant(now, m, b)
	case *wire.Taken:
		s.forwardTaken(now, m, b)
	case *wire.Governed:
		s.governed(now, m, b)
	default:
		s.refuse(m, "message may not come from an endpoint")
	}
}

// refuse counts a message that breaks the rules, and ends a session that sends
// many of them.
func (s *Site) refuse(m *member, why string) {
	s.cfg.Refused.Add(wire.DoorSocket, wire.CodeProtocol)
	m.violations++
	s.log.Warn("refusing a message", "endpoint", m.ID.Short(), "why", why)
	if m.violations == maxViolations {
		m.conn.Close(wire.CodeProtocol, why)
	}
}

// forward passes a step of link set-up on, within the site only.
func (s *Site) forward(now time.Time, m *member, sig *wire.Signal) {
	to := s.members[sig.To]
	switch {
	case to == nil || to == m: // it left meanwhile, or never was here
		s.cfg.Refused.Add(wire.DoorSocket, wire.CodeUnknownPeer)
		return
	case sig.Offer != nil && s.distrusted(now, schedule.EdgeOf(m.ID, to.ID)):
		s.cfg.Refused.Add(wire.DoorSocket, wire.CodeDistrusted)
		return
	}
	if err := sig.CheckCandidates(isLoopback(m.Address) && isLoopback(to.Address), s.desired.PeersOn); err != nil {
		s.cfg.Refused.Add(wire.DoorSignal, wire.CodeCandidate)
		s.log.Debug("not passing a signal on", "endpoint", m.ID.Short(), "why", err)
		return
	}
	out := *sig
	out.From, out.Visitor = m.ID, nil
	if sig.Offer != nil || sig.Answer != nil {
		out.Visitor = m.visitor()
	}
	to.conn.Send(wire.KindSignal, out)
}

// isLoopback reports whether an endpoint is on the server's own host.
func isLoopback(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.Unmap().IsLoopback()
}

// holding is what one member holds of one flow.
type holding struct {
	have     content.Bitmap
	count    uint32 // of chunks in it
	body     bool
	complete bool
	seeding  bool      // it may find more in what else it holds
	since    time.Time // when it began to, or when it got the body
	doubted  bool      // it does not count: nobody gets anything of it
	heard    time.Time // when it spoke of it last
	code     string
	trouble  string
	// restraint is what it does without, as it said last.
	restraint wire.Restraint
}

// goesOn reports whether a member says of itself what it said before, but for its chunks.
func (h *holding) goesOn(p *wire.Progress) bool {
	return len(p.Leases) == 0 && p.Restraint == nil && h.restraint == (wire.Restraint{}) &&
		p.Body == h.body && p.Seeding == h.seeding && p.Complete == h.complete && p.Code == h.code
}

// covers reports whether a member holds all that a lease is for.
func (h *holding) covers(l *lease) bool {
	for _, p := range l.parts {
		if !h.have.Has(p.Chunk) {
			return false
		}
	}
	return h.body || !l.body
}

// prefix is how many leading parts of a lease a member holds.
func (h *holding) prefix(l *lease) uint32 {
	for i, p := range l.parts {
		if !h.have.Has(p.Chunk) {
			return uint32(i)
		}
	}
	return uint32(len(l.parts))
}

// counters are what one endpoint received of one flow, by source. They never
// fall: an endpoint that opens its store, or gave up on the flow, reports none.
type counters struct {
	bytes wire.Sources
	wan   int64
	base  int64 // of wan, what the guard does not count
	lost  int64 // encoded bytes that it held no more, as far as explained
	done  bool  // it had all of it at some time
	tab   bool  // it is a browser
	said  said  // for the days
}

func (c *counters) grow(p *wire.Progress, complete bool) {
	c.bytes.Origin = max(c.bytes.Origin, p.Bytes.Origin)
	c.bytes.Peer = max(c.bytes.Peer, p.Bytes.Peer)
	c.bytes.Relay = max(c.bytes.Relay, p.Bytes.Relay)
	c.bytes.Reused = max(c.bytes.Reused, p.Bytes.Reused)
	c.wan = max(c.wan, p.WAN)
	c.done = c.done || complete
}

// progress takes in a member's state of one flow.
func (s *Site) progress(now time.Time, m *member, p *wire.Progress) {
	f := s.flows[p.Flow]
	if f == nil || !f.wantedBy(m) { // it ended meanwhile
		s.cfg.Refused.Add(wire.DoorSocket, wire.CodeUnknownFlow)
		for _, state := range p.Leases {
			if state.Range != nil {
				m.conn.Send(wire.KindRevoke, wire.Revoke{Epoch: state.Epoch, Lease: state.Lease, Reason: "its flow ended"})
			}
		}
		return
	}
	h := m.holds[p.Flow]
	again := h != nil // it spoke of it in this session
	if h == nil {
		h = &holding{have: content.NewBitmap(f.Head.Chunks)}
		m.holds[p.Flow] = h
	}
	n := f.need(m.group, now)
	c := f.counted[m.ID]
	first := c == nil
	if first {
		if len(f.counted) >= maxCounted {
			s.count(now, true) // of who left, too
			s.sumUp(f)
		}
		c = &counters{base: p.WAN, tab: m.browser()}
		f.counted[m.ID] = c
	}
	s.restrain(f, h, n, m.group, p.Restraint)
	had := h.body && h.offers()
	for _, b := range p.Have {
		if !f.note(now, h, n, c, b) {
			s.refuse(m, "progress names chunks that do not exist")
			return
		}
	}
	h.heard = now
	if p.Seeding && !(h.seeding && h.body == p.Body) {
		h.since = now
	}
	h.body, h.seeding, h.code, h.trouble = p.Body, p.Seeding, p.Code, p.Error
	if had && !h.body && s.bodyNeeded(f, m.group) {
		f.explain(c, f.Head.BodyBytes)
	}
	h.complete = p.Complete && h.have.Count() == f.Head.Chunks
	before, received := max(c.wan, c.base), *c
	c.grow(p, h.complete)
	s.moves(now, m, f, received, *c, again)
	s.cfg.Accounts.received(received, *c, first)
	s.spend(now, c.wan-before)
	s.tally(now, m, f, c, p, h.complete)
	if h.code != "" {
		s.unable(now, m, f)
	}
	m.meter.note(now, s.wan(m))
	for _, state := range p.Leases {
		if l := s.leases[fence{state.Epoch, state.Lease}]; l != nil && state.Epoch == s.cfg.Epoch && l.to != m.ID {
			s.refuse(m, "progress names a lease of another endpoint")
			continue
		}
		s.leaseState(now, m, f, state)
	}
	s.watch(now, f)
	if h.complete || !f.finished.IsZero() { // else it stays unfinished: this one lacks some
		s.mark(now, f)
	}
}

// note takes over a part of what a member holds, and reports false where it names
// chunks that do not exist.
func (f *flow) note(now time.Time, h *holding, n *need, c *counters, part wire.Bits) bool {
	at := min(int(part.From/8), len(h.have))
	old := h.have[at:min(at+len(part.Bits), len(h.have))].Clone()
	if !h.have.Patch(part.From, part.Bits) {
		return false
	}
	h.have.Trim(f.Head.Chunks)
	for i, was := range old {
		is := h.have[at+i]
		h.count += uint32(bits.OnesCount8(is)) - uint32(bits.OnesCount8(was))
		if is&^was != 0 {
			n.moved = now
		}
		if h.offers() {
			n.supply.Change(8*uint32(at+i), was, is)
			f.lost(c, n, 8*uint32(at+i), was&^is)
		}
	}
	return true
}

// count adds all of what a member holds to what its group holds, or takes it back.
func (f *flow) count(h *holding, n *need, add bool) {
	if !h.offers() {
		return
	}
	for i, b := range h.have {
		if add {
			n.supply.Change(8*uint32(i), 0, b)
		} else {
			n.supply.Change(8*uint32(i), b, 0)
		}
	}
}

// mark notes when everybody online had the flow first. Somebody new who lacks it
// undoes that; an endpoint that comes back and looks through its store does not.
func (s *Site) mark(now time.Time, f *flow) {
	complete := s.among(f) > 0
	for id, m := range s.members {
		h := m.holds[f.ID]
		if h != nil && h.complete || !f.wantedBy(m) {
			continue
		}
		complete = false
		if h != nil && !f.counted[id].done {
			f.finished = time.Time{}
		}
	}
	if complete && f.finished.IsZero() {
		f.finished = now
	}
}
