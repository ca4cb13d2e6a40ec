package site

import (
	"fmt"
	"time"

	"github.com/sitecast/sitecast/storage/content"
)

type audit struct{ reply chan []string }

func (e audit) apply(s *Site, _ time.Time) { e.reply <- s.faults() }

// Faults has the loop compare its books with what they are made of.
func (s *Site) Faults() []string {
	e := audit{make(chan []string, 1)}
	s.Send(e)
	return <-e.reply
}

// part is what a chunk, or the body, of a flow is under in one reach group.
type part struct {
	flow  content.VersionID
	group groupID
	body  bool
	chunk uint32
}

func (s *Site) faults() (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	leased := map[part]fence{}
	for id, l := range s.leases {
		f, m := s.flows[l.flow], s.members[l.to]
		switch {
		case id != l.fence:
			fault("lease %v is kept as %v", l.fence, id)
		case m == nil:
			fault("lease %v is of %s, which is gone", id, l.to.Short())
			continue
		case f == nil:
			fault("lease %v is of a flow that ended", id)
			continue
		case f.Paused:
			fault("lease %v is of %s, which is paused", id, f.Head.Name)
		}
		parts := []part{{l.flow, m.group, true, 0}}
		if !l.body {
			parts = nil
			for _, p := range l.parts {
				parts = append(parts, part{l.flow, m.group, false, p.Chunk})
			}
		}
		for _, p := range parts {
			if other, taken := leased[p]; taken {
				fault("%+v of %s is under leases %v and %v", p, f.Head.Name, id, other)
			}
			leased[p] = id
		}
	}
	for _, f := range s.flows {
		took := int64(0)
		for _, c := range f.counted {
			took += c.wan - c.base
		}
		if took > f.guard.needed+f.guard.explained {
			fault("%s took %d bytes, and %+v explains less", f.Head.Name, took, f.guard)
		}
	}
	for id, f := range s.flows {
		for g, members := range s.groups {
			open := uint32(0)
			for c := range f.Head.Chunks {
				_, taken := leased[part{id, g, false, c}]
				for _, m := range members {
					h := m.holds[id]
					taken = taken || h != nil && !h.doubted && h.have.Has(c)
				}
				if !taken {
					open++
				}
			}
			if got := f.need(g, time.Now()).supply.Open(); got != open {
				fault("%s has %d chunks open in group %d, want %d", f.Head.Name, got, g, open)
			}
		}
	}
	if len(s.order) != len(s.flows) {
		fault("%d flows in order, %d in all", len(s.order), len(s.flows))
	}
	grouped := 0
	for g, members := range s.groups {
		for _, m := range members {
			grouped++
			if m.group != g || s.members[m.ID] != m {
				fault("%s is listed in group %d, is in %d", m.ID.Short(), g, m.group)
			}
		}
	}
	if grouped != len(s.members) {
		fault("%d members in groups, %d in all", grouped, len(s.members))
	}
	for e := range s.links.edges {
		if s.members[e.A] == nil || s.members[e.B] == nil {
			fault("link of %s and %s, one of whom is gone", e.A.Short(), e.B.Short())
		}
	}
	for id := range s.members {
		if n := s.held(id); n > maxLeases*classes { // flows change their class with what is leased
			fault("%s has %d leases", id.Short(), n)
		}
	}
	return found
}

// Questions is how many questions to endpoints are open.
func (s *Site) Questions() int {
	reply := make(chan int, 1)
	s.Send(count(func(s *Site) { reply <- len(s.questions) }))
	return <-reply
}

type count func(*Site)

func (e count) apply(s *Site, _ time.Time) { e(s) }

// CountEvery is how often a site hands over what its endpoints received.
const CountEvery = countEvery
