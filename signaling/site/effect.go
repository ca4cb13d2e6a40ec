package site

import (
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
)

// Resumed is the kind of [Asked] of pauses that were ended.
const Resumed = "resume"

// maxEffects bounds the rules whose effect a site remembers: those set last.
const maxEffects = 32

// Asked tells of a rule that an operator set just now, whose effect is to be measured. It
// comes before what is wanted is read anew.
type Asked struct {
	Kind       string // of package catalog's kinds of rule, or Resumed
	Ref        content.Ref
	Generation uint64
	At         time.Time // when the operator's call came in
}

// effect is what became of a rule at this site. All times are the server's, so what clocks
// of devices say does not matter.
type effect struct {
	Asked
	begun bool                       // the site's members were told
	over  bool                       // something of it goes on
	flows map[content.VersionID]bool // that it is about
	told  map[wire.EndpointID]*heeding
	first time.Duration // from the call until something went by it; negative: nothing did yet
}

// heeding is what became of a rule at one member that was online when it was set.
type heeding struct {
	confirmed, away bool
	// last is the time from the call until the last word of it came in: that it obeys, or
	// (of a pause) that it had received something more.
	last time.Duration
}

func (e Asked) apply(s *Site, now time.Time) {
	if len(s.effects) == maxEffects {
		s.effects = slices.Delete(s.effects, 0, 1)
	}
	s.effects = append(s.effects, &effect{Asked: e, told: map[wire.EndpointID]*heeding{}, flows: map[content.VersionID]bool{}, first: -1})
	s.beginEffects()
}

// matches reports whether a flow is of a content, of one version of it, or (empty) of any.
func (f *flow) matches(ref content.Ref) bool {
	return (ref.Name == "" || ref.Name == f.Head.Name) && (ref.Version == "" || ref.Version == f.Head.Version)
}

// beginEffects takes in what was wanted last: who was just told of a rule, and which rules
// are over.
func (s *Site) beginEffects() {
	for _, e := range s.effects {
		if e.begun {
			e.over = e.over || e.Kind == catalog.RulePause && s.goesOn(e)
			continue
		}
		if !s.known || s.desired.Generation < e.Generation {
			continue
		}
		e.begun = true
		for _, id := range s.order {
			f := s.flows[id]
			if !f.matches(e.Ref) || e.Kind == Resumed && f.Paused {
				continue
			}
			e.flows[id] = true
			for _, m := range s.members {
				if f.wantedBy(m) {
					e.told[m.ID] = &heeding{}
				}
			}
		}
	}
}

// goesOn reports whether something of what a rule paused does not pause any more.
func (s *Site) goesOn(e *effect) bool {
	for id := range e.flows {
		if f := s.flows[id]; f == nil || !f.Paused {
			return true
		}
	}
	return false
}

// heeded notes that a member obeys what is wanted up to a generation.
func (s *Site) heeded(now time.Time, m *member) {
	for _, e := range s.effects {
		h := e.told[m.ID]
		if h == nil || h.confirmed || m.obeyed < e.Generation {
			continue
		}
		h.confirmed, h.last = true, now.Sub(e.At)
		if e.Kind != Resumed && slices.ContainsFunc(s.leasesOf(m.ID), func(l *lease) bool { return e.flows[l.flow] }) {
			e.act(now)
		}
	}
}

// act notes that something goes by a rule.
func (e *effect) act(now time.Time) {
	if e.first < 0 && e.begun {
		e.first = now.Sub(e.At)
	}
}

// prefers notes that a lease was granted, by the priorities and caps that are wanted now.
func (s *Site) prefers(now time.Time, f *flow) {
	for _, e := range s.effects {
		if e.flows[f.ID] && e.Kind != Resumed {
			e.act(now)
		}
	}
}

// grew notes that a member says to have received more of a flow.
func (s *Site) grew(now time.Time, m *member, f *flow) {
	for _, e := range s.effects {
		h := e.told[m.ID]
		switch {
		case h == nil || !e.flows[f.ID]:
		case e.Kind == catalog.RulePause && !e.over:
			h.last = now.Sub(e.At)
		case e.Kind == Resumed:
			e.act(now)
		}
	}
}

// parted notes that a member is gone: it is not waited for. When it comes back it is told
// what is wanted, like any that was offline.
func (s *Site) parted(m *member) {
	for _, e := range s.effects {
		if h := e.told[m.ID]; h != nil && !h.confirmed {
			h.away = true
		}
	}
}

// EffectView is what became of a rule at a site.
type EffectView struct {
	Kind       string
	Generation uint64
	Begun      bool // the site has read what is wanted since
	Endpoints  int  // that were online and told
	Confirmed  int  // of them, that said to obey
	Away       int  // that left before they did
	// Last has for each that obeys the time from the operator's call until its last word: that
	// it obeys or, of a pause, that it had received something more.
	Last []time.Duration
	// First is the time from the call until something went by it here: a lease by a new priority
	// or cap, or bytes that came in once a pause was ended; negative: nothing did yet.
	First time.Duration
}

// effectViews lists the rules that were set last.
func (s *Site) effectViews() (out []EffectView) {
	for _, e := range s.effects {
		v := EffectView{Kind: e.Kind, Generation: e.Generation, Begun: e.begun, Endpoints: len(e.told), First: e.first}
		for _, id := range slices.Sorted(maps.Keys(e.told)) {
			switch h := e.told[id]; {
			case h.away:
				v.Away++
			case h.confirmed:
				v.Confirmed++
				v.Last = append(v.Last, h.last)
			}
		}
		out = append(out, v)
	}
	return out
}

// Asked tells a site that runs, or (empty) all of them, of a rule that was set.
func (h *Hub) Asked(name string, e Asked) {
	h.mu.Lock()
	sites := slices.Collect(maps.Values(h.sites))
	h.mu.Unlock()
	for _, o := range sites {
		if name == "" || o.cfg.Name == name {
			o.Send(e)
		}
	}
}
