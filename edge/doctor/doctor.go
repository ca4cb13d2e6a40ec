// Package doctor finds out, on an endpoint's own host, by which way the endpoint
// reaches its server and its peers, and what stands in the way. It climbs the same
// rungs as an agent does, one after the other: the server's name, a connection (maybe
// through a proxy), TLS, HTTP, the socket; then packets over UDP, relays, the kind of
// NAT, and what a running agent says of its links. Each rung is a [Finding], and where
// it fails the finding has a name for the fault and says what a person can do.
//
// Nothing is sent that is secret or that an endpoint would have to sign, so a doctor
// may be called while the agent runs, and before the endpoint is enrolled.
package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/sitecast/sitecast/edge/proxy"
	"github.com/sitecast/sitecast/signaling/wire/finding"
)

// The words of an examination.
type (
	Mark    = finding.Mark
	Fault   = finding.Fault
	Rung    = finding.Rung
	Finding = finding.Finding
)

// The marks.
const (
	OK      = finding.OK
	Warn    = finding.Warn
	Fail    = finding.Fail
	Skipped = finding.Skipped
)

// The faults.
const (
	FaultDNS         Fault = "DNS failing"
	FaultProxy       Fault = "proxy"
	FaultUnreachable Fault = "server unreachable"
	FaultTLS         Fault = "TLS intercepted"
	FaultPortal      Fault = "captive portal"
	FaultClock       Fault = "clock wrong"
	FaultMTU         Fault = "MTU black hole"
	FaultWebSocket   Fault = "WebSocket blocked"
	FaultUDP         Fault = finding.UDP
	FaultRelay       Fault = finding.Relay
	FaultNAT         Fault = finding.NAT
	FaultIsolation   Fault = finding.Isolation
	FaultAgent       Fault = "agent not connected"
)

// The rungs, from the lowest.
const (
	RungName       Rung = "name"
	RungConnection Rung = "connection"
	RungTLS        Rung = "TLS"
	RungServer     Rung = "server"
	RungClock      Rung = "clock"
	RungSocket     Rung = "socket"
	RungLarge      Rung = "large packets"
	RungUDP        Rung = "UDP"
	RungRelay      Rung = "relay over TCP"
	RungNAT        Rung = "NAT"
	RungLinks      Rung = "links"
)

// Report is all that was found.
type Report struct {
	Server   string    `json:"server"`
	Works    bool      `json:"works"` // the endpoint reaches its server, by whatever way
	Path     string    `json:"path"`  // which ways are used
	Advice   string    `json:"advice"`
	Findings []Finding `json:"findings"`
}

// Voucher says who stands for a certificate.
type Voucher int

// The vouchers.
const (
	Nobody      Voucher = iota // or not for this host, or not now: the error says it
	Unjudged                   // there is no pin to judge it by
	Pinned                     // the key that the enrolment token named
	Authorities                // the system's
	Added                      // those of --ca-file
)

// Agent is what a running agent says of itself.
type Agent struct {
	Connected bool
	Trouble   string // why it is not connected, as far as it knows
	Links     []struct{ Relayed bool }
	Relays    []string // HOST:PORT
}

// Config is the network as it is looked at. All times are bounded by the checks.
type Config struct {
	Server *url.URL
	Dial   proxy.Dial // as the agent dials: through the proxy, if there is one
	Proxy  string     // HOST:PORT of the proxy and where that was set; empty for none
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// ListenPacket opens a UDP socket on a free port.
	ListenPacket func(ctx context.Context) (net.PacketConn, error)
	Trust        func(chain []*x509.Certificate) (Voucher, error)
	// Relay and Reflector are HOST:PORT of STUN servers. Empty: the last and the first
	// that the agent was told of, or port 3478 of the server's host and none.
	Relay, Reflector string
	// Agent asks the running agent; nil if it is not known where it answers.
	Agent func(context.Context) (Agent, error)
}

// defaultRelayPort is where a server has its relay unless it was told otherwise.
const defaultRelayPort = "3478"

// Limits on time.
const (
	lookupTimeout  = 10 * time.Second
	connectTimeout = 15 * time.Second
	requestTimeout = 10 * time.Second
	// stallTimeout is how long what fills several packets may stand still: less than a
	// server waits for it, which would look as if somebody cut it off.
	stallTimeout = 6 * time.Second
)

// doctor is one examination.
type doctor struct {
	Config
	found []Finding
	small bool // hellos of TLS have to be small
}

func (d *doctor) add(f Finding) bool {
	d.found = append(d.found, f)
	return f.Mark != Fail
}

// skip notes rungs of which nothing can be said.
func (d *doctor) skip(why string, rungs ...Rung) {
	for _, r := range rungs {
		d.add(Finding{Rung: r, Mark: Skipped, Seen: why})
	}
}

// Examine climbs all rungs. It takes a minute at most.
func Examine(ctx context.Context, cfg Config) Report {
	d := &doctor{Config: cfg}
	d.server(ctx)
	var agent Agent
	err := errNoAgent
	if cfg.Agent != nil {
		agent, err = cfg.Agent(ctx)
	}
	d.packets(ctx, agent.Relays)
	d.add(links(agent, err, d.passed(RungUDP)))
	return conclude(cfg.Server.String(), d.found)
}

// passed reports whether a rung was passed, by whatever way.
func (d *doctor) passed(r Rung) bool {
	for _, f := range d.found {
		if f.Rung == r {
			return f.Mark == OK
		}
	}
	return false
}

// conclude says what the findings mean.
func conclude(server string, found []Finding) Report {
	report := Report{Server: server, Works: true, Findings: found}
	var urgent, useful []string
	for _, f := range found {
		switch f.Mark {
		case Fail:
			report.Works = false
			urgent = append(urgent, f.Advice())
		case Warn:
			useful = append(useful, f.Advice())
		}
	}
	report.Path = path(found, report.Works)
	switch {
	case len(urgent) > 0:
		report.Advice = strings.Join(append(urgent, useful...), " ")
	case len(useful) > 0:
		report.Advice = "The endpoint can work as it is. To have it work better: " + strings.Join(useful, " ")
	default:
		report.Advice = finding.NothingToDo
	}
	return report
}

// path says in words which ways are used.
func path(found []Finding, works bool) string {
	way := map[Rung]string{}
	for _, f := range found {
		way[f.Rung] = f.Way
	}
	if !works {
		return "The server is not reached as it should be, and without it no new links are made."
	}
	peers := "Peers that no direct link reaches get no link."
	switch {
	case way[RungLinks] != "":
		peers = way[RungLinks]
	case way[RungUDP] != "":
		peers = "Links to peers are direct where the network lets them, and otherwise go by the relay over UDP."
	case way[RungRelay] != "":
		peers = fmt.Sprintf("Links to peers are direct on the LAN, and otherwise go by the relay over %s.", way[RungRelay])
	}
	return fmt.Sprintf("The server is reached %s, by %s. %s", way[RungConnection], way[RungSocket], peers)
}
