package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/reason"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/content"
)

// States of a flow.
const (
	StateWaiting  = "waiting"  // nobody is online
	StateRunning  = "running"  // bytes are wanted
	StatePaused   = "paused"   // a rule says so
	StateComplete = "complete" // everybody online has it
	StateFailed   = "failed"   // somebody can't go on; Reason says why
	StateHalted   = "halted"   // it took more over the WAN than it needs; Reason says how much
)

// FlowView is one flow as operators see it. Byte figures are content bytes,
// summed over endpoints; WANBytes is what crossed the wire, encoded. Rates are
// bits per second.
type FlowView struct {
	Site      string            `json:"site"`
	Content   string            `json:"content"`
	Version   string            `json:"version"`
	ID        content.VersionID `json:"id"`
	State     string            `json:"state"`
	Reason    string            `json:"reason,omitempty"`
	Priority  wire.Priority     `json:"priority"`
	Endpoints int               `json:"endpoints"` // online
	Complete  int               `json:"complete"`  // of them
	// Browsers are the pages among Endpoints, and BrowsersComplete those among Complete:
	// they come and go, so nobody waits for them.
	Browsers         int       `json:"browsers,omitempty"`
	BrowsersComplete int       `json:"browsers_complete,omitempty"`
	UniqueBytes      int64     `json:"unique_bytes"`
	BytesTotal       int64     `json:"bytes_total"` // what all endpoints need together
	BytesOrigin      int64     `json:"bytes_origin"`
	BytesPeer        int64     `json:"bytes_peer"`
	BytesRelay       int64     `json:"bytes_relay"`
	BytesReused      int64     `json:"bytes_reused"`
	WANBytes         int64     `json:"wan_bytes"`
	WANBPS           int64     `json:"wan_bps"`
	PeerBPS          int64     `json:"peer_bps"`
	ETASeconds       float64   `json:"eta_seconds"` // 0 when unknown or complete
	PausedBy         string    `json:"paused_by"`
	CapBPS           *int64    `json:"cap_bps,omitempty"`     // most it may take over the WAN here; absent: as much as the site
	CappedBy         string    `json:"capped_by,omitempty"`   // who set that, until when, and why
	PausedUntil      time.Time `json:"paused_until,omitzero"` // when it goes on by itself; absent: when the pauses are ended
	Groups           int       `json:"groups"`                // reach groups online; each gets its own copy
	// Relay says how its groups use relays beyond the WAN, where there are several groups.
	Relay    wire.Relay `json:"relay,omitempty" enum:"origin_cheaper,relay_cheaper,origin_unreachable"`
	Fetchers []string   `json:"fetchers"` // names of endpoints that fetch from the origin now
	Seconds  float64    `json:"seconds"`  // from the order to complete everywhere, or until now
	Ordered  time.Time  `json:"ordered"`
	Finished time.Time  `json:"finished,omitzero"`   // when everybody online first had it; absent: somebody lacks it
	PreStage int        `json:"pre_stage,omitempty"` // copies that shall be at the site; absent: everybody shall have it
	// Superseded says that a newer version took its place: a copy that the site keeps is
	// made again.
	Superseded bool         `json:"superseded,omitempty"`
	Held       bool         `json:"held,omitempty"`       // it is staged, and not used before it is activated
	ActivateAt time.Time    `json:"activate_at,omitzero"` // when that is, as its publisher signed; absent: when an operator says so
	OnDemand   bool         `json:"on_demand,omitempty"`  // only browsers asked for it
	Receipt    *ReceiptView `json:"receipt,omitempty"`    // nil before there is any
	ReadyBy    time.Time    `json:"ready_by,omitzero"`    // when it shall be complete; absent: no matter when
	Forecast   time.Time    `json:"forecast,omitzero"`    // when it is expected to be; absent: not known, or never
	// ForecastCause says why it will be complete later than ReadyBy, if at all.
	ForecastCause string `json:"forecast_cause,omitempty"`
	// Why says why it moves or does not, whatever State it is in.
	Why reason.Why `json:"why"`
	// External says where its chunks lie, if that is at somebody else's URL.
	External *ExternalView `json:"external,omitempty"`
}

// EndpointView is one endpoint that is online.
type EndpointView struct {
	ID       wire.EndpointID  `json:"id"`
	Name     string           `json:"name"`
	Site     string           `json:"site"`
	Kind     string           `json:"kind"`
	Online   bool             `json:"online"`
	Since    time.Time        `json:"since"`
	LastSeen time.Time        `json:"last_seen"`
	Version  string           `json:"version"` // of its software
	Address  string           `json:"address"`
	Links    int              `json:"links"`
	Obeyed   uint64           `json:"generation"`
	Holds    []string         `json:"holds"` // NAME@V of complete flows
	Flows    []EndpointInFlow `json:"flows"`
	// Activation says which version of a content a kiosk uses; absent: it is none, or offline.
	Activation *wire.Activation `json:"activation,omitempty"`
	// Revoked says since when and why its key is believed no more; absent: it is.
	Revoked string `json:"revoked,omitempty"`
	// ReportedBy lists, as "ID: CODE", who of its peers caught it lying lately.
	ReportedBy []string `json:"reported_by,omitempty"`
	// Restraints lists, as "CODE: why", what it does without out of regard for its user.
	Restraints []string `json:"restraints,omitempty"`

	// Enrolled is the site where it enrolled; Site is where it is, by Evidence. Those of which
	// that is not certain are Quarantined, at no site. Absent for browsers.
	Enrolled    string `json:"enrolled,omitempty"`
	Roaming     bool   `json:"roaming,omitempty"`
	Evidence    string `json:"evidence,omitempty"`
	Quarantined bool   `json:"quarantined,omitempty"`
}

// EndpointInFlow is an endpoint's part in a flow.
type EndpointInFlow struct {
	Flow     string `json:"flow"`
	Chunks   uint32 `json:"chunks"`
	Held     uint32 `json:"held"`
	Complete bool   `json:"complete"`
	Code     string `json:"code,omitempty"`
	Error    string `json:"error,omitempty"`
	// Why says why it moves or does not; absent: not decided yet.
	Why *reason.Why `json:"why,omitempty"`
}

// View is a snapshot of a site.
type View struct {
	Flows     []FlowView     `json:"flows"`
	Endpoints []EndpointView `json:"endpoints"`
	Lines     []LineView     `json:"lines"` // to the WAN, where somebody fetches or did lately
	Effects   []EffectView   `json:"-"`     // of the rules set last
}

type ask struct{ reply chan View }

func (e ask) apply(s *Site, now time.Time) { e.reply <- s.view(now) }

// ErrStopped means that the site's loop has ended.
var ErrStopped = errors.New("site has stopped")

// View asks the loop for a snapshot, once it is known what is wanted.
func (s *Site) View(ctx context.Context) (View, error) {
	select {
	case <-s.ready:
	case <-s.done:
		return View{}, ErrStopped
	case <-ctx.Done():
		return View{}, ctx.Err()
	}
	e := ask{make(chan View, 1)}
	if !s.Send(e) {
		return View{}, ErrStopped
	}
	select {
	case v := <-e.reply:
		return v, nil
	case <-s.done:
		return View{}, ErrStopped
	case <-ctx.Done():
		return View{}, ctx.Err()
	}
}

func (s *Site) view(now time.Time) View {
	s.sample(now)
	v := View{Flows: []FlowView{}, Endpoints: []EndpointView{}, Lines: s.lineViews(now), Effects: s.effectViews()}
	for _, id := range s.order {
		v.Flows = append(v.Flows, s.flowView(now, s.flows[id]))
	}
	s.forecast(now, v.Flows)
	v.Flows = slices.DeleteFunc(v.Flows, func(f FlowView) bool { return s.flows[f.ID].spare() && !s.flows[f.ID].copying })
	links := s.linksUp()
	for _, m := range s.members {
		e := s.endpointView(now, m)
		e.Links = links[m.ID]
		v.Endpoints = append(v.Endpoints, e)
	}
	slices.SortFunc(v.Endpoints, func(a, b EndpointView) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return v
}

func (s *Site) flowView(now time.Time, f *flow) FlowView {
	sum, wanBytes := f.total()
	wanted := s.among(f)
	v := FlowView{Site: s.cfg.Name, Content: f.Head.Name, Version: f.Head.Version, ID: f.ID,
		Priority: f.Priority, PreStage: f.PreStage, Superseded: f.spare(), OnDemand: f.OnDemand, Endpoints: wanted, UniqueBytes: f.Head.UniqueBytes,
		BytesOrigin: sum.Origin, BytesPeer: sum.Peer, BytesRelay: sum.Relay, BytesReused: sum.Reused, WANBytes: wanBytes,
		PausedBy: f.PausedBy, PausedUntil: f.PausedUntil, Groups: len(s.groups), Fetchers: []string{}, Seconds: now.Sub(f.ordered).Seconds(), Ordered: f.ordered, Finished: f.finished}
	f.Activate.view(&v)
	relay, relayed := f.viaRelay()
	held, slow := s.restrained(f)
	v.Relay = relay
	left, seen, failed := s.taken(f, &v)
	v.BytesTotal = f.Head.UniqueBytes * int64(seen)
	v.External = s.externalView(now, f)
	switch {
	case f.guard.halted != "" && (v.Complete < wanted || wanted == 0):
		v.State, v.Reason = StateHalted, f.guard.halted
	case f.Paused:
		v.State, v.Reason = StatePaused, f.PausedBy
	case f.early():
		v.State, v.Reason = StateWaiting, "it does not begin before "+s.clock(f.NotBefore)
	case len(s.members) == 0:
		v.State, v.Reason = StateWaiting, "no endpoint of the site is online"
	case wanted == 0:
		v.State, v.Reason = StateWaiting, "no endpoint that is online has room for a copy ahead of need"
	case v.Complete == wanted:
		v.State = StateComplete
	case f.vendorChanged() && s.missing(now, f) > 0:
		v.State, v.Reason = StateFailed, v.External.why
	case len(failed) > 0:
		v.State, v.Reason = StateFailed, f.troubles(failed)
	default:
		v.State, v.Reason = StateRunning, cmp.Or(f.remade(), s.waits(now, f), v.External.reason(), s.awaiting(now, f), s.seeks(now, f), s.patching(now, f), held, relayed, s.apart(f), s.stoodBack(now, f), slow, f.slowed())
	}
	if f.Capped {
		v.CapBPS, v.CappedBy = new(bitRate(f.Cap)), f.CappedBy
	}
	if !f.finished.IsZero() {
		v.Seconds = f.finished.Sub(f.ordered).Seconds()
	}
	if v.State != StateComplete {
		wan, lan, all := f.rates(now)
		v.WANBPS, v.PeerBPS = int64(wan*8), int64(lan*8)
		if v.State == StateRunning && all > 0 {
			v.ETASeconds = float64(left) / all
		}
	}
	for _, l := range s.leases {
		if m := s.members[l.to]; l.flow == f.ID && m != nil && !slices.Contains(v.Fetchers, m.Hello.Name) {
			v.Fetchers = append(v.Fetchers, m.Hello.Name)
		}
	}
	slices.Sort(v.Fetchers)
	v.Receipt, v.Why = receiptView(s.receipts[f.ID]), s.said(f)
	return v
}

// taken counts in a view who takes part in a flow and who has it. It returns the bytes that
// are left for those online, how many count in all, and who can't go on.
func (s *Site) taken(f *flow, v *FlowView) (left int64, seen int, failed []*member) {
	seen = len(f.counted) + f.pasts // and those online who said nothing yet
	var pages []*member             // that can't go on
	for id, m := range s.members {
		if !f.wantedBy(m) {
			continue
		}
		received := int64(0)
		if c := f.counted[id]; c != nil {
			received = c.bytes.Total()
		} else {
			seen++
		}
		h := m.holds[f.ID]
		if m.browser() {
			v.Browsers++
		}
		if h != nil && h.complete {
			v.Complete++
			if m.browser() {
				v.BrowsersComplete++
			}
			continue
		}
		left += max(f.Head.UniqueBytes-received, 0)
		switch {
		case h == nil || h.code == "":
		case m.browser():
			pages = append(pages, m)
		default:
			failed = append(failed, m)
		}
	}
	if v.Complete-v.BrowsersComplete == v.Endpoints-v.Browsers { // a page's trouble hides nobody else's progress
		failed = append(failed, pages...)
	}
	return left, seen, failed
}

// maxTroubles is how many endpoints that can't go on are named one by one.
const maxTroubles = 3

// troubles says who can't go on, and why.
func (f *flow) troubles(failed []*member) string {
	return named(failed, func(m *member) string { return m.holds[f.ID].trouble })
}

// named says of up to maxTroubles members, by name, what is the matter with them.
func named(members []*member, what func(*member) string) string {
	slices.SortFunc(members, (*member).before)
	var all []string
	for _, m := range members[:min(len(members), maxTroubles)] {
		all = append(all, m.Hello.Name+": "+what(m))
	}
	if more := len(members) - maxTroubles; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}

// before orders members as they are listed.
func (m *member) before(other *member) int {
	return cmp.Or(cmp.Compare(m.Hello.Name, other.Hello.Name), cmp.Compare(m.ID, other.ID))
}

func (s *Site) endpointView(now time.Time, m *member) EndpointView {
	v := EndpointView{ID: m.ID, Name: m.Hello.Name, Site: s.cfg.Name, Kind: m.Hello.Device, Online: true,
		Since: m.since, LastSeen: now, Version: m.Hello.Software, Address: m.Address, Obeyed: m.obeyed,
		Holds: []string{}, Flows: []EndpointInFlow{}, Activation: m.activation, ReportedBy: s.reportedBy(now, m.ID)}
	for _, id := range s.order {
		f, h := s.flows[id], m.holds[id]
		if h == nil {
			continue
		}
		v.Restraints = listed(v.Restraints, h.restraint)
		part := EndpointInFlow{Flow: f.Head.Ref().String(), Chunks: f.Head.Chunks, Held: h.have.Count(),
			Complete: h.complete, Code: h.code, Error: h.trouble, Why: s.saidOf(f, m.ID)}
		if h.complete {
			v.Holds = append(v.Holds, part.Flow)
		}
		v.Flows = append(v.Flows, part)
	}
	return v
}

// remade says why a version is copied that nobody wants any more.
func (f *flow) remade() string {
	if !f.spare() {
		return ""
	}
	return fmt.Sprintf("the site keeps %d copies of it, and one is made again over the LAN", f.PreStage)
}

// awaiting says that a flow waits for a peer, where it does.
func (s *Site) awaiting(now time.Time, f *flow) string {
	left := s.heldOff(now, f)
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("waiting up to %v for a peer that holds it", max(left.Round(time.Second), time.Second))
}

// apartIn is in how many groups a flow goes, each of which gets its own copy.
func (s *Site) apartIn(f *flow) (n int) {
	for _, members := range s.groups {
		if slices.ContainsFunc(members, func(m *member) bool { h := m.holds[f.ID]; return h != nil && h.code == "" }) {
			n++
		}
	}
	return n
}

// apart says that a flow costs more than one copy, where it does.
func (s *Site) apart(f *flow) string {
	n := s.apartIn(f)
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("its endpoints are in %d groups that can't link with each other directly; each gets its own copy", n)
}
