package site

import (
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// A flow that is pre-staged goes to a few members only, ahead of need: so many copies
// shall be at the site, on endpoints that are usually on and have room. When a
// holder stays away another takes its place. When the distribution opens the flow
// goes to everybody, and the LAN has it already.
//
// A version that was superseded is a flow of that kind, too, where the site shall keep
// copies. It is one only while a copy is made, which its holders serve; nothing of it
// crosses the WAN, so without a holder there is none. In between, members are
// told how many others keep it, and evict it accordingly.

const (
	// maxPresence bounds the endpoints remembered at a site.
	maxPresence = 4 * MaxMembers
	// unfitFor is how long who could not take a pre-staged flow is not chosen again.
	unfitFor = time.Hour
)

// presence is what is remembered of an endpoint, also while it is away.
type presence struct {
	uptime schedule.Uptime
	left   time.Time // zero while it is on
	device string
	room   int64                           // bytes of versions it would admit, or schedule.RoomUnknown
	free   int64                           // of them, without evicting anything, or schedule.RoomUnknown
	stock  map[content.VersionID]bool      // complete in its store
	unfit  map[content.VersionID]time.Time // when it could not take it
}

// arrive notes that an endpoint is online.
func (s *Site) arrive(now time.Time, m *member) {
	p := s.presence[m.ID]
	if p == nil {
		s.forgetPresence()
		p = &presence{stock: map[content.VersionID]bool{}, unfit: map[content.VersionID]time.Time{}}
		s.presence[m.ID] = p
	}
	p.uptime, p.left = p.uptime.Note(now, true), time.Time{}
	p.device, p.room, p.free = m.Hello.Device, schedule.RoomUnknown, schedule.RoomUnknown
}

// depart notes that an endpoint is not online any more.
func (s *Site) depart(now time.Time, m *member) {
	if p := s.presence[m.ID]; p != nil {
		p.uptime, p.left = p.uptime.Note(now, false), now
	}
	s.unvisit(now, m)
}

// forgetPresence makes room for another endpoint: the one that is away for longest
// goes.
func (s *Site) forgetPresence() {
	if len(s.presence) < maxPresence {
		return
	}
	var oldest wire.EndpointID
	for id, p := range s.presence {
		if old := s.presence[oldest]; !p.left.IsZero() && (old == nil || p.left.Before(old.left) || p.left.Equal(old.left) && id < oldest) {
			oldest = id
		}
	}
	delete(s.presence, oldest)
}

// stocked takes in what a member's store holds, and how much more it would take.
func (s *Site) stocked(now time.Time, m *member, w *wire.Stock) {
	m.stocked, m.spare, m.activation, m.used, m.budget = true, w.Spare, w.Activation, w.Used, w.Budget
	if !slices.Equal(m.purges, s.purgesFor(m)) {
		defer s.tell(now, m)
	}
	p := s.presence[m.ID]
	had := p.stock
	p.room, p.free, p.stock = w.Room, w.Free, map[content.VersionID]bool{}
	for _, id := range w.Holds {
		p.stock[id] = true
	}
	for id := range had {
		// It had no room for a copy that it should keep: another one may.
		if f := s.flows[id]; f != nil && f.Superseded && f.chosen[m.ID] && !p.stock[id] {
			s.unable(now, m, f)
		}
	}
}

// choosable prepares a flow that everybody had to be one for a few: until they are
// chosen all have it.
func (s *Site) choosable(f *flow) {
	f.chosen, f.copying = map[wire.EndpointID]bool{}, true
	for id, m := range s.members {
		if m.named == nil {
			f.chosen[id] = true
		}
	}
}

// among counts the members online that shall have the flow.
func (s *Site) among(f *flow) (n int) {
	for _, m := range s.members {
		if f.wantedBy(m) {
			n++
		}
	}
	return n
}

// stage chooses who holds the flows that are pre-staged, and reports whether time
// alone may change that.
func (s *Site) stage(now time.Time) (pending bool) {
	staged := slices.ContainsFunc(s.order, func(id content.VersionID) bool { return s.flows[id].PreStage > 0 })
	switch {
	case !staged:
		return false
	case now.Sub(s.stagedAt) < tick || s.unheardStock(now):
		return true
	}
	s.stagedAt = now
	changed := map[*member]bool{}
	for _, id := range s.order {
		if f := s.flows[id]; f.PreStage > 0 {
			pending = s.place(now, f, changed) || pending
		}
	}
	for _, m := range s.members {
		if changed[m] || !slices.Equal(m.copies, s.copiesFor(now, m)) {
			s.tell(now, m)
		}
	}
	return pending
}

// unheardStock reports whether a member may be about to say what its store holds.
func (s *Site) unheardStock(now time.Time) bool {
	for _, m := range s.members {
		if !m.stocked && now.Sub(m.since) < hearing {
			return true
		}
	}
	return false
}

// place chooses the holders of one flow, and reports whether one of them is away.
func (s *Site) place(now time.Time, f *flow, changed map[*member]bool) (away bool) {
	all := s.replicas(now, f)
	chosen, had := map[wire.EndpointID]bool{}, map[wire.EndpointID]bool{}
	for _, id := range schedule.Replicas(now, f.ID, f.PreStage, f.Head.Bytes, all) {
		chosen[id] = true
		away = away || s.members[id] == nil
	}
	for id, m := range s.members {
		had[id] = f.wantedBy(m)
	}
	if !maps.Equal(f.chosen, chosen) {
		s.log.Info("placing copies", "content", f.Head.Ref().String(), "wanted", f.PreStage, "at", len(chosen))
	}
	f.chosen, f.copying = chosen, slices.ContainsFunc(all, func(r schedule.Replica) bool { return chosen[r.ID] && !r.Holds })
	for id, m := range s.members {
		is := f.wantedBy(m)
		if had[id] && !is {
			s.release(now, m, f)
		}
		changed[m] = changed[m] || is != had[id]
	}
	f.survey(all)
	return away
}

// survey notes whose copies may be relied on, and who has room for one.
func (f *flow) survey(all []schedule.Replica) {
	f.kept, f.roomy = map[wire.EndpointID]bool{}, map[wire.EndpointID]bool{}
	for _, r := range all {
		switch {
		case !r.On || r.Unfit:
		case r.Holds && f.chosen[r.ID] && schedule.UsuallyOn(r.Share):
			f.kept[r.ID] = true
		case !r.Holds && r.Room >= f.Head.Bytes:
			f.roomy[r.ID] = true
		}
	}
}

// replicas describes everybody who may hold a copy of f.
func (s *Site) replicas(now time.Time, f *flow) (all []schedule.Replica) {
	source := false
	for id, p := range s.presence {
		r := schedule.Replica{ID: id, On: p.left.IsZero(), Left: p.left, Share: p.uptime.Share(now), Room: p.room,
			Holds: p.stock[f.ID], Chosen: f.chosen[id], Unfit: p.device == wire.DeviceBrowser}
		if f.Superseded { // nothing goes for it
			r.Room = max(p.free, 0)
		}
		if at, ok := p.unfit[f.ID]; ok && now.Sub(at) < unfitFor {
			r.Unfit = true
		}
		if m := s.members[id]; m != nil && m.holds[f.ID] != nil {
			r.Holds = r.Holds || m.holds[f.ID].complete
		}
		source = source || r.Holds && r.On
		all = append(all, r)
	}
	if f.Superseded && !source {
		for i := range all { // nobody can get it
			all[i].Unfit = all[i].Unfit || !all[i].Holds
		}
	}
	return all
}

// unable notes that a member can't take a pre-staged flow: another one shall.
func (s *Site) unable(now time.Time, m *member, f *flow) {
	if f.PreStage == 0 {
		return
	}
	unfit := s.presence[m.ID].unfit
	maps.DeleteFunc(unfit, func(_ content.VersionID, at time.Time) bool { return now.Sub(at) >= unfitFor })
	unfit[f.ID] = now
}

// release takes what a member holds of a flow out of the picture: it need not have
// it any more.
func (s *Site) release(now time.Time, m *member, f *flow) {
	for _, l := range s.leasesOf(m.ID) {
		if l.flow == f.ID {
			s.revoke(now, l, "the copy is placed elsewhere")
		}
	}
	h := m.holds[f.ID]
	if h == nil {
		return
	}
	s.presence[m.ID].stock[f.ID] = h.complete
	n := f.need(m.group, now)
	f.again(n, func() { f.count(h, n, false) })
	delete(m.holds, f.ID)
	s.bodyGone(f, h, n, m.group)
}

// mayHold reports whether an endpoint that is online holds a version that it need
// not, or has not said yet.
func (s *Site) mayHold(now time.Time, id wire.EndpointID, v content.VersionID) bool {
	m := s.members[id]
	return s.presence[id].stock[v] || !m.stocked && now.Sub(m.since) < hearing
}

// copiesFor says what others hold of the flows that an endpoint need not have: it
// shall not delete the last copies.
func (s *Site) copiesFor(now time.Time, m *member) (out []wire.Copies) {
	if m.named != nil {
		return nil
	}
	self := m.ID
	for _, id := range s.order {
		f := s.flows[id]
		if f.wantedBy(m) || f.PreStage == 0 || !s.mayHold(now, self, id) {
			continue
		}
		c := wire.Copies{ID: id, Target: f.PreStage, Others: len(f.kept), Superseded: f.Superseded}
		rooms := len(f.roomy)
		if f.kept[self] {
			c.Others--
		}
		if f.roomy[self] {
			rooms--
		}
		c.Elsewhere = rooms > 0
		out = append(out, c)
	}
	return out[:min(len(out), wire.MaxKeeping)]
}
