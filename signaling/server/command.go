package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/sitecast/sitecast/signaling/credential"
	"github.com/sitecast/sitecast/signaling/relay"
)

// Command is `sitecast server`.
type Command struct {
	Data         string `help:"Folder for everything the server keeps." required:"" type:"path" env:"SITECAST_DATA" placeholder:"DIR"`
	Listen       string `help:"Address of API, signaling, packs and portal." default:"127.0.0.1:8080" env:"SITECAST_LISTEN" placeholder:"ADDR"`
	PublicURL    string `name:"public-url" help:"URL at which endpoints reach the server (default: made from --listen)." env:"SITECAST_PUBLIC_URL" placeholder:"URL"`
	Database     string `help:"Where the catalog is kept: sqlite (in --data)." default:"sqlite" env:"SITECAST_DATABASE"`
	Bus          string `help:"Message bus between several servers; none: one server." env:"SITECAST_BUS" placeholder:"URL"`
	Packs        string `help:"Folder for the origin's objects (default: packs in --data)." env:"SITECAST_PACKS" placeholder:"DIR"`
	TURNListen   string `name:"turn-listen" help:"UDP address of the embedded STUN and TURN relay, or none (default: port 3478 of --listen's host)." env:"SITECAST_TURN_LISTEN" placeholder:"ADDR"`
	TURNPublicIP string `name:"turn-public-ip" help:"Address at which endpoints reach the relay (default: the host it listens on)." env:"SITECAST_TURN_PUBLIC_IP" placeholder:"IP"`
	TLSCert      string `name:"tls-cert" help:"Certificate chain, PEM; loaded again when it changes." type:"path" env:"SITECAST_TLS_CERT" placeholder:"FILE"`
	TLSKey       string `name:"tls-key" help:"Its key." type:"path" env:"SITECAST_TLS_KEY" placeholder:"FILE"`
	InsecureHTTP bool   `name:"insecure-http" help:"Accept plain http from other machines too, because something else protects the path." env:"SITECAST_INSECURE_HTTP"`
	LogLevel     string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"SITECAST_LOG_LEVEL"`
}

// Help is the long help with an example.
func (Command) Help() string {
	return `The first start makes everything it needs in --data: the database, the organisation's root key, a private CA
(unless --tls-cert names a certificate) and admin.token, an API token with role admin.

Example:
  sitecast server --data /var/lib/sitecast --listen 0.0.0.0:8443 --public-url https://sitecast.example:8443`
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
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if cfg.Relay, cfg.RelayAddr, err = c.relay(cfg); err != nil {
		return err
	}
	s, err := New(ctx, cfg)
	if err != nil {
		return err
	}
	c.greet(s)
	return s.Run(ctx)
}

// config checks the flags.
func (c Command) config() (Config, error) {
	if c.Database != "sqlite" {
		return Config{}, fmt.Errorf("--database %s: this release keeps its catalog in sqlite only", c.Database)
	}
	if c.Bus != "" {
		return Config{}, errors.New("--bus: this release runs as one server and needs none")
	}
	if strings.Contains(c.Packs, "://") {
		return Config{}, fmt.Errorf("--packs %s: this release keeps packs in a folder only", c.Packs)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return Config{}, errors.New("--tls-cert and --tls-key go together")
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return Config{}, fmt.Errorf("--log-level: %w", err)
	}
	cfg := Config{Data: c.Data, Packs: c.Packs, Listen: c.Listen, TLSCert: c.TLSCert, TLSKey: c.TLSKey, InsecureHTTP: c.InsecureHTTP,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
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

// relay opens the embedded relay's socket, unless there shall be none.
func (c Command) relay(cfg Config) (*relay.Config, string, error) {
	listen := c.TURNListen
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, "", fmt.Errorf("--listen %s: %w", c.Listen, err)
	}
	switch listen {
	case "none":
		return nil, "", nil
	case "":
		listen = net.JoinHostPort(host, turnPort)
	}
	bind, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, "", fmt.Errorf("--turn-listen %s: %w", listen, err)
	}
	public := net.ParseIP(c.TURNPublicIP)
	if public == nil {
		public = net.ParseIP(bind)
	}
	if public == nil || public.IsUnspecified() {
		if c.TURNListen == "" {
			return nil, "", nil // nobody asked for a relay, and its address is not known
		}
		return nil, "", errors.New("--turn-listen on all addresses needs --turn-public-ip, the one endpoints reach")
	}
	conn, err := net.ListenPacket("udp4", listen)
	if err != nil {
		return nil, "", fmt.Errorf("listen for STUN and TURN (choose another --turn-listen, or none): %w", err)
	}
	keys, _, err := credential.OpenKeys(cfg.Data)
	if err != nil {
		return nil, "", errors.Join(err, conn.Close())
	}
	return &relay.Config{Conns: []net.PacketConn{conn}, PublicIP: public, BindIP: bind, MinPort: relayMinPort,
		MaxPort: relayMaxPort, Secret: keys.TURNSecret(), Log: cfg.Log}, net.JoinHostPort(public.String(), port), nil
}

// greet says what a newcomer needs next.
func (c Command) greet(s *Server) {
	ca := ""
	if c.TLSCert == "" {
		ca = "\n  export SITECAST_CA_FILE=" + filepath.Join(c.Data, "ca.pem")
	}
	where := "https://" + s.Addr().String()
	if s.cfg.PublicURL != nil {
		where = s.cfg.PublicURL.String()
	}
	fmt.Printf(`Sitecast runs at %s

  export SITECAST_SERVER=%s
  export SITECAST_TOKEN_FILE=%s%s
  sitecast site create shop-1
  sitecast enrol --site shop-1 > shop-1.token          # then, on each endpoint of the shop:
  sitecast agent --server %s --enrol-token-file shop-1.token --data ./agent
  sitecast publish ./my-app --name my-app --version 1
  sitecast distribute my-app@1 --site shop-1 --wait

`, where, where, filepath.Join(c.Data, adminTokenFile), ca, where)
}
