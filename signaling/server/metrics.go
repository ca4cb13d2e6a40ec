package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
)

// metricsTimeout bounds one collection.
const metricsTimeout = 5 * time.Second

var (
	sessionsDesc = prometheus.NewDesc("sitecast_sessions", "Endpoints online.", nil, nil)
	nowhereDesc  = prometheus.NewDesc("sitecast_quarantined", "Of them, those at no site, because it is not certain which is theirs.", nil, nil)
	flowsDesc    = prometheus.NewDesc("sitecast_flows", "Flows of running sites, by state.", []string{"state"}, nil)
	bytesDesc    = prometheus.NewDesc("sitecast_content_bytes", "Content bytes received in the flows present, by source.", []string{"source"}, nil)
	servedDesc   = prometheus.NewDesc("sitecast_origin_served_bytes_total", "Bytes of packs and bodies served since the start.", nil, nil)
	refusedDesc  = prometheus.NewDesc("sitecast_refused_total", "Bad input refused since the start, by door and code.", []string{"door", "code"}, nil)
	relayDesc    = prometheus.NewDesc("sitecast_relay_refused_packets_total", "Packets to places that the relay does not reach, since the start.", nil, nil)
	activeDesc   = prometheus.NewDesc("sitecast_fetching_seconds_total", "Time that somebody fetched over a line to the WAN, since the start.", nil, nil)
	yieldDesc    = prometheus.NewDesc("sitecast_yield_seconds_total", "Of that, time in which it stood back for other traffic.", nil, nil)
	delayDesc    = prometheus.NewDesc("sitecast_added_delay_seconds", "Delay added to a bystander's packets while somebody fetched, since the start.", []string{"quantile"}, nil)
	haltedDesc   = prometheus.NewDesc("sitecast_flows_halted_total", "Flows that were halted since the start because they took more from the origin than they need.", nil, nil)
	wanDesc      = prometheus.NewDesc("sitecast_wan_bytes", "Encoded bytes from the origin in the flows present.", nil, nil)
)

// metrics returns the handler of /metrics. Labels are bounded: no site or
// content appears in one.
func (s *Server) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collector{s})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

type collector struct{ s *Server }

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sessionsDesc, nowhereDesc, flowsDesc, bytesDesc, wanDesc, servedDesc, refusedDesc, relayDesc,
		activeDesc, yieldDesc, delayDesc, haltedDesc} {
		ch <- d
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(sessionsDesc, float64(c.s.socket.Sessions()))
	gauge(nowhereDesc, float64(c.s.places.quarantined()))
	count := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	count(servedDesc, float64(c.s.Served()))
	count(haltedDesc, float64(c.s.account.Halted()))
	receipt := c.s.account.Receipt()
	count(activeDesc, float64(receipt.ActiveMs)/1000)
	count(yieldDesc, float64(receipt.YieldMs)/1000)
	for label, q := range map[string]float64{"0.5": 0.5, "0.95": 0.95} {
		gauge(delayDesc, receipt.Quantile(q).Seconds(), label)
	}
	c.s.refused.Each(func(k wire.Refusal, n uint64) {
		ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n), string(k.Door), k.Code)
	})
	if c.s.relay != nil {
		ch <- prometheus.MustNewConstMetric(relayDesc, prometheus.CounterValue, float64(c.s.relay.Stats().Refused))
	}
	states := map[string]int{site.StateWaiting: 0, site.StateRunning: 0, site.StatePaused: 0, site.StateComplete: 0, site.StateFailed: 0,
		site.StateHalted: 0}
	sources := map[string]int64{"origin": 0, "peer": 0, "relay": 0, "reused": 0}
	wan := int64(0)
	flows, ok := c.flows()
	if !ok {
		return // no sums are better than wrong ones
	}
	for _, f := range flows {
		states[f.State]++
		sources["origin"] += f.BytesOrigin
		sources["peer"] += f.BytesPeer
		sources["relay"] += f.BytesRelay
		sources["reused"] += f.BytesReused
		wan += f.WANBytes
	}
	for state, n := range states {
		gauge(flowsDesc, float64(n), state)
	}
	for source, n := range sources {
		gauge(bytesDesc, float64(n), source)
	}
	gauge(wanDesc, float64(wan))
}

// flows asks every running site; false when one did not answer in time.
func (c collector) flows() (all []site.FlowView, ok bool) {
	ctx, stop := context.WithTimeout(context.Background(), metricsTimeout)
	defer stop()
	for _, name := range c.s.hub.Running() {
		owner := c.s.hub.Site(name)
		if owner == nil {
			return nil, false // the server is stopping
		}
		v, err := owner.View(ctx)
		if err != nil {
			return nil, false
		}
		all = append(all, v.Flows...)
	}
	return all, true
}
