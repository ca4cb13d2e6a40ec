package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sitecast/sitecast/edge/engine"
)

// flowStates and the others are those that there are; another is told as otherState, so
// that no label is unbounded.
var (
	flowStates         = []string{"paused", "failed", "preparing", "seeding", "filling", "complete"}
	activationOutcomes = []string{"activated", "rolled_back", "refused", "lost", "blocked"}
	activationStates   = []string{"preparing", "active", "staged", "activating", "rolled_back", "unhealthy"}
)

const otherState = "other"

var (
	flowsDesc   = prometheus.NewDesc("sitecast_agent_flows", "Flows, by state.", []string{"state"}, nil)
	linkedDesc  = prometheus.NewDesc("sitecast_agent_links_by_kind", "Links to peers, by kind.", []string{"kind"}, nil)
	sentDesc    = prometheus.NewDesc("sitecast_agent_sent_bytes_total", "Content bytes sent to peers since the start.", nil, nil)
	missingDesc = prometheus.NewDesc("sitecast_agent_missing_bytes", "Content bytes that the flows have yet to get, about.", nil, nil)
	diskDesc    = prometheus.NewDesc("sitecast_agent_filesystem_bytes", "Size of the file system of the store, as measured last.", nil, nil)
	freeDesc    = prometheus.NewDesc("sitecast_agent_filesystem_free_bytes", "What of it is free.", nil, nil)
	versDesc    = prometheus.NewDesc("sitecast_agent_cache_versions", "Versions in the store, by whether they are complete.", []string{"complete"}, nil)
	usesDesc    = prometheus.NewDesc("sitecast_agent_activation", "1 for the state of the activation of a kiosk, 0 for those it is not in.", []string{"state"}, nil)
	triedDesc   = prometheus.NewDesc("sitecast_agent_activations_remembered", "Activations that a kiosk remembers, by outcome.", []string{"outcome"}, nil)
)

// describeEngine tells which metrics there are of what the engine shows.
func describeEngine(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{flowsDesc, linkedDesc, sentDesc, missingDesc, diskDesc, freeDesc, versDesc, usesDesc, triedDesc} {
		ch <- d
	}
}

// collectEngine tells of what the engine shows.
func collectEngine(ch chan<- prometheus.Metric, s engine.Status, uses engine.User) {
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	states, missing := counter(flowStates), int64(0)
	for _, f := range s.Flows {
		states.add(f.State)
		if f.Chunks > 0 {
			missing += f.BytesTotal / int64(f.Chunks) * int64(f.Chunks-f.ChunksHeld)
		}
	}
	for state, n := range states {
		gauge(flowsDesc, n, state)
	}
	kinds := map[string]float64{"direct": 0, "relayed": 0}
	for _, l := range s.Links {
		if l.Relayed {
			kinds["relayed"]++
		} else {
			kinds["direct"]++
		}
	}
	for kind, n := range kinds {
		gauge(linkedDesc, n, kind)
	}
	ch <- prometheus.MustNewConstMetric(sentDesc, prometheus.CounterValue, float64(s.Sent))
	gauge(missingDesc, float64(missing))
	if c := s.Cache; c != nil {
		gauge(diskDesc, float64(c.Disk))
		gauge(freeDesc, float64(c.Free))
		whole := 0
		for _, v := range c.Held {
			if v.Complete {
				whole++
			}
		}
		gauge(versDesc, float64(whole), "true")
		gauge(versDesc, float64(len(c.Held)-whole), "false")
	}
	if uses != nil {
		activated(gauge, uses)
	}
}

// activated tells of what a kiosk uses.
func activated(gauge func(*prometheus.Desc, float64, ...string), uses engine.User) {
	a := uses.Uses().Activation
	if a == nil {
		return
	}
	states := counter(activationStates)
	states.add(a.State)
	for state, n := range states {
		gauge(usesDesc, n, state)
	}
	outcomes := counter(activationOutcomes)
	for _, one := range a.History {
		outcomes.add(one.Outcome)
	}
	for outcome, n := range outcomes {
		gauge(triedDesc, n, outcome)
	}
}

// counts are how often there is each of some states.
type counts map[string]float64

func counter(states []string) counts {
	c := counts{otherState: 0}
	for _, state := range states {
		c[state] = 0
	}
	return c
}

func (c counts) add(state string) {
	if _, known := c[state]; !known {
		state = otherState
	}
	c[state]++
}
