package agent

import (
	"net"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sitecast/sitecast/edge/governor"
	"github.com/sitecast/sitecast/signaling/wire"
)

// pace tells the server how fast to send what it serves as the origin.
func (a *agent) pace(p wire.Pace) bool { return a.link.Send(wire.KindPace, p) }

// tell sends what the governor has to say to a peer.
func (a *agent) tell(to wire.EndpointID, f wire.Frame) { a.eng.Tell(to, f) }

// probeSocket opens a socket for the governor's probes.
func (a *agent) probeSocket() (net.PacketConn, error) {
	if a.cfg.Net != nil {
		return a.cfg.Net.ListenPacket("udp4", "0.0.0.0:0")
	}
	return net.ListenPacket("udp", ":0")
}

// reflectors lists the STUN servers among those for ICE, as host:port.
func (s *iceServers) reflectors() (out []string) {
	for _, server := range s.get() {
		for _, u := range server.URLs {
			scheme, rest, _ := strings.Cut(u, ":")
			address, query, _ := strings.Cut(rest, "?")
			if scheme != "stun" && scheme != "turn" || strings.Contains(query, "transport=tcp") {
				continue
			}
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				host = strings.Trim(address, "[]")
				address = net.JoinHostPort(host, "3478")
			}
			if host != "" && !slices.Contains(out, address) {
				out = append(out, address)
			}
		}
	}
	return out
}

// governed exports what the governor does; states are those of its controller.
type governed struct{ g *governor.Governor }

// resting is the state of an endpoint that does not govern.
const resting = "rest"

var (
	grantDesc    = prometheus.NewDesc("sitecast_governor_grant_bytes_per_second", "Bytes per second granted to the whole egress, as known here.", nil, nil)
	takenDesc    = prometheus.NewDesc("sitecast_governor_taken_bytes_total", "Bytes that came from origins since the start.", nil, nil)
	capacityDesc = prometheus.NewDesc("sitecast_governor_capacity_bytes_per_second", "Most that the line was seen to carry; 0 where another governs.", nil, nil)
	queueDesc    = prometheus.NewDesc("sitecast_governor_queue_seconds", "Queue that the newest probe found on the line.", nil, nil)
	lossDesc     = prometheus.NewDesc("sitecast_governor_loss_ratio", "Share of packets that the line loses by itself; 0 where another governs.", nil, nil)
	stateDesc    = prometheus.NewDesc("sitecast_governor_state", "1 for what the controller does now, 0 for what it does not.", []string{"state"}, nil)
)

func (m governed) Describe(ch chan<- *prometheus.Desc) {
	ch <- grantDesc
	ch <- takenDesc
	ch <- capacityDesc
	ch <- queueDesc
	ch <- lossDesc
	ch <- stateDesc
}

func (m governed) Collect(ch chan<- prometheus.Metric) {
	s := m.g.Status()
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	gauge(grantDesc, float64(s.Rate))
	ch <- prometheus.MustNewConstMetric(takenDesc, prometheus.CounterValue, float64(s.Taken))
	gauge(capacityDesc, float64(s.Capacity))
	gauge(queueDesc, s.QueueMs/1e3)
	gauge(lossDesc, s.Loss)
	state := s.State
	if state == "" {
		state = resting
	}
	for _, name := range []string{resting, string(governor.Free), string(governor.Start), string(governor.Run), string(governor.Yield), string(governor.Probe)} {
		is := 0.0
		if name == state {
			is = 1
		}
		gauge(stateDesc, is, name)
	}
}
