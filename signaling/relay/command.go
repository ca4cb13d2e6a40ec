package relay

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/listen"
	"github.com/sitecast/sitecast/signaling/units"
)

// Command is `sitecast relay`.
type Command struct {
	Listen     string   `help:"Address for UDP and TCP." required:"" placeholder:"ADDR" env:"SITECAST_RELAY_LISTEN"`
	PublicIP   []string `name:"public-ip" help:"Address at which endpoints reach the relay; repeated, one of IPv4 and one of IPv6, so that endpoints with only one of them meet." required:"" placeholder:"IP" env:"SITECAST_RELAY_PUBLIC_IP"`
	SecretFile string   `name:"secret-file" help:"File with the secret that the relay shares with the server." required:"" placeholder:"FILE" env:"SITECAST_RELAY_SECRET_FILE"`
	TLSCert    string   `name:"tls-cert" help:"Certificate chain, PEM: TLS is spoken on the same TCP port. It is read again for each connection." placeholder:"FILE" env:"SITECAST_TLS_CERT"`
	TLSKey     string   `name:"tls-key" help:"Its key." placeholder:"FILE" env:"SITECAST_TLS_KEY"`
	Ports      string   `help:"Ports to name allocations by; nothing listens there." default:"49160-49660" placeholder:"FROM-TO"`

	Deny []string `help:"Range of addresses that may not use the relay (repeatable)." placeholder:"CIDR"`

	EndpointAllocations int        `name:"endpoint-allocations" help:"Most allocations of one endpoint." default:"64" placeholder:"N"`
	SiteAllocations     int        `name:"site-allocations" help:"Most allocations of a site; 0: no bound." default:"0" placeholder:"N"`
	EndpointRate        units.Rate `name:"endpoint-rate" help:"Most that is relayed for one endpoint, as 20mbit; none: no bound." default:"none" placeholder:"RATE"`
	SiteRate            units.Rate `name:"site-rate" help:"Most that is relayed for a site." default:"none" placeholder:"RATE"`
	EndpointDay         units.Size `name:"endpoint-day" help:"Most that is relayed for one endpoint a day (UTC), as 10GB; none: no bound." default:"none" placeholder:"SIZE"`
	SiteDay             units.Size `name:"site-day" help:"Most that is relayed for a site a day." default:"none" placeholder:"SIZE"`

	LogLevel slog.Level `name:"log-level" help:"debug, info, warn or error." default:"info"`

	Stdout, Stderr io.Writer `kong:"-"` // nil: those of the process
}

// Help is the long help with an example.
func (Command) Help() string {
	return `Run a STUN and TURN relay on its own.

It carries links of endpoints that can't reach each other, over UDP and TCP on one
address, and TLS when given a certificate. Its users are those whose short-lived
credentials were made with the same secret: the server makes them for the endpoints
of sites that were told of the relay. Run at a site it is part of the LAN; through
one run centrally each byte crosses the site's WAN twice.

Examples:

  head -c 32 /dev/urandom | base64 > relay.secret
  sitecast relay --listen 0.0.0.0:3478 --public-ip 10.12.0.5 --secret-file relay.secret
  sitecast site set shop-12 --relay turn:10.12.0.5:3478 --relay-secret-file relay.secret

  sitecast relay --listen :3478 --public-ip 10.12.0.5 --public-ip fd00:12::5 --secret-file relay.secret
  sitecast site set shop-12 --relay turn:10.12.0.5:3478,[fd00:12::5]:3478 --relay-secret-file relay.secret`
}

// Validate refuses what can't be.
func (c Command) Validate() error {
	_, err := c.config(nil)
	return err
}

// config checks the flags.
func (c Command) config(secret []byte) (Config, error) {
	public, err := ParsePublic(c.PublicIP)
	if err != nil {
		return Config{}, fmt.Errorf("--public-ip: %w", err)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return Config{}, fmt.Errorf("--listen %s: %w", c.Listen, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return Config{}, errors.New("--tls-cert and --tls-key go together")
	}
	from, to, found := strings.Cut(c.Ports, "-")
	least, err := strconv.ParseUint(from, 10, 16)
	most, errTo := strconv.ParseUint(to, 10, 16)
	if !found || err != nil || errTo != nil || least == 0 || most < least {
		return Config{}, fmt.Errorf("--ports %q is no range such as 49160-49660", c.Ports)
	}
	deny, err := ParseDeny(c.Deny)
	if err != nil {
		return Config{}, fmt.Errorf("--deny: %w", err)
	}
	if c.EndpointAllocations < 1 || c.SiteAllocations < 0 {
		return Config{}, errors.New("--endpoint-allocations is at least 1, --site-allocations at least 0")
	}
	return Config{PublicIPs: public, MinPort: uint16(least), MaxPort: uint16(most), Secret: secret, Deny: deny,
		Endpoint: Quota{c.EndpointAllocations, max(c.EndpointRate.BytesPerSecond(), 0), int64(c.EndpointDay)},
		Site:     Quota{c.SiteAllocations, max(c.SiteRate.BytesPerSecond(), 0), int64(c.SiteDay)},
		Log:      slog.New(slog.NewTextHandler(cmp.Or[io.Writer](c.Stderr, os.Stderr), &slog.HandlerOptions{Level: c.LogLevel}))}, nil
}

// Run relays until ctx ends.
func (c Command) Run(ctx context.Context) error {
	secret, err := credential.ReadRelaySecret(c.SecretFile)
	if err != nil {
		return err
	}
	cfg, err := c.config(secret)
	if err != nil {
		return err
	}
	var config *tls.Config
	if c.TLSCert != "" {
		if _, err := c.certificate(); err != nil {
			return err
		}
		config = &tls.Config{MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.certificate() }}
	}
	if err := Open(&cfg, c.Listen, config); err != nil {
		return err
	}
	r, err := New(cfg)
	if err != nil {
		return errors.Join(err, closeAll(cfg))
	}
	how := "UDP, TCP"
	if config != nil {
		how += ", TLS"
	}
	fmt.Fprintf(cmp.Or[io.Writer](c.Stdout, os.Stdout), "Sitecast relays at %s (%s)\n\n  sitecast site set SITE --relay turn:%s --relay-secret-file %s\n\n",
		c.Listen, how, strings.Join(cfg.Reached(), ","), c.SecretFile)
	var telling sync.WaitGroup
	telling.Go(func() { r.tell(ctx) })
	defer telling.Wait()
	return r.Run(ctx)
}

// certificate reads the certificate for each connection, so that one that was renewed is
// used at once.
func (c Command) certificate() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	return &cert, nil
}

// socketBuffer is what a burst may fill, in bytes, while others have the processor.
const socketBuffer = 4 << 20

// Open listens on an address for UDP and TCP, and for TLS on the same TCP port with a
// config; the port is the same for all. A relay is of the kinds of its public addresses:
// all addresses are all of IPv4, all of IPv6, or both.
func Open(cfg *Config, address string, config *tls.Config) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen for STUN and TURN: %w", err)
	}
	if ip := net.ParseIP(host); len(cfg.PublicIPs) > 1 && ip != nil && !ip.IsUnspecified() {
		return fmt.Errorf("listen for STUN and TURN: %s is one kind of address, and the relay has a public one of each: listen on all with :%s", host, port)
	}
	for _, public := range cfg.PublicIPs {
		if port, err = cfg.open(public, host, port, config); err != nil {
			return errors.Join(err, closeAll(*cfg))
		}
	}
	return nil
}

// open listens for one kind of address, and returns the port.
func (c *Config) open(public net.IP, host, port string, config *tls.Config) (string, error) {
	kind := "4"
	if public.To4() == nil {
		kind = "6"
	}
	conn, err := net.ListenPacket("udp"+kind, net.JoinHostPort(bindAll(host, public), port))
	if err != nil {
		return "", fmt.Errorf("listen for STUN and TURN: %w", err)
	}
	if udp, ok := conn.(*net.UDPConn); ok { // a smaller buffer works, only less smoothly
		_, _ = udp.SetReadBuffer(socketBuffer), udp.SetWriteBuffer(socketBuffer)
	}
	c.Conns = append(c.Conns, conn)
	tcp, err := net.Listen("tcp"+kind, conn.LocalAddr().String())
	if err != nil {
		return "", fmt.Errorf("listen for TURN over TCP: %w", err)
	}
	if config != nil {
		tcp = listen.New(tcp, config, true)
	}
	c.Listeners = append(c.Listeners, tcp)
	return portOf(*c), nil
}

// Reached are the addresses, host and port, at which endpoints reach a relay that was
// opened.
func (c Config) Reached() (at []string) {
	for _, ip := range c.PublicIPs {
		at = append(at, net.JoinHostPort(ip.String(), portOf(c)))
	}
	return at
}

// bindAll is where to listen: on all addresses of the public one's kind, where no other
// is named.
func bindAll(host string, public net.IP) string {
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return host
	}
	if public.To4() == nil {
		return net.IPv6unspecified.String()
	}
	return net.IPv4zero.String()
}

func closeAll(cfg Config) error {
	var errs []error
	for _, c := range cfg.Conns {
		errs = append(errs, c.Close())
	}
	for _, l := range cfg.Listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

func portOf(cfg Config) string {
	_, port, _ := net.SplitHostPort(cfg.Conns[0].LocalAddr().String()) // as the kernel wrote it
	return port
}

// tellEvery is how often a relay says what it did.
const tellEvery = time.Minute

// tell logs what the relay did, when it did something.
func (r *Relay) tell(ctx context.Context) {
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for last := (Stats{}); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if now := r.Stats(); now != last {
			r.cfg.Log.Info("relayed", "allocations", now.Allocations, "bytes", now.Bytes-last.Bytes,
				"over_quota_packets", now.Over-last.Over, "refused_packets", now.Refused-last.Refused)
			last = now
		}
	}
}
