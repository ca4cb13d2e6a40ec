package sim

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// What the books allow.
const (
	// obeyTime is how long a pause may take at an endpoint that hears of it.
	obeyTime = 2 * time.Second
	// fenceTime is how long bytes may still cross under a lease after somebody else was
	// granted its range.
	fenceTime = time.Second
	// killCost is how much of the site's rate one break may cost, in time; one chunk
	// more may be on its way.
	killCost = 250 * time.Millisecond
	// orderLag is how long after an order endpoints may take to say what they hold from
	// before.
	orderLag = 3 * time.Second
)

// body stands for the body among the chunks of a version.
const body = -1

// part names what a lease is for: a chunk or the body of a version.
type part struct {
	flow  content.VersionID
	chunk int
}

// books are what a site promised and what it did. mu of the world guards them.
type books struct {
	s      *Site
	paused map[content.VersionID]time.Time // since when
	orders map[content.VersionID]bool      // ever given
	since  map[content.VersionID]time.Time // the last of them
	leases map[grantKey]*grant
	latest map[part]*grant // who may fetch it, as granted last
	needs  map[part][]*need
	known  map[*session]map[content.VersionID]*known // what the server was told
	online map[*Endpoint]*session

	breaks  int   // fetches that ended before they were whole
	budget  int64 // bytes that had to cross the WAN and did
	wan     int64 // bytes that crossed it
	along   int64 // bytes that leases take along though nobody needs them
	lan     int64 // payload that peers sent
	largest int64
}

type grantKey struct{ epoch, lease uint64 }

// grant is a lease as the server sees it.
type grant struct {
	wire.Lease
	to   *Endpoint
	at   time.Time
	dead bool // freed
	// epoch is that of the server which knows it, and live since when: a later one may
	// take it over.
	epoch uint64
	live  time.Time
}

// need is how often a part had to cross.
type need struct {
	size int64
	came bool // since it was needed last
	to   *Endpoint
}

func newBooks(s *Site) *books {
	b := &books{s: s, paused: map[content.VersionID]time.Time{}, orders: map[content.VersionID]bool{},
		since:  map[content.VersionID]time.Time{},
		leases: map[grantKey]*grant{}, latest: map[part]*grant{}, needs: map[part][]*need{},
		known: map[*session]map[content.VersionID]*known{}, online: map[*Endpoint]*session{}}
	for _, v := range Versions() {
		for _, p := range v.spec.Places {
			b.largest = max(b.largest, int64(p.Length))
		}
	}
	return b
}

func (b *books) fault(format string, args ...any) { b.s.w.fault(format, args...) }

func (b *books) ordered(v *Version) {
	b.s.w.mu.Lock()
	defer b.s.w.mu.Unlock()
	b.orders[v.spec.ID] = true
	b.since[v.spec.ID] = time.Now()
	for _, known := range b.known { // what was said of an earlier order is forgotten
		delete(known, v.spec.ID)
	}
}

func (b *books) pause(v *Version, paused bool) {
	b.s.w.mu.Lock()
	defer b.s.w.mu.Unlock()
	delete(b.paused, v.spec.ID)
	if paused {
		b.paused[v.spec.ID] = time.Now()
	}
}

// broke notes that a fetch ended before it was whole, which costs what was on the wire.
func (b *books) broke() { b.breaks++ }

// The server's side.

func (b *books) joined(s *session) {
	b.online[s.e] = s
	b.known[s] = map[content.VersionID]*known{}
}

func (b *books) left(s *session) {
	if b.online[s.e] == s {
		delete(b.online, s.e)
	}
	delete(b.known, s)
	for _, g := range b.leases {
		g.dead = g.dead || g.to == s.e
	}
}

func (b *books) serverDied() {
	clear(b.online)
	clear(b.known)
}

// sent looks at what the server sends to an endpoint.
func (b *books) sent(s *session, msg any) {
	switch m := msg.(type) {
	case wire.Dial:
		b.mate(s.e, "dial", m.Peer)
	case wire.HangUp:
		b.mate(s.e, "hang-up", m.Peer)
	case wire.Signal:
		b.mate(s.e, "signal", m.From)
	case wire.Flow:
		if !b.orders[m.ID] {
			b.fault("%s of %s is told of a flow that its site has not", s.e.Name, b.s.Name)
		}
	case wire.Revoke:
		if g := b.leases[grantKey{m.Epoch, m.Lease}]; g != nil {
			g.dead = true
		}
		b.s.w.tell("lease %d of %s is revoked: %s", m.Lease, s.e.Name, m.Reason)
	case wire.Lease:
		b.granted(s, m)
	}
}

func (b *books) mate(e *Endpoint, what string, id wire.EndpointID) {
	if peer := b.s.w.find(id); peer == nil || peer.site != b.s {
		b.fault("%s of %s gets a %s that is about %s, which is not at its site", e.Name, b.s.Name, what, id.Short())
	}
}

// heard takes in what the server hears.
func (b *books) heard(s *session, msg any) {
	p, ok := msg.(*wire.Progress)
	if !ok {
		return
	}
	v := stock().byID[p.Flow]
	if v == nil {
		return
	}
	s.lied = s.lied || s.e.lied
	k := b.known[s][p.Flow]
	if k == nil {
		k = &known{now: content.NewBitmap(v.spec.Head.Chunks)}
		b.known[s][p.Flow] = k
	}
	k.hear(p.Have)
	for _, l := range p.Leases {
		g := b.leases[grantKey{l.Epoch, l.Lease}]
		switch {
		case g == nil || g.to != s.e:
		case l.Done || l.Failed != "":
			g.dead = true
		case l.Range != nil: // taken over, unless it is revoked
			g.dead, g.epoch, g.live = false, b.s.w.server.epoch, time.Now()
		}
	}
}

// together lists the endpoints that are one reach group with e: those online that it
// can link to, by however many links, of which the server has no reason to think
// otherwise.
func (b *books) together(e *Endpoint) []*Endpoint {
	group := []*Endpoint{e}
	for i := 0; i < len(group); i++ {
		for _, other := range b.s.Endpoints {
			if b.online[other] == nil || other.agent == nil || other.frozen || slices.Contains(group, other) {
				continue
			}
			if b.s.w.pair(group[i], other).joined() {
				group = append(group, other)
			}
		}
	}
	return group
}

// takenAlong is the share of a lease, one part in so many, that may be at the site
// already.
const takenAlong = 128

// granted looks at a lease that the server gives.
func (b *books) granted(s *session, l wire.Lease) {
	g := &grant{Lease: l, to: s.e, at: time.Now(), epoch: l.Epoch, live: time.Now()}
	b.leases[grantKey{l.Epoch, l.Lease}] = g
	group := b.together(s.e)
	if _, paused := b.paused[l.Flow]; paused {
		b.fault("%s gets a lease of a flow that is paused", s.e.Name)
	}
	if !b.orders[l.Flow] {
		b.fault("%s of %s gets a lease of a flow that its site has not", s.e.Name, b.s.Name)
		return
	}
	v := stock().byID[l.Flow]
	b.s.w.tell("lease %d of %s for %s: %d parts from %d", l.Lease, v.Name, s.e.Name, len(l.Parts), firstOf(l))
	wrong, along := len(b.s.w.faults), int64(0)
	for _, p := range l.Parts {
		b.along += int64(p.Skip)
	}
	b.each(l, func(p part, size int64) {
		if len(b.s.w.faults) > wrong {
			return // the first of its chunks says it all
		}
		if old := b.latest[p]; old != nil && !old.dead && old.epoch == l.Epoch && slices.Contains(group, old.to) {
			b.fault("chunk %d of %s is under lease %d of %s and under lease %d of %s", p.chunk, v.Name, old.Lease.Lease, old.to.Name, l.Lease, s.e.Name)
		}
		b.latest[p] = g
		for _, mate := range group {
			if !b.says(mate, p) || b.online[mate].lied || mate.lied {
				continue
			}
			// A request may take a little along that is there.
			b.along += size
			if along += size; along > (l.To-l.From)/takenAlong {
				b.fault("lease %d sends %s for chunk %d of %s, of which %s said that it holds it", l.Lease, s.e.Name, p.chunk, v.Name, mate.Name)
			}
			break
		}
		b.require(p, size, s.e, group)
	})
}

// require notes that a part has to cross the WAN, unless it need not.
func (b *books) require(p part, size int64, to *Endpoint, group []*Endpoint) {
	for _, mate := range group {
		if told := b.online[mate]; told != nil && !told.lied && !mate.lied && mate.holds(p) && (b.says(mate, p) || time.Since(b.since[p.flow]) > orderLag) {
			return
		}
	}
	for _, n := range b.needs[p] {
		if !n.came && (n.to == to || slices.Contains(group, n.to) || n.to.agent == nil) {
			n.to = to
			return // it did not come yet
		}
	}
	b.needs[p] = append(b.needs[p], &need{to: to, size: size})
}

// says reports whether an endpoint told the server that it holds a part.
func (b *books) says(e *Endpoint, p part) bool {
	s := b.online[e]
	return s != nil && p.chunk != body && b.known[s][p.flow].had(uint32(p.chunk))
}

// known is what one end said of the chunks of a version. What is said in the very moment
// of a grant may reach the site's loop after it.
type known struct {
	now, before content.Bitmap
	at          time.Time // of what before lacks
}

func (k *known) hear(have []wire.Bits) {
	if now := time.Now(); !k.at.Equal(now) {
		k.before, k.at = k.now.Clone(), now
	}
	for _, bits := range have {
		k.now.Patch(bits.From, bits.Bits)
	}
}

// had reports whether a chunk was said to be held before now, and still is.
func (k *known) had(chunk uint32) bool {
	return k != nil && k.now.Has(chunk) && (k.before.Has(chunk) || !k.at.Equal(time.Now()))
}

func (e *Endpoint) holds(p part) bool {
	if p.chunk == body {
		n, _ := e.store.state(p.flow)
		return n > 0
	}
	return e.store.holds(p.flow, uint32(p.chunk))
}

func firstOf(l wire.Lease) int {
	if l.Body {
		return body
	}
	return int(l.Parts[0].Chunk)
}

// each calls do for all that a lease is for.
func (b *books) each(l wire.Lease, do func(p part, size int64)) {
	if l.Body {
		do(part{l.Flow, body}, l.To-l.From)
		return
	}
	for _, p := range l.Parts {
		do(part{l.Flow, int(p.Chunk)}, int64(p.Length))
	}
}

// The endpoints' side.

// told looks at what an endpoint hears of the server.
func (b *books) told(a *agent, msg any) {
	if m, ok := msg.(*wire.Signal); ok {
		b.mate(a.e, "signal", m.From)
	}
}

// crossed counts bytes of the origin.
func (b *books) crossed(t *transfer, chunk int, n int64) {
	b.moved(t.a, t.lease.Flow, "takes bytes of the origin")
	if t.a.e.lied {
		return // it may say that a lease is done and go on; the server can't know
	}
	b.wan += n
	g := b.latest[part{t.lease.Flow, chunk}]
	if g == nil || g.dead || g.to == t.a.e || t.over || time.Since(g.live) <= fenceTime {
		return
	}
	if mine := b.leases[grantKey{t.lease.Epoch, t.lease.Lease}]; mine != nil && mine.at.Before(g.at) && slices.Contains(b.together(t.a.e), g.to) {
		b.fault("%s fetches chunk %d under lease %d, %v after %s got lease %d for it", t.a.e.Name, chunk, t.lease.Lease,
			time.Since(g.at).Round(time.Millisecond), g.to.Name, g.Lease.Lease)
	}
}

// fetched notes that a part came whole, in so many bytes, and was kept.
func (b *books) fetched(a *agent, l wire.Lease, chunk int, size int64) {
	for _, n := range b.needs[part{l.Flow, chunk}] {
		if n.to == a.e && !n.came {
			n.came = true
			b.budget += min(size, n.size)
			return
		}
	}
}

// moved notes that an endpoint moves bytes of a flow, which it may not while it is
// paused and had the time to hear of it.
func (b *books) moved(a *agent, flow content.VersionID, what string) {
	since, paused := b.paused[flow]
	if !paused || !a.connected || a.e.frozen || !a.e.reaches() || b.s.loop == nil || b.online[a.e] == nil {
		return
	}
	for _, t := range []time.Time{a.since, a.mendedAt, a.thawedAt, b.online[a.e].since} {
		if t.After(since) {
			since = t
		}
	}
	if late := time.Since(since); late > obeyTime {
		b.fault("%s %s of a flow %v after its pause", a.e.Name, what, late.Round(time.Millisecond))
	}
}

// frame looks at a frame that an endpoint sends, and spoils the data of a liar.
func (b *books) frame(l *end, f *wire.Frame) {
	e := l.d.a.e
	if f.Kind == wire.FrameCredit || f.Kind == wire.FrameUplink {
		return
	}
	v := stock().byID[f.Version]
	if v == nil || !b.orders[f.Version] {
		b.fault("%s of %s sends a frame of a flow that its site has not", e.Name, b.s.Name)
		return
	}
	var truth []byte
	switch f.Kind {
	case wire.FrameData:
		truth = v.chunks[f.Number]
	case wire.FrameBody:
		truth = v.body
	default:
		return
	}
	b.lan += int64(len(f.Payload))
	b.moved(l.d.a, f.Version, "serves bytes")
	if int(f.Offset)+len(f.Payload) > len(truth) || !bytes.Equal(f.Payload, truth[f.Offset:int(f.Offset)+len(f.Payload)]) {
		b.fault("%s serves wrong bytes of chunk %d of %s", e.Name, f.Number, v.Name)
	}
	if e.liar && f.Kind == wire.FrameData {
		f.Payload = slices.Clone(f.Payload)
		f.Payload[0] ^= 0xff
	}
}

// Audit compares what crossed the WAN with what had to. Nobody takes more than that
// here, whatever breaks, so the server's guard against it must stay silent.
func (s *Site) Audit() {
	halted := s.halted()
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	b := s.books
	for _, f := range halted {
		b.fault("%s: flow of %s %s was halted: %s", s.Name, f.Content, f.Version, f.Reason)
	}
	allowed := b.budget + b.budget/100 + b.along + int64(b.breaks)*(int64(killCost.Seconds()*float64(s.wan.rate))+b.largest)
	allowed += s.wan.unread // not kept yet
	for _, t := range s.wan.transfers {
		allowed += t.got
	}
	if b.wan > allowed {
		b.fault("%s: %d bytes crossed the WAN, %d had to, %d allowed after %d breaks", s.Name, b.wan, b.budget, allowed, b.breaks)
	}
}

// halted returns the flows that the server's guard has halted.
func (s *Site) halted() []site.FlowView {
	if s.loop == nil {
		return nil
	}
	v, err := s.loop.site.View(context.Background())
	if err != nil {
		return nil // the server is being killed
	}
	return slices.DeleteFunc(v.Flows, func(f site.FlowView) bool { return f.State != site.StateHalted })
}

// Traffic is what a site moved.
type Traffic struct {
	Needed int64 // bytes that had to cross the WAN
	WAN    int64 // bytes that did
	LAN    int64 // payload that peers sent
	Breaks int   // fetches that ended before they were whole
}

// Traffic returns what the site moved so far.
func (s *Site) Traffic() Traffic {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return Traffic{s.books.budget, s.books.wan, s.books.lan, s.books.breaks}
}

// Complete reports whether an endpoint has all of a version, correctly.
func (e *Endpoint) Complete(v *Version) bool {
	_, complete := e.store.state(v.spec.ID)
	return complete
}
