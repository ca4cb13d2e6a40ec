// Package relay is a STUN and TURN server (RFC 8489, RFC 8656) that carries the
// links of endpoints that can't reach each other. Both ends of a link are ours
// and both can allocate, so an allocation may only reach other allocations of the
// same relay: its own address and its own range of ports. Nothing else in the
// network can be reached through it.
//
// It is asked over UDP, and over TCP or TLS where UDP does not get through. What one
// endpoint, and all of a site, may take is bounded. A relay has a place: one that
// stands at a site is part of its LAN, through a central one each byte crosses the
// site's WAN twice.
package relay

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/transport/v5"
	"github.com/pion/turn/v5"
	"golang.org/x/net/netutil"
)

// Limits.
const (
	// MaxAllocations bounds the allocations one endpoint may hold, unless its quota says
	// otherwise.
	MaxAllocations = 64
	// maxConns bounds the connections over TCP at once.
	maxConns = 4096
	// allocationLifetime is how long an allocation outlives who made it. Clients
	// refresh it after half of that; what a killed or moved endpoint leaves is soon
	// free again.
	allocationLifetime = 2 * time.Minute
	maxUserBytes       = 128
	realm              = "sitecast"
)

// Config is what a relay is made of.
type Config struct {
	Conns     []net.PacketConn // UDP
	Listeners []net.Listener   // TCP, or TLS over it
	PublicIP  net.IP           // as endpoints reach it
	BindIP    string           // where relayed ports are opened; empty for all
	// MinPort to MaxPort are the relayed ports.
	MinPort, MaxPort uint16
	Secret           []byte // shared with whoever makes credentials
	// Endpoint and Site are what one endpoint, and all of a site, may take.
	Endpoint, Site Quota
	Deny           []netip.Prefix // canonical, see [ParseDeny]: who may not use the relay
	Net            transport.Net  // nil: the host's network
	Log            *slog.Logger
}

// Stats counts what a relay did.
type Stats struct {
	Allocations int64 // open now
	Bytes       int64 // relayed payload so far, each byte once
	Refused     int64 // packets to places that may not be reached
	Over        int64 // packets beyond a quota
}

// Relay is a relay that serves since New.
type Relay struct {
	cfg    Config
	server *turn.Server

	accounts *accounts

	bytes, refused, over atomic.Int64
}

// New begins to serve. Run must follow.
func New(cfg Config) (*Relay, error) {
	if !usable(cfg.PublicIP) {
		return nil, fmt.Errorf("relay needs an address that endpoints reach, %v is none", cfg.PublicIP)
	}
	if cfg.MinPort == 0 || cfg.MaxPort < cfg.MinPort {
		return nil, errors.New("relay needs a range of ports")
	}
	cfg.BindIP = bindAll(cfg.BindIP, cfg.PublicIP)
	if cfg.Endpoint.Allocations == 0 {
		cfg.Endpoint.Allocations = MaxAllocations
	}
	r := &Relay{cfg: cfg, accounts: newAccounts(cfg.Endpoint, cfg.Site)}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	config := turn.ServerConfig{Realm: realm, LoggerFactory: quiet, AuthHandler: r.authenticate, QuotaHandler: r.quota,
		AllocationLifetime: allocationLifetime,
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(_, _ net.Addr, _, user, _ string, _ net.Addr, _ int) {
				r.accounts.count(idOf(user), 1, time.Now())
			},
			OnAllocationDeleted: func(_, _ net.Addr, _, user, _ string) {
				r.accounts.count(idOf(user), -1, time.Now())
			},
		}}
	for _, conn := range cfg.Conns {
		config.PacketConnConfigs = append(config.PacketConnConfigs, turn.PacketConnConfig{PacketConn: newReflector(conn),
			RelayAddressGenerator: r.generator(), PermissionHandler: r.permit})
	}
	for _, l := range cfg.Listeners {
		config.ListenerConfigs = append(config.ListenerConfigs, turn.ListenerConfig{Listener: netutil.LimitListener(l, maxConns),
			RelayAddressGenerator: r.generator(), PermissionHandler: r.permit})
	}
	server, err := turn.NewServer(config)
	if err != nil {
		return nil, fmt.Errorf("start relay: %w", err)
	}
	r.server = server
	return r, nil
}

// Run serves until ctx ends and then closes everything the relay was given.
func (r *Relay) Run(ctx context.Context) error {
	<-ctx.Done()
	if err := r.server.Close(); err != nil {
		return fmt.Errorf("close relay: %w", err)
	}
	return nil
}

// Stats returns what the relay did so far.
func (r *Relay) Stats() Stats {
	return Stats{Allocations: r.accounts.open(), Bytes: r.bytes.Load(), Refused: r.refused.Load(), Over: r.over.Load()}
}

// authenticate knows users by the TURN REST API: the name is "expiry:id", the
// password its HMAC-SHA1. The expiry counts for new allocations only: a link that
// stands is not cut because its credentials grew old.
func (r *Relay) authenticate(req *turn.RequestAttributes) (user string, key []byte, ok bool) {
	expiry, id, found := strings.Cut(req.Username, ":")
	end, err := strconv.ParseInt(expiry, 10, 64)
	if !found || err != nil || id == "" || len(req.Username) > maxUserBytes || r.denied(req.SrcAddr) {
		return "", nil, false
	}
	if req.Method == stun.MethodAllocate && time.Now().Unix() > end {
		return "", nil, false
	}
	mac := hmac.New(sha1.New, r.cfg.Secret)
	mac.Write([]byte(req.Username))
	password := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return id, turn.GenerateAuthKey(req.Username, req.Realm, password), true
}

// quota refuses an allocation to whoever has taken enough.
func (r *Relay) quota(name, _ string, _ net.Addr) bool {
	return r.accounts.mayAllocate(idOf(name), time.Now())
}

// idOf is who a user is: callbacks get the whole user name or the id in it.
func idOf(user string) string {
	if _, id, found := strings.Cut(user, ":"); found {
		return id
	}
	return user
}

// permit lets an allocation speak to the relay's own address only.
func (r *Relay) permit(_ net.Addr, peer net.IP) bool { return peer.Equal(r.cfg.PublicIP) }

func (r *Relay) generator() turn.RelayAddressGenerator {
	return generator{r, &turn.RelayAddressGeneratorPortRange{RelayAddress: r.cfg.PublicIP, Address: r.cfg.BindIP,
		MinPort: r.cfg.MinPort, MaxPort: r.cfg.MaxPort, Net: r.cfg.Net}}
}

// generator opens relayed ports that reach relayed ports only.
type generator struct {
	relay *Relay
	ports *turn.RelayAddressGeneratorPortRange
}

// Validate implements turn.RelayAddressGenerator.
func (g generator) Validate() error { return g.ports.Validate() }

// errTCP refuses allocations of TCP (RFC 6062). Nobody needs them, and what goes
// over a connection can't be fenced: any service beside the relay could be reached.
var errTCP = errors.New("only UDP is relayed")

// AllocateListener implements turn.RelayAddressGenerator.
func (generator) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errTCP
}

// AllocateConn implements turn.RelayAddressGenerator.
func (generator) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errTCP }

// AllocatePacketConn implements turn.RelayAddressGenerator.
func (g generator) AllocatePacketConn(conf turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	// One that was reserved beside an even one may lie beyond the last.
	if port := conf.RequestedPort; port != 0 && (port < int(g.ports.MinPort) || port > int(g.ports.MaxPort)) {
		return nil, nil, fmt.Errorf("port %d is not a relayed one", port)
	}
	conn, addr, err := g.ports.AllocatePacketConn(conf)
	if err != nil {
		return nil, nil, err
	}
	return fenced{conn, g.relay, idOf(conf.UserID)}, addr, nil
}

// fenced drops what is not for a relayed port, and what is beyond its user's quota. A
// permission names an address only, and other services may listen at the relay's.
type fenced struct {
	net.PacketConn
	relay *Relay
	user  string
}

func (f fenced) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	cfg := f.relay.cfg
	if !ok || !udp.IP.Equal(cfg.PublicIP) || udp.Port < int(cfg.MinPort) || udp.Port > int(cfg.MaxPort) {
		f.relay.refused.Add(1)
		return len(b), nil // as lost on the way
	}
	if !f.relay.accounts.charge(f.user, len(b), time.Now()) {
		f.relay.over.Add(1)
		return len(b), nil
	}
	f.relay.bytes.Add(int64(len(b)))
	return f.PacketConn.WriteTo(b, to)
}
