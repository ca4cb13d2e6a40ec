package site

import (
	"context"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/wire"
)

// Send hands an event to the loop. It reports false when the site has stopped.
// Never call it from inside apply.
func (s *Site) Send(e event) bool {
	to := s.inbox
	switch e.(type) {
	case ask, recount: // they only look
	case Wanted:
		s.orders.Add(1)
		s.stirs.Add(1)
		to = s.wants
	case Recalled:
		s.stirs.Add(1)
		to = s.wants
	default:
		s.stirs.Add(1)
	}
	select {
	case to <- e:
		return true
	case <-s.done:
		return false
	}
}

// Run owns the site until ctx ends.
func (s *Site) Run(ctx context.Context) error {
	defer close(s.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	ticking := false // the timer has it decide within a tick
	for {
		var came []event
		queued := false // it has a place in the lane
		select {
		case <-ctx.Done():
			s.keep(time.Now(), true)
			s.count(time.Now(), true)
			return nil
		case e := <-s.wants:
			s.take(e)
		case e := <-s.inbox:
			came, queued = s.queue(e)
		case <-timer.C:
			came, queued = s.queue()
			s.stirs.Add(1)
			s.pressing = true
		}
		began := time.Now()
		s.obey()
		for _, e := range came {
			s.take(e)
		}
		s.drain()
		if s.pressing || !ticking {
			s.pressing, ticking = false, s.decide(time.Now())
			if ticking {
				timer.Reset(tick)
			} else {
				timer.Reset(time.Hour)
			}
		}
		if queued {
			s.cfg.Lane.Leave()
		}
		s.cfg.Accounts.step(began)
	}
}

// queue waits for a place in the lane, if all that is to be done can wait: what members say
// of what they got, or what follows with time. Where something comes meanwhile that can't, it
// waits no longer. It returns what came, in order, and whether there is a place to give back.
func (s *Site) queue(came ...event) (_ []event, placed bool) {
	places := s.cfg.Lane.Places()
	if places == nil || len(came) > 0 && !canWait(came[0]) {
		return came, false
	}
	for inbox := s.inbox; ; {
		select {
		case places <- struct{}{}:
			return came, true
		case e := <-s.wants:
			s.take(e)
			return came, false
		case e := <-inbox:
			if came = append(came, e); !canWait(e) {
				return came, false
			}
			if len(came) == batchEvents {
				inbox = nil
			}
		}
	}
}

// canWait reports whether nobody waits for what follows from an event.
func canWait(e event) bool {
	h, said := e.(Heard)
	_, progress := h.Body.(*wire.Progress)
	return said && progress
}

// obey applies what is wanted, before whatever else came in.
func (s *Site) obey() {
	for {
		select {
		case e := <-s.wants:
			s.take(e)
		default:
			return
		}
	}
}

// take applies an event. What members say before it is known what is wanted waits
// until then: it may be of flows that are about to be known.
func (s *Site) take(e event) {
	now := time.Now()
	if h, ok := e.(Heard); ok && !s.answered(h.ID) {
		if len(s.early) == maxEarly {
			h.Conn.Close(wire.CodeOverloaded, "the server has not read yet what is wanted of the site")
			return
		}
		s.early = append(s.early, h)
		return
	}
	if h, ok := e.(Heard); ok {
		s.pressing = !s.hear(now, h) || s.pressing
		return
	}
	s.pressing = true
	e.apply(s, now)
	if _, ok := e.(Wanted); ok {
		s.early = slices.DeleteFunc(s.early, func(h Heard) bool {
			ready := s.answered(h.ID)
			if ready {
				h.apply(s, now)
			}
			return ready
		})
	}
}

// hear applies what a member says, and reports whether it was routine, so that nothing is to
// be decided: somebody who fetches nothing got more of what others of its group hold. Nearly
// all that is said while flows move is that, and deciding takes longer than hearing it. What
// follows with time, as that nobody waits in vain, follows with the next tick.
func (s *Site) hear(now time.Time, e Heard) (routine bool) {
	p, ok := e.Body.(*wire.Progress)
	m := s.members[e.ID]
	if !ok || m == nil || !m.meter.since.IsZero() || s.flows[p.Flow] == nil || m.holds[p.Flow] == nil || !m.holds[p.Flow].goesOn(p) {
		e.apply(s, now)
		return false
	}
	h, supply := m.holds[p.Flow], s.flows[p.Flow].need(m.group, now).supply
	had, open, absent := h.count, supply.Open(), supply.Absent()
	e.apply(s, now)
	return h.count > had && supply.Open() == open && supply.Absent() == absent
}

// drain applies what else is waiting, so that decisions see all of it.
func (s *Site) drain() {
	for range batchEvents {
		select {
		case e := <-s.inbox:
			s.take(e)
		default:
			return
		}
	}
}

// decide does what is due and reports whether time alone will bring more.
func (s *Site) decide(now time.Time) bool {
	staging := s.stage(now)
	if s.reports != s.reportEvery() {
		s.tellAll(now)
	}
	busy := s.busy()
	if busy {
		s.active = now
	}
	linking := s.decideLinks(now)
	s.regroup(now)
	s.noteBodies(now)
	s.expire(now)
	s.doubt(now)
	s.heed(now)
	s.draws(now)
	s.weigh(now)
	s.replan(now)
	s.grantLeases(now)
	s.rest()
	s.gauge.note(now, s)
	s.govern(now)
	s.sample(now)
	s.keep(now, false)
	s.count(now, false)
	asking, explaining := s.demand(now), s.explain(now)
	return asking || explaining || s.unkept.any() || len(s.tallies.said) > 0 || busy || staging || linking || len(s.leases) > 0 || now.Sub(s.active) < idleAfter && len(s.members) > 0
}

// busy reports whether any flow has something to do for somebody online.
func (s *Site) busy() bool {
	for _, id := range s.order {
		f := s.flows[id]
		if f.Paused {
			continue
		}
		for _, m := range s.members {
			if h := m.holds[id]; f.wantedBy(m) && (h == nil || !h.complete) {
				return true
			}
		}
	}
	return false
}
