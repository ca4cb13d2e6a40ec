package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/storage/content"
)

const (
	// waitEvery is how often a wait looks.
	waitEvery = 500 * time.Millisecond
	// patience is how long a wait gives endpoints to come online, those that failed
	// to try again while nothing else moves, and sites to hear of the order.
	patience = 5 * time.Second
)

// within bounds a wait; 0 is no bound.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// wait decides when a distribution that is waited for is over. It does no I/O.
type wait struct {
	ref   content.Ref
	sites []string // empty: all that have the flow
	open  bool     // it goes to every endpoint: where it is only placed ahead of need, the order is not known yet

	flows []site.FlowView // of those sites, as seen last
	state string          // what they added up to
	moved time.Time       // when that last changed
	other time.Time       // since when a site shows another version; zero when none does
}

// look takes in what the server tells. It reports that every endpoint online has
// the content, or an error when that will not come about by itself. Pages in browsers are
// not waited for: they come and go.
func (w *wait) look(now time.Time, all []site.FlowView) (done bool, err error) {
	all = slices.DeleteFunc(slices.Clone(all), func(f site.FlowView) bool { return f.Superseded })
	ours := map[string]bool{} // sites that have it, perhaps beside the version it was placed ahead of
	for _, f := range all {
		ours[f.Site] = ours[f.Site] || f.Content == w.ref.Name && f.Version == w.ref.Version
	}
	w.flows = slices.DeleteFunc(all, func(f site.FlowView) bool {
		return f.Content != w.ref.Name || len(w.sites) > 0 && !slices.Contains(w.sites, f.Site) || f.Version != w.ref.Version && ours[f.Site]
	})
	state := ""
	var absent, failed, full []string
	var other *site.FlowView
	complete, running := 0, max(len(w.sites)-len(w.flows), 0) // a flow may be a moment late
	for i, f := range w.flows {
		if f.Version != w.ref.Version {
			other = &w.flows[i]
			continue
		}
		endpoints, have := f.Endpoints-f.Browsers, f.Complete-f.BrowsersComplete
		state += fmt.Sprintln(f.Site, f.State, endpoints, have, f.BytesOrigin+f.BytesPeer+f.BytesRelay+f.BytesReused)
		switch {
		case w.open && f.PreStage > 0:
			running++
		case endpoints == 0 && f.PreStage > 0:
			full = append(full, f.Site+": "+clean(f.Reason))
		case endpoints == 0:
			absent = append(absent, f.Site)
		case have == endpoints:
			complete++
		case f.State == site.StateFailed || f.State == site.StateHalted:
			failed = append(failed, f.Site+": "+clean(f.Reason))
		default:
			running++
		}
	}
	if state != w.state {
		w.state, w.moved = state, now
	}
	if other != nil {
		return false, w.superseded(now, *other)
	}
	w.other = time.Time{}
	patient := now.Sub(w.moved) < patience
	switch {
	case len(failed) > 0 && !patient:
		return false, fmt.Errorf("%s can't become complete: %s", w.ref, strings.Join(failed, "; "))
	case running > 0 || len(failed) > 0:
		return false, nil
	case complete > 0:
		return true, nil
	case patient:
		return false, nil
	case len(w.flows) == 0:
		return false, fmt.Errorf("no site has a flow of %s\n  create sites with `sitecast site create NAME`", w.ref)
	}
	if len(full) > 0 {
		return false, fmt.Errorf("no copy of %s could be placed at %s", w.ref, strings.Join(full, "; "))
	}
	return false, fmt.Errorf("nobody is online at %s; endpoints get %s when they come back", strings.Join(absent, ", "), w.ref)
}

// superseded reports that a site has another version, once it is sure that the site
// is not just about to hear of ours.
func (w *wait) superseded(now time.Time, f site.FlowView) error {
	if w.other.IsZero() {
		w.other = now
	}
	if now.Sub(w.other) < patience {
		return nil
	}
	return fmt.Errorf("%s was ordered %s@%s, which is newer than %s and supersedes it\n"+
		"  to go back to older content, publish it again as a new version", f.Site, f.Content, f.Version, w.ref)
}

// lines shows the flows, one a site, and when they are expected to be complete.
func (w *wait) lines(now time.Time) []string {
	width := 0
	for _, f := range w.flows {
		width = max(width, len(f.Site))
	}
	lines := []string{}
	for _, f := range w.flows {
		done := fraction(f)
		line := fmt.Sprintf("%-*s  %s %3.0f%%  %d of %d endpoints", width, f.Site, bar(done, barWidth), done*100, f.Complete, f.Endpoints)
		switch f.State {
		case site.StateRunning:
			line += fmt.Sprintf("  WAN %s  peers %s  ETA %s", bits(f.WANBPS), bits(f.PeerBPS), eta(f))
		case site.StateComplete:
			line += fmt.Sprintf("  in %.1f s: %s over the WAN, %s from peers", f.Seconds, bytesText(f.BytesOrigin), bytesText(f.BytesPeer))
		case site.StatePaused:
			line += "  waits: " + f.PausedBy
		default:
			line += "  " + f.State + ": " + f.Reason
		}
		if ready := readyText(now, f); ready != "" {
			line += "  " + ready
		}
		lines = append(lines, clean(line))
	}
	return lines
}
