// Package rollout decides how a distribution in rings goes on. It is pure: it is given the
// rings, how far they are, what is seen of each and the time, and answers how far they are
// then and why, in words.
//
// A ring opens when every ring before it passes its gates. What fails too often halts
// everything, and only an operator lets it go on. Both are decided on what is seen now, so
// a server that starts anew needs nothing but how far the rings are.
package rollout

import (
	"fmt"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/units"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Figures is what is seen of one ring.
type Figures struct {
	Sites     int `json:"sites"`
	Busy      int `json:"busy"`      // sites that were let in, where somebody online lacks it
	Endpoints int `json:"endpoints"` // that are online, or were in the last week
	Delivered int `json:"delivered"` // of them, that have all of it
	Kiosks    int `json:"kiosks"`    // of them, that activate this content
	Activated int `json:"activated"` // of those, that use it
	Failed    int `json:"failed"`    // of those, that tried it in vain, or where it fails now
	Stuck     int `json:"stuck"`     // that can't get it, and said so for a minute
	// WAN is what its sites take over the WAN now, of whatever, in bits per second.
	WAN int64 `json:"wan_bps"`
	// Next are the first sites by name that were not let in yet.
	Next []string `json:"-"`
}

// Decide says how far a rollout is at now. seen has the figures of each ring, in order.
func Decide(rings []catalog.Ring, was catalog.Rollout, notBefore time.Time, seen []Figures, now time.Time) catalog.Rollout {
	if was.Ended() || was.State == catalog.RolloutHalted || was.Stopped || len(rings) == 0 || len(seen) != len(rings) {
		return was
	}
	r := was
	switch {
	case now.Before(notBefore):
		r.State, r.Reason = catalog.RolloutWaiting, "it does not begin before "+notBefore.UTC().Format("Mon 2 Jan 2006 15:04 MST")
	case r.Open == 0:
		r = opened(r, 1, seen, rings, now)
	default:
		r = proceed(rings, r, seen, now)
	}
	if r.State != was.State {
		r.Changed = now
	}
	return r
}

// proceed is Decide once a ring is open.
func proceed(rings []catalog.Ring, r catalog.Rollout, seen []Figures, now time.Time) catalog.Rollout {
	for i := range r.Open {
		if why := excess(rings[i], seen[i]); why != "" {
			r.State, r.Stopped, r.Reason = catalog.RolloutHalted, true, fmt.Sprintf("ring %s: %s", rings[i].Name, why)
			return r
		}
	}
	newest := r.Open - 1
	r = admit(rings[newest], r, seen[newest])
	for i := range r.Open {
		if why, state := holds(rings[i], seen[i]); why != "" {
			r.State, r.Reason, r.Met = state, fmt.Sprintf("ring %s: %s", rings[i].Name, why), time.Time{}
			return r
		}
	}
	if r.Met.IsZero() {
		r.Met = now
	}
	if left := rings[newest].Soak() - now.Sub(r.Met); left > 0 {
		r.State = catalog.RolloutWaiting
		r.Reason = fmt.Sprintf("ring %s: passes its gates (%s), and soaks until %s", rings[newest].Name, seen[newest], r.Met.Add(rings[newest].Soak()).UTC().Format("Mon 2 Jan 15:04 MST"))
		return r
	}
	if r.Open < len(rings) {
		return opened(r, r.Open+1, seen, rings, now)
	}
	r.State, r.Reason = catalog.RolloutDone, fmt.Sprintf("all rings passed their gates; ring %s: %s", rings[newest].Name, seen[newest])
	return r
}

// opened opens rings up to a number.
func opened(r catalog.Rollout, open int, seen []Figures, rings []catalog.Ring, now time.Time) catalog.Rollout {
	r.State, r.Open, r.Opened, r.Met, r.Upto = catalog.RolloutRunning, open, now, time.Time{}, ""
	ring := rings[open-1]
	r.Reason = fmt.Sprintf("ring %s is open", ring.Name)
	return admit(ring, r, seen[open-1])
}

// admit lets in as many further sites of the newest ring as may be at it.
func admit(ring catalog.Ring, r catalog.Rollout, seen Figures) catalog.Rollout {
	if ring.AtOnce == 0 {
		return r
	}
	if n := min(ring.AtOnce-seen.Busy, len(seen.Next)); n > 0 {
		r.Upto = seen.Next[n-1]
	}
	return r
}

// excess says what failed too often.
func excess(ring catalog.Ring, f Figures) string {
	bad := f.Failed + f.Stuck
	if ring.Halt == catalog.NoHalt || bad == 0 || bad*100 < ring.Halt*f.Endpoints {
		return ""
	}
	return fmt.Sprintf("%s; it halts at %d %%", bads(f), ring.Halt)
}

// bads says what fails.
func bads(f Figures) string {
	var parts []string
	if f.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed to activate it", f.Failed))
	}
	if f.Stuck > 0 {
		parts = append(parts, fmt.Sprintf("%d can't get it", f.Stuck))
	}
	return fmt.Sprintf("of %d endpoints %s", f.Endpoints, strings.Join(parts, " and "))
}

// holds says which gate of an open ring is not passed; "" when all are, but for the soak.
func holds(ring catalog.Ring, f Figures) (why, state string) {
	tried := f.Activated + f.Failed
	switch {
	case f.Sites == 0 && ring.Target == catalog.RestTarget:
		return "", "" // the others have them all
	case f.Sites == 0: // a slip, more likely than a wish
		return fmt.Sprintf("%s means no site now that no ring before it has", ring.Target), catalog.RolloutWaiting
	case len(f.Next) > 0 && ring.AtOnce > 0:
		return fmt.Sprintf("%d of %d sites are at it, %d at once (%s)", f.Busy, f.Sites, ring.AtOnce, f), catalog.RolloutRunning
	case f.Endpoints == 0:
		return fmt.Sprintf("no endpoint of its %d sites was online in the last week", f.Sites), catalog.RolloutWaiting
	case f.Delivered*100 < ring.Delivered*f.Endpoints:
		return fmt.Sprintf("%d of %d endpoints have it, it wants %d %%", f.Delivered, f.Endpoints, ring.Delivered), catalog.RolloutRunning
	case f.Kiosks > 0 && tried == 0 && ring.Failed < 100:
		return fmt.Sprintf("none of %d kiosks activated it yet", f.Kiosks), catalog.RolloutWaiting
	case f.Failed*100 > ring.Failed*tried:
		return fmt.Sprintf("%d of %d that tried failed to activate it, it lets pass %d %%", f.Failed, tried, ring.Failed), catalog.RolloutWaiting
	case ring.WAN > 0 && f.WAN > ring.WAN:
		return fmt.Sprintf("its sites take %s over the WAN, it lets pass %s", units.Bits(f.WAN), units.Bits(ring.WAN)), catalog.RolloutWaiting
	}
	return "", ""
}

// String says the figures for people.
func (f Figures) String() string {
	text := fmt.Sprintf("%d of %d endpoints have it", f.Delivered, f.Endpoints)
	if f.Kiosks > 0 {
		text += fmt.Sprintf(", %d activated it, %d failed to", f.Activated, f.Failed)
	}
	return text
}

// Halted is a rollout that an operator halted.
func Halted(was catalog.Rollout, by, reason string, now time.Time) (catalog.Rollout, error) {
	if was.Ended() && was.State != catalog.RolloutDone {
		return was, fmt.Errorf("it ended as %s: %w", was.State, catalog.ErrConflict)
	}
	if was.State == catalog.RolloutHalted {
		return was, fmt.Errorf("it is halted already: %s: %w", was.Reason, catalog.ErrConflict)
	}
	was.State, was.Stopped, was.Changed, was.Reason = catalog.RolloutHalted, true, now, by+" halted it"
	if reason != "" {
		was.Reason += ": " + reason
	}
	return was, nil
}

// Continued is a halted rollout that an operator lets go on: what failed until now does not
// count any more.
func Continued(was catalog.Rollout, by string, now time.Time) (catalog.Rollout, error) {
	if was.State != catalog.RolloutHalted {
		return was, fmt.Errorf("it is not halted but %s: %w", was.State, catalog.ErrConflict)
	}
	was.State, was.Stopped, was.Changed, was.Since, was.Met = catalog.RolloutRunning, false, now, now, time.Time{}
	was.Reason = by + " lets it go on"
	return was, nil
}
