package site

import (
	"cmp"
	"math"

	"github.com/sitecast/sitecast/signaling/reason"
)

// whyPart says why a member's part in a flow moves or does not; whole is why the flow does.
func (s *Site) whyPart(sc *scene, f *flow, m *member, p *partTale, whole reason.Reason) reason.Reason {
	h := m.holds[f.ID]
	switch {
	case h != nil && h.complete:
		return reason.Reason{Code: reason.Complete}
	case f.Paused || f.guard.halted != "" || f.early():
		return whole
	case h == nil:
		return reason.Reason{Code: reason.NotHeard}
	case h.code != "":
		return reason.Reason{Code: troubled(h), What: h.trouble}
	case h.restraint.Scope.Take():
		return h.restrained()
	}
	for _, why := range []func(*scene, *flow, *member, *partTale) reason.Reason{s.whyFetched, s.whyComes, s.whyLeased} {
		if r := why(sc, f, m, p); !r.IsZero() {
			return r
		}
	}
	return s.whyLacks(sc, f, m, p, whole)
}

// restrained says what somebody does without.
func (h *holding) restrained() reason.Reason {
	return reason.Reason{Code: cmp.Or(restraints[h.restraint.Code], reason.Restrained), What: h.restraint.Reason}
}

// whyFetched: it has a lease, and what comes is of that, or others have the line.
func (s *Site) whyFetched(sc *scene, f *flow, m *member, p *partTale) reason.Reason {
	ln := s.lines[m.egress]
	switch at := sc.working[m.ID]; {
	case at == nil || at.flow != f.ID:
		return reason.Reason{}
	case ln != nil && ln.last.standsBack(sc.now):
		return reason.Reason{Code: reason.Yielding, What: ln.last.Reason}
	case p.came.flows(sc.now, ofOrigin) && f.tale.fault.at.Before(p.came.at[ofOrigin]):
		return s.fromOrigin(f, "")
	}
	return reason.Reason{}
}

// whyLeased: it has a lease, and nothing comes.
func (s *Site) whyLeased(sc *scene, f *flow, m *member, p *partTale) reason.Reason {
	at := sc.working[m.ID]
	if at == nil || at.flow != f.ID && !s.leasesFlow(m, f) {
		return reason.Reason{}
	}
	fault := f.tale.fault
	switch {
	case at.flow != f.ID && s.class(at) < f.Priority.Class():
		return reason.Reason{Code: reason.Queued, What: s.flows[at.flow].Head.Ref().String()}
	case fault.who == m.Hello.Name && !fault.at.Before(p.came.at[ofOrigin]):
		return reason.Reason{Code: f.failing(), What: fault.what}
	case p.came.flows(sc.now, ofOrigin):
		return s.fromOrigin(f, "")
	}
	return reason.Reason{Code: reason.WaitingOrigin}
}

func (s *Site) leasesFlow(m *member, f *flow) bool {
	for _, l := range s.leases {
		if l.to == m.ID && l.flow == f.ID {
			return true
		}
	}
	return false
}

// whyComes: bytes come.
func (s *Site) whyComes(sc *scene, f *flow, m *member, p *partTale) reason.Reason {
	h := m.holds[f.ID]
	switch {
	case p.came.flows(sc.now, ofPeer):
		return reason.Reason{Code: reason.FromPeers}
	case p.came.flows(sc.now, ofRelay):
		if n := f.needs[m.group]; n != nil {
			if r := s.whyRelayed(f); !r.IsZero() && n.relay.use != "" {
				return r
			}
		}
		return s.relayedAt(sc, []*member{m})
	case p.came.flows(sc.now, ofReused):
		return reason.Reason{Code: reason.Reused}
	case h.seeding && h.body:
		return reason.Reason{Code: reason.Seeking, Who: m.Hello.Name}
	}
	return reason.Reason{}
}

// whyLacks: nothing comes.
func (s *Site) whyLacks(sc *scene, f *flow, m *member, p *partTale, whole reason.Reason) reason.Reason {
	h, l := m.holds[f.ID], sc.links[m.ID]
	here := uint32(math.Round((1 - f.need(m.group, sc.now).supply.Absent()) * float64(f.Head.Chunks)))
	if here > h.count {
		last := p.came.last()
		if last.IsZero() {
			last = p.began
		}
		switch {
		case l.direct+l.relayed == 0 && (l.dialing != "" || l.refused != ""):
			return s.unlinked(l)
		case sc.now.Sub(last) < quiet:
			return reason.Reason{Code: reason.WaitingPeers}
		}
		return reason.Reason{Code: reason.PeersSilent}
	}
	var fetchers []*member
	for id := range sc.working {
		if other := s.members[id]; other != m && other.group == m.group && s.leasesFlow(other, f) {
			fetchers = append(fetchers, other)
		}
	}
	switch {
	case len(fetchers) > 0:
		return reason.Reason{Code: reason.WaitingFetcher, Who: names(fetchers)}
	case !h.fetches() && (whole.Code == reason.NobodyMayFetch || whole.Kind() == reason.Moving):
		return h.restrained()
	}
	return whole
}
