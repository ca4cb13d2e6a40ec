package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/catalog"
	"github.com/sitecast/sitecast/storage/content"
	"github.com/sitecast/sitecast/storage/target"
)

// stuckFor is how long an endpoint has to say that it can't get it before that counts: much
// of it passes by itself.
const stuckFor = time.Minute

// Place is one site, as it is seen.
type Place struct {
	target.Site
	Flows     []site.FlowView
	Endpoints []site.EndpointView // online
	// Recent are the ids of endpoints that enrolled there and were online lately.
	Recent []string
}

// Memory is what is remembered of endpoints that a distribution was seen at. It is soft: a
// server that starts anew learns it from those that are online.
type Memory struct {
	endpoints map[string]*known
}

// known is what is known of one endpoint.
type known struct {
	delivered, kiosk, activated, failed bool
	stuck                               time.Time // since when; zero: it is not
}

// Observe sums up what is seen of each ring, and remembers it.
func (m *Memory) Observe(d catalog.Distribution, places []Place, now time.Time) []Figures {
	if m.endpoints == nil {
		m.endpoints = map[string]*known{}
	}
	out := make([]Figures, len(d.Rings))
	for _, p := range places {
		ring := d.RingOf(p.Site)
		if ring < 0 || !d.Means(p.Site, d.All || slices.Contains(d.Sites, p.Name)) {
			continue
		}
		m.site(d, p, &out[ring], ring, now)
	}
	return out
}

// site adds what is seen of one site to the figures of its ring.
func (m *Memory) site(d catalog.Distribution, p Place, f *Figures, ring int, now time.Time) {
	ref := content.Ref{Name: d.Name, Version: d.Version}
	f.Sites++
	for _, flow := range p.Flows {
		f.WAN += flow.WANBPS
	}
	ids := slices.Clone(p.Recent)
	lacking := false
	for _, e := range p.Endpoints {
		if e.Kind == wire.DeviceBrowser {
			continue
		}
		if !slices.Contains(ids, string(e.ID)) {
			ids = append(ids, string(e.ID))
		}
		k := m.note(e, ref, d.Rollout, d.Created, now)
		lacking = lacking || !k.delivered
	}
	switch {
	case d.Lets(p.Site):
		if lacking {
			f.Busy++
		}
	case d.Rings[ring].AtOnce > 0 && len(f.Next) < d.Rings[ring].AtOnce:
		f.Next = append(f.Next, p.Name) // places come by name
	}
	for _, id := range ids {
		f.Endpoints++
		k := m.endpoints[id]
		if k == nil {
			continue
		}
		count(&f.Delivered, k.delivered)
		count(&f.Kiosks, k.kiosk)
		count(&f.Activated, k.activated && !k.failed)
		count(&f.Failed, k.failed)
		count(&f.Stuck, !k.stuck.IsZero() && now.Sub(k.stuck) >= stuckFor)
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

// note takes in what an endpoint shows.
func (m *Memory) note(e site.EndpointView, ref content.Ref, r catalog.Rollout, made, now time.Time) *known {
	k := m.endpoints[string(e.ID)]
	if k == nil {
		k = &known{}
		m.endpoints[string(e.ID)] = k
	}
	k.delivered = slices.Contains(e.Holds, ref.String())
	stuck := slices.ContainsFunc(e.Flows, func(f site.EndpointInFlow) bool { return f.Flow == ref.String() && !f.Complete && f.Code != "" })
	switch {
	case !stuck:
		k.stuck = time.Time{}
	case k.stuck.IsZero():
		k.stuck = now
	}
	k.kiosk, k.activated, k.failed = false, false, false
	if a := e.Activation; a != nil && a.Content == ref.Name {
		k.kiosk, k.activated = true, a.Version == ref.Version && a.State != activating
		k.failed = failed(a, ref.Version, made, r.Since)
	}
	return k
}

// States and outcomes of an activation that matter here; see package kiosk/activation.
const (
	activating = "activating"
	unhealthy  = "unhealthy"
	rolledBack = "rolled_back"
	refused    = "refused"
)

// failed reports whether a version, distributed when it was made, failed at a kiosk since an
// operator last let it go on.
func failed(a *wire.Activation, version string, made, since time.Time) bool {
	switch {
	case a.State == unhealthy && a.Version == version:
		return a.Since.IsZero() || a.Since.After(since)
	case a.State == rolledBack && a.Staged == version && since.IsZero():
		return true
	}
	if since.Before(made) {
		since = made
	}
	for _, h := range a.History { // newest first
		if h.Version == version {
			// The kiosk notes whole seconds.
			return (h.Outcome == rolledBack || h.Outcome == refused) && !h.At.Before(since.Truncate(time.Second)) && a.Version != version
		}
	}
	return false
}

// Missed is a site that was not complete in time, or will not be.
type Missed struct {
	Site string `json:"site"`
	Late bool   `json:"late"` // the time has passed; else it is a forecast
	Why  string `json:"why"`
}

// Late lists the sites that miss the time by which a distribution shall be complete, and
// why, in words. Places are those of the sites that it means.
func Late(d catalog.Distribution, places []Place, now time.Time) (out []Missed) {
	if d.ReadyBy.IsZero() {
		return nil
	}
	past := !now.Before(d.ReadyBy)
	for _, p := range places {
		if !d.Means(p.Site, d.All || slices.Contains(d.Sites, p.Name)) {
			continue
		}
		if why := lateAt(d, p, past, now); why != "" {
			out = append(out, Missed{Site: p.Name, Late: past, Why: why})
		}
	}
	return out
}

// lateAt says why a site misses the time; "" where it does not.
func lateAt(d catalog.Distribution, p Place, past bool, now time.Time) string {
	at := slices.IndexFunc(p.Flows, func(f site.FlowView) bool { return f.Content == d.Name && f.Version == d.Version })
	if at >= 0 {
		f := p.Flows[at]
		switch {
		case f.State == site.StateComplete && f.Finished.After(d.ReadyBy):
			return "complete only at " + f.Finished.UTC().Format("Mon 2 Jan 2006 15:04:05 MST")
		case f.State == site.StateComplete:
			return ""
		case past && f.State == site.StateRunning && f.WANBytes > 0:
			return progress(f) + pace(d, f, now)
		case f.ForecastCause != "":
			return progress(f) + f.ForecastCause
		case past && f.Reason != "":
			return progress(f) + f.Reason
		case past:
			return progress(f) + "it is still on its way"
		}
		return ""
	}
	ring := d.RingOf(p.Site)
	switch {
	case !past:
		return ""
	case d.Rollout.State == catalog.RolloutSuperseded || d.Rollout.State == catalog.RolloutRolledBack:
		return "the rollout ended before its ring opened: " + d.Rollout.Reason
	case ring >= 0 && !d.Lets(p.Site):
		return "its ring " + d.Rings[ring].Name + " is not open: " + d.Rollout.Reason
	case len(p.Endpoints) == 0:
		return "no endpoint of the site was online since this server started"
	}
	return "another version took its place there"
}

// pace says how fast a flow came that is late, and how fast it should have.
func pace(d catalog.Distribution, f site.FlowView, now time.Time) string {
	rate := func(bytes int64, in time.Duration) string {
		return units.Bits(int64(float64(8*bytes) / max(in.Seconds(), 1)))
	}
	text := fmt.Sprintf("it came at %s over the WAN, and needed %s", rate(f.WANBytes, now.Sub(f.Ordered)), rate(f.UniqueBytes, d.ReadyBy.Sub(f.Ordered)))
	if !f.Forecast.IsZero() {
		text += "; it is expected at " + f.Forecast.UTC().Format("Mon 2 Jan 2006 15:04:05 MST")
	}
	return text
}

// progress says how far a flow is.
func progress(f site.FlowView) string {
	if f.Endpoints == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d online have it; ", f.Complete, f.Endpoints)
}

// Seen is what is seen of a distribution now.
type Seen struct {
	Reason string    // of its state, with the figures of the moment
	Rings  []Figures // in order
	Missed []Missed  // sites that are late, or will be
}
