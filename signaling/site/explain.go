package site

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// Why a flow and each endpoint's part in it moves or does not is decided of what the loop
// knows, each tick while something goes on and once when it stopped, and changes are
// remembered. All of that is in memory: after a restart of the server histories begin anew.

const (
	// quiet is how long bytes of a source may not come until it counts no more as where
	// they come from.
	quiet = 10 * time.Second
	// forecastEvery is how often it is looked whether flows will be complete in time.
	forecastEvery = 5 * time.Second
	// maxParts bounds the histories of endpoints in flows that a site remembers: of all
	// that may be online in 8 flows. Beyond, those go that ended longest ago, or none is kept.
	maxParts = 8 * MaxMembers
	// maxEnded bounds the flows that are remembered after they ended.
	maxEnded = 32
)

// tales are the histories of all flows of a site.
type tales struct {
	at       time.Time // when they were brought up to date
	forecast time.Time
	parts    int       // of all flows
	full     time.Time // when there was no room for another one last
	ended    []*tale   // oldest first
}

// tale is the history of one flow, and what it is decided by that is known nowhere else.
type tale struct {
	ref     content.Ref
	ordered time.Time
	ended   time.Time // zero while the flow is wanted
	why     reason.History
	due     reason.History // whether it will be complete in time
	came    sources        // to all endpoints
	lacking time.Time      // since when the site lacks something of it; zero while it does not
	asked   time.Time      // since when somebody has a lease; zero while nobody does
	fault   fault
	parts   map[wire.EndpointID]*partTale
}

// partTale is the history of one endpoint in a flow.
type partTale struct {
	name  string
	why   reason.History
	came  sources
	began time.Time
	left  time.Time // zero while it is online
}

// fault is a failure at the origin.
type fault struct {
	at        time.Time
	who, what string
}

func newTale(spec FlowSpec, now time.Time) *tale {
	return &tale{ref: spec.Head.Ref(), ordered: now, why: reason.NewHistory(reason.OfFlow), due: reason.NewHistory(reason.OfDeadline),
		parts: map[wire.EndpointID]*partTale{}}
}

// source is where bytes come from.
type source int

const (
	ofOrigin source = iota
	ofPeer
	ofRelay
	ofReused
	allSources
)

// sources are what came of each, and when there was more last.
type sources struct {
	known bool // seen is of before
	seen  [allSources]int64
	at    [allSources]time.Time
}

// note takes in what came until now. What had come when it was first heard came some time ago.
func (s *sources) note(now time.Time, sum wire.Sources, wan int64) {
	defer func() { s.known = true }()
	for i, n := range [allSources]int64{ofOrigin: wan + sum.Origin, ofPeer: sum.Peer, ofRelay: sum.Relay, ofReused: sum.Reused} {
		if s.known && n > s.seen[i] {
			s.at[i] = now
		}
		s.seen[i] = n
	}
}

// add takes in what came to one of many.
func (s *sources) add(other *sources) {
	for i, at := range other.at {
		if at.After(s.at[i]) {
			s.at[i] = at
		}
	}
}

// flows reports whether bytes of a source come.
func (s *sources) flows(now time.Time, of source) bool {
	return !s.at[of].IsZero() && now.Sub(s.at[of]) < quiet
}

// last is when anything came last; zero: never.
func (s *sources) last() time.Time {
	return slices.MaxFunc(s.at[:], time.Time.Compare)
}

// scene is what is looked up once for all flows.
type scene struct {
	now     time.Time
	working map[wire.EndpointID]*lease // the lease that each fetcher works on
	links   map[wire.EndpointID]linked
}

// linked is how an endpoint is linked to others of its site.
type linked struct {
	direct, relayed int
	relay           string // name of one that it reaches through a relay only
	dialing         string // name of one that a link is being made to
	refused         string // name of one that could not be reached
	again           time.Time
}

// explain brings all histories up to date, at most once a tick. It reports whether that is yet
// to be done.
func (s *Site) explain(now time.Time) (pending bool) {
	if now.Sub(s.tales.at) < tick {
		return len(s.order) > 0
	}
	s.decideWhy(now)
	if slices.ContainsFunc(s.order, func(id content.VersionID) bool { return !s.flows[id].ReadyBy.IsZero() }) && now.Sub(s.tales.forecast) >= forecastEvery {
		s.tales.forecast = now
		views := make([]FlowView, len(s.order))
		for i, id := range s.order {
			views[i] = s.flowView(now, s.flows[id])
		}
		s.forecast(now, views)
		for i, id := range s.order {
			s.flows[id].tale.promise(now, &views[i])
		}
	}
	return false
}

// decideWhy decides about all flows and who takes part in them.
func (s *Site) decideWhy(now time.Time) {
	s.tales.at = now
	sc := s.scene(now)
	for _, id := range s.order {
		f := s.flows[id]
		t := f.tale
		s.noteSources(now, f)
		whole := s.whyFlow(sc, f)
		t.why.Note(now, whole)
		for _, m := range s.members {
			switch p := t.parts[m.ID]; {
			case p == nil:
			case f.wantedBy(m):
				p.why.Note(now, s.whyPart(sc, f, m, p, whole))
			default:
				p.why.Note(now, reason.Reason{Code: reason.NotMeant})
			}
		}
	}
}

// scene looks up what all flows are decided by.
func (s *Site) scene(now time.Time) *scene {
	sc := &scene{now: now, working: map[wire.EndpointID]*lease{}, links: map[wire.EndpointID]linked{}}
	for _, l := range s.leases {
		if sc.working[l.to] == nil {
			sc.working[l.to] = s.leasesOf(l.to)[0]
		}
	}
	edges := slices.SortedFunc(maps.Keys(s.links.edges), func(a, b schedule.Edge) int {
		return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	for _, e := range edges {
		a, b := s.members[e.A], s.members[e.B]
		if a != nil && b != nil {
			sc.links[e.A] = sc.links[e.A].with(s.links.edges[e], b.Hello.Name)
			sc.links[e.B] = sc.links[e.B].with(s.links.edges[e], a.Hello.Name)
		}
	}
	return sc
}

// with adds one link, to the endpoint of that name.
func (l linked) with(state *edge, to string) linked {
	switch {
	case state.up && state.relayed:
		l.relayed, l.relay = l.relayed+1, cmp.Or(l.relay, to)
	case state.up:
		l.direct++
	case !state.dialed.IsZero():
		l.dialing = cmp.Or(l.dialing, to)
	case state.attempt > 0 && l.refused == "":
		l.refused, l.again = to, state.retryAt
	}
	return l
}

// noteSources takes in what came of a flow, and since when the site lacks some of it.
func (s *Site) noteSources(now time.Time, f *flow) {
	t := f.tale
	for _, m := range s.members {
		if !f.wantedBy(m) {
			continue
		}
		p, c := s.partOf(now, t, m), f.counted[m.ID]
		if p != nil && c != nil {
			p.came.note(now, c.bytes, c.wan)
			t.came.add(&p.came)
		}
	}
	switch lacks := s.missing(now, f) > 0; {
	case !lacks:
		t.lacking = time.Time{}
	case t.lacking.IsZero():
		t.lacking = now
	}
	switch leased := s.leasedAnywhere(f); {
	case !leased:
		t.asked = time.Time{}
	case t.asked.IsZero():
		t.asked = now
	}
}

func (s *Site) leasedAnywhere(f *flow) bool {
	for _, l := range s.leases {
		if l.flow == f.ID {
			return true
		}
	}
	return false
}

// partOf is the history of a member in a flow, begun where there is none and room for it.
func (s *Site) partOf(now time.Time, t *tale, m *member) *partTale {
	p := t.parts[m.ID]
	if p == nil {
		if s.tales.parts >= maxParts && (s.tales.full.Equal(now) || !s.forgetPart()) {
			s.tales.full = now // nobody is looked for again at this time
			return nil
		}
		s.tales.parts++
		p = &partTale{name: m.Hello.Name, why: reason.NewHistory(reason.OfEndpoint), began: now}
		t.parts[m.ID] = p
	}
	p.left = time.Time{}
	return p
}

// forgetPart makes room for another history: that of who left longest ago goes, if anybody did.
func (s *Site) forgetPart() bool {
	var from *tale
	var oldest wire.EndpointID
	for _, f := range s.flows {
		for id, p := range f.tale.parts {
			if !p.left.IsZero() && (from == nil || p.left.Before(from.parts[oldest].left)) {
				from, oldest = f.tale, id
			}
		}
	}
	if from != nil {
		delete(from.parts, oldest)
		s.tales.parts--
	}
	return from != nil
}

// leaves notes that a member went offline. Of pages nothing is kept: each is another one.
func (s *Site) leaves(now time.Time, m *member) {
	for _, f := range s.flows {
		p := f.tale.parts[m.ID]
		switch {
		case p == nil:
		case m.browser():
			delete(f.tale.parts, m.ID)
			s.tales.parts--
		default:
			p.left = now
			p.why.Note(now, reason.Reason{Code: reason.Offline})
		}
	}
}

// ends keeps the history of a flow that is not wanted any more, and says why it is not.
func (s *Site) ends(now time.Time, f *flow) {
	t := f.tale
	t.ended = now
	t.why.Note(now, s.whyEnded(f))
	s.tales.parts -= len(t.parts)
	t.parts = nil
	if s.tales.ended = append(s.tales.ended, t); len(s.tales.ended) > maxEnded {
		s.tales.ended = slices.Delete(s.tales.ended, 0, len(s.tales.ended)-maxEnded)
	}
}

// whyEnded says why a flow is not wanted any more.
func (s *Site) whyEnded(f *flow) reason.Reason {
	ref := f.Head.Ref()
	for _, p := range s.desired.Purges {
		if p.Covers(wire.Spare{Content: ref.Name, Version: ref.Version, Serial: f.Head.Serial}) {
			return reason.Reason{Code: reason.Purged, What: p.Why}
		}
	}
	for _, spec := range s.desired.Flows {
		if spec.Head.Name == ref.Name && spec.Head.Serial > f.Head.Serial {
			return reason.Reason{Code: reason.Superseded, What: spec.Head.Ref().String()}
		}
	}
	return reason.Reason{Code: reason.Ended}
}

// fails notes that a member failed at the origin.
func (s *Site) fails(now time.Time, id content.VersionID, m *member, why string) {
	if f := s.flows[id]; f != nil {
		f.tale.fault = fault{now, m.Hello.Name, why}
	}
}

// promise takes in when a flow is expected to be complete.
func (t *tale) promise(now time.Time, v *FlowView) {
	r := reason.Reason{Until: v.ReadyBy, What: v.ForecastCause}
	_, _, known := t.due.Now()
	switch {
	case v.ReadyBy.IsZero() || v.State == StateComplete:
		return
	case !v.ReadyBy.After(now):
		r.Code = reason.DeadlineMissed
	case v.ForecastCause != "":
		r.Code = reason.DeadlineAtRisk
	case known || !v.Forecast.IsZero():
		r.Code, r.What = reason.DeadlineSafe, ""
	default:
		return
	}
	t.due.Note(now, r)
}
