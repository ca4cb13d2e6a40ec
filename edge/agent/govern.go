package agent

import (
	"net"
	"strings"

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
			if _, _, err := net.SplitHostPort(address); err != nil {
				address = net.JoinHostPort(strings.Trim(address, "[]"), "3478")
			}
			out = append(out, address)
		}
	}
	return out
}
