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
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
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
	PublicIPs []net.IP         // as endpoints reach it: one, or one of IPv4 and one of IPv6
	// MinPort to MaxPort are the relayed ports. They are names within the relay, and
	// nothing listens there.
	MinPort, MaxPort uint16
	Secret           []byte // shared with whoever makes credentials
	// Endpoint and Site are what one endpoint, and all of a site, may take.
	Endpoint, Site Quota
	Deny           []netip.Prefix // canonical, see [ParseDeny]: who may not use the relay
	// Revoked reports whether a user, as in credentials behind their expiry, may use the
	// relay no more, whatever he shows; nil: nobody is.
	Revoked func(user string) bool
	Log     *slog.Logger
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
	ports    *ports

	bytes, refused, over atomic.Int64
}

// New begins to serve. Run must follow.
func New(cfg Config) (*Relay, error) {
	if err := cfg.checkPublic(); err != nil {
		return nil, err
	}
	if cfg.MinPort == 0 || cfg.MaxPort < cfg.MinPort {
		return nil, errors.New("relay needs a range of ports")
	}
	if cfg.Endpoint.Allocations == 0 {
		cfg.Endpoint.Allocations = MaxAllocations
	}
	if len(cfg.Conns)+len(cfg.Listeners) == 0 {
		return nil, errors.New("relay needs a socket")
	}
	r := &Relay{cfg: cfg, accounts: newAccounts(cfg.Endpoint, cfg.Site)}
	r.ports = newPorts(r)
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	config := turn.ServerConfig{Realm: realm, LoggerFactory: quiet, AuthHandler: r.authenticate, QuotaHandler: r.quota,
		AllocationLifetime: allocationLifetime,
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(client, local net.Addr, _, user, _ string, relayed net.Addr, _ int) {
				r.accounts.count(idOf(user), 1, time.Now())
				r.ports.owned(relayed, client, local, r.accounts.payers(idOf(user)))
			},
			OnAllocationDeleted: func(_, _ net.Addr, _, user, _ string) {
				r.accounts.count(idOf(user), -1, time.Now())
			},
			OnChannelCreated: func(_, _ net.Addr, _, _, _ string, relayed, peer net.Addr, number uint16) {
				r.ports.bind(relayed, peer, number)
			},
			OnChannelDeleted: func(_, _ net.Addr, _, _, _ string, relayed, _ net.Addr, number uint16) {
				r.ports.unbind(relayed, number)
			},
		}}
	for _, conn := range cfg.Conns {
		config.PacketConnConfigs = append(config.PacketConnConfigs, turn.PacketConnConfig{PacketConn: newReflector(conn, r.ports),
			RelayAddressGenerator: generator{r.ports, conn}, PermissionHandler: r.permit})
	}
	for _, l := range cfg.Listeners {
		config.ListenerConfigs = append(config.ListenerConfigs, turn.ListenerConfig{Listener: netutil.LimitListener(newStreams(l, r.ports), maxConns),
			RelayAddressGenerator: generator{ports: r.ports}, PermissionHandler: r.permit})
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
	if !found || err != nil || id == "" || len(req.Username) > maxUserBytes || r.denied(req.SrcAddr) ||
		r.cfg.Revoked != nil && r.cfg.Revoked(id) {
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

// permit lets an allocation speak to the relay's own addresses only.
func (r *Relay) permit(_ net.Addr, peer net.IP) bool {
	return slices.ContainsFunc(r.cfg.PublicIPs, peer.Equal)
}
