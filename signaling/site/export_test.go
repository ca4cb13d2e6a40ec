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

func (s *Site) faults() (found []string) {
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	leased := map[content.VersionID]map[uint32]uint64{}
	bodies := map[content.VersionID]uint64{}
	for id := range s.flows {
		leased[id] = map[uint32]uint64{}
	}
	for id, l := range s.leases {
		f := s.flows[l.flow]
		switch {
		case s.members[l.to] == nil:
			fault("lease %d is of %s, which is gone", id, l.to.Short())
		case f == nil:
			fault("lease %d is of a flow that ended", id)
			continue
		case f.Paused:
			fault("lease %d is of %s, which is paused", id, f.Head.Name)
		}
		if other, taken := bodies[l.flow]; taken && l.body {
			fault("the body of %s is under leases %d and %d", f.Head.Name, id, other)
		}
		if l.body {
			bodies[l.flow] = id
		}
		for _, p := range l.parts {
			if other, taken := leased[l.flow][p.Chunk]; taken {
				fault("chunk %d of %s is under leases %d and %d", p.Chunk, f.Head.Name, id, other)
			}
			leased[l.flow][p.Chunk] = id
		}
	}
	for id, f := range s.flows {
		open := uint32(0)
		for c := range f.Head.Chunks {
			_, taken := leased[id][c]
			for _, m := range s.members {
				h := m.holds[id]
				taken = taken || h != nil && h.have.Has(c)
			}
			if !taken {
				open++
			}
		}
		if got := f.supply.Open(); got != open {
			fault("%s has %d chunks open, want %d", f.Head.Name, got, open)
		}
	}
	if len(s.order) != len(s.flows) {
		fault("%d flows in order, %d in all", len(s.order), len(s.flows))
	}
	for e := range s.links.edges {
		if s.members[e.A] == nil || s.members[e.B] == nil {
			fault("link of %s and %s, one of whom is gone", e.A.Short(), e.B.Short())
		}
	}
	for id := range s.members {
		if n := s.held(id); n > maxLeases {
			fault("%s has %d leases", id.Short(), n)
		}
	}
	return found
}
