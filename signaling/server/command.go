package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sitecast/sitecast/signaling/api"
	"github.com/sitecast/sitecast/signaling/relay"
	"github.com/sitecast/sitecast/signaling/site"
	"github.com/sitecast/sitecast/signaling/wire"
	"github.com/sitecast/sitecast/storage/blob/s3"
	"github.com/sitecast/sitecast/storage/catalog"
)

// Command is `sitecast server` without a further command, which runs it.
type Command struct {
	Data         string    `help:"Folder for everything the server keeps." required:"" type:"path" env:"SITECAST_DATA" placeholder:"DIR"`
	Listen       string    `help:"Address of API, signaling, packs and portal." default:"127.0.0.1:8080" env:"SITECAST_LISTEN" placeholder:"ADDR"`
	PublicURL    string    `name:"public-url" help:"URL at which endpoints reach the server (default: made from --listen)." env:"SITECAST_PUBLIC_URL" placeholder:"URL"`
	Database     string    `help:"Where the catalog is kept: sqlite (in --data), or the URL of a PostgreSQL database." default:"sqlite" env:"SITECAST_DATABASE" placeholder:"URL"`
	Bus          string    `help:"Message bus between several servers; none: one server." env:"SITECAST_BUS" placeholder:"URL"`
	Packs        string    `help:"Folder for the origin's objects (default: packs in --data), or a bucket, as s3://BUCKET/PREFIX?endpoint=URL." env:"SITECAST_PACKS" placeholder:"DIR|S3"`
	TURNListen   string    `name:"turn-listen" help:"UDP and TCP address of the embedded STUN and TURN relay, or none (default: port 3478 of --listen's host)." env:"SITECAST_TURN_LISTEN" placeholder:"ADDR"`
	TURNPublicIP []string  `name:"turn-public-ip" help:"Address at which endpoints reach the relay (default: the host it listens on); repeated, one of IPv4 and one of IPv6." env:"SITECAST_TURN_PUBLIC_IP" placeholder:"IP"`
	TLSCert      string    `name:"tls-cert" help:"Certificate chain, PEM; loaded again when it changes." type:"path" env:"SITECAST_TLS_CERT" placeholder:"FILE"`
	TLSKey       string    `name:"tls-key" help:"Its key." type:"path" env:"SITECAST_TLS_KEY" placeholder:"FILE"`
	Fetchers     int       `help:"How many endpoints of a site fetch from the origin at once. More than 1 only where one connection can't fill the line." default:"1" env:"SITECAST_FETCHERS" placeholder:"N"`
	Reflector    []string  `help:"Further address that answers STUN, beyond the endpoints' line, to measure it with (repeatable)." env:"SITECAST_REFLECTOR" placeholder:"HOST:PORT"`
	OIDC         OIDCFlags `embed:"" prefix:"oidc-"`
	APIRate      int       `name:"api-rate" help:"Requests a second that one API token may read with; half as many may change something, five times as many may come from one address. 0: no limit." default:"100" env:"SITECAST_API_RATE" placeholder:"N"`
	Standby      bool      `help:"Wait while another server has the catalog, and take over when it ends." env:"SITECAST_STANDBY"`
	InsecureHTTP bool      `name:"insecure-http" help:"Accept plain http from other machines too, because something else protects the path." env:"SITECAST_INSECURE_HTTP"`
	LogLevel     string    `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"SITECAST_LOG_LEVEL"`
	LogFormat    string    `help:"text or json." enum:"text,json" default:"text" env:"SITECAST_LOG_FORMAT"`
	DebugListen  string    `help:"Address for profiles of the process, as 127.0.0.1:6060, for this host and for admins with a token (default: none)." env:"SITECAST_DEBUG_LISTEN" placeholder:"ADDR"`
	History      string    `help:"Most disk space in --data for what the portal can look back at, 24 hours of it; 0: none is kept." default:"1GB" env:"SITECAST_HISTORY" placeholder:"SIZE"`
	MetricsSites int       `help:"How many sites have metrics of their own: those with the most bytes." default:"0" env:"SITECAST_METRICS_SITES" placeholder:"N"`

	PrivateVendors bool `name:"private-vendors" help:"Accept vendors' URLs on loopback and private addresses, such as those of a mirror of your own." env:"SITECAST_PRIVATE_VENDORS"`

	Stdout io.Writer `kong:"-"` // nil: the process's
	Stderr io.Writer `kong:"-"` // for the log
}

// Help is the long help with an example.
func (Command) Help() string {
	return `The first start makes everything it needs in --data: the database, the organisation's root key, a private CA
(unless --tls-cert names a certificate) and admin.token, an API token with role admin. While there is no account, each
start prints a link by which somebody makes the first one.

With --oidc-issuer people log in at a provider of OpenID Connect. Register PUBLIC-URL/oidc/callback there. What they may do
follows from a claim: who has several of its values has the highest role that one gives, at the sites for which one does.

With --packs s3://BUCKET/PREFIX?endpoint=URL&region=NAME the packs are kept in a bucket (Amazon's without endpoint), and
endpoints fetch them there, with addresses that are good for one range and a few minutes. serve=server has them fetch
through this server instead, where they can't reach the bucket; public=URL is the bucket's service as they reach it, if it
is another address. The key comes from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the file that
AWS_SHARED_CREDENTIALS_FILE names.

A database on PostgreSQL is named by --database or SITECAST_DATABASE. Keep its password out of both, where others
see it: in PGPASSWORD or the file ~/.pgpass. Unless sslmode says otherwise the database has to show a certificate of
its name (its authority's file: sslrootcert=FILE).

With --standby a second server of the same catalog waits while the first one has it: /readyz and all else answer 503
standby. It takes over when the first one ends, however it does. Its --data needs the keys of the first one's (root.pub,
root.key, token.key, url.key, turn.key, ca.pem, ca.key), and --packs the same folder or bucket. Without --standby a second
server is refused.

The portal can look back at the last 24 hours: what it showed is written down in --data every 10 s, and less often where more
changes than --history has room for.

Examples:
  sitecast server --data /var/lib/sitecast --listen 0.0.0.0:8443 --public-url https://sitecast.example:8443
  sitecast server --data /var/lib/sitecast --database postgres://sitecast@db.example/sitecast --standby \
    --listen 0.0.0.0:8443 --public-url https://sitecast.example:8443 --packs s3://packs/sitecast
  sitecast server --data /var/lib/sitecast --database postgres://sitecast@db.example/sitecast --listen 0.0.0.0:8443
  sitecast server --data /var/lib/sitecast --listen 0.0.0.0:8443 --public-url https://sitecast.example:8443 \
    --oidc-issuer https://id.example --oidc-client-id sitecast --oidc-client-secret-file /etc/sitecast/oidc \
    --oidc-role sitecast-admins=admin --oidc-role shop-12-team=operator:shop-12
  sitecast server --data /var/lib/sitecast --listen 0.0.0.0:8443 --public-url https://sitecast.example:8443 --history 4GB`
}

// Ports of the embedded relay.
const (
	turnPort     = "3478"
	relayMinPort = 49160
	relayMaxPort = 49660
)

// Run runs the server until ctx ends.
func (c Command) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	at, err := c.relayAt()
	if err != nil {
		return err
	}
	if c.Standby {
		cfg.Catalog, err = standBy(ctx, cfg)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // it was stopped before its turn came
		}
		if err != nil {
			return err
		}
	}
	if at != nil {
		if err := at.open(&cfg); err != nil {
			if cfg.Catalog != nil {
				err = errors.Join(err, cfg.Catalog.Close())
			}
			return err
		}
	}
	s, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	link, err := s.FirstLink(ctx)
	if err != nil {
		cfg.Log.Warn("no link to the first account (sitecast operator invite makes one)", "err", err)
	}
	c.greet(s, link)
	return s.Run(ctx)
}

// config checks the flags.
func (c Command) config() (Config, error) {
	if err := checkDatabase(c.Database); err != nil {
		return Config{}, err
	}
	if c.Bus != "" {
		return Config{}, errors.New("--bus: this release runs as one server and needs none")
	}
	if inBucket(c.Packs) {
		if _, err := s3.ParseLocation(c.Packs, c.InsecureHTTP); err != nil {
			return Config{}, fmt.Errorf("--packs: %w", err)
		}
	} else if scheme, _, other := strings.Cut(c.Packs, "://"); other {
		return Config{}, fmt.Errorf("--packs %s://: packs are kept in a folder, or in a bucket (s3://BUCKET/PREFIX?endpoint=URL)", scheme)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return Config{}, errors.New("--tls-cert and --tls-key go together")
	}
	if c.Fetchers < 0 || c.Fetchers > site.MaxFetchers {
		return Config{}, fmt.Errorf("--fetchers %d: give 1 to %d", c.Fetchers, site.MaxFetchers)
	}
	if c.APIRate < 0 {
		return Config{}, fmt.Errorf("--api-rate %d: give a number of requests a second, or 0 for no limit", c.APIRate)
	}
	if len(c.Reflector) > wire.MaxReflectors {
		return Config{}, fmt.Errorf("--reflector: give at most %d", wire.MaxReflectors)
	}
	for _, r := range c.Reflector {
		if host, port, err := net.SplitHostPort(r); err != nil || host == "" || port == "" {
			return Config{}, fmt.Errorf("--reflector %q is not an address such as stun.example:3478", r)
		}
	}
	log, err := newLog(cmp.Or[io.Writer](c.Stderr, os.Stderr), c.LogLevel, c.LogFormat)
	if err != nil {
		return Config{}, err
	}
	if c.MetricsSites < 0 || c.MetricsSites > MaxMetricsSites {
		return Config{}, fmt.Errorf("--metrics-sites %d: give 0 to %d; all sites are in sitecast report and the API", c.MetricsSites, MaxMetricsSites)
	}
	past, err := historyBytes(c.History)
	if err != nil {
		return Config{}, err
	}
	provider, err := c.OIDC.config()
	if err != nil {
		return Config{}, err
	}
	cfg := Config{OIDC: provider, Data: c.Data, Database: c.Database, Packs: c.Packs, Listen: c.Listen, TLSCert: c.TLSCert, TLSKey: c.TLSKey, InsecureHTTP: c.InsecureHTTP, Fetchers: c.Fetchers, Reflectors: c.Reflector, Limits: api.LimitsOf(c.APIRate),
		PrivateVendors: c.PrivateVendors, DebugListen: c.DebugListen, MetricsSites: c.MetricsSites, History: past, Log: log}
	if cfg.Packs == "" {
		cfg.Packs = filepath.Join(c.Data, "packs")
	}
	if c.PublicURL == "" {
		return cfg, nil
	}
	public, err := url.Parse(c.PublicURL)
	if err != nil || public.Host == "" || public.Scheme != "https" && public.Scheme != "http" {
		return Config{}, fmt.Errorf("--public-url %q is not a URL such as https://sitecast.example:8443", c.PublicURL)
	}
	cfg.PublicURL = public
	return cfg, nil
}

// relayAddress is where the embedded relay listens, and is reached.
type relayAddress struct {
	listen string
	public []net.IP
}

// relayAt checks the flags about the relay; nil when there shall be none.
func (c Command) relayAt() (*relayAddress, error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", c.Listen, err)
	}
	at := &relayAddress{listen: c.TURNListen}
	switch c.TURNListen {
	case "none":
		return nil, nil
	case "":
		at.listen = net.JoinHostPort(host, turnPort)
	}
	bind, _, err := net.SplitHostPort(at.listen)
	if err != nil {
		return nil, fmt.Errorf("--turn-listen %s: %w", at.listen, err)
	}
	if len(c.TURNPublicIP) > 0 {
		if at.public, err = relay.ParsePublic(c.TURNPublicIP); err != nil {
			return nil, fmt.Errorf("--turn-public-ip: %w", err)
		}
		return at, nil
	}
	ip := net.ParseIP(bind)
	switch {
	case ip != nil && !ip.IsUnspecified():
		at.public = []net.IP{ip}
		return at, nil
	case c.TURNListen == "":
		return nil, nil // nobody asked for a relay, and its address is not known
	}
	return nil, errors.New("--turn-listen on all addresses, or on a name, needs --turn-public-ip, the address that endpoints reach")
}

// open opens the relay's sockets; TLS is added when there is a certificate.
func (a *relayAddress) open(cfg *Config) error {
	cfg.Relay = &relay.Config{PublicIPs: a.public, MinPort: relayMinPort, MaxPort: relayMaxPort, Log: cfg.Log}
	if err := relay.Open(cfg.Relay, a.listen, nil); err != nil {
		return fmt.Errorf("%w (choose another --turn-listen, or none)", err)
	}
	cfg.RelayAddrs = cfg.Relay.Reached()
	return nil
}

// greet says what a newcomer needs next.
func (c Command) greet(s *Server, link string) {
	ca := ""
	if c.TLSCert == "" {
		ca = "\n  export SITECAST_CA_FILE=" + filepath.Join(c.Data, "ca.pem")
	}
	where := s.publicURL().String()
	fmt.Fprintf(cmp.Or[io.Writer](c.Stdout, os.Stdout), `Sitecast runs at %s

  export SITECAST_SERVER=%s
  export SITECAST_TOKEN_FILE=%s%s
  sitecast site create shop-1
  sitecast enrol --site shop-1 > shop-1.token          # then, on each endpoint of the shop:
  sitecast agent --server %s --enrol-token-file shop-1.token --data ./agent
  sitecast publish ./my-app --name my-app --version 1
  sitecast distribute my-app@1 --site shop-1 --wait

`, where, where, filepath.Join(c.Data, adminTokenFile), ca, where)
	if link != "" {
		fmt.Fprintf(cmp.Or[io.Writer](c.Stdout, os.Stdout), "Make the first account, within %d hours (the link is good for one):\n  %s\n\n", catalog.InviteLife/time.Hour, link)
	}
}

// reachable is the address under which this machine reaches a listener: one on all
// addresses has none of its own, and the certificate is for 127.0.0.1.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
