package site

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/sitecast/sitecast/signaling/schedule"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/policy"
)

// FlowSpec is a version that the site shall have.
type FlowSpec struct {
	ID       content.VersionID
	Head     content.Head
	Envelope json.RawMessage
	Places   []schedule.Place // where its chunks lie at the origin, by chunk
	// Patches say how its chunks come to who holds the version before it, PatchesOf; nil
	// while they are made. PatchesOf is zero where there are none.
	Patches   *schedule.Patches
	PatchesOf content.VersionID
	External  *External // where its chunks lie, if not at the origin
	Priority  wire.Priority
	Paused    bool
	PausedBy  string
	// PausedUntil is when it goes on by itself; zero: not before a pause is ended.
	PausedUntil time.Time
	// Capped: of the WAN it takes Cap bytes a second at most, as CappedBy says.
	Capped   bool
	Cap      int64
	CappedBy string
	ReadyBy  time.Time // when it shall be complete at the latest; zero: no matter when
	PreStage int       // how many copies shall be at the site; 0: everybody shall have it
	Activate *Activate // when it is used, where it is not yet; nil: as soon as it is there
	// Superseded says that a newer version took its place: the copies that are left are
	// kept, and nothing of it is fetched.
	Superseded bool
	// OnDemand says that browsers asked for it, which the site would not have otherwise:
	// nobody else gets it for that.
	OnDemand bool
	// Distrusted says that it is paused because its publisher's key is believed no more.
	Distrusted bool
	// NotBefore is when it begins to be wanted here; zero: it is. Until then nobody is told
	// of it.
	NotBefore time.Time
	// Window is in which hours of the week it may be fetched, beside the windows of the site;
	// nil: in all of those.
	Window *policy.Week[bool]
	// Retry is the generation in which it was last asked for that who failed to activate it
	// tries again; 0: never.
	Retry uint64
}

// ahead reports whether endpoints hold copies of it before it is distributed to all.
func (f FlowSpec) ahead() bool { return f.PreStage > 0 && !f.Superseded }

// Desired is everything that is wanted of a site.
type Desired struct {
	Generation uint64
	// Until is when a rule ends, so that it is to be read anew; zero: none does by itself.
	Until time.Time
	Flows []FlowSpec
	Cap   int64 // bytes per second over the WAN, or wire.Unlimited
	// Together is what all sites may take over the WAN together, in bytes per second; 0: no bound.
	Together int64
	// HoldOff is how long after its order a flow that nobody at the site holds any of
	// waits for a peer that does, before the WAN is used.
	HoldOff   time.Duration
	PeersOn   wire.Networks // that links may go over
	Pins      []wire.Pin
	Purges    []wire.Purge        // oldest first, however many
	Zone      *time.Location      // of the site; nil for UTC
	CapHours  *policy.Week[int64] // most over the WAN by the hour, in bits per second or policy.None; nil: no bound
	Windows   *policy.Week[bool]  // when something may be fetched at all; nil: always
	Allowance int64               // bytes over the WAN in a calendar month; 0: no bound
	LineRate  int64               // bytes per second that its lines are said to carry; 0: nobody said
	NoRelay   bool                // relays beyond the WAN carry no content
	// Limits is what each endpoint keeps to, and Own those of whom others hold.
	Limits      wire.Limits
	Own         map[wire.EndpointID]wire.Limits
	Trust       json.RawMessage
	TrustSerial uint64
	// Revoked are endpoints whose keys are believed no more, and why, of all sites.
	Revoked map[wire.EndpointID]string
	// Demands says which version each content that browsers named is at this site; the
	// zero id stands for none.
	Demands map[wire.Named]content.VersionID
}

// Wanted brings new desired state.
type Wanted struct{ Desired Desired }

func (e Wanted) apply(s *Site, now time.Time) {
	if e.Desired.Generation < s.desired.Generation {
		return
	}
	if !s.known {
		s.known = true
		close(s.ready)
	}
	s.desired, s.tales.at = e.Desired, time.Time{} // so that it is said at once what that means
	s.order = s.order[:0]
	wanted := map[content.VersionID]bool{}
	var tighter []*flow
	for _, spec := range e.Desired.Flows {
		wanted[spec.ID] = true
		s.order = append(s.order, spec.ID)
		if f := s.flows[spec.ID]; f != nil {
			if f.PreStage == 0 && spec.PreStage > 0 {
				s.choosable(f)
			}
			if f.tightens(spec) {
				tighter = append(tighter, f)
			}
			f.respec(spec)
		} else {
			s.flows[spec.ID] = newFlow(spec, now)
		}
	}
	s.schedule()
	for id := range s.flows {
		if wanted[id] {
			continue
		}
		s.ends(now, s.flows[id])
		s.count(now, true) // while it is known how its bytes crossed
		delete(s.flows, id)
		for _, m := range s.members {
			delete(m.holds, id)
		}
	}
	for _, m := range s.members {
		s.rename(now, m)
	}
	for _, l := range s.leases {
		f := s.flows[l.flow]
		if f == nil || f.Paused || f.spare() || f.early() || s.desired.Cap == 0 || !l.body && f.vendorChanged() {
			s.revoke(now, l, "paused or ended")
		}
	}
	s.tighten(now, tighter)
	s.expel(now)
	s.tellAll(now)
	s.beginEffects()
	s.links.changed = true
}

// reportEvery is how often members shall report.
func (s *Site) reportEvery() time.Duration {
	if s.cfg.Reports == nil {
		return 0
	}
	return s.cfg.Reports()
}

func (s *Site) tellAll(now time.Time) {
	s.reports = s.reportEvery()
	for _, m := range s.members {
		s.tell(now, m)
	}
}

// tell sends a member the desired state, as far as it changed for it. A browser is told
// of the flows that it named and of nothing else, and of them not before it is known
// which those are: it might drop what it holds.
func (s *Site) tell(now time.Time, m *member) {
	if !s.answered(m.ID) {
		return
	}
	if s.desired.TrustSerial > m.trust {
		m.conn.Send(wire.KindTrust, wire.Trust{Document: s.desired.Trust})
		m.trust = s.desired.TrustSerial
	}
	ids := make([]content.VersionID, 0, len(s.desired.Flows))
	for _, spec := range s.desired.Flows {
		if !s.flows[spec.ID].wantedBy(m) {
			delete(m.told, spec.ID)
			continue
		}
		ids = append(ids, spec.ID)
		old, known := m.told[spec.ID]
		if known && old.Priority == spec.Priority && old.Paused == spec.Paused && old.PausedBy == spec.PausedBy && old.Superseded == spec.Superseded && old.ahead() == spec.ahead() && old.Activate.equal(spec.Activate) && old.Retry == spec.Retry &&
			bytes.Equal(old.Envelope, spec.Envelope) { // or it was signed anew
			continue
		}
		s.tellFlow(m, spec)
	}
	for id := range m.told {
		if s.flows[id] == nil {
			delete(m.told, id)
		}
	}
	out := wire.Flows{Generation: s.desired.Generation, IDs: ids, PeersOn: s.desired.PeersOn, Zone: s.zone(), ReportMs: s.reports.Milliseconds()}
	if m.named == nil {
		m.copies = s.copiesFor(now, m)
		out.Pins, out.Copies, out.Limits = s.desired.Pins, m.copies, s.limits(m)
	}
	m.purges = s.purgesFor(m)
	out.Purges = m.purges
	m.conn.Send(wire.KindFlows, out)
}

// zone names the site's time zone, where it has one.
func (s *Site) zone() string {
	if s.desired.Zone == nil {
		return ""
	}
	return s.desired.Zone.String()
}
