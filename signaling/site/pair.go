package site

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/pair"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
)

// examineWait is how long endpoints are waited for that are asked what they saw.
const examineWait = 3 * time.Second

// Pair asks two endpoints what they saw of their link, and says what that means.
// Nothing of it is kept. Who is not online is named by whoever asks.
func (s *Site) Pair(ctx context.Context, a, b pair.End) (pair.Report, error) {
	q := question{name: rand.Text(), ids: [2]wire.EndpointID{a.ID, b.ID}, answers: make(chan answer, 2), facts: make(chan facts, 1)}
	if !s.Send(q) {
		return pair.Report{}, ErrStopped
	}
	defer s.Send(forget{q.name})
	var known facts
	select {
	case known = <-q.facts:
	case <-s.done:
		return pair.Report{}, ErrStopped
	case <-ctx.Done():
		return pair.Report{}, ctx.Err()
	}
	ends := [2]*pair.End{&a, &b}
	waiting := 0
	for i, end := range ends {
		if known.ends[i].Online {
			*end = known.ends[i]
			waiting++
		}
	}
	late := time.After(examineWait)
	for ; waiting > 0; waiting-- {
		select {
		case got := <-q.answers:
			for i, id := range q.ids {
				if id == got.from {
					ends[i].Seen = got.seen
				}
			}
		case <-late:
			return pair.Explain(a, b, known.link), nil
		case <-ctx.Done():
			return pair.Report{}, ctx.Err()
		}
	}
	return pair.Explain(a, b, known.link), nil
}

// question is what somebody wants to know of a pair.
type question struct {
	name    string
	ids     [2]wire.EndpointID
	heard   [2]bool
	answers chan answer // one of each
	facts   chan facts
}

// facts are what the loop itself knows.
type facts struct {
	ends [2]pair.End
	link pair.Link
}

type answer struct {
	from wire.EndpointID
	seen *wire.Examined
}

func (e question) apply(s *Site, now time.Time) {
	var known facts
	for i, id := range e.ids {
		m := s.members[id]
		if m == nil {
			continue
		}
		known.ends[i] = pair.End{ID: id, Name: m.Hello.Name, Online: true, Address: m.Address, Subnets: m.Hello.Subnets}
		if s.questions == nil {
			s.questions = map[string]question{}
		}
		s.questions[e.name] = e
		m.conn.Send(wire.KindExamine, wire.Examine{Question: e.name, Peer: e.ids[1-i]})
	}
	known.link = s.linkFacts(now, schedule.EdgeOf(e.ids[0], e.ids[1]))
	e.facts <- known
}

// linkFacts says what is known of a link between two endpoints.
func (s *Site) linkFacts(now time.Time, e schedule.Edge) pair.Link {
	link := pair.Link{Wanted: slices.Contains(s.links.wanted, e), Busy: s.links.wasBusy}
	if a, b := s.members[e.A], s.members[e.B]; a != nil && b != nil {
		link.SameGroup = a.group == b.group
	}
	if s.distrusted(now, e) {
		link.Distrusted = s.distrusts[e].until.Sub(now)
	}
	if edge := s.links.edges[e]; edge != nil {
		link.Up, link.Relayed = edge.up, edge.relayed
		link.Dialing, link.RetryIn = !edge.dialed.IsZero(), max(edge.retryAt.Sub(now), 0)
	}
	return link
}

// examined takes an answer to whoever asked, once from each. One that comes too late is
// nobody's.
func (s *Site) examined(m *member, seen *wire.Examined) {
	if seen.Question == ofLinks {
		s.carriedOf(m, seen.Links)
		return
	}
	q, open := s.questions[seen.Question]
	i := slices.Index(q.ids[:], m.ID)
	if !open || i < 0 || q.heard[i] || seen.Peer != q.ids[1-i] {
		return
	}
	q.heard[i] = true
	s.questions[seen.Question] = q
	q.answers <- answer{m.ID, seen} // there is room for one of each
}

type forget struct{ question string }

func (e forget) apply(s *Site, _ time.Time) { delete(s.questions, e.question) }
