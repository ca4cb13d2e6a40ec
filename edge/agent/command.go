package agent

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sitecast/sitecast/edge/host"
	"github.com/sitecast/sitecast/edge/loopback"
	"github.com/sitecast/sitecast/edge/proxy"
	"github.com/sitecast/sitecast/edge/scrub"
	"github.com/sitecast/sitecast/edge/service"
	"github.com/sitecast/sitecast/signaling/wire"
)

// Command is `sitecast agent` without a further command, which runs it.
type Command struct {
	Server         string        `help:"URL of the server." required:"" env:"SITECAST_SERVER" placeholder:"URL"`
	EnrolTokenFile string        `help:"File with the enrolment token; of an enrolled endpoint, with another token to enrol again by where the server turned it away." env:"SITECAST_ENROL_TOKEN_FILE" placeholder:"FILE"`
	Data           string        `help:"Folder for identity, store and delivered content." required:"" type:"path" env:"SITECAST_DATA" placeholder:"DIR"`
	StatusListen   string        `help:"Address for GET /status, /metrics and, on this host only, /c/NAME/VERSION/PATH." env:"SITECAST_STATUS_LISTEN" placeholder:"ADDR"`
	AllowOrigin    []string      `help:"Web origin whose pages may read /c/, as https://till.example (repeatable)." env:"SITECAST_ALLOW_ORIGIN" placeholder:"ORIGIN"`
	RTCListen      string        `name:"rtc-listen" help:"UDP address for links to peers: :PORT for IPv4 and IPv6, 0.0.0.0:PORT for IPv4 alone." default:":0" env:"SITECAST_RTC_LISTEN" placeholder:"ADDR"`
	Name           string        `help:"Name shown to operators (default: the host name)." env:"SITECAST_NAME"`
	Cache          CacheFlags    `embed:"" prefix:"cache-"`
	StoreKey       StoreKey      `embed:""`
	Polite         bool          `help:"Let others have this computer first: idle classes of processor and disk, little while they wait for either, a slow scrub, and the limits below." default:"true" negatable:"" env:"SITECAST_POLITE"`
	Limits         LimitFlags    `embed:""`
	ScrubEvery     time.Duration `help:"How often stored content is checked for damage, while nothing else goes on; 0 for never." default:"168h" env:"SITECAST_SCRUB_EVERY" placeholder:"TIME"`
	OnComplete     []string      `help:"Command to run when a version of a content is complete and to be used, as NAME=COMMAND (repeatable)." sep:"none" env:"SITECAST_ON_COMPLETE" placeholder:"NAME=COMMAND"`
	OnCompleteTime time.Duration `help:"How long such a command may take." default:"10m" env:"SITECAST_ON_COMPLETE_TIME" placeholder:"TIME"`
	Proxy          string        `help:"HTTP proxy to go through, as http://USER:PASSWORD@HOST:PORT, or none (default: what HTTPS_PROXY and NO_PROXY say)." env:"SITECAST_PROXY" placeholder:"URL"`
	CAFile         string        `name:"ca-file" help:"Authorities (PEM) to trust besides the server's own key, where the network opens TLS." env:"SITECAST_CA_FILE" placeholder:"FILE"`
	InsecureHTTP   bool          `name:"insecure-http" help:"Allow plain http to a server that is not on loopback." env:"SITECAST_INSECURE_HTTP"`
	LogLevel       string        `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"SITECAST_LOG_LEVEL"`
	LogFormat      string        `help:"text or json." enum:"text,json" default:"text" env:"SITECAST_LOG_FORMAT"`
	DebugListen    string        `help:"Address on loopback for profiles of the process, as 127.0.0.1:6060 (default: none)." env:"SITECAST_DEBUG_LISTEN" placeholder:"ADDR"`
}

// Help is the long help with an example.
func (Command) Help() string {
	return `The agent enrols once with the token, then runs until stopped. Complete content
appears at DATA/content/NAME/VERSION.

A version that a newer one superseded stays, because most of the next lies in it,
until it expires (--cache-idle, --cache-age) or the disk needs the room
(--cache-floor, --cache-quota). What a distribution wants and the last good version
are never evicted. GET /status says of each version why it is there, or went.

With a key (--store-key-file, or the systemd credential sitecast-store-key) the store
is encrypted: who steals the disk reads no content and no file name. Programs of this
host then get files from the running agent, at http://ADDR/c/NAME/VERSION/PATH of
--status-listen, and not from DATA/content. A key is for a new folder; lost, all
content is fetched again. Keep the key off the disk:
  openssl rand -out key 32
  systemd-creds encrypt --with-key=tpm2 --name=sitecast-store-key key /etc/credstore.encrypted/sitecast-store-key
  shred -u key     # and in the agent's unit: LoadCredentialEncrypted=sitecast-store-key

The computer is also somebody else's: the agent gets what the others leave of the
processor, its I/O is of the idle class (Linux with the schedulers bfq or
mq-deadline, and Windows), next to nothing of it goes while others wait for either
(where Linux accounts pressure), and what it wrote or read leaves the memory of the
system again. On a metered network, in a tunnel and on a low battery it leaves
fetching to others, and it moves less while somebody works. Flows of high priority
go past all that but what costs money: metered networks and --wan-allowance. What
holds now is in GET /status, in sitecast endpoints --json, and in the reason of a flow
that it holds up. Stored content is checked once a week, and what decayed is fetched
again. --no-polite is for computers that do nothing else.

A command of --on-complete runs in the system's shell, once for each version, with
SITECAST_CONTENT, SITECAST_VERSION, SITECAST_PATH (unless the store is encrypted) and
SITECAST_URL (with --status-listen) in its environment. What it prints is in the
agent's log. One that was cut short, as by a power cut, runs again.

Example:
  sitecast enrol --site shop-12 > token
  sitecast agent --server https://sitecast.example:8443 --enrol-token-file token --data /var/lib/sitecast`
}

// Run runs the agent until ctx ends.
func (c Command) Run(ctx context.Context) error { return service.Attend(ctx, c.Data, c.attended) }

func (c Command) attended(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	if cfg.Polite {
		if err := host.IdleIO(); err != nil { // a sandbox may forbid it
			cfg.Log.Warn("the disk does not know that this can wait", "err", err)
		}
		if err := host.IdleCPU(); err != nil {
			cfg.Log.Warn("the processor does not know that this can wait", "err", err)
		}
	}
	return Run(ctx, cfg)
}

// Kiosk is what an agent is made of that delivers to a kiosk, which is shown from the disk.
func (c Command) Kiosk() (Config, error) {
	cfg, err := c.config()
	if err != nil {
		return Config{}, err
	}
	if cfg.StoreKey != nil {
		return Config{}, errors.New("a kiosk shows what is on its disk, which can't be encrypted with --store-key-file: encrypt the disk instead")
	}
	cfg.Device = wire.DeviceKiosk
	// It is nobody's desktop, and often behind a tunnel for good: it has the limits that are given.
	if cfg.Limits, err = c.Limits.limits(false); err != nil {
		return Config{}, err
	}
	cfg.Cache, err = c.Cache.policy(cfg.Device)
	return cfg, err
}

func (c Command) config() (Config, error) {
	server, err := parseServer(c.Server, c.InsecureHTTP)
	if err != nil {
		return Config{}, err
	}
	dial, err := proxy.New(c.Proxy, direct)
	if err != nil {
		return Config{}, fmt.Errorf("--proxy: %w", err)
	}
	authorities, err := readAuthorities(c.CAFile)
	if err != nil {
		return Config{}, fmt.Errorf("--ca-file: %w", err)
	}
	log, err := newLog(os.Stderr, c.LogLevel, c.LogFormat)
	if err != nil {
		return Config{}, err
	}
	if err := checkDebug(c.DebugListen); err != nil {
		return Config{}, err
	}
	name := c.Name
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return Config{}, fmt.Errorf("find the host name (or give one with --name): %w", err)
		}
	}
	// Said now, because the server would refuse every attempt to connect.
	if err := (wire.Hello{Version: wire.Version, Name: name}).Check(); err != nil {
		return Config{}, fmt.Errorf("--name: %w", err)
	}
	key, err := c.StoreKey.read()
	if err != nil {
		return Config{}, err
	}
	for _, origin := range c.AllowOrigin {
		if err := loopback.CheckOrigin(origin); err != nil {
			return Config{}, fmt.Errorf("--allow-origin: %w", err)
		}
	}
	policy, err := c.Cache.policy(wire.DeviceAgent)
	if err != nil {
		return Config{}, err
	}
	limits, err := c.Limits.limits(c.Polite)
	if err != nil {
		return Config{}, err
	}
	commands, err := parseOnComplete(c.OnComplete, c.OnCompleteTime)
	if err != nil {
		return Config{}, err
	}
	check := scrub.DefaultPolicy()
	check.Every = c.ScrubEvery
	if !c.Polite {
		check.Rate = 0
	}
	if err := check.Check(); err != nil {
		return Config{}, fmt.Errorf("--scrub-every: %w", err)
	}
	return Config{
		Polite: c.Polite, Limits: limits, OnComplete: commands, Scrub: check,
		Server: server, Authorities: authorities, Dial: dial, Data: c.Data, Name: name, Device: wire.DeviceAgent,
		RTCListen: c.RTCListen, StatusListen: c.StatusListen, AllowOrigins: c.AllowOrigin, Cache: policy, StoreKey: key,
		EnrolToken: func() (string, error) { return readToken(c.EnrolTokenFile) },
		Log:        log, DebugListen: c.DebugListen,
	}, nil
}

// direct opens connections on the host's network.
var direct = (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 15 * time.Second}).DialContext

// readAuthorities reads certificates to trust; nil without a file.
func readAuthorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("there is no certificate in %s; it has to be PEM", file)
	}
	return pool, nil
}

// readToken reads the enrolment token. It is asked for only when needed, so the
// file may be gone once the endpoint is enrolled.
func readToken(path string) (string, error) {
	if path == "" {
		return "", errors.New("this endpoint is not enrolled: make a token with `sitecast enrol --site NAME` and pass it with --enrol-token-file")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the enrolment token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// parseServer checks the server's URL; plain http needs loopback or consent.
func parseServer(text string, insecure bool) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("--server %q is not a URL such as https://sitecast.example:8443", text)
	}
	if u.Scheme == "http" && !insecure && !loopback.Is(u.Hostname()) {
		return nil, fmt.Errorf("--server %s is plain http and not on loopback: use https, or --insecure-http if something else protects the path", text)
	}
	return u, nil
}
