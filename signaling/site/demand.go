package site

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Browsers take part in what their token names, and hear of nothing else. Which version
// that is at this site, and whether it is one that the site has anyway, is not for the
// loop to find out: it says what is named, the hub has it looked up, and the answer comes
// with the desired state ([Desired.Demands]). A flow that exists for browsers alone ends a
// while after the last of them left, so that a page can be loaded again.

const (
	// demandLasts is how long what a browser named is remembered after the last one that
	// named it left.
	demandLasts = time.Minute
	// maxDemands bounds what the browsers of a site name together.
	maxDemands = 256
	// maxBrowsers bounds the browsers online at a site: tabs must not crowd devices out.
	maxBrowsers = MaxMembers / 2
)

// demands is what browsers named, and since when nobody online does.
type demands struct {
	by   map[wire.Named]*demandOf
	told []wire.Named      // as it was said last
	out  chan []wire.Named // what is to be looked up; holds the newest only
}

type demandOf struct {
	online int
	left   time.Time // when the last one left, while online is 0
}

func newDemands() demands {
	return demands{by: map[wire.Named]*demandOf{}, out: make(chan []wire.Named, 1)}
}

// Demands brings what browsers name, all of it, each time that it changed.
func (s *Site) Demands() <-chan []wire.Named { return s.demands.out }

// crowded says why one more member is not taken in, "" when it is.
func (s *Site) crowded(m Member) string {
	if len(s.members) >= MaxMembers {
		return "the site has too many endpoints online"
	}
	if m.Hello.Device != wire.DeviceBrowser {
		return ""
	}
	browsers := 0
	for _, other := range s.members {
		if other.browser() {
			browsers++
		}
	}
	fresh := 0
	for _, n := range m.Contents {
		if s.demands.by[n] == nil {
			fresh++
		}
	}
	switch {
	case browsers >= maxBrowsers:
		return "the site has too many browsers online"
	case len(s.demands.by)+fresh > maxDemands:
		return "the browsers of the site name too many contents"
	}
	return ""
}

// browser reports whether a member is a tab: it comes and goes, and can't pace itself.
func (m *member) browser() bool { return m.Hello.Device == wire.DeviceBrowser }

// visit notes what a browser names.
func (s *Site) visit(m *member) {
	if m.Contents == nil {
		return
	}
	for _, n := range m.Contents {
		d := s.demands.by[n]
		if d == nil {
			d = &demandOf{}
			s.demands.by[n] = d
		}
		d.online++
	}
	s.rename(time.Time{}, m)
}

// unvisit notes that a browser left. Nothing of who it was is kept.
func (s *Site) unvisit(now time.Time, m *member) {
	for _, n := range m.Contents {
		d := s.demands.by[n]
		if d.online--; d.online == 0 {
			d.left = now
		}
	}
	if m.browser() {
		delete(s.presence, m.ID)
		maps.DeleteFunc(s.distrusts, func(e schedule.Edge, _ distrust) bool { return e.A == m.ID || e.B == m.ID })
	}
}

// demand has the hub look up what browsers name, when that changed, and reports whether
// time alone will change it.
func (s *Site) demand(now time.Time) (pending bool) {
	d := &s.demands
	for n, of := range d.by {
		switch {
		case of.online > 0:
		case now.Sub(of.left) >= demandLasts:
			delete(d.by, n)
		default:
			pending = true
		}
	}
	if len(d.by) == len(d.told) && !slices.ContainsFunc(d.told, func(n wire.Named) bool { return d.by[n] == nil }) {
		return pending
	}
	d.told = slices.SortedFunc(maps.Keys(d.by), func(a, b wire.Named) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	select {
	case <-d.out: // nobody took it, and it is outdated
	default:
	}
	d.out <- d.told
	return pending
}

// answered reports whether it is known what a member shall have: of a browser, once all
// that it names was looked up.
func (s *Site) answered(id wire.EndpointID) bool {
	m := s.members[id]
	return s.known && (m == nil || !slices.ContainsFunc(m.Contents, func(n wire.Named) bool {
		_, known := s.desired.Demands[n]
		return !known
	}))
}

// rename finds the versions that a browser takes part in. What it held of others counts
// no more.
func (s *Site) rename(now time.Time, m *member) {
	if m.Contents == nil {
		return
	}
	had := m.named
	m.named = map[content.VersionID]bool{}
	for _, n := range m.Contents {
		if id := s.desired.Demands[n]; id != (content.VersionID{}) {
			m.named[id] = true
		}
	}
	for id := range m.holds {
		if !m.named[id] {
			s.release(now, m, s.flows[id])
		}
	}
	if maps.Equal(had, m.named) {
		return
	}
	for e, state := range s.links.edges {
		if other := s.members[e.Other(m.ID)]; other != nil && (state.up || !state.dialed.IsZero()) {
			other.conn.Send(wire.KindVisiting, wire.Visiting{Peer: m.ID, Flows: m.visitor().Flows})
		}
	}
}

// visitor says to peers which flows a member takes part in; nil for who enrolled.
func (m *member) visitor() *wire.Visitor {
	if m.named == nil {
		return nil
	}
	flows := slices.AppendSeq([]content.VersionID{}, maps.Keys(m.named))
	slices.SortFunc(flows, func(a, b content.VersionID) int { return bytes.Compare(a[:], b[:]) })
	return &wire.Visitor{Flows: flows}
}

// wantedBy reports whether a member shall have the flow.
func (f *flow) wantedBy(m *member) bool {
	switch {
	case f.early():
		return false
	case m.named != nil:
		return m.named[f.ID]
	case f.PreStage > 0:
		return f.chosen[m.ID] && (!f.Superseded || f.copying)
	}
	return !f.OnDemand
}

// spare reports whether nothing goes for the flow over the WAN, because only copies that
// there are shall be kept.
func (f *flow) spare() bool { return f.Superseded && !f.OnDemand }
