package site

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/policy"
)

// The deciders of why a flow moves or does not. Each looks at one kind of reason, and the
// first that holds is it.

// troubles are the reasons of who can't go on, by what an endpoint says.
var troubles = map[string]reason.Code{
	wire.CodeDiskFull: reason.DiskFull, wire.CodeTooLarge: reason.DiskFull, wire.CodeStore: reason.StoreFailing,
	wire.CodeBadHead: reason.Untrusted, wire.CodeUnsafePath: reason.UnsafePath,
}

// restraints are the reasons of who holds back, likewise.
var restraints = map[string]reason.Code{
	wire.RestraintPaused: reason.PausedHere, wire.RestraintAllowance: reason.Allowance, wire.RestraintMetered: reason.Metered,
	wire.RestraintVPN: reason.Tunnelled, wire.RestraintBattery: reason.BatteryLow,
}

// whyFlow says why a flow moves or does not.
func (s *Site) whyFlow(sc *scene, f *flow) reason.Reason {
	for _, why := range []func(*scene, *flow) reason.Reason{s.whyStands, s.whyShut, s.whyAwaits, s.whyFetches, s.whyFetchesNot, s.whyExchanges} {
		if r := why(sc, f); !r.IsZero() {
			return r
		}
	}
	return reason.Reason{Code: reason.HearingEndpoints}
}

// whyStands: it is complete, or somebody wants it so or has to see to it.
func (s *Site) whyStands(sc *scene, f *flow) reason.Reason {
	v := FlowView{Endpoints: s.among(f)}
	_, _, failed := s.taken(f, &v)
	switch {
	case f.guard.halted != "" && (v.Complete < v.Endpoints || v.Endpoints == 0):
		return reason.Reason{Code: reason.Halted, What: f.guard.halted}
	case f.Distrusted:
		return reason.Reason{Code: reason.PublisherRevoked, What: f.PausedBy}
	case f.Paused:
		return reason.Reason{Code: reason.Paused, What: f.PausedBy, Until: f.PausedUntil}
	case f.early():
		return reason.Reason{Code: reason.NotBefore, Until: f.NotBefore}
	case len(s.members) == 0:
		return reason.Reason{Code: reason.NoEndpointOnline}
	case v.Endpoints == 0 && f.spare():
		return reason.Reason{Code: reason.Superseded}
	case v.Endpoints == 0:
		return reason.Reason{Code: reason.NoRoomForCopy}
	case v.Complete == v.Endpoints:
		return reason.Reason{Code: reason.Complete}
	case f.vendorChanged() && s.missing(sc.now, f) > 0:
		return reason.Reason{Code: reason.VendorChanged, What: f.External.Changed}
	case len(failed) > 0:
		return f.trouble(failed)
	case f.spare():
		return reason.Reason{Code: reason.CopyMade, N: int64(f.PreStage)}
	}
	return reason.Reason{}
}

// trouble says why some can't go on: what all of them have, or that each has something.
func (f *flow) trouble(failed []*member) reason.Reason {
	slices.SortFunc(failed, (*member).before)
	first := f.ID
	code := troubled(failed[0].holds[first])
	for _, m := range failed[1:] {
		if troubled(m.holds[first]) != code {
			return reason.Reason{Code: reason.EndpointFailed, What: f.troubles(failed)}
		}
	}
	return reason.Reason{Code: code, Who: names(failed), What: failed[0].holds[first].trouble}
}

func troubled(h *holding) reason.Code { return cmp.Or(troubles[h.code], reason.EndpointFailed) }

// names lists up to maxTroubles members.
func names(members []*member) string {
	slices.SortFunc(members, (*member).before)
	text := ""
	for i, m := range members[:min(len(members), maxTroubles)] {
		if i > 0 {
			text += ", "
		}
		text += m.Hello.Name
	}
	if more := len(members) - maxTroubles; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// whyShut: nothing may go over the WAN now, and the site lacks something.
func (s *Site) whyShut(sc *scene, f *flow) reason.Reason {
	r := s.closedTo(sc.now, f)
	if r.IsZero() || s.missing(sc.now, f) == 0 {
		return reason.Reason{}
	}
	return r
}

// closed says why nothing may be fetched now, if that is so.
func (s *Site) closed(now time.Time) reason.Reason {
	d := &s.desired
	switch {
	case d.Cap == 0:
		return reason.Reason{Code: reason.Capped}
	case s.hourCap(now) == 0:
		return reason.Reason{Code: reason.HourClosed, Until: changes(d.CapHours, now, d.Zone)}
	case d.Allowance > 0 && s.spentBy(now) >= d.Allowance:
		return reason.Reason{Code: reason.AllowanceUsed, Until: s.nextMonth(now),
			What: fmt.Sprintf("%s that it may over the WAN in %s", units.Bytes(d.Allowance), s.month(now))}
	case d.Windows != nil && !d.Windows.At(now, d.Zone):
		return reason.Reason{Code: reason.WindowClosed, Until: changes(d.Windows, now, d.Zone)}
	}
	return reason.Reason{}
}

// changes is when a week becomes another; zero: never.
func changes[V comparable](week *policy.Week[V], now time.Time, zone *time.Location) time.Time {
	at, ever := week.Until(now, zone)
	if !ever {
		return time.Time{}
	}
	if zone == nil {
		zone = time.UTC
	}
	return at.In(zone)
}

// nextMonth is when the next month of the site's time begins.
func (s *Site) nextMonth(now time.Time) time.Time {
	zone := s.desired.Zone
	if zone == nil {
		zone = time.UTC
	}
	year, month, _ := now.In(zone).Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, zone)
}

// whyAwaits: something may come that saves the WAN, and it is waited for that.
func (s *Site) whyAwaits(sc *scene, f *flow) reason.Reason {
	now, lacks := sc.now, s.wantsOrigin(sc.now, f)
	if !lacks {
		return reason.Reason{}
	}
	if s.vendorShut(now, f) != "" {
		return reason.Reason{Code: reason.VendorChecking, What: f.vendor.trouble, Until: f.vendor.until}
	}
	if f.External != nil && s.pagesOnly(f) {
		return reason.Reason{Code: reason.VendorNoAgent}
	}
	if now.Before(s.grantFrom) {
		return reason.Reason{Code: reason.ServerHearing, Until: s.grantFrom}
	}
	if left := s.heldOff(now, f); left > 0 {
		return reason.Reason{Code: reason.HeldOff, Until: now.Add(left)}
	}
	if name := s.seeker(now, f); name != "" {
		return reason.Reason{Code: reason.Seeking, Who: name}
	}
	for _, members := range s.groups {
		if left := s.awaitsPatches(now, f, members); left > 0 {
			return reason.Reason{Code: reason.PatchesDue, Until: now.Add(left).Truncate(time.Second)}
		}
	}
	return reason.Reason{}
}

// wantsOrigin reports whether something of a flow has to come over the WAN and is not leased.
func (s *Site) wantsOrigin(now time.Time, f *flow) bool {
	for g, members := range s.groups {
		if (f.need(g, now).supply.Open() > 0 || s.bodyNeeded(f, g)) && slices.ContainsFunc(members, f.lacks) {
			return true
		}
	}
	return false
}

// lacks reports whether a member shall have the flow and has not all of it.
func (f *flow) lacks(m *member) bool {
	h := m.holds[f.ID]
	return f.wantedBy(m) && (h == nil || !h.complete)
}

// whyFetches: somebody has a lease.
func (s *Site) whyFetches(sc *scene, f *flow) reason.Reason {
	var fetchers []*member
	behind := reason.Reason{}
	for id, at := range sc.working {
		m := s.members[id]
		if !slices.ContainsFunc(s.leasesOf(id), func(l *lease) bool { return l.flow == f.ID }) {
			continue
		}
		fetchers = append(fetchers, m)
		if s.class(at) < f.Priority.Class() {
			behind = reason.Reason{Code: reason.Queued, What: s.flows[at.flow].Head.Ref().String()}
		}
	}
	if len(fetchers) == 0 {
		return reason.Reason{}
	}
	if r := s.whyRelayed(f); !r.IsZero() {
		return r
	}
	came := &f.tale.came
	fault := f.tale.fault
	switch n := s.apartIn(f); {
	case !behind.IsZero() && !came.flows(sc.now, ofOrigin):
		return behind
	case s.standsBack(sc.now, f) != nil:
		return reason.Reason{Code: reason.Yielding, What: s.standsBack(sc.now, f).last.Reason}
	case !fault.at.IsZero() && !fault.at.Before(came.at[ofOrigin]):
		return s.whyFails(f)
	case n > 1:
		return reason.Reason{Code: reason.SeveralGroups, N: int64(n)}
	case !came.flows(sc.now, ofOrigin):
		return reason.Reason{Code: reason.WaitingOrigin, Who: names(fetchers)}
	}
	return s.fromOrigin(f, names(fetchers))
}

// fromOrigin says why a flow comes from the origin, and who fetches it ("": it is known whom
// that is told of).
func (s *Site) fromOrigin(f *flow, who string) reason.Reason {
	var silent []*member
	for _, m := range s.members {
		if h := m.holds[f.ID]; h != nil && h.doubted {
			silent = append(silent, m)
		}
	}
	if len(silent) > 0 {
		return reason.Reason{Code: reason.OriginHolderSilent, Who: who, What: names(silent)}
	}
	t := f.tale
	r := reason.Reason{Code: reason.FromOrigin, Who: who}
	if !t.lacking.IsZero() && !t.asked.IsZero() {
		r.N = int64(t.asked.Sub(t.lacking).Round(time.Second).Seconds())
	}
	return r
}

// whyRelayed: a group gets it through a relay, which was weighed against the origin.
func (s *Site) whyRelayed(f *flow) reason.Reason {
	switch use, _ := f.viaRelay(); use {
	case wire.RelayUnreachable:
		return reason.Reason{Code: reason.RelayUnreachable}
	case wire.RelayCheaper:
		return reason.Reason{Code: reason.RelayCheaper}
	}
	return reason.Reason{}
}

// whyFails: the origin failed who asked it, and nothing came since.
func (s *Site) whyFails(f *flow) reason.Reason {
	fault := f.tale.fault
	r := reason.Reason{Code: f.failing(), Who: fault.who, What: fault.what}
	for _, m := range s.members {
		if f.lacks(m) && m.heldOff.After(fault.at) && (r.Until.IsZero() || m.heldOff.Before(r.Until)) {
			r.Until = m.heldOff
		}
	}
	return r
}

// failing is the code of a fetch that fails where the flow's chunks lie.
func (f *flow) failing() reason.Code {
	if f.External != nil {
		return reason.VendorFailing
	}
	return reason.OriginFailing
}

// whyFetchesNot: nobody has a lease, and the site lacks something.
func (s *Site) whyFetchesNot(sc *scene, f *flow) reason.Reason {
	if !s.wantsOrigin(sc.now, f) {
		return reason.Reason{}
	}
	if r := s.whyRelayed(f); !r.IsZero() {
		return r
	}
	held, _ := s.restrained(f)
	t := f.tale
	switch {
	case held != "":
		return reason.Reason{Code: reason.NobodyMayFetch, What: held}
	case s.unheardOf(sc.now, f):
		return reason.Reason{Code: reason.HearingEndpoints}
	case f.rationed(sc.now):
		return reason.Reason{Code: reason.AtItsCap, What: f.CappedBy}
	case !t.fault.at.IsZero() && !t.fault.at.Before(t.came.at[ofOrigin]):
		return s.whyFails(f)
	}
	for _, l := range sc.working {
		if other := s.flows[l.flow]; other != nil && other != f && other.Priority.Class() <= f.Priority.Class() {
			code := reason.TakingTurns
			if other.Priority.Class() < f.Priority.Class() {
				code = reason.Queued
			}
			return reason.Reason{Code: code, What: other.Head.Ref().String()}
		}
	}
	return reason.Reason{Code: reason.HearingEndpoints}
}

// unheardOf reports whether a member may be about to say that it holds some of a flow.
func (s *Site) unheardOf(now time.Time, f *flow) bool {
	for g, members := range s.groups {
		if unheard(now, f, members) || now.Before(f.need(g, now).notBefore) {
			return true
		}
	}
	return false
}

// whyExchanges: all that is lacking is at the site.
func (s *Site) whyExchanges(sc *scene, f *flow) reason.Reason {
	var lack, held []*member
	for _, m := range s.members {
		if h := m.holds[f.ID]; f.lacks(m) {
			lack = append(lack, m)
			if h != nil && h.restraint.Scope.Take() {
				held = append(held, m)
			}
		}
	}
	if len(held) == len(lack) && len(lack) > 0 {
		return reason.Reason{Code: reason.UsersHold, What: named(held, func(m *member) string { return m.holds[f.ID].restraint.Reason })}
	}
	if r := s.whyRelayed(f); !r.IsZero() {
		return r
	}
	came := &f.tale.came
	switch last := came.last(); {
	case came.flows(sc.now, ofPeer):
		return reason.Reason{Code: reason.FromPeers}
	case came.flows(sc.now, ofRelay):
		return s.relayedAt(sc, lack)
	case came.flows(sc.now, ofReused):
		return reason.Reason{Code: reason.Reused}
	case s.unheardOf(sc.now, f):
		return reason.Reason{Code: reason.HearingEndpoints}
	case last.IsZero() && sc.now.Sub(f.tale.ordered) < quiet, !last.IsZero() && sc.now.Sub(last) < quiet:
		return reason.Reason{Code: reason.WaitingPeers}
	}
	for _, m := range lack {
		if l := sc.links[m.ID]; l.direct+l.relayed == 0 {
			return s.unlinked(l)
		}
	}
	return reason.Reason{Code: reason.PeersSilent}
}

// relayedAt says with whom no direct link can be made: of several the first by name.
func (s *Site) relayedAt(sc *scene, members []*member) reason.Reason {
	slices.SortFunc(members, (*member).before)
	for _, m := range members {
		if peer := sc.links[m.ID].relay; peer != "" {
			return reason.Reason{Code: reason.RelayUDPBlocked, Who: peer}
		}
	}
	return reason.Reason{Code: reason.RelayUDPBlocked}
}

// unlinked says what became of the links of one who has none.
func (s *Site) unlinked(l linked) reason.Reason {
	if l.dialing != "" && l.refused == "" {
		return reason.Reason{Code: reason.Linking, Who: l.dialing}
	}
	return reason.Reason{Code: reason.NoLink, Who: cmp.Or(l.refused, l.dialing), Until: l.again}
}
