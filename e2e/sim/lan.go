package sim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Times of links, as those of package rtc and of ICE.
const (
	dialTimeout  = 10 * time.Second
	linkDeadTime = 15 * time.Second // without a word, until a link counts as lost
	pathRetry    = time.Second
)

// pair is what is special about two endpoints; the zero value is nothing.
type pair struct {
	blocked bool
	// suspect says that they could not reach each other once, and that no direct link
	// has stood since: the server may take them for separate.
	suspect bool
	direct  *cable    // the last direct link
	at      time.Time // since when
}

// dialog is an attempt at a link at one of its ends and, if it succeeds, the life
// of that end.
type dialog struct {
	a       *agent
	peer    *Endpoint
	link    string
	attempt int
	offers  bool
	end     *end // once it is up
	over    bool
}

func (e *Endpoint) sortedDialogs() []*dialog {
	if e.agent == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(e.agent.dialogs), func(a, b *dialog) int { return cmp.Compare(a.peer.Name, b.peer.Name) })
}

// SetNetworks implements engine.Links: all are in one.
func (a *agent) SetNetworks(wire.Networks) {}

// SetSite implements engine.Links.
func (a *agent) SetSite(name string) {
	if name != a.e.site.Name {
		a.w.mu.Lock()
		a.w.fault("%s of %s is told that it is in %s", a.e.Name, a.e.site.Name, name)
		a.w.mu.Unlock()
	}
}

// Dial implements engine.Links.
func (a *agent) Dial(peer wire.EndpointID, attempt int) {
	a.e.lan.in(time.Microsecond, func() { a.input(func() { a.dial(peer, attempt) }) })
}

// HangUp implements engine.Links.
func (a *agent) HangUp(peer wire.EndpointID) {
	a.e.lan.in(time.Microsecond, func() {
		a.input(func() {
			if d := a.dialogs[a.w.find(peer)]; d != nil {
				d.close("hung up")
			}
		})
	})
}

// Signal implements engine.Links.
func (a *agent) Signal(s wire.Signal) {
	a.e.lan.in(time.Microsecond, func() { a.input(func() { a.signal(s) }) })
}

func (w *World) find(id wire.EndpointID) *Endpoint {
	for _, s := range w.Sites {
		for _, e := range s.Endpoints {
			if e.ID == id {
				return e
			}
		}
	}
	return nil
}

// neighbour finds an endpoint that a is told of; one of another site is a fault.
func (a *agent) neighbour(id wire.EndpointID) *Endpoint {
	peer := a.w.find(id)
	if peer == nil || peer.site != a.e.site || peer == a.e {
		a.w.mu.Lock()
		a.w.fault("%s of %s is told to link to %s, which is not at its site", a.e.Name, a.e.site.Name, id.Short())
		a.w.mu.Unlock()
		return nil
	}
	return peer
}

func (a *agent) dial(id wire.EndpointID, attempt int) {
	peer := a.neighbour(id)
	if peer == nil || a.dialogs[peer] != nil {
		return
	}
	a.w.links++
	d := a.begin(peer, fmt.Sprintf("link-%d", a.w.links), attempt, true)
	a.eng.Signal(wire.Signal{From: a.e.ID, To: id, Link: d.link, Attempt: attempt, Offer: &wire.Description{SDP: "v=0"}})
}

func (a *agent) begin(peer *Endpoint, link string, attempt int, offers bool) *dialog {
	d := &dialog{a: a, peer: peer, link: link, attempt: attempt, offers: offers}
	a.dialogs[peer] = d
	a.e.lan.alarm(dialTimeout, func() {
		a.input(func() {
			if d.end == nil {
				d.close("no connection in time")
			}
		})
	})
	return d
}

func (a *agent) signal(s wire.Signal) {
	peer := a.neighbour(s.From)
	if peer == nil {
		return
	}
	d := a.dialogs[peer]
	switch {
	case s.Offer != nil:
		if d != nil && d.offers && d.end == nil && a.e.ID < s.From {
			return // both offered at once: the lower id's offer counts
		}
		if d != nil {
			d.close("peer began anew")
		}
		a.begin(peer, s.Link, s.Attempt, false)
		a.eng.Signal(wire.Signal{From: a.e.ID, To: s.From, Link: s.Link, Attempt: s.Attempt, Answer: &wire.Description{SDP: "v=0"}})
	case s.Answer != nil && d != nil && d.offers && d.link == s.Link && d.end == nil:
		a.e.lan.alarm(3*lanLatency, d.establish)
	}
}

// other is the peer's end of the same attempt.
func (d *dialog) other() *dialog {
	if d.peer.agent == nil {
		return nil
	}
	o := d.peer.agent.dialogs[d.a.e]
	if o == nil || o.link != d.link || o.over {
		return nil
	}
	return o
}

// establish makes the link if there is a path, and tries again if not.
func (d *dialog) establish() {
	o := d.other()
	if d.over || d.a.dead || d.end != nil {
		return
	}
	a, b := d.a.e, d.peer
	direct := !a.w.pair(a, b).blocked
	relayed := !direct && d.attempt >= 2 && a.w.plan.Relay && a.reaches() && b.reaches()
	if o == nil || a.frozen || b.frozen || !direct && !relayed {
		a.lan.alarm(pathRetry, d.establish)
		return
	}
	c := newCable(d, o, relayed)
	if relayed {
		a.w.suspect(a, b)
	}
	a.w.Tell("link %s-%s up, attempt %d, relayed %v", a.Name, b.Name, d.attempt, relayed)
	d.end, o.end = c.ends[0], c.ends[1]
	for _, up := range []*dialog{d, o} {
		up.a.eng.LinkUp(up.end)
	}
	if direct {
		a.w.mu.Lock()
		a.w.pair(a, b).direct, a.w.pair(a, b).at = c, time.Now()
		a.w.mu.Unlock()
	}
}

// settleTime is how long a direct link must stand to prove that its ends can link.
const settleTime = 3 * time.Second

// joined reports whether the server should know that two endpoints can link: they do,
// or nothing ever said that they can't. mu is held.
func (p *pair) joined() bool {
	if p.direct != nil && !p.direct.closed && time.Since(p.at) >= settleTime {
		p.suspect = false
	}
	return !p.blocked && !p.suspect
}

// deaf notes that the server may take an endpoint for one that can't be linked,
// because it does not hear when it is told to.
func (e *Endpoint) deaf() {
	for _, other := range e.site.Endpoints {
		if other != e {
			e.w.suspect(e, other)
		}
	}
}

// close ends this side now; the other side hears of it at once, if a path is there.
func (d *dialog) close(why string) {
	if d.over {
		return
	}
	d.finish(why)
	if d.end == nil {
		return
	}
	c := d.end.c
	o := c.ends[1-d.end.side].d
	if c.carries() {
		o.a.e.lan.in(c.latency(), func() { o.a.input(func() { o.finish("connection lost") }) })
	} else {
		o.a.e.lan.alarm(linkDeadTime, func() { o.a.input(func() { o.finish("connection failed") }) })
	}
}

// vanish ends this side without a word; the other finds out.
func (d *dialog) vanish() {
	d.over = true
	if d.end == nil {
		return
	}
	c := d.end.c
	c.shut(d.end.side)
	o := c.ends[1-d.end.side].d
	o.a.e.lan.alarm(linkDeadTime, func() { o.a.input(func() { o.finish("connection failed") }) })
}

// finish ends this side and reports it to the engine.
func (d *dialog) finish(why string) {
	if d.over {
		return
	}
	d.over = true
	a := d.a
	if d.end != nil {
		d.end.c.shut(d.end.side)
		a.w.Tell("link %s-%s down at %s: %s", a.e.Name, d.peer.Name, a.e.Name, why)
	}
	if a.dialogs[d.peer] == d {
		delete(a.dialogs, d.peer)
	}
	lied := why == wire.CodeBadChunk || why == wire.CodeBadBody || why == wire.CodeProtocol // it will be reported
	if d.end == nil && d.attempt >= apartAfter || d.end != nil && (d.end.c.relayed || lied) {
		a.w.suspect(a.e, d.peer)
	}
	if a.dead {
		return
	}
	if d.end != nil {
		a.eng.LinkDown(d.peer.ID, d.end, d.attempt, why)
	} else {
		a.eng.LinkDown(d.peer.ID, nil, d.attempt, why) // a nil *end in an interface would not be nil
	}
}

// pair returns what is special about two endpoints of a site.
func (w *World) pair(a, b *Endpoint) *pair {
	if a.Name > b.Name {
		a, b = b, a
	}
	return w.pairs[[2]*Endpoint{a, b}]
}

// apartAfter is from which attempt on a failure says that there is no direct way.
const apartAfter = 2

// suspect notes that the server has reason to take two endpoints for separate.
func (w *World) suspect(a, b *Endpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pair(a, b).suspect = true
}

// pairUp makes the pairs of a site.
func (w *World) pairUp(s *Site) {
	for i, a := range s.Endpoints {
		for _, b := range s.Endpoints[i+1:] {
			w.pairs[[2]*Endpoint{a, b}] = &pair{}
		}
	}
}

// Block has nothing pass directly between two endpoints, or lets it pass again.
func (w *World) Block(a, b *Endpoint, blocked bool) {
	w.Tell("no way between %s and %s: %v", a.Name, b.Name, blocked)
	w.block(a, b, blocked)
}

func (w *World) block(a, b *Endpoint, blocked bool) {
	w.mu.Lock()
	p := w.pair(a, b)
	p.blocked = blocked
	p.suspect = p.suspect || blocked
	w.mu.Unlock()
	a.checkLinks()
}

// Blocked reports whether nothing passes directly between two endpoints.
func (w *World) Blocked(a, b *Endpoint) bool { return w.pair(a, b).blocked }

// CutLink breaks the link of two endpoints once.
func (w *World) CutLink(a, b *Endpoint) {
	w.Tell("link of %s and %s is cut", a.Name, b.Name)
	for _, ends := range [][2]*Endpoint{{a, b}, {b, a}} {
		if at := ends[0].agent; at != nil && at.dialogs[ends[1]] != nil {
			d := at.dialogs[ends[1]]
			at.input(func() { d.finish("connection failed") })
		}
	}
}

// checkLinks lets packets flow where they can, and ends links on which nothing
// flows for long.
func (e *Endpoint) checkLinks() {
	for _, d := range e.sortedDialogs() {
		if d.end == nil {
			continue
		}
		c := d.end.c
		if c.carries() {
			c.flush()
			continue
		}
		c.stuck++
		stuck := c.stuck
		for _, at := range c.ends {
			at.d.a.e.lan.alarm(linkDeadTime, func() {
				if c.stuck == stuck && !c.carries() {
					at.d.a.input(func() { at.d.finish("connection failed") })
				}
			})
		}
	}
}
