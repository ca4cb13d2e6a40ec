package agent

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sitecast/sitecast/edge/engine"
	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/edge/lan"
	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/edge/origin"
	"github.com/sitecast/sitecast/edge/polite"
	"github.com/sitecast/sitecast/signaling/wire"
)

// statusTimeout bounds how long the engine may take to answer.
const statusTimeout = 2 * time.Second

// status is what GET /status answers.
type status struct {
	Endpoint wire.EndpointID `json:"endpoint"`
	Name     string          `json:"name"`
	Trouble  string          `json:"trouble,omitempty"` // why the server is not reached
	engine.Status
	Governor governor.Status `json:"governor"`
	Actuator actuator        `json:"actuator"`
	Uploads  lan.Status      `json:"uploads"`             // to peers
	Disk     *polite.Status  `json:"disk,omitempty"`      // what the store may do beside others
	CPU      *polite.Status  `json:"processor,omitempty"` // what may move beside others
	// Restraints are what is done without now out of regard for the user, and why.
	Restraints []polite.Restraint `json:"restraints,omitempty"`
	Month      *month             `json:"month,omitempty"`      // what came over the WAN in it
	Activation *engine.Activation `json:"activation,omitempty"` // what a kiosk uses
	Relays     []string           `json:"relays,omitempty"`     // over UDP, as the server named them last
}

// actuator is what holds fetches to their rate, and why that and nothing better.
type actuator struct {
	Name   origin.Actuator `json:"name"`
	Reason string          `json:"reason"`
}

// serveStatus answers on l until ctx ends.
func (a *agent) serveStatus(ctx context.Context, l net.Listener) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		metrics{a.eng, &a.refused, a.cfg.User}, governed{a.governor})
	if a.share != nil {
		registry.MustRegister(disks{a.share})
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		all, err := a.snapshot(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(all) // the reader went away
	})
	a.health(mux)
	page{func(r *http.Request) (status, error) { return a.snapshot(r.Context()) }, a.regard.pause}.handle(mux)
	mux.Handle(contentPattern, loopback.Door{Origins: a.cfg.AllowOrigins}.Guard(delivered{a.store.OpenFile, a.eng.Lost, a.eng.Blocked, a.cfg.Log}))
	return loopback.Serve(ctx, l, mux)
}

// snapshot is what there is to say now.
func (a *agent) snapshot(ctx context.Context) (status, error) {
	ctx, stop := context.WithTimeout(ctx, statusTimeout)
	defer stop()
	s, err := a.eng.Status(ctx)
	if err != nil {
		return status{}, err
	}
	name, why := a.origin.Actuator()
	all := status{Endpoint: a.id.id(), Name: a.cfg.Name, Trouble: a.link.Trouble(), Status: s, Governor: a.governor.Status(),
		Actuator: actuator{name, why}, Uploads: a.lan.Status(), Relays: a.ice.reflectors(),
		Restraints: a.regard.restraints(), Month: a.regard.spent()}
	if a.cfg.User != nil {
		all.Activation = a.cfg.User.Uses().Activation
	}
	if a.share != nil {
		disk, processor := a.share.Disk.Status(), a.share.Processor.Status()
		all.Disk, all.CPU = &disk, &processor
	}
	return all, nil
}

// metrics exports the engine's counters and what was refused; labels are bounded
// by the sources, doors, codes and rules.
type metrics struct {
	e       *engine.Engine
	refused *wire.Refusals
	user    engine.User // nil: none that the agent knows of
}

var (
	bytesDesc   = prometheus.NewDesc("sitecast_agent_content_bytes_total", "Content bytes received, by source, over the flows present.", []string{"source"}, nil)
	wanDesc     = prometheus.NewDesc("sitecast_agent_wan_bytes_total", "Encoded bytes fetched from the origin, over the flows present.", nil, nil)
	refusedDesc = prometheus.NewDesc("sitecast_agent_refused_total", "Bad input refused since the start, by door and code.", []string{"door", "code"}, nil)
	linksDesc   = prometheus.NewDesc("sitecast_agent_links", "Links to peers.", nil, nil)
	cacheDesc   = prometheus.NewDesc("sitecast_agent_cache_used_bytes", "Bytes on the disk that the versions in the store take.", nil, nil)
	evictedDesc = prometheus.NewDesc("sitecast_agent_cache_evicted_total", "Versions evicted since the start, by rule.", []string{"rule"}, nil)
	upDesc      = prometheus.NewDesc("sitecast_agent_connected", "1 while the socket to the server is open.", nil, nil)
)

func (m metrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- bytesDesc
	ch <- wanDesc
	ch <- refusedDesc
	ch <- linksDesc
	ch <- upDesc
	ch <- cacheDesc
	ch <- evictedDesc
	ch <- scrubDesc
	ch <- damagedDesc
	ch <- healedDesc
	describeEngine(ch)
}

func (m metrics) Collect(ch chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), statusTimeout)
	defer stop()
	m.refused.Each(func(k wire.Refusal, n uint64) {
		ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n), string(k.Door), k.Code)
	})
	s, err := m.e.Status(ctx)
	if err != nil {
		return
	}
	collectEngine(ch, s, m.user)
	var sum wire.Sources
	var wan int64
	for _, f := range s.Flows {
		sum.Origin += f.Bytes.Origin
		sum.Peer += f.Bytes.Peer
		sum.Relay += f.Bytes.Relay
		sum.Reused += f.Bytes.Reused
		wan += f.WAN
	}
	count := func(desc *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(v), labels...)
	}
	count(bytesDesc, sum.Origin, "origin")
	count(bytesDesc, sum.Peer, "peer")
	count(bytesDesc, sum.Relay, "relay")
	count(bytesDesc, sum.Reused, "reused")
	count(wanDesc, wan)
	ch <- prometheus.MustNewConstMetric(linksDesc, prometheus.GaugeValue, float64(len(s.Links)))
	if c := s.Cache; c != nil {
		ch <- prometheus.MustNewConstMetric(cacheDesc, prometheus.GaugeValue, float64(c.Used))
		for rule, n := range c.Counts {
			count(evictedDesc, n, string(rule))
		}
	}
	if c := s.Scrub; c != nil {
		count(scrubDesc, c.Bytes)
		count(damagedDesc, c.Damaged)
		count(healedDesc, c.Healed)
	}
	up := 0.0
	if s.Connected {
		up = 1
	}
	ch <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, up)
}
