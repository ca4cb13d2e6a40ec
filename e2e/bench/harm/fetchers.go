//go:build linux

package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sitecast/sitecast/e2e/netlab"
	"github.com/sitecast/sitecast/e2e/rig"
)

const (
	grantMetric = "sitecast_governor_grant_bytes_per_second"
	takenMetric = "sitecast_governor_taken_bytes_total"
	// grantedFor is how long fetchers are watched, after grantSettle.
	grantedFor  = 30 * time.Second
	grantSettle = 5 * time.Second
	grantEvery  = 200 * time.Millisecond
	// grantSteady is how much a grant may change and still be one, and grantLags by when
	// what was sent under it has come.
	grantSteady = 1.2
	grantLags   = 400 * time.Millisecond
	// grantError is how far the sum may be from the grant, in any second.
	grantError = 0.10
)

// fetchers has three endpoints fetch at once, and compares what all of them took,
// second by second, with what the governor granted the site.
func (b *bench) fetchers(ctx context.Context) error {
	var all []finding
	for _, mbit := range []int64{20, 50} {
		c := cell{mbit, 40 * time.Millisecond, oneBDP, "cubic"}
		content := []good{{"fetchers", int64(netlab.Backlog(c.rate(), grantedFor+grantSettle+20*time.Second))}}
		plan := netlab.SitePlan{Endpoints: 4, WAN: netlab.Both(c.link()), LAN: netlab.Link{Rate: 1_000_000_000}}
		f, err := b.installed(ctx, fmt.Sprintf("three fetchers at %d Mbit/s", mbit), []netlab.SitePlan{plan}, content,
			[]string{"--fetchers", "3"}, b.granted)
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	return b.findings(all)
}

// allowance is what a site was granted and had taken by a moment.
type allowance struct {
	at    time.Time
	grant float64 // bytes per second, of the whole site
	taken float64 // content bytes, encoded, of all endpoints
	wan   float64 // bytes of frames
}

func (b *bench) granted(s *stage, in *rig.Rig) (f finding, err error) {
	if _, err := in.Sitecast(s.ctx, "distribute", "fetchers@1", "--all"); err != nil {
		return f, err
	}
	var log []allowance
	var begun time.Time
	for deadline := time.Now().Add(time.Minute); begun.IsZero() || time.Since(begun) < grantSettle+grantedFor; {
		a, err := s.allowance(in)
		if err != nil {
			return f, fmt.Errorf("watch what was granted (has this build a governor?): %w", err)
		}
		if begun.IsZero() && a.grant > 0 && a.taken > 0 {
			begun = a.at
		}
		if begun.IsZero() && time.Now().After(deadline) {
			return f, fmt.Errorf("nothing was granted and taken within a minute")
		}
		log = append(log, a)
		if err := rig.Pause(s.ctx, grantEvery); err != nil {
			return f, err
		}
	}
	errors, changed := deviations(log, begun.Add(grantSettle))
	if len(errors) == 0 {
		return f, fmt.Errorf("the grant changed in each of %d seconds", changed)
	}
	outside := 0
	for _, e := range errors {
		if math.Abs(e) > grantError {
			outside++
		}
	}
	worst := slices.MaxFunc(errors, func(a, b float64) int { return int(1e6 * (math.Abs(a) - math.Abs(b))) })
	first, last := log[0], log[len(log)-1]
	f.Value, f.Limit, f.Met = math.Abs(worst), grantError, outside == 0
	f.Detail = []string{
		fmt.Sprintf("worst of %d seconds %+.1f %%, %d outside; %d more in which the grant changed", len(errors), 100*worst, outside, changed),
		fmt.Sprintf("%.2f Mbit/s taken", 8*(last.taken-first.taken)/last.at.Sub(first.at).Seconds()/1e6),
		fmt.Sprintf("%.3f bytes of frames for one taken", (last.wan-first.wan)/max(last.taken-first.taken, 1)),
	}
	return f, nil
}

// allowance asks every agent. The site's grant is the largest that anybody tells:
// who is not the holder has heard of it later, or not at all.
func (s *stage) allowance(in *rig.Rig) (a allowance, err error) {
	for _, agent := range in.Agents[0] {
		grant, err := agent.Metric(s.ctx, grantMetric)
		if err != nil {
			return a, err
		}
		taken, err := agent.Metric(s.ctx, takenMetric)
		if err != nil {
			return a, err
		}
		a.grant, a.taken = max(a.grant, grant), a.taken+taken
	}
	c, err := s.site.WAN()
	a.at, a.wan = time.Now(), float64(c.ReceivedBytes)
	return a, err
}

// deviations is, for each whole second from a moment, by which part of the mean
// grant more was taken than granted. Seconds in which the grant changed, or a moment
// before, are only counted: what was sent before the change still comes after it.
func deviations(log []allowance, from time.Time) (all []float64, changed int) {
	for at := from; !at.Add(time.Second).After(log[len(log)-1].at); at = at.Add(time.Second) {
		if !steady(log, at.Add(-grantLags), at.Add(time.Second)) {
			changed++
			continue
		}
		var granted float64
		for i := 1; i < len(log); i++ {
			begin, end := later(log[i-1].at, at), earlier(log[i].at, at.Add(time.Second))
			if end.After(begin) {
				granted += log[i-1].grant * end.Sub(begin).Seconds()
			}
		}
		took := takenBy(log, at.Add(time.Second)) - takenBy(log, at)
		all = append(all, (took-granted)/max(granted, 1))
	}
	return all, changed
}

// steady reports whether the grant was much the same from one moment to another.
func steady(log []allowance, from, until time.Time) bool {
	least, most := math.Inf(1), 0.0
	for _, a := range log {
		if !a.at.Before(from) && a.at.Before(until) {
			least, most = min(least, a.grant), max(most, a.grant)
		}
	}
	return most <= grantSteady*least
}

// takenBy is what was taken by a moment, on a line between the samples around it.
func takenBy(log []allowance, at time.Time) float64 {
	for i := 1; i < len(log); i++ {
		if a, b := log[i-1], log[i]; !b.at.Before(at) {
			part := float64(at.Sub(a.at)) / float64(b.at.Sub(a.at))
			return a.taken + part*(b.taken-a.taken)
		}
	}
	return log[len(log)-1].taken
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
